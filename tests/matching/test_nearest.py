"""Which recording a request that none of them answers is compared with."""

from __future__ import annotations

import copy
import json
from typing import cast

import pytest

from claude_replay.matching import MIN_SIMILARITY, find_nearest, sketch

SYSTEM = (
    "You are a careful agent that repairs small Python projects. Read before you write. "
    "Run the tests after each change. Stop when they are green."
)
WORDS = ["river", "stone", "maple", "copper", "violin", "lantern", "harbor", "pepper", "meadow", "glacier"]

Form = dict[str, object]


def make_form(**body: object) -> Form:
    """A canonical form of the Messages API."""
    defaults: dict[str, object] = {"model": "claude-sonnet-5", "max_tokens": 1024}
    return {"operation": "messages", "query": [], "betas": [], "body": {**defaults, **body}}


def say(role: str, text: str) -> dict[str, object]:
    """A message of one text block."""
    return {"role": role, "content": [{"type": "text", "text": text}]}


def ask(text: str, **body: object) -> Form:
    """The canonical form of a single question."""
    return make_form(messages=[say("user", text)], **body)


def step(number: int) -> list[dict[str, object]]:
    """One turn of an agent: a tool call and its result."""
    word, other = WORDS[number % len(WORDS)], WORDS[(number * 5 + 3) % len(WORDS)]
    use = {"type": "tool_use", "id": f"id-{number}", "name": "read", "input": {"path": f"{word}/{other}.py"}}
    text = f"line {number}: the {word} holds the {other}, and {number * 17} more of them"
    result = {
        "type": "tool_result",
        "tool_use_id": f"id-{number}",
        "content": [{"type": "text", "text": text}],
    }
    return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def run_agent(turns: int) -> list[Form]:
    """The requests of an agent that calls a tool in each turn, in order; each repeats what went before."""
    messages = [say("user", "Make the failing test in tests/test_roman.py pass.")]
    system = [{"type": "text", "text": SYSTEM}]
    tools = [{"name": name, "description": f"To {name} a file."} for name in ("read", "write")]
    forms = []
    for number in range(turns):
        forms.append(make_form(messages=list(messages), system=system, tools=tools))
        messages += step(number + 1)
    return forms


def change_text(form: Form, old: str, new: str) -> Form:
    """A copy in which a text is replaced wherever it stands; the text must occur."""
    text = json.dumps(form)
    assert old in text
    return cast("Form", json.loads(text.replace(old, new)))


CONVERSATION = run_agent(30)


@pytest.mark.parametrize("turn", [0, 1, 7, 15, 28, 29])
def test_an_equal_request_is_nearest_and_entirely_similar(turn: int) -> None:
    """A request equal to a recorded one, played already perhaps, has similarity 1."""
    assert find_nearest(copy.deepcopy(CONVERSATION[turn]), CONVERSATION) == [(turn, 1.0)]


@pytest.mark.parametrize("turn", [1, 7, 15, 29])
@pytest.mark.parametrize(
    "old", ["Make the failing test", "line 1: the", "Read before you write", "To write a file"]
)
def test_one_changed_text_leaves_the_same_turn_nearest(turn: int, old: str) -> None:
    """Whether a prompt, a tool result, the system prompt or a tool changed, the same turn comes out."""
    sent = change_text(CONVERSATION[turn], old, old.upper())
    [(position, similarity)] = find_nearest(sent, CONVERSATION)
    assert position == turn
    assert similarity < 1


@pytest.mark.parametrize("turn", [2, 7, 15, 29])
def test_a_changed_last_result_leaves_the_same_turn_nearest(turn: int) -> None:
    """The message that tells a turn from the one before may be the one that changed."""
    sent = change_text(CONVERSATION[turn], f"line {turn}: the", f"line {turn}: a")
    assert find_nearest(sent, CONVERSATION)[0][0] == turn


