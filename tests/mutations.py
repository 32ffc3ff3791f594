"""Changing a request body in one place at a time, and which changes mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = [
    "LEFT_OUT",
    "Path",
    "is_content",
    "is_equivalent",
    "is_renamed",
    "list_mutations",
    "put",
    "spell",
    "walk",
]

Path = tuple[str | int, ...]

# Places that are left out, as patterns of paths in JSON (`.key`, `[0]`).
BLOCK = r"(\.messages\[\d+\]\.content|\.system)\[\d+\]"
NESTED = r"((\.content|\.source\.content|\.content\.tool_references)\[\d+\]|\.tool\.definition)"
IGNORED = [
    r"\.(metadata|diagnostics|cache_control)",
    # The version of the API, which Bedrock and Vertex take in the body.
    r"\.anthropic_version",
    rf"{BLOCK}{NESTED}?\.cache_control",
    r"\.tools\[\d+\]\.cache_control",
]
LEFT_OUT = re.compile("|".join(rf"(?:{pattern})(?![\w])" for pattern in IGNORED))
# A tool call's id says nothing by itself, but to what other ids it is equal.
IDS = re.compile(rf"{BLOCK}\.(id|tool_use_id)|{BLOCK}\.caller\.tool_id")


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value within `value`, with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def put(body: Any, path: Path, value: object) -> object:
    """A copy of `body` with another value at `path`."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = put(body[path[0]], path[1:], value)
    return copy


def mutate(value: object) -> Iterator[tuple[str, object]]:
    """Other values than `value`, and what was done."""
    if isinstance(value, bool):
        yield from [("inverted", not value), ("as a number", int(value)), ("as text", str(value).lower())]
    elif isinstance(value, (int, float)):
        yield from [("plus one", value + 1), ("as text", str(value)), ("as truth", bool(value))]
    elif isinstance(value, str):
        yield from [("longer", value + " "), ("in a list", [value]), ("emptied", None if value == "" else "")]
        yield "as a text block", [{"type": "text", "text": value}]
    elif value is None:
        yield from [("as false", False), ("as zero", 0), ("as text", "null"), ("as an object", {})]
    elif isinstance(value, dict):
        yield "with one more key", {**value, "a_key_of_the_future": None}
        yield "in a list", [value]
        yield from ((f"without {key}", {**value, key: ...}) for key in value)
    elif isinstance(value, list):
        yield from _mutate_list(value)
    if value is not None:
        yield "as null", None


def _mutate_list(value: list[object]) -> Iterator[tuple[str, object]]:
    yield "with null", [*value, None]
    yield "with one more text", [*value, {"type": "text", "text": "more"}]
    for index, item in enumerate(value):
        yield f"without [{index}]", value[:index] + value[index + 1 :]
        yield f"with [{index}] twice", [*value[: index + 1], *value[index:]]
        if index and item != value[index - 1]:
            yield (
                f"with [{index}] earlier",
                [*value[: index - 1], item, value[index - 1], *value[index + 1 :]],
            )


def drop_marked(value: Any) -> object:
    """What a mutation gives, without the key it takes away."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not ...}
    return value


def spell(path: Path) -> str:
    """A path as the patterns above spell it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def is_renamed(body: object, path: Path, value: object, changed: object) -> bool:
    """Whether an id that nothing else refers to got another name."""
    ids = [found for other, found in walk(body) if IDS.fullmatch(spell(other))]
    is_lonely = ids.count(value) == 1 and changed not in ids
    return IDS.fullmatch(spell(path)) is not None and isinstance(changed, str) and is_lonely


def is_content(body: Any, path: Path) -> bool:
    """Whether a text stands where the API takes it for one text block."""
    if re.fullmatch(r"\.system|\.messages\[\d+\]\.content", spell(path)):
        return True
    block = body
    for step in path[:-1]:
        block = block[step]
    is_block = re.fullmatch(rf"{BLOCK}\.content", spell(path))
    return is_block is not None and block["type"] == "tool_result"


def is_equivalent(path: Path, value: object, what: str, changed: object) -> bool:
    """Whether the API itself, or the list of ignored fields, says that this change means nothing."""
    place = spell(path)
    taken = re.fullmatch(r"without (\w+)", what)
    if LEFT_OUT.match(place) or (taken and LEFT_OUT.fullmatch(f"{place}.{taken[1]}")):
        return True
    if not taken or not isinstance(value, dict):
        return False
    gone = value[taken[1]]
    if taken[1] == "is_error":
        return gone is False and value["type"] == "tool_result"
    return not path and (taken[1], gone) in [("stream", False), ("tool_choice", {"type": "auto"})]


def list_mutations(body: object) -> list[tuple[Path, object, str, object]]:
    """All single changes: where, what stood there, what was done, what stands there now."""
    return [
        (path, value, what, drop_marked(changed))
        for path, value in walk(body)
        for what, changed in mutate(value)
    ]
