"""What can go wrong, and when it shall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from claude_replay.errors import SettingsError
from claude_replay.settings import nearest

__all__ = ["STATUSES", "Fault", "make_fault", "read_faults"]

STATUSES: Mapping[str, int] = {
    "bad_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "server_error": 500,
    "overloaded": 529,
}
"""The errors that Claude answers with, and their statuses."""

_BROKEN = ("connection_error", "timeout")
_WITHIN = ("cut", "error_event", "slow")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "after": ("cut", "error_event"),
    "retry_after": tuple(STATUSES),
    "seconds": ("slow", "timeout"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that shall go wrong; see `claude_replay.inject`.

    `status` is 0 where no error is answered, `times` None for every time.
    """

    kind: str
    status: int = 0
    answer: int = 1
    times: int | None = 1
    after: int = 1
    retry_after: float | None = None
    seconds: float = 0.0
    sleep: bool = False

    def __str__(self) -> str:
        place = "of" if self.is_within else "before"
        return f"{self.kind} {place} answer {self.answer}"

    @property
    def is_within(self) -> bool:
        """Whether it needs an answer to happen to; others come in place of one."""
        return self.kind in _WITHIN

    @property
    def skips_pauses(self) -> bool:
        """Whether the SDK would sleep before it tries again, and shall not."""
        return self.kind in (*_BROKEN, *_WITHIN) and not self.sleep


def make_fault(
    kind: object,
    *,
    answer: int = 1,
    times: int | str = 1,
    after: int | None = None,
    retry_after: float | None = None,
    seconds: float | None = None,
    sleep: bool = False,
) -> Fault:
    """A fault from what users write; raises SettingsError that says what is wrong with it."""
    name, status = _read_kind(kind)
    given = {"after": after, "retry_after": retry_after, "seconds": seconds}
    for option, value in given.items():
        if value is None:
            continue
        if name not in _OPTIONS[option]:
            raise _wrong(f"{option!r} is for {', '.join(_OPTIONS[option])}, not for {name}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise _wrong(f"{option}: a number from 0 on was expected, not {value!r}")
    return Fault(
        name,
        status,
        _read_count("answer", answer),
        None if times == "always" else _read_count("times", times),
        1 if after is None else int(after),
        1.0 if retry_after is None and name == "rate_limit" else retry_after,
        _default_seconds(name) if seconds is None else seconds,
        bool(sleep),
    )


def _default_seconds(kind: str) -> float:
    return 5.0 if kind == "slow" else 0.0


def _read_kind(kind: object) -> tuple[str, int]:
    if isinstance(kind, int) and not isinstance(kind, bool):
        if 400 <= kind <= 599:
            known = next((name for name, status in STATUSES.items() if status == kind), None)
            return known or ("server_error" if kind >= 500 else "bad_request"), kind
        raise _wrong(f"a status from 400 to 599 was expected, not {kind}")
    names = (*STATUSES, *_BROKEN, *_WITHIN)
    if kind not in names:
        raise _wrong(f"there is no fault {kind!r}; {nearest(kind, names)}")
    return str(kind), STATUSES.get(str(kind), 0)


def _read_count(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    also = " or 'always'" if name == "times" else ""
    raise _wrong(f"{name}: a whole number from 1 on{also} was expected, not {value!r}")


def _wrong(problem: str) -> SettingsError:
    return SettingsError(f"inject: {problem}")


def read_faults(values: Iterable[object]) -> list[Fault]:
    """The faults of the setting `inject`: names, statuses, or what `claude_replay.inject()` gives."""
    faults = []
    for value in values:
        fault = getattr(value, "fault", value)
        faults.append(fault if isinstance(fault, Fault) else make_fault(fault))
    return faults
