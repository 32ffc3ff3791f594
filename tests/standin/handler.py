"""Reads requests from a connection and delivers the replies, whole, slowly, or broken as asked."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from standin.received import Received, Visit, parse_json
from standin.routes import Reply, route_request
from standin.stream import Stream


class Host(Protocol):
    """What a connection needs from the server it belongs to."""

    closing: threading.Event

    def admit(self, received: Received) -> Visit:
        """Note a request, and give it its place."""
        ...


class ConnectionHandler(BaseHTTPRequestHandler):
    """One connection of a client, kept alive between its requests."""

    protocol_version = "HTTP/1.1"
    # An event is to leave when it is written, not when the client has acknowledged the one before.
    disable_nagle_algorithm = True
    host: Host

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def answer_request(self) -> None:
        """Answer one request."""
        received = self._read_request()
        reply = route_request(received, self.host.admit(received))
        if reply.stream is None:
            self._deliver_json(reply, "gzip" in received.headers.get("accept-encoding", ""))
        else:
            self._deliver_stream(reply, reply.stream)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer_request

    def _read_request(self) -> Received:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        if "chunked" in headers.get("transfer-encoding", ""):
            body = self._read_chunks()
        else:
            body = self.rfile.read(int(headers.get("content-length", "0")))
        return Received(self.command, self.path, headers, body, parse_json(body))

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _deliver_json(self, reply: Reply, accepts_gzip: bool) -> None:
        directives = reply.directives
        if directives.cut_after is not None:
            return self._cut()
        if directives.hang_after is not None:
            return self._hang()
        self._pause(directives.slow)
        body, headers = reply.body, list(reply.headers)
        if accepts_gzip:
            body = gzip.compress(body, mtime=0)
            headers.append(("content-encoding", "gzip"))
        head = self._format_head(reply.status, [*headers, ("content-length", str(len(body)))])
        if directives.cut_json:
            self.wfile.write(head + body[: len(body) // 2])
            return self._cut()
        self.wfile.write(head + body)
        return None

    def _deliver_stream(self, reply: Reply, stream: Stream) -> None:
        self.wfile.write(self._format_head(reply.status, [*reply.headers, ("transfer-encoding", "chunked")]))
        for index, event in enumerate(stream.events):
            if index:
                self._pause(reply.directives.slow)
            if self.host.closing.is_set():
                return self._cut()
            data = event.encode(reply.dialect)
            # Nothing is a chunk, too: the last one.
            if data:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if stream.ending == "end":
            self.wfile.write(b"0\r\n\r\n")
        elif stream.ending == "hang":
            self._hang()
        else:
            self._cut()
        return None

    def _format_head(self, status: int, headers: list[tuple[str, str]]) -> bytes:
        reason = self.responses.get(status, ("Overloaded" if status == 529 else "Unknown", ""))[0]
        lines = [
            f"{self.protocol_version} {status} {reason}",
            *(f"{name}: {value}" for name, value in headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _pause(self, milliseconds: int) -> None:
        if milliseconds:
            self.host.closing.wait(milliseconds / 1000)

    def _hang(self) -> None:
        """Say nothing more until the client leaves, or the server ends the connection."""
        self.rfile.read()
        self.close_connection = True

    def _cut(self) -> None:
        self.close_connection = True
        # The client may have gone before.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
