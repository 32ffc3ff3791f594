"""`@pytest.mark.vcr`, the mark of pytest-recording, served by this plugin: what it says, in our settings."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from claude_replay.api import is_claude_host
from claude_replay.errors import SettingsError
from claude_replay.settings import Layer

if TYPE_CHECKING:
    from claude_replay.plugin.state import State

__all__ = ["VcrTest", "find_unserved_hooks", "read_vcr_mark"]

_MARK = "vcr"
_ORIGIN = "vcr mark"
_LONGEST_NAME = 255
# What happens anyway, or has nothing to act on: other hosts are never recorded, headers kept by an allow-list.
_NO_NEED = (
    "decode_compressed_response",
    "filter_headers",
    "ignore_localhost",
    "serializer",
    "cassette_library_dir",
)
_HOOK = (
    "secrets are taken out without it (claude_replay_redact adds to the rules), and `ignore` of the marker "
)
_HOOK += "claude_replay leaves fields out of the comparison"
_INSTEAD = {
    "match_on": "requests are compared by operation and body, whatever it names; claude_replay_ignore leaves "
    "fields out, claude_replay_match = sequence goes by order alone",
    "before_record": _HOOK,
    "before_record_request": _HOOK,
    "before_record_response": _HOOK,
    "filter_query_parameters": "claude_replay_redact takes secrets out of addresses, too",
    "allowed_hosts": "claude_replay_block says which connections are refused",
    "drop_unused_requests": "--claude-record=rewrite leaves out what is no longer asked",
}
_MARKS = {
    "block_network": "calls to Claude are refused anyway; claude_replay_block = all refuses all other hosts, too",
    "allowed_hosts": _INSTEAD["allowed_hosts"],
}


class VcrTest(NamedTuple):
    """
    What the mark, `vcr_config`, `vcr_cassette_dir` and `default_cassette_name` say about a test.

    `extras` are cassettes it is also answered from, `is_shared` says that the name of its own was given by a
    mark; `notes` name what has no meaning here.
    """

    path: Path
    extras: tuple[Path, ...]
    layer: Layer
    is_shared: bool
    notes: tuple[str, ...]


def read_vcr_mark(state: State, request: pytest.FixtureRequest) -> VcrTest:
    """Read the mark of the test that `request` belongs to; raises SettingsError."""
    item: pytest.Item = request.node
    config = request.getfixturevalue("vcr_config")
    if not isinstance(config, Mapping):
        raise SettingsError(f"vcr_config: a mapping was expected, not {config!r}")
    marks = list(item.iter_markers(_MARK))
    values: dict[str, Any] = dict(config)
    for mark in reversed(marks):
        values.update(mark.kwargs)
    folder = Path(values.get("cassette_library_dir") or request.getfixturevalue("vcr_cassette_dir"))
    folder = state.config.rootpath / folder
    path = _find_file(folder, str(request.getfixturevalue("default_cassette_name")), values.get("serializer"))
    extras = tuple(dict.fromkeys(folder / str(name) for mark in marks for name in mark.args))
    return VcrTest(
        path,
        extras,
        Layer(_ORIGIN, _read_settings(state, values)),
        item.get_closest_marker("default_cassette") is not None,
        tuple(_find_unserved(item, values, extras)),
    )


def _find_file(folder: Path, name: str, serializer: object) -> Path:
    """The file that pytest-recording would open; where there is none, the one with the ending of ours."""
    suffix = str(serializer or ".yaml")
    if len(name) + len(suffix) > _LONGEST_NAME:
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        name = f"{name[: _LONGEST_NAME - len(suffix) - len(digest) - 3]}...{digest}"
    own = _with_ending(folder / name, ".yaml")
    theirs = _with_ending(folder / name, f".{serializer}") if serializer else own
    return theirs if theirs.exists() and not own.exists() else own


def _with_ending(path: Path, ending: str) -> Path:
    return path if path.name.endswith(ending) else path.with_name(path.name + ending)


def _read_settings(state: State, values: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    if "unplayed" not in state.given.settings.origins:
        # pytest-recording lets it pass.
        found["unplayed"] = "warn"
    if "record_mode" in values:
        # vcrpy's modes are an enumeration of these words.
        found["mode"] = getattr(values["record_mode"], "value", values["record_mode"])
    if values.get("allow_playback_repeats"):
        found["repeat"] = True
    if values.get("record_on_exception") is False:
        found["save"] = "passed"
    if names := _names(values.get("filter_post_data_parameters")):
        found["ignore"] = names
    return found


def _names(value: object) -> list[str]:
    entries = value if isinstance(value, (list, tuple)) else []
    return [str(entry[0] if isinstance(entry, (list, tuple)) else entry) for entry in entries]


_SERVED = (*_NO_NEED, "record_mode", "allow_playback_repeats", "record_on_exception")


def _find_unserved(item: pytest.Item, values: Mapping[str, Any], extras: Iterable[Path]) -> Iterator[str]:
    for key, value in values.items():
        if key in _SERVED or not value:
            continue
        if key == "filter_post_data_parameters":
            what = (
                "is left out of the comparison, but stays in the cassette; claude_replay_redact takes it out"
            )
            yield f"@pytest.mark.vcr: {key}: what it names {what}"
        elif key == "ignore_hosts":
            if any(is_claude_host(str(host)) for host in _names(value)):
                yield f"@pytest.mark.vcr: {key} is not used: a served test calls Claude by its cassette only"
        else:
            reason = _INSTEAD.get(key, "it has no meaning here")
            yield f"@pytest.mark.vcr: {key} is not used: {reason}"
    for mark, reason in _MARKS.items():
        if item.get_closest_marker(mark) is not None:
            yield f"@pytest.mark.{mark} is not used: {reason}"
    for path in extras:
        if not path.exists():
            yield f"@pytest.mark.vcr: there is no extra cassette {path}"


def find_unserved_hooks(config: pytest.Config) -> Iterator[str]:
    """The hooks of pytest-recording that a conftest.py or plugin has, and that nobody calls."""
    for hook in config.hook.pytest_recording_configure.get_hookimpls():
        place = os.path.relpath(str(hook.plugin_name), config.rootpath)
        yield f"pytest_recording_configure in {place} is not called: there is no VCR object to configure"
