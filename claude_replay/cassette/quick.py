"""
Answers straight from the text of a cassette to the bytes of the body, for those that look like earlier ones.

Most answers of a run differ in nothing but ids, numbers and literal blocks. A text with marks in place of these
is read once, by the reader, and written as JSON once: a plan, by which every other text with the same words
around its values is filled in. Whatever is not sure gives None, and is to be parsed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from claude_replay.api import assemble_message, message_usage
from claude_replay.bodies import dump_json
from claude_replay.cassette.document import load_answer
from claude_replay.cassette.yamltext import has_controls, has_separators, read_own
from claude_replay.exchange import Json, Response, Usage

__all__ = ["QuickAnswer", "read_quickly"]

_START, _BODY = b"  response:\n", b"\n    body:"
_FARTHEST_BODY = 2_000
_LONGEST, _LONGEST_SKELETON = 1_000_000, 5_000
_MOST_PLANS, _MOST_SEEN = 256, 4096
# What may stand in place of another of its kind and change nothing around it, within a longer text as well: words
# with an underscore, which have no meaning in YAML, and whole numbers. Not every number is a status.
# The space comes first: `re` is far quicker in searching for one character.
_VALUE = re.compile(
    rb" (?<![^:,-] )(?<!status: )([a-z]{1,12}_[A-Za-z0-9]{1,64}|0|[1-9][0-9]{0,14})(?=[,}\]\n])"
)
_ABOVE_DIGITS = ord("9") + 1
# What a block can start behind, on its line.
_LEAD = re.compile(rb"( *(?:- )*+)(.+: )?")
_KINDS = (b"|2-", b"|2", b"|2+")
_CUT = b"\0"


class QuickAnswer(NamedTuple):
    """
    A whole answer that is no stream.

    `content` is its body as bytes; `model` and `usage` are those of the message it is, "" and zero where it
    is none.
    """

    status: int
    headers: dict[str, str]
    content: bytes
    model: str
    usage: Usage


def read_quickly(text: bytes) -> QuickAnswer | None:
    """
    The answer in the lines of an exchange from `response:` on.

    None where they have to be parsed: for anything unusual, and where none was asked for that looks like it.
    """
    if len(text) > _LONGEST or text.find(_BODY, 0, _FARTHEST_BODY) < 0 or _CUT in text:
        return None
    cut = _cut_blocks(text)
    if cut is None or len(cut[0]) > _LONGEST_SKELETON:
        return None
    skeleton, blocks = cut
    parts = _VALUE.split(skeleton)
    values = parts[1::2]
    look = tuple(parts[::2]), bytes([value[0] < _ABOVE_DIGITS for value in values])
    try:
        # Looked up once: a look is long, and no tuple remembers its hash.
        plan = _plans[look]
    except KeyError:
        plan = _learn(look)
    return plan.fill(values, blocks) if plan is not None else None


# ------------------------------------------------------------------ literal blocks


def _cut_blocks(text: bytes) -> tuple[bytes, list[bytes]] | None:
    """The text with a mark in place of each literal block, and these as they stand within a JSON string."""
    kept: list[bytes] = []
    blocks: list[bytes] = []
    start = position = 0
    while (bar := text.find(b"|2", position)) >= 0:
        position = bar + 2
        stop = text.find(b"\n", position)
        if (kind := text[bar:stop]) not in _KINDS:
            continue
        width = _find_width(text[text.rfind(b"\n", 0, bar) + 1 : bar])
        end = _find_end(width)(text, stop) if width else None
        block = _quote(text[stop : end.end()], width, kind) if end else None
        if end is None or block is None:
            return None
        kept.append(text[start : stop + 1])
        blocks.append(block)
        start = position = end.end()
    kept.append(text[start:])
    return _CUT.join(kept), blocks


def _find_width(lead: bytes) -> int:
    """How far a block is indented below a line that begins with `lead`; 0 where no block can start there."""
    found = _LEAD.fullmatch(lead)
    return len(found[1]) + (2 if found[2] else 0) if found else 0


# There are no more widths than levels.
@cache
def _find_end(width: int) -> Callable[[bytes, int], re.Match[bytes] | None]:
    return re.compile(rb"\n(?!\n| {%d})" % width).search


def _quote(block: bytes, width: int, kind: bytes) -> bytes | None:
    """The text of a block, which starts and ends with line feeds, as it stands within a JSON string."""
    if has_controls(block) or not (block.isascii() or _is_plain(block)):
        return None
    block = block.replace(b"\n" + b" " * width, b"\n")
    last = block[-2:-1]
    if not last or (last == b"\n") != (kind == b"|2+"):
        return None
    text = block[1:-1] if kind == b"|2-" else block[1:]
    text = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return text.replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def _is_plain(block: bytes) -> bool:
    """Whether this is UTF-8 without separators."""
    try:
        return not has_separators(block.decode("utf-8"))
    except UnicodeDecodeError:
        return False


# ------------------------------------------------------------------ plans


@dataclass(frozen=True, slots=True)
class _Plan:
    """
    How answers that look alike are made of their values and blocks.

    `pieces` are the JSON around those, in the order of `sources`: places among the values, and among the
    blocks where `~` of it. In `headers` and `usage` the place of a value stands beside what is there without
    one.
    """

    status: int
    headers: tuple[tuple[str, str, int | None], ...]
    pieces: tuple[bytes, ...]
    sources: tuple[int, ...]
    model: str
    usage: tuple[tuple[int, int | None], ...]

    def fill(self, values: Sequence[bytes], blocks: Sequence[bytes]) -> QuickAnswer:
        parts: list[bytes] = []
        for piece, source in zip(self.pieces, self.sources, strict=False):
            parts += (piece, values[source] if source >= 0 else blocks[~source])
        parts.append(self.pieces[-1])
        headers = {
            name: text if place is None else values[place].decode("ascii")
            for name, text, place in self.headers
        }
        counts = [number if place is None else int(values[place]) for number, place in self.usage]
        return QuickAnswer(self.status, headers, b"".join(parts), self.model, Usage(*counts))


_Look = tuple[tuple[bytes, ...], bytes]
"""The words around the values of a skeleton, and for each value whether it is a number."""

_plans: dict[_Look, _Plan | None] = {}
_seen: set[int] = set()


def _learn(look: _Look) -> _Plan | None:
    """A plan for what is seen for the second time: most answers with short texts look like no other."""
    if hash(look) not in _seen:
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen.add(hash(look))
        return None
    if len(_plans) >= _MOST_PLANS:
        _plans.clear()
    plan = _plans[look] = _make_plan(*look)
    return plan


def _make_plan(words: Sequence[bytes], kinds: bytes) -> _Plan | None:
    marks = [_make_mark(is_number=bool(kind)) for kind in kinds]
    blocks = [_make_mark() for _ in range(sum(word.count(_CUT) for word in words))]
    skeleton = b"".join(part for pair in zip(words, [*_pad(marks), b""], strict=True) for part in pair)
    response = _read(skeleton, blocks)
    if response is None or not isinstance(response.body, Json) or response.ended != "complete":
        return None
    pieces, sources = _cut_at(dump_json(response.body.value), marks, blocks)
    places = {mark: place for place, mark in enumerate(marks)}
    headers = tuple((name, text, places.get(text)) for name, text in response.headers.items())
    found = [*sources, *(place for *_, place in headers if place is not None)]
    # Each stands in one place, and nowhere else.
    if sorted(found) != list(range(-len(blocks), len(marks))):
        return None
    message = assemble_message(response.body) or {}
    model, usage = message.get("model", ""), message_usage(message)
    if not isinstance(model, str) or any(mark in model for mark in (*marks, *blocks)):
        return None
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
    placed = tuple((count, places.get(str(count))) for count in counts)
    return _Plan(response.status, headers, pieces, sources, model, placed)


def _pad(marks: Iterable[str]) -> list[bytes]:
    return [b" " + mark.encode() for mark in marks]


def _make_mark(*, is_number: bool = False) -> str:
    """A value that is found again, since no text holds it by chance."""
    return str(10**14 + secrets.randbelow(9 * 10**14)) if is_number else f"q_{secrets.token_hex(12)}"


def _read(skeleton: bytes, blocks: Sequence[str]) -> Response | None:
    """The answer with marks in it, by the reader; None where that is not sure of every line."""
    # Quoted keys are left to it: with another value in them they may be too long for a key.
    if not skeleton.startswith(_START) or b"':" in skeleton or b'":' in skeleton:
        return None
    lines, *others = skeleton.split(_CUT)
    for block, following in zip(blocks, others, strict=True):
        lead, _, kind = lines[lines.rfind(b"\n", 0, -1) + 1 : -1].rpartition(b"|")
        end = b"\n\n" if kind == b"2+" else b"\n"
        lines += b" " * _find_width(lead) + block.encode() + end + following
    try:
        # As the one item of a list, whose lines stand where the reader expects them.
        document = read_own(b"-" + lines[1:])
        return load_answer(document[0])[0] if isinstance(document, list) and len(document) == 1 else None
    except ValueError:
        return None


def _cut_at(
    json: bytes, marks: Sequence[str], blocks: Sequence[str]
) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """The JSON between marks, and the places of these; a block is the whole of its string."""
    places = {mark: place for place, mark in enumerate(marks)}
    places |= {block: ~place for place, block in enumerate(blocks)}
    pattern = "|".join([*marks, *(rf'(?<=")({block})(?:\\n)*(?=")' for block in blocks)]) or "(?!)"
    text, start = json.decode("utf-8"), 0
    pieces: list[bytes] = []
    sources: list[int] = []
    for found in re.finditer(pattern, text):
        pieces.append(text[start : found.start()].encode())
        sources.append(places[found[found.lastindex or 0]])
        start = found.end()
    return (*pieces, text[start:].encode()), tuple(sources)
