"""Ordered exchanges and their YAML: read, write, name, lock and keep them."""

from __future__ import annotations

from claude_replay.cassette.entry import Entry, drop_notes
from claude_replay.cassette.file import (
    Cassette,
    dump_cassette,
    load_cassette,
    parse_cassette,
    save_cassette,
)
from claude_replay.cassette.identity import identify_request, key_of
from claude_replay.cassette.journal import Journal, Leftover, has_journals, read_journals
from claude_replay.cassette.layout import write_request
from claude_replay.cassette.media import Media
from claude_replay.cassette.merge import Recorded, leave_out_known, merge
from claude_replay.cassette.names import cassette_file, cassette_folder, cassette_name
from claude_replay.cassette.origin import Origin
from claude_replay.cassette.store import (
    clear_hidden,
    ensure_writable,
    forget_run,
    lock_cassette,
    mark_once,
    shared_account,
    was_marked,
    write_bytes,
)
from claude_replay.cassette.writer import Form, Writer

__all__ = [
    "Cassette",
    "Entry",
    "Form",
    "Journal",
    "Leftover",
    "Media",
    "Origin",
    "Recorded",
    "Writer",
    "cassette_file",
    "cassette_folder",
    "cassette_name",
    "clear_hidden",
    "drop_notes",
    "dump_cassette",
    "ensure_writable",
    "forget_run",
    "has_journals",
    "identify_request",
    "key_of",
    "leave_out_known",
    "load_cassette",
    "lock_cassette",
    "mark_once",
    "merge",
    "parse_cassette",
    "read_journals",
    "save_cassette",
    "shared_account",
    "was_marked",
    "write_bytes",
    "write_request",
]
