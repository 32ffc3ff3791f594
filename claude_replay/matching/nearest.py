"""The recordings most similar to a request that none of them answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claude_replay.matching.likeness import collect_sentences, collect_words, freeze, measure_overlap

# Below this a recording has no more in common with the request than any two requests have: names of models,
# common words. Of public cassettes, 1 % of the pairs from two projects reach it; of the pairs from one file
# a quarter lies below 0.25, hardly any between that and 0.4, the rest above.
MIN_SIMILARITY = 0.3

# What counts how much, of what one side or the other has.
_MESSAGES, _SYSTEM, _TOOLS = 0.6, 0.2, 0.2
# The rest: model, max_tokens, betas, query …; never enough by itself.
_SETTINGS = 0.1
# Equal words in messages that are not equal.
_WORDS = 0.9
# The same content, asked of another endpoint.
_OTHER_OPERATION = 0.5

_CONTENT = frozenset({"messages", "requests", "system", "tools"})
# Not what was said either.
_SILENT = _CONTENT | {"model"}


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a canonical form is compared by: hashes of its parts, and the words of some."""

    operation: object
    messages: frozenset[object]
    words: frozenset[str]
    system: frozenset[str]
    tools: frozenset[object]
    settings: frozenset[object]


def sketch(form: object) -> Sketch:
    """Reduce a canonical form (operation, query, betas, body) to what `find_nearest` compares."""
    parts = form if isinstance(form, dict) else {"body": form}
    body = parts.get("body")
    fields = body if isinstance(body, dict) else {"": body}
    messages = fields.get("messages", fields.get("requests"))
    listed = messages if isinstance(messages, list) else []
    settings = [item for item in parts.items() if item[0] not in ("body", "operation")]
    settings += [item for item in fields.items() if item[0] not in _CONTENT]
    tools = fields.get("tools")
    # Turns between the first and the last are told apart well enough by being equal or not.
    spoken = [*listed[:1], *listed[1:][-1:]] or [fields[name] for name in fields.keys() - _SILENT]
    return Sketch(
        operation=parts.get("operation"),
        messages=_count_equals(hash(freeze(message)) for message in listed),
        words=collect_words(spoken),
        system=collect_sentences(fields.get("system")),
        tools=_count_equals(hash(freeze(tool)) for tool in tools) if isinstance(tools, list) else frozenset(),
        settings=frozenset([(name, hash(freeze(value))) for name, value in settings]),
    )


def _count_equals(hashes: Iterable[int]) -> frozenset[object]:
    """A set in which equal ones count each: the hashes, numbered among equals."""
    counts: dict[int, int] = {}
    numbered: list[tuple[int, int]] = []
    for value in hashes:
        counts[value] = counts.get(value, 0) + 1
        numbered.append((value, counts[value]))
    return frozenset(numbered)


def find_nearest(sent: object, recorded: Sequence[object], *, limit: int = 1) -> list[tuple[int, float]]:
    """
    The positions of the recordings most similar to `sent` and how similar they are (0..1), best first.

    Takes canonical forms or sketches of them. What is below MIN_SIMILARITY is left out; another operation is
    named only where nothing similar of the same one is recorded. Of equally similar ones the first is first.
    """
    wanted = _as_sketch(sent)
    same: list[tuple[int, float]] = []
    other: list[tuple[int, float]] = []
    for position, form in enumerate(recorded):
        candidate = _as_sketch(form)
        similarity = measure_similarity(wanted, candidate)
        if similarity >= MIN_SIMILARITY:
            (same if candidate.operation == wanted.operation else other).append((position, similarity))
    return sorted(same or other, key=lambda found: (-found[1], found[0]))[:limit]


def _as_sketch(form: object) -> Sketch:
    return form if isinstance(form, Sketch) else sketch(form)


def measure_similarity(first: Sketch, second: Sketch) -> float:
    """How similar two requests are, 0..1; 1 for equal ones."""
    settings = measure_overlap(first.settings, second.settings)
    content = _measure_content(first, second)
    if first.operation != second.operation:
        return (content or 0.0) * _OTHER_OPERATION
    if content is None:
        return (1 + settings) / 2
    return (1 - _SETTINGS) * content + _SETTINGS * settings


def _measure_content(first: Sketch, second: Sketch) -> float | None:
    """How similar what was asked is; None where nothing was."""
    total = weights = 0.0
    if first.words or second.words:
        total += _MESSAGES * _measure_messages(first, second)
        weights += _MESSAGES
    for one, other, weight in (
        (first.system, second.system, _SYSTEM),
        (first.tools, second.tools, _TOOLS),
    ):
        if one or other:
            total += weight * measure_overlap(one, other)
            weights += weight
    return total / weights if weights else None


def _measure_messages(first: Sketch, second: Sketch) -> float:
    if not first.messages and not second.messages:
        return measure_overlap(first.words, second.words)
    equal = measure_overlap(first.messages, second.messages)
    if equal == 1:
        return 1.0
    return equal + (1 - equal) * _WORDS * measure_overlap(first.words, second.words)
