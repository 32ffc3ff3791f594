"""Which store a command is about, and which of its entries."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claude_replay.cache.control import to_seconds
from claude_replay.cache.entry import Entry, Listed, Selection
from claude_replay.cache.stores.base import Store
from claude_replay.cli.arguments import Parser
from claude_replay.errors import CacheError, SettingsError

__all__ = ["KEY_VARIABLE", "add_filters", "add_store", "find_entries", "opened", "read_selection", "select"]

KEY_VARIABLE = "CLAUDE_REPLAY_CACHE_KEY"
"""The environment variable that holds the keys of an encrypted store, separated by commas."""

_URL = re.compile(r"[a-z][a-z0-9+]+://")
_KEY = re.compile(r"[0-9a-f]{4,64}")


def add_store(parser: Parser) -> None:
    """The argument that names the store."""
    parser.add_argument(
        "store", metavar="STORE", help="a SQLite file, or redis://…, rediss://…, unix://…, valkey://…"
    )


def add_filters(parser: Parser) -> None:
    """The options that choose entries."""
    parser.add_argument("--model", metavar="NAME", help="answers to requests for this model")
    parser.add_argument("--tag", metavar="TAG", help="answers with this tag")
    parser.add_argument("--namespace", metavar="NAME", help="answers of this namespace (default: of all)")
    parser.add_argument(
        "--older-than", metavar="SPAN", type=_read_span, help="answers older than 90s, 15m, 12h, 7d, 2w"
    )


def _read_span(text: str) -> float:
    try:
        seconds = to_seconds(text)
    except CacheError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    assert seconds is not None
    return seconds


def read_selection(options: argparse.Namespace) -> Selection:
    """What the options of `add_filters` choose."""
    before = None if options.older_than is None else time.time() - options.older_than
    return Selection(options.namespace, options.model, options.tag, before)


@contextmanager
def opened(name: str) -> Iterator[Store]:
    """
    The store at a path or URL; never makes a file.

    Raises SettingsError for a path that does not exist, with the nearest file.
    """
    store: Store
    if _URL.match(name):
        from claude_replay.cache.stores.redis import RedisStore

        store = RedisStore(name)
    else:
        if not Path(name).is_file():
            raise SettingsError(_explain_missing(Path(name)))
        from claude_replay.cache.stores.sqlite import SQLiteStore

        store = SQLiteStore(name)
    keys = [key.strip() for key in os.environ.get(KEY_VARIABLE, "").split(",") if key.strip()]
    if keys:
        from claude_replay.cache.stores.encrypted import EncryptedStore

        store = EncryptedStore(store, keys)
    try:
        yield store
    finally:
        store.close()


def _explain_missing(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; name the SQLite file of a store, or a URL"
    names = os.listdir(path.parent) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, 1, 0.6)
    hint = f"; did you mean {str(path.parent / near[0])!r}?" if near else ""
    return f"there is no store {str(path)!r}{hint}"


def select(store: Store, selection: Selection) -> list[Listed]:
    """The answers of a selection, newest first, without entries of an index."""
    return [listed for listed in store.listed(selection) if listed.is_answer]


def find_entries(store: Store, prefixes: list[str], *, name: str) -> list[Entry]:
    """
    The entries whose keys begin so, one for each prefix.

    Raises SettingsError where there is none or more than one, or where it cannot be read.
    """
    for prefix in prefixes:
        if not _KEY.fullmatch(prefix):
            raise SettingsError(
                f"{prefix!r} is no key: give 4 to 64 hex digits, as `claude-replay cache list {name}` does"
            )
    keys = [listed.key for listed in select(store, Selection())]
    return [_load(store, _find_key(keys, prefix, name)) for prefix in prefixes]


def _find_key(keys: list[str], prefix: str, name: str) -> str:
    found = [key for key in keys if key.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"{len(found)} answers have a key that begins with {prefix}: {', '.join(key[:16] for key in found[:4])}"
        )
    raise SettingsError(
        f"no answer in {name} has a key that begins with {prefix}; see: claude-replay cache list {name}"
    )


def _load(store: Store, key: str) -> Entry:
    entry = store.load(key)
    if entry is None:
        raise SettingsError(
            f"the answer {key[:12]} cannot be read: its time has just run out, or it is encrypted with another "
            f"key than {KEY_VARIABLE} holds"
        )
    return entry
