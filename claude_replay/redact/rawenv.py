"""The environment as the operating system has it: each look at `os.environ` decodes, each change encodes anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RawEnvironment", "find_raw"]


# The last: each test asks for it.
_found: list[RawEnvironment] = []


@dataclass(frozen=True, slots=True)
class RawEnvironment:
    """
    `texts` by name, as `encode_name` and `encode` spell names and texts; `put` and `drop` change them and the
    environment of the process.

    Ten times as fast as `os.environ`, which is felt where each test looks.
    """

    texts: Mapping[Any, Any]
    encode_name: Callable[[str], Any]
    encode: Callable[[str], Any]
    put: Callable[[Any, Any], None]
    drop: Callable[[Any], None]


def find_raw(environ: Mapping[str, str]) -> RawEnvironment | None:
    """
    What stands behind `os.environ`; None for any other mapping.

    Its attributes are those of CPython's `os._Environ`, and no documented part of it; None where they are missing.
    """
    texts = getattr(environ, "_data", None)
    # Two: on Windows names are in capitals.
    encode_name, encode = getattr(environ, "encodekey", None), getattr(environ, "encodevalue", None)
    if not isinstance(texts, dict) or encode_name is None or encode is None:
        return None
    if _found and _found[0].texts is texts:
        return _found[0]

    def put(name: Any, value: Any) -> None:
        os.putenv(name, value)
        texts[name] = value

    def drop(name: Any) -> None:
        os.unsetenv(name)
        texts.pop(name, None)

    _found[:] = [RawEnvironment(texts, encode_name, encode, put, drop)]
    return _found[0]