@pytest.mark.parametrize("turn", [1, 7, 15, 29])
def test_a_turn_that_was_not_recorded_is_nearest_to_the_one_before(turn: int) -> None:
    """A conversation that went on is compared with its longest recorded part."""
    assert find_nearest(CONVERSATION[turn], CONVERSATION[:turn])[0][0] == turn - 1


def test_one_inserted_call_leaves_the_same_turn_nearest() -> None:
    """A call in between renumbers those behind it; they still count as the same."""
    messages = cast("dict[str, list[object]]", CONVERSATION[20]["body"])["messages"]
    sent = change_text(CONVERSATION[20], "id-", "id-9")
    cast("dict[str, object]", sent["body"])["messages"] = [messages[0], *step(40), *messages[1:]]
    assert find_nearest(sent, CONVERSATION)[0][0] == 20


def test_repeated_messages_count_each() -> None:
    """A conversation that says the same again and again is told from a shorter one."""
    forms = [
        make_form(messages=[say("user", "Go on."), say("assistant", "Done.")] * count)
        for count in range(1, 9)
    ]
    sent = make_form(messages=[*[say("user", "Go on."), say("assistant", "Done.")] * 5, say("user", "Stop.")])
    assert find_nearest(sent, forms)[0][0] == 4


def test_one_changed_word_finds_its_prompt_among_others() -> None:
    """Of many prompts made from one template, the one with the most words in common is nearest."""
    prompts = [
        f"Translate the word {word} into {language}." for word in WORDS for language in ("French", "Greek")
    ]
    forms = [ask(prompt) for prompt in prompts]
    for position, prompt in enumerate(prompts):
        assert find_nearest(ask(prompt.replace("Translate", "Render")), forms)[0][0] == position


def test_a_difference_in_the_middle_of_a_long_prompt_decides() -> None:
    """Prompts with the same long beginning and end are told apart by what stands between."""
    frame = "Answer from the document only. " * 40
    forms = [ask(f"{frame}\nThe {word} was sold in {1900 + n}.\n{frame}") for n, word in enumerate(WORDS)]
    lines = [ask(f"{frame} The {word} was sold in {1900 + n}. {frame}") for n, word in enumerate(WORDS)]
    for number in range(len(WORDS)):
        assert find_nearest(change_text(forms[number], "Answer from", "Reply from"), forms)[0][0] == number
        assert (
            find_nearest(change_text(lines[number], "only. Answer", "only. Please answer"), lines)[0][0]
            == number
        )


def test_texts_without_spaces_are_compared() -> None:
    """One character changed in a Chinese prompt leaves it nearest."""
    forms = [ask("请用两句话解释提示缓存是什么"), ask("写一首关于大海的短诗,不要超过四行")]
    assert find_nearest(ask("写一首关于大山的短诗,不要超过四行"), forms)[0][0] == 1


def test_the_same_model_and_limit_are_not_similar() -> None:
    """A request that shares nothing but its settings with the recordings has no nearest one."""
    forms = [ask("Name the capital of Mongolia."), ask("Write a poem about whales and the deep sea.")]
    assert find_nearest(ask("Sort these invoices: 12, 99, 4"), forms) == []
    assert find_nearest(ask("Hello", tools=[{"name": "a"}]), forms) == []


def test_other_settings_leave_the_same_prompt_nearest() -> None:
    """Model and limits count little beside what was said, but they decide between equals."""
    forms = [ask("Explain tides.", max_tokens=5), ask("Explain tides.", max_tokens=7), ask("Explain clouds.")]
    assert find_nearest(ask("Explain tides.", max_tokens=7, temperature=1), forms)[0][0] == 1


def test_another_system_prompt_leaves_the_same_question_nearest() -> None:
    """The question weighs more than the system prompt."""
    forms = [
        ask("What is rain?", system=[{"type": "text", "text": text}]) for text in ("Be terse.", "Be kind.")
    ]
    forms.append(ask("How do engines work?", system=[{"type": "text", "text": "Be funny."}]))
    assert (
        find_nearest(ask("What is rain?", system=[{"type": "text", "text": "Be funny."}]), forms)[0][0] == 0
    )


