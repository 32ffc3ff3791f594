"""
Stops connections to Claude at the lowest seams Python has, whatever HTTP library opens them.

    name        socket.getaddrinfo, gethostbyname, gethostbyname_ex   every resolver that asks the system
    address     socket.socket.connect, connect_ex, sendto, sendmsg    a name, or an address in mode "all"
    TLS         ssl.SSLContext.wrap_socket, wrap_bio                  proxies (CONNECT), own resolvers, uvloop

Nothing is done per test, and only a few comparisons per connection; a test that opens none pays nothing.

Out of reach: other processes, C code that brings its own sockets and TLS (pycurl, grpc), and unencrypted
connections to a numeric address made by C event loops (uvloop, the proactor loop of Windows).
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from claude_replay.intercept.imports import ImportWatch, Patches

if TYPE_CHECKING:
    from socket import socket as Socket
    from types import ModuleType

__all__ = ["Guard", "Mode"]

Mode = Literal["claude", "all", "off"]

# What each resolver answers, as a list of addresses.
_RESOLVERS: dict[str, Callable[[Any], Iterable[str]]] = {
    "getaddrinfo": lambda found: [entry[4][0] for entry in found],
    "gethostbyname": lambda found: [found],
    "gethostbyname_ex": lambda found: found[2],
}
# Where the address stands among the arguments of each method of a socket.
_SENDERS = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3}
# Where `server_hostname` stands when it is not given by name, after the context itself.
_WRAPPERS = {"wrap_socket": 4, "wrap_bio": 3}
# The usual ones, to spare parsing them; `is_loopback` knows all.
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TEXT = (str, bytes, bytearray)
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY")


class Guard:
    """
    Refuses connections to Claude while installed.

    `mode` may be changed at any time: "claude" refuses hosts that serve Claude, "all" every name and address
    that is not this machine's (unix sockets pass), "off" nothing. `refuse` gets the host, lower case and
    without port, and returns what to raise; it is called in whatever thread or task opened the connection, so
    it is also the place to note the refusal for applications that swallow it. A refused socket is closed.

    Guards may be stacked (pytest inside pytest): a connection passes when each of them lets it.
    """

    def __init__(self, refuse: Callable[[str], BaseException], *, mode: Mode = "claude") -> None:
        self.mode: Mode = mode
        self._refuse = refuse
        self._installed = False
        self._lock = threading.Lock()
        self._live_calls = 0
        # Hosts and addresses beside Claude's own that live calls need.
        self._live_hosts: set[str] = set()
        self._patches = Patches()
        self._watch = ImportWatch({"socket": self._patch_socket, "ssl": self._patch_ssl})

    def install(self) -> None:
        """Guards this process from now on; does nothing when it already does."""
        self._installed = True
        self._watch.start()

    def uninstall(self) -> None:
        """Puts back exactly what was there, unless somebody has replaced it since."""
        # A replacement that cannot be taken away, being below somebody else's, passes everything from now on.
        self._installed = False
        self._watch.stop()
        self._patches.undo()

    @contextmanager
    def allow(self, host: str = "") -> Iterator[None]:
        """
        Lets live calls to Claude through, and to `host` (a gateway, a cloud provider), until the block ends.

        For the whole process, on purpose: the connection may be opened by a resolver thread, a pool or
        another task than the one that asked. In mode "all" the proxies of the environment pass as well.
        """
        with self._lock:
            self._live_calls += 1
            if host:
                self._live_hosts.add(_read_host(host))
        try:
            yield
        finally:
            with self._lock:
                self._live_calls -= 1

    def _patch_socket(self, module: ModuleType) -> None:
        for name, read_addresses in _RESOLVERS.items():
            self._patches.replace(module, name, functools.partial(self._guard_resolver, read_addresses))
        for name, position in _SENDERS.items():
            self._patches.replace(module.socket, name, functools.partial(self._guard_sender, position))

    def _patch_ssl(self, module: ModuleType) -> None:
        for name, position in _WRAPPERS.items():
            self._patches.replace(module.SSLContext, name, functools.partial(self._guard_wrapper, position))

    def _guard_resolver(
        self, read_addresses: Callable[[Any], Iterable[str]], original: Callable[..., Any]
    ) -> Callable[..., Any]:
        @functools.wraps(original)
        def resolve(host: Any, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            name = _read_host(host)
            is_refused = self._is_refused(name)
            # Reading an address asks nobody; servers do it before they bind.
            if is_refused and not _is_address(name):
                raise self._refuse(name)
            found = original(host, *args, **options)
            if self._live_calls and self.mode == "all" and not is_refused:
                # Addresses are all that `connect` gets to see.
                self._live_hosts.update(read_addresses(found))
            return found

        return resolve

    def _guard_sender(self, position: int, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def send(sock: Socket, *args: Any) -> Any:
            __tracebackhide__ = True
            # Addresses of other families are paths, bytes, or tuples that begin with a number.
            address = args[position] if len(args) > position else None
            if isinstance(address, tuple) and address and isinstance(address[0], _TEXT):
                host = _read_host(address[0])
                if self._is_refused(host) and _is_internet(sock):
                    # Most libraries close a socket that does not connect `except Exception`, or not at all.
                    sock.close()
                    raise self._refuse(host)
            return original(sock, *args)

        return send

    def _guard_wrapper(self, position: int, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrap(context: Any, *args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            host = _read_host(args[position] if len(args) > position else options.get("server_hostname"))
            if host and self._is_refused(host):
                # `wrap_bio` has no socket, only buffers.
                connection: Any = args[0] if args else options.get("sock")
                if hasattr(connection, "close"):
                    connection.close()
                raise self._refuse(host)
            return original(context, *args, **options)

        return wrap

    def _is_refused(self, host: str) -> bool:
        if self.mode == "off" or not self._installed:
            return False
        # Here, not above: pytest starts without it, and most test runs open no connection.
        from claude_replay.api.endpoints import is_claude_host

        if is_claude_host(host):
            return not self._live_calls
        return self.mode == "all" and not _is_local(host) and not self._is_live(host)

    def _is_live(self, host: str) -> bool:
        return bool(self._live_calls) and (host in self._live_hosts or host in _find_proxy_hosts())


def _read_host(host: object) -> str:
    """The host as text: lower case, ASCII, no trailing dot; "" for None, which means this machine."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            # No such name can be looked up; the call says so itself.
            return host
    return host.lower().rstrip(".")


def _is_internet(sock: Socket) -> bool:
    import socket

    return sock.family in (socket.AF_INET, socket.AF_INET6)


def _is_address(host: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    """Whether the host is this machine: loopback, any of its addresses (`0.0.0.0`), its own name."""
    if host in _LOOPBACK:
        return True
    import socket
    from ipaddress import ip_address

    from claude_replay.api.endpoints import is_loopback

    if is_loopback(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return host == _read_host(socket.gethostname())
    # Before 3.13 `::ffff:127.0.0.1` is not known to be loopback.
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _find_proxy_hosts() -> set[str]:
    from urllib.parse import urlsplit

    proxies = [proxy for name in _PROXY_VARIABLES if (proxy := os.environ.get(name))]
    # Most tools read `proxy:3128` as they read `http://proxy:3128`.
    urls = [proxy if "://" in proxy else f"http://{proxy}" for proxy in proxies]
    return {_read_host(urlsplit(url).hostname) for url in urls}
