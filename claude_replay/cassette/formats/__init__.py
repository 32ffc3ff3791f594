"""
Cassettes that other tools wrote, read as they are.

A format is one module with `recognize` and `load`, and one line in `_FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from claude_replay.cassette.formats import (
    cassetter,
    govcr,
    httpmock,
    httprr,
    httpsnapshot,
    testagent,
    vcr,
    vcrpy,
)
from claude_replay.cassette.formats.unpack import read_head
from claude_replay.exchange import Exchange

__all__ = ["Format", "find_format"]


class _Load(Protocol):
    def __call__(
        self, content: bytes, name: str, hosts: Sequence[str] = ()
    ) -> tuple[list[Exchange], list[str]]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """
    How the files of another tool are told from others and read.

    `recognizes` takes the bytes of a file, at least the first 4096, unpacked. `load` takes all bytes, the name
    for messages, and the hosts that count besides Claude's; it gives the exchanges in file order and one line
    `interactions[3]: reason` for each interaction that is left out, or `interactions[3]: kept; …` for one whose
    address had to be guessed. It raises CassetteLoadError with file and line where the file as a whole cannot
    be read.
    """

    name: str
    recognizes: Callable[[bytes], bool]
    load: _Load


# In this order: some begin like vcrpy's, and are told from them by what comes next.
_FORMATS = (
    Format("cassetter", cassetter.recognize, cassetter.load),
    Format("go-vcr", govcr.recognize, govcr.load),
    Format("vcrpy", vcrpy.recognize, vcrpy.load),
    Format("VCR", vcr.recognize, vcr.load),
    Format("http-snapshot", httpsnapshot.recognize, httpsnapshot.load),
    Format("ddapm-test-agent", testagent.recognize, testagent.load),
    Format("httpmock", httpmock.recognize, httpmock.load),
    Format("httprr", httprr.recognize, httprr.load),
)
_OURS = b"# claude_replay cassette"


def find_format(content: bytes) -> Format | None:
    """The format of a foreign cassette, told by how it begins; None where it is none that is known."""
    if content.startswith(_OURS):
        return None
    head = read_head(content)
    return next((known for known in _FORMATS if known.recognizes(head)), None)
