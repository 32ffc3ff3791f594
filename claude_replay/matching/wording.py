"""Values and differences between texts as lines a person can read, safe for a terminal and cut at a width."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from claude_replay.matching.likeness import pair_elements

# How much of one text is shown: changed lines, and changed places within a line.
MAX_LINES = 5
MAX_PLACES = 3
# Unchanged characters shown on each side of a change.
CONTEXT_CHARS = 24
# Beyond these, after what is equal at both ends, only the place of the first difference is named.
MAX_DIFF_CHARS = 6_000
MAX_DIFF_LINES = 1_500
# With less than this share of the words kept, marks word by word would be a mosaic.
MIN_KEPT = 0.4
# How far a cut moves so that it does not fall into a word.
MAX_WORD_CHARS = 40

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MODIFIERS = "\u0300-\u036f\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
_TOKEN = re.compile(
    rf"\s+|[{_IDEOGRAPHS}]|[\U0001f1e6-\U0001f1ff]{{2}}"
    rf"|(?:[^\W{_IDEOGRAPHS}][{_MODIFIERS}]*)+"
    rf"|[^\w\s](?:[{_MODIFIERS}]|\u200d[^\w\s])*"
)
_WORD_EDGE = re.compile(r"[\s\x00-/:-@\[-^`{-\x7f]")
_VISIBLE = str.maketrans({" ": "·", "\n": "⏎", "\t": "→"})
_VISIBLE_ENDS = str.maketrans({"\n": "⏎"})
# The joiner within an emoji made of several; anywhere else it is an invisible character.
_JOINER = re.compile("(?<=[^\x00-\x7f])\u200d(?=[^\x00-\x7f])")


class Segment(NamedTuple):
    """A stretch of two texts: the same on both sides, or what one has in place of the other."""

    recorded: str
    sent: str

    @property
    def is_kept(self) -> bool:
        return self.recorded == self.sent


class Line(NamedTuple):
    """A changed line: its numbers from 1, and its two texts; None on the side that lacks it."""

    recorded_number: int | None
    sent_number: int | None
    recorded: str
    sent: str


def escape(text: str) -> str:
    """`text` with everything that does not print, or that no reader can see, as a backslash sequence."""
    if text.isprintable():
        return text
    joined = {match.start() for match in _JOINER.finditer(text)}
    return "".join(
        char if char.isprintable() or position in joined else char.encode("unicode_escape").decode()
        for position, char in enumerate(text)
    )


def cut(text: str, limit: int) -> str:
    """`text` escaped, with `…` in place of what goes beyond `limit` characters."""
    escaped = escape(text[: limit + 1])
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"


def describe_value(value: object, limit: int) -> str:
    """
    `value` as JSON on one line of at most `limit` characters.

    Of a block of text only the text is shown, of a message the role and the content.
    """
    if isinstance(value, str):
        quoted = json.dumps(value[: limit + 1], ensure_ascii=False)[1:-1]
        return f'"{cut(quoted, limit - 2)}"'
    if isinstance(value, dict):
        text = value.get("text")
        if value.keys() == {"type", "text"} and isinstance(text, str):
            return describe_value(text, limit)
        role, content = value.get("role"), value.get("content")
        if value.keys() == {"role", "content"} and isinstance(role, str):
            inner = content[0] if isinstance(content, list) and len(content) == 1 else content
            return cut(f"{role}: {describe_value(inner, limit)}", limit)
    return cut(_dump_start(value, limit), limit)


def _dump_start(value: object, limit: int) -> str:
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(ensure_ascii=False, default=repr).iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > limit:
            break
    return "".join(pieces)


def mark_texts(recorded: str, sent: str, *, width: int) -> tuple[str, list[str]]:
    """
    The neighborhoods of what differs between two texts, and a note on the whole ("" where there is none).

    Recorded words stand in `[-…-]`, sent ones in `{+…+}`; of texts with several lines only the changed lines
    are shown, with their numbers. White space is visible where nothing else differs. Takes bounded time.
    """
    if "".join(recorded.split()) == "".join(sent.split()):
        return "only white space differs", _mark_line(recorded, sent, width, visible=True)
    if "\n" in recorded or "\n" in sent:
        lines = _diff_lines(recorded.split("\n"), sent.split("\n"))
        if lines is not None:
            return "", _mark_lines(lines, width)
    return "", _mark_line(recorded, sent, width, visible=False)


def _diff_lines(recorded: list[str], sent: list[str]) -> list[Line] | None:
    """The lines that differ; None where there are too many to compare."""
    start = _count_equal(recorded, sent)
    end = _count_equal(recorded[start:][::-1], sent[start:][::-1])
    recorded, sent = recorded[start : len(recorded) - end], sent[start : len(sent) - end]
    if max(len(recorded), len(sent)) > MAX_DIFF_LINES:
        return None
    lines: list[Line] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(_is_blank, recorded, sent).get_opcodes():
        if tag != "equal":
            lines += _pair_lines(recorded[i1:i2], sent[j1:j2], (start + i1 + 1, start + j1 + 1))
    return lines


def _is_blank(text: str) -> bool:
    return not text.strip()


def _count_equal(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _pair_lines(recorded: list[str], sent: list[str], numbers: tuple[int, int]) -> Iterator[Line]:
    # An empty line that only one side has is shown by its end.
    row = column = 0
    for first, second in [*pair_elements(recorded, sent), (len(recorded), len(sent))]:
        for position in range(row, first):
            yield Line(numbers[0] + position, None, recorded[position] or "\n", "")
        for position in range(column, second):
            yield Line(None, numbers[1] + position, "", sent[position] or "\n")
        if first < len(recorded):
            yield Line(numbers[0] + first, numbers[1] + second, recorded[first], sent[second])
        row, column = first + 1, second + 1


def _mark_lines(lines: list[Line], width: int) -> list[str]:
    shown: list[str] = []
    for line in lines[:MAX_LINES]:
        shown += _mark_line(line.recorded, line.sent, width, visible=False, label=_label_line(line))
    if len(lines) > MAX_LINES:
        more = len(lines) - MAX_LINES
        shown.append(f"… and {more} more changed line{'s' if more > 1 else ''}")
    return shown


def _label_line(line: Line) -> str:
    if line.sent_number is None:
        return f"recorded line {line.recorded_number}: "
    if line.recorded_number in (None, line.sent_number):
        return f"line {line.sent_number}: "
    return f"line {line.sent_number} (recorded line {line.recorded_number}): "


def _mark_line(recorded: str, sent: str, width: int, *, visible: bool, label: str = "") -> list[str]:
    segments, start = _diff_words(recorded, sent)
    lines: list[str] = []
    if start is not None:
        sizes = f"recorded {len(recorded):,} characters, sent {len(sent):,}"
        lines.append(f"{label}differs from character {start + 1:,} on ({sizes})")
        label = " " * len(label)
    limit = max(width - len(label) - len("[--]"), 20)
    return lines + _wrap(_list_atoms(segments, limit, visible), width, label)


def _diff_words(recorded: str, sent: str) -> tuple[list[Segment], int | None]:
    """
    Both texts as segments in order.

    Where too much differs to compare, that is one segment; the number is the offset at which it starts.
    """
    start = _count_shared(recorded, sent)
    end = _count_shared(recorded[start:][::-1], sent[start:][::-1])
    middle = Segment(recorded[start : len(recorded) - end], sent[start : len(sent) - end])
    too_long = max(len(middle.recorded), len(middle.sent)) > MAX_DIFF_CHARS
    before, after = recorded[:start], recorded[len(recorded) - end :]
    changed = [middle] if too_long else _diff_tokens(middle)
    segments = _join_kept([Segment(before, before), *changed, Segment(after, after)])
    return segments, start if too_long else None


def _join_kept(segments: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in segments:
        if joined and segment.is_kept and joined[-1].is_kept:
            segment = Segment(*[joined.pop().sent + segment.sent] * 2)
        joined.append(segment)
    return [segment for segment in joined if any(segment)]


def _count_shared(first: str, second: str) -> int:
    """How many characters two texts have in common at their start, whole words if possible."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    for position in range(low, max(low - MAX_WORD_CHARS, -1), -1):
        if _is_edge(first, position) and _is_edge(second, position):
            return position
    return low


