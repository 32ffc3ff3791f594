"""What a miss says: what was asked, why nothing answers it, the difference, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from claude_replay.api import last_user_text, model_of
from claude_replay.errors import CassetteMiss
from claude_replay.exchange import Json
from claude_replay.matching import (
    Change,
    Sketch,
    differences,
    find_nearest,
    measure_similarity,
    render,
    sketch,
)
from claude_replay.matching.wording import cut, escape
from claude_replay.normalize import Canonical, parse_path, unwrap_text
from claude_replay.replay.recordings import Recordings
from claude_replay.replay.suggest import suggest_ignore

__all__ = ["Asked", "explain_miss", "explain_sequence", "list_changes"]

_TEXT_WIDTH = 80
_NAME_WIDTH = 100
_LISTED = 3
_MOST_TRIED = 12
# How much less alike a recording may be than one that was played already, and still be what was meant.
_PLAYED_HANDICAP = 0.1
_INDENT = " " * 12
_ALONE = "[0].text"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in words, redacted: operation, model (None where it names none) and the last user text."""

    operation: str
    model: str | None
    text: str

    def __str__(self) -> str:
        parts = [cut(name, _NAME_WIDTH) for name in (self.operation, self.model) if name]
        # Cut before as well: prompts can be long.
        text = cut(" ".join(self.text[: _TEXT_WIDTH * 4].split()), _TEXT_WIDTH)
        return " · ".join([*parts, f'"{text}"'] if text else parts)


@dataclass(frozen=True, slots=True)
class _Case:
    """A request that nothing answers, and all that its message is made of."""

    asked: Asked
    sent: Canonical
    recorded: Recordings
    likely: Sequence[int]
    played: Collection[int]
    ignored: Sequence[str]
    command: Callable[[str], str]
    spell: Callable[[str], str]


def explain_miss(
    asked: Asked,
    sent: Canonical,
    recorded: Recordings,
    *,
    equal: Sequence[int],
    likely: Sequence[int],
    cassette: str,
    exists: bool,
    waiting: int,
    mode: str,
    ignored: Sequence[str],
    command: Callable[[str], str],
    spell: Callable[[str], str],
    played: Collection[int] = (),
    folder: str = "",
) -> CassetteMiss:
    """
    The error for a request that nothing answers.

    `recorded` are the canonical forms in the cassette, `equal` the places of those that equal the one sent,
    `likely` of those among which the nearest is looked for, and `played` of those played already; `cassette` is
    its path, and `exists` says whether there is such a file; `folder` is where that path was looked for if it means
    another file elsewhere; `waiting` counts exchanges in journals beside it;
    `ignored` names what matching left out; `command` gives the command that records in a mode, `spell` what to
    write to give the cassette a setting. Raises CassetteLoadError where what is looked at cannot be read.
    """
    case = _Case(asked, sent, recorded, likely, played, ignored, command, spell)
    if not exists:
        reason, lines = "no_cassette", _tell_no_cassette(case, waiting)
    elif equal:
        reason, lines = "all_played", _tell_all_played(case, equal)
    elif (nearest := _find_nearest(case)) is None:
        reason, lines = "nothing_similar", _tell_nothing_similar(case)
    else:
        reason, lines = "differs", _tell_difference(case, *nearest)
    head = _begin(asked, cassette, len(recorded) if exists else None, mode, folder)
    return CassetteMiss("\n".join([*head, *lines]), reason=reason)


def _begin(asked: Asked, cassette: str, count: int | None, mode: str, folder: str = "") -> list[str]:
    nothing = f"no such file in {escape(folder)}" if folder else "no such file"
    state = _count(count, "exchange") if count is not None else nothing
    return [
        "claude_replay: no recording answers this request",
        f"  asked     {asked}",
        f"  cassette  {escape(cassette)} ({state}, mode {mode})",
    ]


def explain_sequence(
    asked: Asked,
    *,
    cassette: str,
    count: int | None,
    same: int,
    crossed: int | None,
    mode: str,
    command: Callable[[str], str],
) -> CassetteMiss:
    """
    The error for a request whose turn in the cassette has no answer for it, where order alone decides.

    `count` is that of all recordings, None without a cassette, `same` of those of this operation; `crossed` is
    the place of the one whose turn it was, if that is a stream and a whole answer is asked for, or the other
    way around.
    """
    reason = "all_played" if same else "nothing_similar"
    if count is None:
        reason, why = "no_cassette", "there is no such cassette yet"
    elif crossed is not None:
        reason = "differs"
        why = f"number {crossed + 1} is next in order, but of a request with another `stream`"
    elif same:
        why = f"{_count(same, 'recording')} of {escape(asked.operation)}, all of them played already"
    else:
        why = f"no {escape(asked.operation)} is recorded"
    lines = [
        *_begin(asked, cassette, count, mode),
        f"  why       {why} (match = sequence)",
        f"  record it: {command('rewrite' if count is not None else 'once')}  # the whole test anew",
    ]
    return CassetteMiss("\n".join(lines), reason=reason)


