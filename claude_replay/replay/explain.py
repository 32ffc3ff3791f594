"""What a miss says: what was asked, why nothing answers it, the difference, and the command that records it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claude_replay.errors import CassetteMiss
from claude_replay.matching import differences, find_nearest, render
from claude_replay.normalize import Canonical

__all__ = ["Asked", "explain_miss"]

_TEXT_WIDTH = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in words, redacted: operation, model (None where it names none) and the last user text."""

    operation: str
    model: str | None
    text: str

    def __str__(self) -> str:
        parts = [self.operation, *([self.model] if self.model else [])]
        if self.text:
            line = _CONTROL.sub(" ", self.text).strip()
            parts.append(f'"{line[:_TEXT_WIDTH]}…"' if len(line) > _TEXT_WIDTH else f'"{line}"')
        return " · ".join(parts)


def explain_miss(
    asked: Asked,
    sent: Canonical,
    recorded: Sequence[Canonical],
    *,
    cassette: str,
    exists: bool,
    waiting: int,
    mode: str,
    ignored: Sequence[str],
    command: Callable[[str], str],
) -> CassetteMiss:
    """
    The error for a request that nothing answers.

    `recorded` are the canonical forms in the cassette; `cassette` is its path, and `exists` says whether there is
    such a file; `waiting` counts exchanges in journals beside it; `ignored` names what matching left out;
    `command` gives the command line that records in a mode.
    """
    state = _count(len(recorded), "exchange") if exists else "no such file"
    lines = [f"asked     {asked}", f"cassette  {cassette} ({state}, mode {mode})"]
    if not exists:
        return _no_cassette(lines, waiting, command)
    equal = [number for number, form in enumerate(recorded, 1) if form.fingerprint == sent.fingerprint]
    if equal:
        return _all_played(lines, equal, command)
    nearest = find_nearest(sent.form, [form.form for form in recorded])
    if not nearest:
        return _nothing_similar(lines, recorded, command)
    ordinal, score = nearest[0]
    changes = differences(sent.form, recorded[ordinal].form)
    lines += [
        f"why       the nearest recording, number {ordinal + 1} ({score:.0%} alike), differs:",
        "",
        *(f"    {line}" for line in _strip_body(render(changes)).splitlines()),
        "",
        f"not compared: {', '.join(ignored) or 'nothing is left out'}",
        f"record it: {command('new_episodes')}",
        f"or, if the change is wanted, record the whole test anew: {command('rewrite')}",
    ]
    return _miss(lines, "differs")


def _strip_body(text: str) -> str:
    # In the canonical form the body is one of four keys; people think in paths of the request itself.
    return re.sub(r"^body\.", "", text, flags=re.MULTILINE)


def _no_cassette(lines: list[str], waiting: int, command: Callable[[str], str]) -> CassetteMiss:
    lines.append("why       there is no such cassette yet")
    if waiting:
        lines.append(f"journal   a run that was killed left {_count(waiting, 'exchange')} beside it; recording takes them up")
    lines.append(f"record it: {command('once')}")
    return _miss(lines, "no_cassette")


def _all_played(lines: list[str], equal: list[int], command: Callable[[str], str]) -> CassetteMiss:
    places = ", ".join(map(str, equal[:5])) + (", …" if len(equal) > 5 else "")
    lines += [
        f"why       the only equal recording (number {places}) has been played already"
        if len(equal) == 1
        else f"why       all {len(equal)} equal recordings (numbers {places}) have been played already",
        f"record one more: {command('new_episodes')}",
        "or answer every further one with the last: repeat=True in the marker, claude_replay_repeat in the ini file",
    ]
    return _miss(lines, "all_played")


def _nothing_similar(
    lines: list[str], recorded: Sequence[Canonical], command: Callable[[str], str]
) -> CassetteMiss:
    lines.append("why       nothing similar is recorded" + ("; there is:" if recorded else ": the cassette is empty"))
    for number, form in enumerate(recorded[:3], 1):
        lines.append(f"    {number}  {form.form['operation']}")
    if len(recorded) > 3:
        lines.append(f"    … and {_count(len(recorded) - 3, 'more exchange')}")
    lines.append(f"record it: {command('new_episodes')}")
    return _miss(lines, "nothing_similar")


def _miss(lines: list[str], reason: str) -> CassetteMiss:
    head = "claude_replay: no recorded exchange answers this request"
    return CassetteMiss("\n".join([head, *(f"  {line}".rstrip() for line in lines)]), reason=reason)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
