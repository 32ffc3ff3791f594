"""
Cassettes that other tools wrote, read as they are.

A format is one module with `recognize` and `load`, and one line in `_FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from claude_replay.cassette.formats import vcrpy
from claude_replay.cassette.formats.unpack import read_head
from claude_replay.exchange import Exchange

__all__ = ["Format", "find_format"]


@dataclass(frozen=True, slots=True)
class Format:
    """
    How the files of another tool are told from others and read.

    `recognizes` takes the first bytes of a file, unpacked. `load` takes all bytes and the name for messages;
    it gives the exchanges in file order and one line `interactions[3]: reason` for each interaction that is
    left out, or `interactions[3]: kept; …` for one whose address had to be guessed. It raises
    CassetteLoadError with file and line where the file as a whole cannot be read.
    """

    name: str
    recognizes: Callable[[bytes], bool]
    load: Callable[[bytes, str], tuple[list[Exchange], list[str]]]


_FORMATS = (Format("vcrpy", vcrpy.recognize, vcrpy.load),)


def find_format(content: bytes) -> Format | None:
    """The format of a foreign cassette, told by its first bytes; None where it is none that is known."""
    head = read_head(content)
    return next((known for known in _FORMATS if known.recognizes(head)), None)
