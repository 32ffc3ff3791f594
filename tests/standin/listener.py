"""The listening socket and its connections, which all end when it is closed."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import sys
import threading
from http.server import ThreadingHTTPServer
from typing import Any

from standin.handler import ConnectionHandler

# Far more than it takes; without it a fault of ours would hang the test run.
_CLOSE_TIMEOUT = 10


class Listener(ThreadingHTTPServer):
    """Accepts connections in a thread of its own, until `stop`."""

    daemon_threads = True
    request_queue_size = 128
    # An accepted connection can be gone again; waiting for the next one is `_accept`'s affair.
    timeout = 0

    def __init__(self, port: int, handler: type[ConnectionHandler], closing: threading.Event) -> None:
        self._closing = closing
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", port), handler)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="standin", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection, and serve it in a thread."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong in a connection, unless the client merely went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening, end all connections and wait until their threads are done with them."""
        self._closing.set()
        self._wake.close()
        self._thread.join()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            ended = self._changed.wait_for(lambda: not self._connections, _CLOSE_TIMEOUT)
            assert ended, f"{len(self._connections)} connections of the stand-in did not end"
        self.server_close()
        self._woken.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closing.is_set():
                selector.select()
                self.handle_request()
