"""
Pairs of prompts for semantic look-up: traps, which must not share an answer, and paraphrases, which may.

Our own sentences, published so that others can measure their caches with them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HELD_OUT", "PARAPHRASES", "TRAPS", "Pair"]


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

# Written after the rules of claude_replay.cache.similar, and not looked at while those were made: how the rules do
# on these says more than how they do on the others.
_HELD_OUT_TRAPS = """
Explain how to renew a passport. | Explain how to cancel a passport.
Summarize the first chapter. | Summarize the last chapter.
Write a tagline for a gym. | Write a tagline for a spa.
What is the boiling point of ethanol? | What is the melting point of ethanol?
List the pros of remote work. | List the cons of remote work.
How do I mute a channel in Slack? | How do I unmute a channel in Slack?
Which planets have rings? | Which planets lack rings?
Compare Postgres with MySQL. | Compare Postgres with SQLite.
Translate this paragraph to English. | Translate this paragraph from English.
Suggest a gift for my sister. | Suggest a gift for my brother.
Is this mushroom edible? | Is this mushroom poisonous?
How do I write to a file in Go? | How do I read from a file in Go?
Round 2.345 to two decimals. | Round 2.345 to one decimal.
What time is it in Tokyo? | What time is it in Sydney?
Give me a synonym for happy. | Give me an antonym for happy.
How do I start a business in Texas? | How do I close a business in Texas?
Make this text shorter. | Make this text longer.
Make the tone more friendly. | Make the tone less friendly.
Who won the match on Saturday? | Who lost the match on Saturday?
Convert this CSV to JSON. | Convert this JSON to CSV.
What are the symptoms of iron deficiency? | What are the symptoms of iron overload?
Can I travel with my cat by train? | Can I travel with my dog by train?
When was the bridge opened? | When was the bridge closed?
How much did revenue rise in the third quarter? | How much did revenue fall in the third quarter?
Should I take the medicine before meals? | Should I take the medicine after meals?
Find the maximum of this list. | Find the minimum of this list.
Explain recursion to a child. | Explain recursion to an expert.
Is it cheaper to rent? | Is it cheaper to buy?
Which visa do I need to study in Canada? | Which visa do I need to work in Canada?
Show me the logs since yesterday. | Show me the logs until yesterday.
How do I lock a file in Python? | How do I unlock a file in Python?
Rewrite it in the past tense. | Rewrite it in the present tense.
Answer only in French. | Answer only in German.
Who is the mayor of Lyon? | Who was the first mayor of Lyon?
What causes high blood pressure? | What causes low blood pressure?
Write a haiku about snow. | Write a sonnet about snow.
Is the store open on holidays? | Is the store closed on holidays?
Delete duplicate rows. | Keep only duplicate rows.
Why did the build pass? | Why did the build fail?
Draft a letter accepting the offer. | Draft a letter declining the offer.
"""
_HELD_OUT_PARAPHRASES = """
How can I cancel my subscription? | What do I do to cancel my subscription?
What is photosynthesis? | Explain photosynthesis.
Give me a recipe for pancakes. | Do you have a pancake recipe?
How tall is Mount Everest? | What is the height of Mount Everest?
Fix the bug in this function. | Repair the bug in this function.
What are good names for a cat? | Suggest good names for a cat.
How do I merge two branches in git? | What is the command to merge two branches in git?
Describe the water cycle. | Explain the water cycle.
Who painted the Mona Lisa? | Who is the painter of the Mona Lisa?
How can I learn to swim? | What is the best way to learn swimming?
Translate hello into Italian. | How do you say hello in Italian?
What is the weather like in Oslo? | How is the weather in Oslo?
Is coffee bad for you? | Is drinking coffee unhealthy?
Which size should I order? | What size should I order?
How do I remove a stain from a carpet? | How can I get a stain out of a carpet?
Write a thank-you note to a teacher. | Compose a note thanking a teacher.
"""


def _read(kind: str, lines: str) -> list[Pair]:
    return [Pair(kind, *line.split(" | ")) for line in lines.strip().splitlines()]


TRAPS: tuple[Pair, ...] = tuple(pair for kind, lines in _TRAPS.items() for pair in _read(kind, lines))
"""Pairs that sound alike and ask for different answers."""

PARAPHRASES: tuple[Pair, ...] = tuple(_read("paraphrase", _PARAPHRASES))
"""Pairs that ask the same in other words."""

HELD_OUT: tuple[Pair, ...] = (
    *_read("held out", _HELD_OUT_TRAPS),
    *_read("paraphrase", _HELD_OUT_PARAPHRASES),
)
"""Pairs of both kinds that the rules were not made with."""
