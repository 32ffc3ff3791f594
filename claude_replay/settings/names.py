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
    "folder": "dir",
    "match_on": "ignore",
    "on_unplayed": "unplayed",
}


def find_nearest_name(value: object, names: Iterable[str]) -> str | None:
    """The one of `names` that was probably meant; None where none is near."""
    known, text = list(names), str(value).lower()
    meant = _MEANT.get(text)
    if meant in known:
        return meant
    return next(iter(difflib.get_close_matches(text, known, 1, cutoff=0.7)), None)


def nearest(value: object, names: Iterable[str], *, prefix: str = "") -> str:
    """A hint that names the nearest valid spelling, or all of them; `prefix` stands before each name."""
    known = list(names)
    near = find_nearest_name(value, known)
    if near:
        return f"did you mean {prefix + near!r}?"
    return f"there are: {', '.join(prefix + name for name in known)}"
