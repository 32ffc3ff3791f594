"""The text of one exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from claude_replay.cassette.compact import fold
from claude_replay.cassette.document import Files, dump_meta, dump_request, dump_response
from claude_replay.cassette.identity import Identity, identify_request, make_id
from claude_replay.cassette.yamltext import Flow, emit
from claude_replay.exchange import Exchange, Request

__all__ = ["write_exchange", "write_request"]

_HEAD = b"  request:\n"


def _stands_alone(_: bytes) -> Sequence[int]:
    return ()


def write_exchange(
    exchange: Exchange,
    *,
    identity: Identity | None = None,
    request: Request | None = None,
    continues: Sequence[str] = (),
    seal: Callable[[bytes], Sequence[int]] = _stands_alone,
    files: Files | None = None,
) -> bytes:
    """
    One exchange as an item of a YAML list, in UTF-8.

    `identity` is that of its request, where it is known already. `request` is the request as it is written where
    that is another: one that points at the exchanges labeled `continues`, whose check sums `seal` gives for its
    text. Large media go to `files`. Raises ValueError where a value cannot be written as YAML.
    """
    text = write_request(request or exchange.request, files)
    if continues:
        # Without quotes, as the ids they repeat.
        labels = continues[0] if len(continues) == 1 else f"[{', '.join(continues)}]"
        text = _HEAD + f"    continues: {labels}\n".encode() + text.removeprefix(_HEAD)
    meta = dump_meta(exchange.meta)
    return b"".join(
        (
            f"- id: {make_id(identity or identify_request(exchange.request), text, seal(text))}\n".encode(),
            emit({"meta": Flow(meta)}, indent=2).encode() if meta else b"",
            text,
            _emit("response", dump_response(exchange.response, exchange.meta, files)),
        )
    )


def write_request(request: Request, files: Files | None = None) -> bytes:
    """The lines of a request; raises as `write_exchange` does."""
    return _emit("request", dump_request(request, files))


def _emit(key: str, value: Mapping[str, object]) -> bytes:
    return emit({key: fold(value)}, indent=2).encode("utf-8")