def _tell_no_cassette(case: _Case, waiting: int) -> Iterable[str]:
    yield "  why       there is no such cassette yet"
    if waiting:
        found = _count(waiting, "exchange")
        yield f"  journal   {found} of a run that was killed, kept beside it; recording takes up from there"
    yield f"  record it: {case.command('once')}"


def _tell_all_played(case: _Case, equal: Sequence[int]) -> Iterable[str]:
    numbers = ", ".join(str(place + 1) for place in equal[:5]) + (", …" if len(equal) > 5 else "")
    if len(equal) == 1:
        yield f"  why       the only equal recording (number {numbers}) has been played already"
    else:
        every = "both" if len(equal) == 2 else f"all {len(equal)}"
        yield f"  why       {every} equal recordings (numbers {numbers}) have been played already"
    yield f"  record it: {case.command('new_episodes')}  # one more"
    yield "         or: repeat=True  # answers every further one with the last"


def _tell_nothing_similar(case: _Case) -> Iterable[str]:
    if not case.recorded:
        yield "  why       the cassette is empty"
    else:
        yield "  why       nothing similar is recorded; there is:"
        for place in range(min(_LISTED, len(case.recorded))):
            yield f"{_INDENT}{place + 1}  {_describe(case.recorded[place])}"
        if len(case.recorded) > _LISTED:
            yield f"{_INDENT}… and {_count(len(case.recorded) - _LISTED, 'more exchange')}"
    yield f"  record it: {case.command('new_episodes')}"


def _describe(form: Canonical) -> Asked:
    body = Json(form.form.get("body"))
    return Asked(str(form.form["operation"]), model_of(body), last_user_text(body))


def _find_nearest(case: _Case) -> tuple[int, float] | None:
    """The place of the recording that was probably meant, and how alike it is."""
    wanted, likely = sketch(case.sent.form), case.likely
    found = find_nearest(wanted, [case.recorded.sketch(place) for place in likely], limit=len(likely))
    nearest = [(likely[position], likeness) for position, likeness in found]
    return max(
        nearest or _find_volatile(case, wanted),
        key=lambda near: near[1] - _PLAYED_HANDICAP * (near[0] in case.played),
        default=None,
    )


def _find_volatile(case: _Case, wanted: Sketch) -> Iterator[tuple[int, float]]:
    """The recordings that have little else than ids or dates, and differ in these alone."""
    sent = case.sent.form
    for place in case.likely[:_MOST_TRIED]:
        recorded = case.recorded[place].form
        if sent["operation"] == recorded["operation"] and suggest_ignore(
            list_changes(sent, recorded), sent.get("body"), recorded.get("body")
        ):
            yield place, measure_similarity(wanted, case.recorded.sketch(place))


def _tell_difference(case: _Case, place: int, likeness: float) -> Iterable[str]:
    sent, recorded = case.sent.form, case.recorded[place].form
    changes = list_changes(sent, recorded)
    note = ", played already" if place in case.played else ""
    # Not rounded up: what differs is never 100 % alike.
    yield f"  why       number {place + 1} comes nearest ({int(likeness * 100)} % alike{note}), and differs:"
    for line in render(changes, width=96).splitlines():
        yield f"{_INDENT}{line}"
    yield f"  ignored   {', '.join(map(escape, case.ignored)) or 'nothing'}"
    if entries := suggest_ignore(changes, sent.get("body"), recorded.get("body")):
        quoted = ", ".join(f"'{entry}'" if '"' in entry else f'"{entry}"' for entry in entries)
        yield f"   match it: {case.spell(f'ignore=[{quoted}]')}  # makes them equal"
        yield f"         or: claude_replay_ignore = [{quoted}]"
    yield f"  record it: {case.command('rewrite')}  # the whole test anew"
    yield f"         or: {case.command('new_episodes')}  # this request too, beside the others"


def list_changes(sent: dict[str, object], recorded: dict[str, object]) -> list[Change]:
    """The differences of two canonical forms, with paths as they are in the request itself."""
    if "body" not in sent or "body" not in recorded:
        return differences(sent, recorded)
    bodies = sent["body"], recorded["body"]
    around = differences({**sent, "body": None}, {**recorded, "body": None})
    changes = differences(*bodies)
    return around + [_shorten(change, changes, bodies[0]) for change in changes]


def _shorten(change: Change, changes: Sequence[Change], body: object) -> Change:
    """`content`, not `content[0].text`, where that text is all there is, as where a string was given."""
    if change.kind != "changed":
        return replace(change, sent=unwrap_text(change.sent), recorded=unwrap_text(change.recorded))
    parent = change.path.removesuffix(_ALONE)
    if parent == change.path or sum(other.path.startswith(f"{parent}[") for other in changes) > 1:
        return change
    content: Any = body
    for step in parse_path(parent):
        content = content[step]
    return replace(change, path=parent) if unwrap_text(content) is not content else change


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
