"""
Connections to Redis, for threads and for event loops.

What is to be asked comes as a plan: a generator that yields commands and is sent their replies. So each operation is
written once, and only the way to the server twice.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from claude_replay.errors import SettingsError, StoreError

__all__ = ["Command", "OutOfStep", "Plan", "RedisLink"]

_Result = TypeVar("_Result")
Command = tuple[Any, ...]
Plan = Generator[Sequence[Command], list[Any], _Result]
"""Yields commands that may be sent together, is sent the list of their replies, returns the result."""

_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}
_PAGE = 500
_RECOVERY = 5.0  # seconds for which a server that let somebody wait is left alone


class OutOfStep(StoreError):
    """A reply that belongs to something else: no connection is to be believed any more."""


class RedisLink:
    """
    One server or cluster. Connections are made when they are first needed, and again when they were lost.

    `place` is the URL without credentials and options, for messages.
    """

    def __init__(self, url: str, *, cluster: bool, timeout: float, options: Mapping[str, Any]) -> None:
        self._errors = _require_redis()
        self._url, self.place, in_url = _read_url(url)
        self._cluster = cluster or in_url
        self._timeout = timeout
        self._silent_until = 0.0
        self._options = {"socket_timeout": timeout, "socket_connect_timeout": timeout, **options}
        self._client: Any = None
        self._kept: list[Any] = []
        # A connection belongs to the event loop that made it.
        self._aclients: dict[asyncio.AbstractEventLoop, Any] = {}
        self._keepers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._lock = threading.Lock()
        self._closed = False

    # ------------------------------------------------------------------ threads

    def run(self, plan: Plan[_Result]) -> _Result:
        """Carry out a plan; raises StoreError."""
        started = self._begin()
        try:
            # Not within `_explained`, nor under the lock: each hit comes this way.
            client = self._client or self._connect()
            commands = next(plan)
            while True:
                commands = plan.send(self._send(client, commands))
        except StopIteration as stop:
            result: _Result = stop.value
            return result
        except OutOfStep:
            self._start_anew()
            raise
        except self._errors as error:
            raise self._explain(error, started) from error

    def _send(self, client: Any, commands: Sequence[Command]) -> list[Any]:
        # A cluster has connections for each of its nodes.
        pool = getattr(client, "connection_pool", None)
        if pool is not None and len(commands) == 1 and commands[0][0] == "HMGET":
            return [self._read(client, pool, commands[0])]
        self._give_back(client)
        if len(commands) == 1:
            return [client.execute_command(*commands[0])]
        with client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return _checked(pipeline.execute(raise_on_error=False))

    def _give_back(self, client: Any) -> None:
        # The pool may be a small one.
        kept, self._kept = self._kept, []
        for connection in kept:
            client.connection_pool.release(connection)

    def _read(self, client: Any, pool: Any, command: Command) -> Any:
        """
        Send a command that changes nothing, and whose reply the package passes on as it is: each hit comes this way.

        As execute_command does, without what it observes, and over a connection that was kept from the last hit: the
        pool would first ask the system whether that still is what it was. Where it is not, the command is sent again.
        """
        try:
            connection = self._kept.pop()
            is_kept = connection.pid == os.getpid()
        except IndexError:
            is_kept = False
        if not is_kept:
            connection = pool.get_connection()
        try:
            connection.send_command(*command)
            reply = connection.read_response()
        except BaseException as error:
            if not _is_answer(error):
                # Its reply may still come, and would be taken for that of the next command.
                connection.disconnect()
            pool.release(connection)
            if is_kept and isinstance(error, _lost()):
                return client.execute_command(*command)
            raise
        self._kept.append(connection)
        return reply

    def sweep(self, pattern: str, plan: Callable[[Sequence[bytes]], Plan[_Result]]) -> list[_Result]:
        """Carry out a plan for each page of the keys that match a pattern."""
        with self._explained():
            client = self._connect()
            self._give_back(client)
            keys = list(client.scan_iter(match=pattern, count=_PAGE))
            return [self.run(plan(page)) for page in _pages(iter(keys))]

    def close(self) -> None:
        """Close the connections of threads; those of an event loop are closed when it ends."""
        self._closed = True
        self._start_anew()

    def _start_anew(self) -> None:
        with self._lock:
            client, self._client, self._kept = self._client, None, []
        if client is not None:
            if self._cluster:
                # Closing one leaves those of its nodes to the garbage collector (redis 8.1).
                client.disconnect_connection_pools()
            client.close()

    def _connect(self) -> Any:
        with self._lock:
            self._refuse_closed()
            if self._client is None:
                import redis
                from redis.backoff import NoBackoff
                from redis.retry import Retry

                options = {"retry": Retry(NoBackoff(), 1, _lost()), **self._options}
                make = redis.RedisCluster.from_url if self._cluster else redis.Redis.from_url
                self._client = make(self._url, **options)
            return self._client

    # ------------------------------------------------------------------ event loops

    async def arun(self, plan: Plan[_Result]) -> _Result:
        """Carry out a plan without blocking the event loop; raises StoreError."""
        loop = _running_loop()
        if loop is None:
            # The redis package knows asyncio only.
            from anyio import to_thread

            return await to_thread.run_sync(self.run, plan)
        with self._explained():
            client = await self._aconnect(loop)
            try:
                commands = next(plan)
                while True:
                    commands = plan.send(await _asend(client, commands))
            except StopIteration as stop:
                result: _Result = stop.value
                return result
            except OutOfStep:
                await self._keepers[loop].aclose()
                raise

    async def asweep(self, pattern: str, plan: Callable[[Sequence[bytes]], Plan[_Result]]) -> list[_Result]:
        """Twin of `sweep`."""
        loop = _running_loop()
        if loop is None:
            from anyio import to_thread

            return await to_thread.run_sync(self.sweep, pattern, plan)
        with self._explained():
            client = await self._aconnect(loop)
            keys = [key async for key in client.scan_iter(match=pattern, count=_PAGE)]
            return [await self.arun(plan(page)) for page in _pages(iter(keys))]

    async def aclose(self) -> None:
        """Close the connections of this event loop and of threads."""
        loop = _running_loop()
        keeper = self._keepers.get(loop) if loop is not None else None
        self.close()
        if keeper is not None:
            await keeper.aclose()

    async def _aconnect(self, loop: asyncio.AbstractEventLoop) -> Any:
        self._refuse_closed()
        client = self._aclients.get(loop)
        if client is None:
            import redis.asyncio
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            options = {"retry": Retry(NoBackoff(), 1, _lost()), **self._options}
            make = redis.asyncio.RedisCluster.from_url if self._cluster else redis.asyncio.Redis.from_url
            client = self._aclients[loop] = make(self._url, **options)
            self._keepers[loop] = self._keep(loop, client)
            await anext(self._keepers[loop])
        return client

    async def _keep(self, loop: asyncio.AbstractEventLoop, client: Any) -> AsyncGenerator[None, None]:
        """An event loop that ends (asyncio.run does) closes its generators, and so the connections of this one."""
        try:
            yield
        finally:
            self._aclients.pop(loop, None)
            self._keepers.pop(loop, None)
            await client.aclose()

    # ------------------------------------------------------------------ what goes wrong

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError(
                f"this RedisStore ({self.place}) was closed; make a new one, or close it after its last use"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        started = self._begin()
        try:
            yield
        except self._errors as error:
            raise self._explain(error, started) from error

    def _begin(self) -> float:
        """The time; raises StoreError while a server that let somebody wait is given time to recover."""
        now = time.monotonic()
        if now < self._silent_until:
            raise StoreError(f"Redis at {self.place}: did not answer in time; it is asked again in a moment")
        return now

    def _explain(self, error: Exception, started: float) -> StoreError:
        now = time.monotonic()
        if now - started >= self._timeout / 2:
            # One call makes several requests, and must not wait for each of them.
            self._silent_until = now + _RECOVERY
        return StoreError(f"Redis at {self.place}: {error or type(error).__name__}")


def _require_redis() -> tuple[type[Exception], ...]:
    """What the package raises, beside what the system does."""
    try:
        from redis.exceptions import RedisClusterException, RedisError
    except ImportError:
        raise SettingsError(
            "the Redis store needs the package redis: pip install 'pytest-claude-replay[redis]'"
        ) from None
    return RedisError, RedisClusterException, OSError


def _is_answer(error: BaseException) -> bool:
    """Whether this is what the server has answered."""
    from redis.exceptions import ResponseError

    return isinstance(error, ResponseError)


def _lost() -> Any:
    """After what a request is sent once more, at once: a connection that was kept may be lost meanwhile."""
    from redis.exceptions import ConnectionError as ConnectionLost

    return (ConnectionLost,)


def _read_url(url: str) -> tuple[str, str, bool]:
    """The URL for the redis package, the one for messages, and whether it asks for a cluster."""
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None:
        raise SettingsError(
            f"a URL of Redis begins with redis://, rediss:// or unix://, not {parts.scheme or 'nothing'!r}"
        )
    query = dict(parse_qsl(parts.query))
    cluster = query.pop("cluster", "false").lower() in ("1", "true", "yes")
    host = parts.netloc.rpartition("@")[2]
    options = f"?{urlencode(query)}" if query else ""
    # Not urlunsplit, which leaves out the slashes before an empty host.
    address = f"{scheme}://{parts.netloc}{parts.path}{options}"
    return address, f"{parts.scheme}://{host}{parts.path}", cluster


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _asend(client: Any, commands: Sequence[Command]) -> list[Any]:
    if len(commands) == 1:
        return [await client.execute_command(*commands[0])]
    async with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)
        return _checked(await pipeline.execute(raise_on_error=False))


def _checked(replies: list[Any]) -> list[Any]:
    # Raised by the package, an error would quote the command, and with it what was asked and answered.
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _pages(keys: Iterator[bytes]) -> Iterator[list[bytes]]:
    page: list[bytes] = []
    for key in keys:
        page.append(key)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
