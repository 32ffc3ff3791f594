"""Exchanges as they stand in one file, each pointing at those above it for what it has in common with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from claude_replay.cassette.entry import Entry
from claude_replay.cassette.layout import write_exchange
from claude_replay.cassette.links import Links
from claude_replay.cassette.share import Library
from claude_replay.errors import CassetteLoadError
from claude_replay.exchange import Json

__all__ = ["Form", "Writer", "write_all"]


@dataclass(frozen=True, slots=True)
class Form:
    """An exchange as it is written, and the side files that it names."""

    entry: Entry
    files: Mapping[str, bytes]

    @property
    def data(self) -> bytes:
        """The item of the list."""
        return self.entry.data


class Writer:
    """
    Writes exchanges from top to bottom; the same ones in the same order always give the same text.

    What a cassette holds already is written as it stands, comments and all, as long as what it points at is
    still there above it. Not safe for use by several threads at once. Without `has_media` large media stay
    where they are.
    """

    def __init__(self, *, has_media: bool = True) -> None:
        self._has_media = has_media
        self._links = Links[Entry]()
        # By what was given: what was written for it.
        self._written: dict[int, Entry] = {}
        self._originals: list[Entry] = []
        self._library = Library()
        self._in_library = 0

    def form(self, entry: Entry) -> Form:
        """The next exchange as it would be written; raises ValueError and CassetteLoadError."""
        if self._may_stay(entry):
            return Form(entry, {})
        self._fill_library()
        exchange, files = entry.exchange, dict[str, bytes]()
        shared = self._library.find(exchange.request)
        continues = shared.continues if shared else ()
        places = [self._links.find(label, len(self._links)) for label in continues]
        data = write_exchange(
            exchange,
            identity=entry.identity,
            request=replace(exchange.request, body=Json(shared.body)) if shared else None,
            continues=continues,
            seal=partial(self._links.seals_of, places),
            files=files if self._has_media else None,
        )
        return Form(Entry(data=data, exchange=exchange), files)

    def keep(self, entry: Entry, form: Form) -> None:
        """Take what `form` gave for the entry as written."""
        self._links.add(form.entry)
        self._written[id(entry)] = form.entry
        # An id is only that of one object as long as that is there.
        self._originals.append(entry)

    def _may_stay(self, entry: Entry) -> bool:
        if entry.is_new:
            return False
        try:
            bases = entry.bases
        except ValueError:
            # Broken by hand, which is for a person to mend.
            return True
        return all(map(self._still_names, entry.labels, bases)) if bases else True

    def _still_names(self, label: str, base: Entry) -> bool:
        if self._written.get(id(base)) is not base:
            return False
        try:
            return self._links[self._links.find(label, len(self._links))] is base
        except ValueError:
            return False

    def _fill_library(self) -> None:
        for place in range(self._in_library, len(self._links)):
            entry, label = self._links[place], self._links.label(place)
            try:
                request, (response, _) = entry.request, entry.answer
            except CassetteLoadError:
                continue
            if label is not None:
                self._library.add(label, request, response)
        self._in_library = len(self._links)


def write_all(entries: Iterable[Entry], *, has_media: bool = True) -> tuple[list[bytes], dict[str, bytes]]:
    """Items of the list for a whole file, and the side files that they name; raises as `Writer.form` does."""
    writer, items, files = Writer(has_media=has_media), list[bytes](), dict[str, bytes]()
    for entry in entries:
        form = writer.form(entry)
        writer.keep(entry, form)
        items.append(form.data)
        files.update(form.files)
    return items, files
