"""The nearest valid spelling of a name that is not valid."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["find_nearest_name", "nearest"]

# What people write for a setting that has another name, because other tools or our own option call it so.
_MEANT = {
    "record": "mode",
    "record_mode": "mode",
    "cassette_dir": "dir",
    "directory": "dir",
    "folder": "dir",
    "record_max_calls": "max_calls",
    "record_max_usd": "max_usd",
    "match_on": "ignore",
    "on_unplayed": "unplayed",
}


def find_nearest_name(value: object, names: Iterable[str]) -> str | None:
    """The one of `names` that was probably meant; None where none is near."""
    known, text = list(names), str(value).lower()
    meant = _MEANT.get(text)
    if meant in known:
        return meant
    # A swap in a short name makes it look rather different to difflib.
    near = [name for name in known if name in _swap_letters(text)]
    return next(iter(near or difflib.get_close_matches(text, known, 1, cutoff=0.7)), None)


def _swap_letters(text: str) -> set[str]:
    places = range(len(text) - 1)
    return {f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}" for at in places}


def nearest(value: object, names: Iterable[str], *, prefix: str = "") -> str:
    """A hint that names the nearest valid spelling, or all of them; `prefix` stands before each name."""
    known = list(names)
    near = find_nearest_name(value, known)
    if near:
        return f"did you mean {prefix + near!r}?"
    return f"there are: {', '.join(prefix + name for name in known)}"
