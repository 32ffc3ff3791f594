"""
Pairs of prompts for semantic look-up: traps, which must not share an answer, and paraphrases, which may.

Our own sentences, published so that others can measure their caches with them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PAIRS", "PARAPHRASES", "TRAPS", "Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prompts; `kind` says how they differ, "paraphrase" that they ask the same."""

    kind: str
    old: str
    new: str


_TRAPS = {
    "number": """
Summarize this article in 3 bullets. | Summarize this article in 5 bullets.
Is 10 USD enough for lunch in Lisbon? | Is 100 USD enough for lunch in Lisbon?
What changed in Python 3.11? | What changed in Python 3.12?
Draft a reminder for the meeting at 9:30. | Draft a reminder for the meeting at 19:30.
Give me a five-day plan for Rome. | Give me a seven-day plan for Rome.
Explain the second law of thermodynamics. | Explain the first law of thermodynamics.
What is 15% of 240? | What is 50% of 240?
Convert 1,500 grams to pounds. | Convert 1.5 grams to pounds.
How many people lived there in 1950? | How many people lived there in 1590?
What does HTTP status 401 mean? | What does HTTP status 403 mean?
""",
    "id": """
Where is order 48213? | Where is order 48231?
Translate "good morning" into Danish. | Translate "good evening" into Danish.
Why does parse_header() fail? | Why does parse_footer() fail?
What is the capital of France? | What is the capital of Spain?
Summarize report-final.pdf for me. | Summarize report-draft.pdf for me.
Write a mail to anna@example.com about the delay. | Write a mail to jonas@example.com about the delay.
How do I read a file in Rust? | How do I read a file in Ruby?
Who founded Siemens? | Who founded Bosch?
How do I use C# with SQLite? | How do I use C++ with SQLite?
What does the EU say about cookies? | What does the US say about cookies?
""",
    "negation": """
Which fruits contain seeds? | Which fruits do not contain seeds?
Write the answer with comments. | Write the answer without comments.
Is it safe to take these two together? | Is it never safe to take these two together?
Why should we migrate now? | Why shouldn't we migrate now?
List cities that have a metro. | List cities that have no metro.
Explain why the sky is blue. | Explain why the sky is not blue.
Use tables in your answer. | Avoid tables in your answer.
Which of these can a dog eat? | Which of these can't a dog eat?
""",
    "opposite": """
What are the benefits of prompt caching? | What are the drawbacks of prompt caching?
How do I enable two-factor login? | How do I disable two-factor login?
Sort the list in ascending order. | Sort the list in descending order.
How can a small shop increase its prices? | How can a small shop lower its prices?
What happens before the engine starts? | What happens after the engine starts?
Argue for a longer school day. | Argue for a shorter school day.
How do I encrypt this folder? | How do I decrypt this folder?
What is the cheapest way to send it? | What is the cheapest way to receive it?
Name the largest lake of the country. | Name the smallest lake of the country.
Write a formal apology. | Write an informal apology.
""",
    "order": """
Convert USD to EUR. | Convert EUR to USD.
Translate this from Dutch to Polish. | Translate this from Polish to Dutch.
Did the cat chase the dog? | Did the dog chase the cat?
Rename column a to column b. | Rename column b to column a.
Is tea better than coffee for sleep? | Is coffee better than tea for sleep?
Move the files from old to new. | Move the files from new to old.
""",
    "unit": """
What was the weather like yesterday? | What will the weather be like tomorrow?
How far is that in miles? | How far is that in kilometers?
Write one sentence about owls. | Write one paragraph about owls.
Give me the weekly totals. | Give me the monthly totals.
Set the oven for Celsius. | Set the oven for Fahrenheit.
Is the museum open on Monday? | Is the museum open on Sunday?
""",
    "topic": """
How do I freeze bread? | How do I freeze soup?
Write a poem about the sea. | Write a poem about the moon.
What does a violin cost? | What does a piano cost?
How do bees find their way home? | How do pigeons find their way home?
Explain closures in plain words. | Explain generators in plain words.
What is a good name for a bakery? | What is a good name for a brewery?
""",
}
_PARAPHRASES = """
How do I reset my password? | What is the way to reset my password?
How do I reset my password? | I forgot my password, how can I reset it?
What is the capital of France? | Which city is the capital of France?
Explain prompt caching in two sentences. | In two sentences, explain prompt caching.
How long should I boil an egg? | For how long should an egg be boiled?
Please summarize the text above. | Could you summarize the text above?
Why is the sky blue? | What makes the sky blue?
How do I undo the last commit in git? | How can I revert the last commit in git?
List three causes of inflation. | Name three causes of inflation.
Write a short poem about autumn. | Compose a short poem about autumn.
What does this error mean? | What is the meaning of this error?
How can I sleep better? | What can I do to sleep better?
Give me 5 ideas for a birthday party. | Give me five ideas for a birthday party.
Is tomato a fruit? | Are tomatoes a fruit?
How do I center a div in CSS? | What is the way to center a div in CSS?
Recommend a good book on statistics. | Can you recommend a good statistics book?
What is the difference between a list and a tuple? | How do a list and a tuple differ?
How do vaccines work? | Explain how vaccines work.
Who wrote the novel Emma? | Who is the author of the novel Emma?
What time does the sun rise in summer? | When does the sun rise in summer?
Correct the grammar of this sentence. | Fix the grammar of this sentence.
How much water does a cactus need? | What amount of water does a cactus need?
Tell me a joke about cats. | Tell me a funny joke about cats.
What should I cook tonight? | What could I cook tonight?
"""


def _read(kind: str, lines: str) -> list[Pair]:
    return [Pair(kind, *line.split(" | ")) for line in lines.strip().splitlines()]


TRAPS: tuple[Pair, ...] = tuple(pair for kind, lines in _TRAPS.items() for pair in _read(kind, lines))
"""Pairs that sound alike and ask for different answers."""

PARAPHRASES: tuple[Pair, ...] = tuple(_read("paraphrase", _PARAPHRASES))
"""Pairs that ask the same in other words."""

PAIRS: tuple[Pair, ...] = (*TRAPS, *PARAPHRASES)