def _is_edge(text: str, position: int) -> bool:
    around = text[max(position - 1, 0) : position + 1]
    return position in (0, len(text)) or _WORD_EDGE.search(around) is not None


def _diff_tokens(middle: Segment) -> list[Segment]:
    recorded, sent = _TOKEN.findall(middle.recorded), _TOKEN.findall(middle.sent)
    segments = [
        Segment("".join(recorded[i1:i2]), "".join(sent[j1:j2]))
        # White space alone is nothing that was kept: it would cut one change into two.
        for _, i1, i2, j1, j2 in SequenceMatcher(_is_blank, recorded, sent).get_opcodes()
    ]
    kept = sum(_count_visible(segment.recorded) for segment in segments if segment.is_kept)
    return segments if kept >= MIN_KEPT * max(map(_count_visible, middle)) else [middle]


def _count_visible(text: str) -> int:
    return sum(map(len, text.split()))


def _list_atoms(segments: list[Segment], limit: int, visible: bool) -> Iterator[str]:
    """What stands on the lines, in pieces that are not broken."""
    places = [position for position, segment in enumerate(segments) if not segment.is_kept]
    shown = segments[: places[MAX_PLACES]] if len(places) > MAX_PLACES else segments
    for position, segment in enumerate(shown):
        if segment.is_kept:
            kept = _shorten(segment.recorded, is_first=position == 0, is_last=position == len(shown) - 1)
            yield kept if position < len(shown) - 1 or shown is segments else kept.rstrip(" …")
            continue
        if segment.recorded:
            yield f"[-{_show_marked(segment.recorded, limit, visible)}-]"
        if segment.sent:
            yield f"{{+{_show_marked(segment.sent, limit, visible)}+}}"
    if len(places) > MAX_PLACES:
        more = len(places) - MAX_PLACES
        yield f" … and {more} more place{'s' if more > 1 else ''}"


def _show_marked(text: str, limit: int, visible: bool) -> str:
    text = text[: limit + 1]
    return cut(text.translate(_VISIBLE if visible or text.isspace() else _VISIBLE_ENDS), limit)


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    """The ends of an unchanged stretch, where they lie next to a change."""
    if len(text) > CONTEXT_CHARS * (1 if is_first or is_last else 2):
        head, tail = text[:CONTEXT_CHARS], text[-CONTEXT_CHARS:]
        text = ""
        if not is_first:
            space = head.rfind(" ")
            text = head[:space] if space > CONTEXT_CHARS // 2 else head
        text += "…"
        if not is_last:
            space = tail.find(" ")
            text += tail[space + 1 :] if space < CONTEXT_CHARS // 2 else tail
    return escape(text.translate(_VISIBLE_ENDS))


def _wrap(atoms: Iterable[str], width: int, label: str) -> list[str]:
    lines: list[str] = []
    line = label
    for atom in atoms:
        if len(line) + len(atom) > width and line != label:
            lines.append(line.rstrip())
            line = label = " " * len(label)
            atom = atom.lstrip()
        line += atom
    return [line for line in (*lines, line.rstrip()) if line]
