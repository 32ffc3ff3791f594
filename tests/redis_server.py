"""A real redis-server of a test's own, on a free port of loopback or on a unix socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import pytest
import redis

__all__ = ["RedisServer", "free_port"]

_IN_CI = bool(os.environ.get("CI"))  # asked now: no test sees it
_PATIENCE = 20.0  # seconds in which a server must answer on a busy machine


class RedisServer:
    """
    A redis-server process that keeps nothing on disk; ended by `close()` or at the end of a `with`.

    `options` are redis-server's own (`maxmemory="2mb"`). With `unix` it listens on a socket in `folder` and on
    no port. `url` is what a client connects to. `stop()` and `start()` restart it, at the same address.
    """

    def __init__(
        self, folder: Path, *, unix: bool = False, persist: bool = False, password: str = "", **options: str
    ) -> None:
        self._folder = folder
        self._unix = unix
        self._options = {"save": "", "appendonly": "yes" if persist else "no", **options}
        if password:
            self._options["requirepass"] = password
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0 if unix else free_port()
        self.path = folder / "redis.sock"
        self.url = (
            f"unix://{self.path}"
            if unix
            else f"redis://{f':{password}@' * bool(password)}127.0.0.1:{self.port}/0"
        )
        self.start()

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [
            find_redis_server(),
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--dir",
            str(self._folder),
        ]
        if self._unix:
            command += ["--unixsocket", str(self.path)]
        for name, value in self._options.items():
            command += [f"--{name.replace('_', '-')}", value]
        log = self._folder / "redis.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"redis-server did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def client(self) -> redis.Redis:
        """A client of the redis package, to look behind the store."""
        return redis.Redis.from_url(self.url)

    def stop(self) -> None:
        """End the process at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    close = stop

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def find_redis_server() -> str:
    """Where redis-server is; without it a test is skipped, but not in CI, which has to install it."""
    found = shutil.which("redis-server")
    if found is None:
        message = "redis-server is not installed; on Debian: apt-get install redis-server"
        if _IN_CI:
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
