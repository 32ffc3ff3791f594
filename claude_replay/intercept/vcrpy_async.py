"""Requests of aiohttp and tornado that ask a session before the network."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from claude_replay.intercept.vcrpy import OneRequest
from claude_replay.session import Session

__all__ = ["ask_with_aiohttp", "ask_with_tornado"]

# What tornado gives where there was no answer.
_NO_ANSWER = 599


async def ask_with_aiohttp(
    session: Session, request: Callable[..., Any], client: Any, method: str, url: Any, options: dict[str, Any]
) -> Any:
    """What `request` of aiohttp does for `client`."""
    __tracebackhide__ = True
    from vcr.stubs.aiohttp_stubs import vcr_request

    decoded = options.get("auto_decompress")
    cassette = OneRequest(session, decoded=client.auto_decompress if decoded is None else decoded)

    async def send(_: Any, method: str, absolute: Any, **options: Any) -> Any:
        await cassette.aend()
        with cassette.sending():
            response = await request(client, method, url, **options)
            # What breaks off does so here; aiohttp keeps the body for those who read it again.
            await response.read()
            return response

    options = await _read_payload(client, options)
    try:
        return await vcr_request(cassette, send)(client, method, str(client._build_url(url)), **options)
    finally:
        cassette.report()


async def _read_payload(client: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a request with its body as a file, from whatever aiohttp takes for one."""
    from aiohttp import FormData, payload

    data = options.get("data")
    if data is None and options.get("json") is not None:
        data = payload.JsonPayload(options["json"], dumps=client.json_serialize)
        options = {name: value for name, value in options.items() if name != "json"}
    if data is None:
        return options
    made: Any
    try:
        made = payload.PAYLOAD_REGISTRY.get(data() if isinstance(data, FormData) else data, disposition=None)
    except payload.LookupError:
        made = FormData(data)()
    headers = client._prepare_headers(options.get("headers"))
    for name, value in made.headers.items():
        headers.setdefault(name, value)
    pieces = _Pieces()
    await made.write(pieces)
    # Not bytes: aiohttp warns of large ones.
    return {**options, "headers": headers, "data": io.BytesIO(b"".join(pieces))}


class _Pieces(list[bytes]):
    """Takes what aiohttp writes in the place of a connection."""

    async def write(self, piece: Any) -> None:
        self.append(bytes(piece))


# ------------------------------------------------------------------ tornado


def ask_with_tornado(
    session: Session, fetch: Callable[..., None], client: Any, request: Any, callback: Callable[[Any], None]
) -> None:
    """What `fetch` of tornado does for `client`: `callback` gets the response."""
    __tracebackhide__ = True
    from vcr.stubs.tornado_stubs import vcr_fetch_impl

    cassette = OneRequest(session)

    def send(client: Any, request: Any, callback: Callable[[Any], None]) -> None:
        cassette.end()
        task = asyncio.ensure_future(wait(client, request, callback))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def wait(client: Any, request: Any, callback: Callable[[Any], None]) -> None:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with suppress(Exception), cassette.sending():
            fetch(client, request, answered.set_result)
            if (await answered).code == _NO_ANSWER:
                raise answered.result().error
        callback(answered.result())
        if answered.result().code != _NO_ANSWER:
            cassette.report()

    vcr_fetch_impl(cassette, send)(client, request, callback)


# asyncio itself does not keep its tasks.
_tasks: set[asyncio.Task[None]] = set()
