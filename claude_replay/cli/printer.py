"""The one way to the terminal: without secrets, without anything that could drive it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TextIO

from claude_replay.cli.project import read_project
from claude_replay.redact import Redactor, known_literals

__all__ = ["Printer", "escape", "make_redactor"]

# Control characters but tab and line feed; what turns the direction of text or cannot be seen at all (joiners
# make emoji and letters, so they stay); halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def escape(text: str) -> str:
    """`text` with control characters, lone surrogates and invisible characters as backslash sequences."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def make_redactor(keep_headers: Iterable[str] = (), patterns: Iterable[str] = ()) -> Redactor:
    """
    A redactor that knows the credentials of the environment, and what the project redacts.

    `keep_headers` are names to keep on both sides, `patterns` more regular expressions to redact. Raises
    SettingsError where a setting of the project or a pattern is not valid.
    """
    settings = read_project().settings
    kept = {*keep_headers, *settings.keep_headers}
    return Redactor(
        literals=known_literals(os.environ),
        patterns=(*settings.redact, *patterns),
        keep_request_headers=kept,
        keep_response_headers=kept,
    )


class Printer:
    """
    Writes lines to a stream, redacted and escaped.

    Only a terminal gets bold text, and only where `NO_COLOR` is not set.
    """

    def __init__(self, stream: TextIO, redactor: Redactor | None = None) -> None:
        self._stream = stream
        self._redactor = redactor or Redactor(literals=known_literals(os.environ))
        self._bold = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "", *, bold: bool = False) -> None:
        """Write `text` as one line; line feeds in it are escaped, too."""
        self._write(text.replace("\n", "\\n"), bold=bold)

    def text(self, text: str) -> None:
        """Write `text`, which may have several lines."""
        self._write(text, bold=False)

    def _write(self, text: str, *, bold: bool) -> None:
        safe = escape(self._redactor.text(text))
        encoding = self._stream.encoding or "utf-8"
        safe = safe.encode(encoding, "backslashreplace").decode(encoding)
        self._stream.write(f"{_BOLD}{safe}{_PLAIN}\n" if bold and self._bold else f"{safe}\n")
