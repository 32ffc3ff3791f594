"""One exchange of a cassette, parsed when it is first looked at."""

from __future__ import annotations

from claude_replay.cassette.document import dump_exchange, load_exchange
from claude_replay.cassette.yamltext import YamlError, emit, read
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Exchange

__all__ = ["Entry"]


class Entry:
    """An exchange as text, as values, or as both; the text of an exchange that was read is written back unchanged."""

    __slots__ = ("_exchange", "_text", "line", "name", "short_id")

    def __init__(self, *, name: str, line: int, text: str | None, exchange: Exchange | None, short_id: str = "") -> None:
        self.name = name
        self.line = line
        self.short_id = short_id
        self._text = text
        self._exchange = exchange

    @classmethod
    def of(cls, exchange: Exchange, short_id: str) -> Entry:
        """An entry for an exchange that no file holds yet."""
        return cls(name="<new>", line=0, text=None, exchange=exchange, short_id=short_id)

    @property
    def text(self) -> str:
        """The exchange as one item of a YAML list."""
        if self._text is None:
            assert self._exchange is not None
            self._text = emit([dump_exchange(self._exchange, self.short_id)])
        return self._text

    @property
    def exchange(self) -> Exchange:
        """The exchange; raises CassetteLoadError with file and line where the text is not one."""
        if self._exchange is None:
            self._exchange = self._parse()
        return self._exchange

    def _parse(self) -> Exchange:
        try:
            documents = read(self._text or "", name=self.name, first_line=self.line)
            if not isinstance(documents, list) or len(documents) != 1:
                raise ValueError("one exchange was expected")
            return load_exchange(documents[0])
        except YamlError as error:
            raise CassetteLoadError(f"{error}\n{ADVICE}") from None
        except ValueError as error:
            raise CassetteLoadError(f"{self.name}:{self.line}: {error}\n{ADVICE}") from None


ADVICE = (
    "The file was left as it is. Repair it by hand, take it from version control again, or delete it and record it "
    "anew: pytest --claude-record=once"
)
"""What to do about any cassette that cannot be read."""