def test_several_are_given_best_first() -> None:
    """With a limit, as many as that come in descending similarity, equals in the order recorded."""
    forms = [
        ask("a b c d e f g h"),
        ask("one two three four"),
        ask("a b c d e f g x"),
        ask("a b c d e f g h"),
    ]
    found = find_nearest(ask("a b c d e f g h"), forms, limit=3)
    assert [position for position, _ in found] == [0, 3, 2]
    assert [similarity for _, similarity in found[:2]] == [1.0, 1.0]
    assert MIN_SIMILARITY <= found[2][1] < 1
    assert len(find_nearest(ask("a b c d e f g h"), forms, limit=9)) == 3


def test_another_operation_is_named_only_when_nothing_better_is_there() -> None:
    """The same content asked of another endpoint counts only where the same one has nothing similar."""
    messages = [say("user", "Explain the tides to a child, please.")]
    counted = {**make_form(messages=messages), "operation": "messages.count_tokens"}
    similar = ask("Explain the winds to a child, please.")
    sent = make_form(messages=messages)
    assert find_nearest(sent, [counted, similar], limit=2)[0][0] == 1
    assert [position for position, _ in find_nearest(sent, [counted, ask("Sort: 3, 1")], limit=2)] == [0]


def test_requests_without_content_are_compared_by_their_parameters() -> None:
    """Where nothing is said, the query decides, and another operation is not similar."""
    forms: list[Form] = [
        {"operation": operation, "query": [["limit", limit]], "betas": [], "body": None}
        for operation, limit in (("files.list", "5"), ("models.list", "5"), ("models.list", "9"))
    ]
    sent = {"operation": "models.list", "query": [["limit", "9"]], "betas": ["x"], "body": None}
    assert find_nearest(sent, forms)[0][0] == 2
    assert find_nearest(sent, forms[:1]) == []


def test_bodies_that_are_no_messages_are_compared_by_their_words() -> None:
    """Batches, old prompts, plain text and values of any kind have a nearest one as well."""
    batch = [
        {"custom_id": f"c{n}", "params": {"messages": [say("user", f"Item {w}")]}}
        for n, w in enumerate(WORDS)
    ]
    forms: list[object] = [
        {"operation": "batches.create", "body": {"requests": batch}},
        {"operation": "complete", "body": {"prompt": "Human: why is the sky blue? Assistant:"}},
        {"operation": "files.upload", "body": {"text": "--boundary of the parts\nfile one"}},
        {"operation": "other", "body": ["a list of words", 1, None]},
        {"operation": "messages", "body": {"messages": "not a list of messages", "tools": "no list"}},
        "a form that is no object",
    ]
    assert find_nearest({"operation": "batches.create", "body": {"requests": batch[1:]}}, forms)[0][0] == 0
    for position in range(1, 6):
        assert find_nearest(forms[position], forms) == [(position, 1.0)]
        changed = json.loads(json.dumps(forms[position]).replace(" of ", " in ").replace("sky", "sea"))
        assert find_nearest(changed, forms)[0][0] == position, forms[position]


def test_sketches_can_stand_for_forms() -> None:
    """A sketch taken once gives what the form itself gives, on both sides."""
    sent = change_text(CONVERSATION[9], "line 4: the", "line 4: a")
    expected = find_nearest(sent, CONVERSATION, limit=5)
    assert find_nearest(sketch(sent), [sketch(form) for form in CONVERSATION], limit=5) == expected
    assert (
        find_nearest(sketch(sent), [*CONVERSATION[:5], *map(sketch, CONVERSATION[5:])], limit=5) == expected
    )


def test_an_empty_cassette_has_no_nearest() -> None:
    """Nothing recorded, nothing similar."""
    assert find_nearest(ask("Hi"), []) == []
