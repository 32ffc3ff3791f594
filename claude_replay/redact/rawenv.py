"""The environment as the operating system has it: looking at `os.environ` decodes every text anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["find_raw"]


def find_raw(environ: Mapping[str, str]) -> tuple[Mapping[Any, Any], Callable[[str], Any]]:
    """
    What stands behind `os.environ`, and how a name is spelled there; for any other mapping that itself, and `str`.

    Ten times as fast to look at, which is felt where each test looks. No documented part of `os`: where they are
    missing, the mapping itself does as well.
    """
    raw, encode = getattr(environ, "_data", None), getattr(environ, "encodekey", None)
    return (raw, encode) if isinstance(raw, dict) and encode is not None else (environ, str)
