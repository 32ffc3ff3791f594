"""Names, addresses and TLS that lead to Claude are refused while a guard is installed, and only those."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trio

from claude_replay.errors import LiveCallRefused
from claude_replay.intercept.guard import Guard, Mode

CLAUDE = "api.anthropic.com"
# Reserved for documentation: nobody is there.
ELSEWHERE = "192.0.2.1"
SPELLINGS: list[Any] = [
    "API.Anthropic.COM",
    "api.anthropic.com.",
    b"api.anthropic.com",
    bytearray(b"Api.Anthropic.com."),
    "\uff41\uff50\uff49.anthropic.com",
    "api\u3002anthropic\u3002com",
]
RESOLVERS: dict[str, Callable[[Any], Any]] = {
    "getaddrinfo": lambda host: socket.getaddrinfo(host, 443),
    "gethostbyname": lambda host: socket.gethostbyname(host),
    "gethostbyname_ex": lambda host: socket.gethostbyname_ex(host),
}
Installer = Callable[[Mode], Guard]


def start_tls(host: str) -> ssl.SSLObject:
    """The beginning of a handshake with a host that somebody else has connected to."""
    return ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host)


# What is refused.


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("resolver", RESOLVERS)
def test_names_are_refused_however_written(
    resolver: str, host: Any, guard: Guard, refusals: list[str]
) -> None:
    """Case, a final dot, bytes and characters that IDNA maps to ASCII change nothing."""
    with pytest.raises(LiveCallRefused, match=f"^refused: {CLAUDE}$"):
        RESOLVERS[resolver](host)
    assert refusals == [CLAUDE]


def test_name_given_as_keyword_is_refused(guard: Guard, refusals: list[str]) -> None:
    """`getaddrinfo(host=…)` is the same call."""
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo(port=443, host=CLAUDE)
    assert refusals == [CLAUDE]


def test_what_is_no_host_is_left_to_the_system(guard: Guard, refusals: list[str]) -> None:
    """None means this machine; wrong arguments and impossible names get the errors that they always get."""
    assert socket.getaddrinfo(None, 80, type=socket.SOCK_STREAM)
    with pytest.raises(UnicodeError):
        socket.getaddrinfo("é" * 100 + ".example", 80)
    with socket.socket() as sock, pytest.raises(TypeError):
        sock.connect()  # type: ignore[call-arg]
    assert refusals == []


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize("host", SPELLINGS[:4])
def test_connecting_by_name_is_refused(method: str, host: Any, guard: Guard, refusals: list[str]) -> None:
    """A socket that resolves the name itself is refused, and closed since libraries forget to."""
    with socket.socket() as sock:
        with pytest.raises(LiveCallRefused):
            getattr(sock, method)((host, 443))
        assert sock.fileno() == -1
    assert refusals == [CLAUDE]


@pytest.mark.parametrize(
    "send",
    [
        lambda sock: sock.sendto(b"x", (CLAUDE, 443)),
        lambda sock: sock.sendto(b"x", 0, (CLAUDE, 443)),
        lambda sock: sock.sendmsg([b"x"], [], 0, (CLAUDE, 443)),
    ],
    ids=["sendto", "sendto-flags", "sendmsg"],
)
def test_datagrams_to_claude_are_refused(
    send: Callable[[socket.socket], int], guard: Guard, refusals: list[str]
) -> None:
    """HTTP/3 goes over UDP: every way of sending is stopped."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(LiveCallRefused):
        send(sock)
    assert refusals == [CLAUDE]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda context, sock: context.wrap_socket(sock, False, True, True, CLAUDE),
        lambda context, sock: context.wrap_socket(sock=sock, server_hostname=CLAUDE),
    ],
    ids=["position", "keyword"],
)
def test_tls_over_an_open_connection_is_refused(
    wrap: Callable[[ssl.SSLContext, socket.socket], object],
    guard: Guard,
    refusals: list[str],
    server: ThreadingHTTPServer,
) -> None:
    """Whoever resolved the name elsewhere is stopped at the handshake; the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.server_port)) as sock:
        with pytest.raises(LiveCallRefused):
            wrap(ssl.create_default_context(), sock)
        assert sock.fileno() == -1
    assert refusals == [CLAUDE]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda context, bio: context.wrap_bio(bio, bio, False, CLAUDE),
        lambda context, bio: context.wrap_bio(incoming=bio, outgoing=bio, server_hostname=CLAUDE.encode()),
    ],
    ids=["position", "keyword"],
)
def test_tls_over_buffers_is_refused(
    wrap: Callable[[ssl.SSLContext, ssl.MemoryBIO], object], guard: Guard, refusals: list[str]
) -> None:
    """Event loops speak TLS into buffers and send those themselves."""
    with pytest.raises(LiveCallRefused):
        wrap(ssl.create_default_context(), ssl.MemoryBIO())
    assert refusals == [CLAUDE]


def test_other_tls_passes(guard: Guard, refusals: list[str]) -> None:
    """Servers, and clients of other hosts, get their TLS objects."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert start_tls("example.org")
    assert serving.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert refusals == []


def test_refusal_passes_threads_and_broad_handlers(guard: Guard, refusals: list[str]) -> None:
    """It comes back from pools and executors, and `except Exception` does not stop it."""

    def call() -> None:
        try:
            socket.create_connection((CLAUDE, 443))
        except Exception:
            pytest.fail("swallowed")

    async def resolve() -> None:
        await asyncio.get_running_loop().getaddrinfo(CLAUDE, 443)

    async def resolve_in_task_group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(resolve())

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(call) for _ in range(4)]:
            with pytest.raises(LiveCallRefused):
                future.result()
    with pytest.raises(LiveCallRefused):
        asyncio.run(asyncio.to_thread(call))
    with pytest.raises(LiveCallRefused):
        asyncio.run(resolve())
    with pytest.raises(LiveCallRefused):
        trio.run(trio.to_thread.run_sync, call)
    with pytest.raises(BaseExceptionGroup) as caught:
        asyncio.run(resolve_in_task_group())
    assert [type(error) for error in caught.value.exceptions] == [LiveCallRefused]
    assert refusals == [CLAUDE] * 8


# Mode "all".


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "db.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::"],
)
def test_this_machine_has_many_names(host: str, install_guard: Installer, refusals: list[str]) -> None:
    """Mode "all" knows loopback in every spelling."""
    install_guard("all")
    assert start_tls(host)
    assert refusals == []


def test_this_machine_knows_its_own_name(
    install_guard: Installer, monkeypatch: pytest.MonkeyPatch, refusals: list[str]
) -> None:
    """Mode "all" lets a program look up the machine that it runs on."""
    monkeypatch.setattr(socket, "gethostname", lambda: "Workbench.example")
    install_guard("all")
    assert start_tls("workbench.example")
    assert refusals == []


@pytest.mark.parametrize("host", [ELSEWHERE, "224.0.0.1", "255.255.255.255", "example.org", "<broadcast>"])
def test_all_refuses_every_other_address(host: str, install_guard: Installer, refusals: list[str]) -> None:
    """Mode "all" stops connections, datagrams and TLS to whatever is not this machine, multicast included."""
    install_guard("all")
    with socket.socket() as sock, pytest.raises(LiveCallRefused):
        sock.connect((host, 80))
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(LiveCallRefused):
        sock.sendto(b"x", (host, 80))
    with pytest.raises(LiveCallRefused):
        start_tls(host)
    assert refusals == [host] * 3


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_all_refuses_names_but_reads_addresses(
    resolver: str, install_guard: Installer, refusals: list[str]
) -> None:
    """Mode "all" asks no name server about other hosts; reading a numeric address asks nobody."""
    install_guard("all")
    with pytest.raises(LiveCallRefused):
        RESOLVERS[resolver]("example.org")
    assert refusals == ["example.org"]
    if resolver != "gethostbyname_ex":
        assert RESOLVERS[resolver](ELSEWHERE)
    assert RESOLVERS[resolver]("127.0.0.1")
    assert refusals == ["example.org"]


def test_datagrams_on_this_machine_pass(install_guard: Installer, refusals: list[str]) -> None:
    """Mode "all" delivers datagrams to loopback, sent with an address and without."""
    install_guard("all")
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        address = receiver.getsockname()
        sender.sendto(b"a", address)
        sender.connect(address)
        sender.sendmsg([b"b"])
        assert [receiver.recv(1), receiver.recv(1)] == [b"a", b"b"]
    assert refusals == []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no unix sockets")
def test_unix_sockets_pass(install_guard: Installer, refusals: list[str], tmp_path: Path) -> None:
    """A path is no host, whatever it is called; what is no path either is the system's to judge."""
    install_guard("all")
    path = str(tmp_path / CLAUDE)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sock:
        listener.bind(path)
        listener.listen()
        sock.connect(path.encode())
        assert sock.getpeername() == path
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(TypeError):
        sock.connect((CLAUDE, 443))
    assert refusals == []


# Live calls.


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What got past the guard: every name stands for ELSEWHERE, connections and handshakes are noted here."""
    noted: list[str] = []
    getaddrinfo = socket.getaddrinfo

    def wrap_bio(context: ssl.SSLContext, *args: Any, server_hostname: str) -> None:
        noted.append(server_hostname)

    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **options: getaddrinfo(ELSEWHERE, *args, **options)
    )
    monkeypatch.setattr(socket, "gethostbyname", lambda host: ELSEWHERE)
    monkeypatch.setattr(socket, "gethostbyname_ex", lambda host: (host, [], [ELSEWHERE]))
    monkeypatch.setattr(socket.socket, "connect", lambda sock, address: noted.append(address[0]))
    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", wrap_bio)
    return noted


@pytest.mark.parametrize("resolver", RESOLVERS)
def test_all_lets_a_live_call_reach_what_it_resolved(
    resolver: str, reached: list[str], install_guard: Installer, refusals: list[str]
) -> None:
    """Mode "all" passes the addresses that Claude's name stands for, during the call only."""
    guard = install_guard("all")
    with socket.socket() as sock, guard.allow():
        RESOLVERS[resolver](CLAUDE)
        sock.connect((ELSEWHERE, 443))
        start_tls(CLAUDE)
        with pytest.raises(LiveCallRefused):
            sock.connect(("198.51.100.1", 443))
    with socket.socket() as sock, pytest.raises(LiveCallRefused):
        sock.connect((ELSEWHERE, 443))
    assert reached == [ELSEWHERE, CLAUDE]
    assert refusals == ["198.51.100.1", ELSEWHERE]


def test_all_gives_no_address_away_during_a_live_call(install_guard: Installer, refusals: list[str]) -> None:
    """Reading some other numeric address while a live call is under way does not make it pass."""
    guard = install_guard("all")
    with guard.allow(), pytest.raises(LiveCallRefused):
        socket.create_connection((ELSEWHERE, 80))
    assert refusals == [ELSEWHERE]


def test_all_lets_a_live_call_use_its_gateway_and_proxy(
    asked: list[str],
    install_guard: Installer,
    refusals: list[str],
    no_proxies: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mode "all" passes the host named in `allow` and the environment's proxies, during the call only."""
    monkeypatch.setenv("HTTPS_PROXY", "http://Proxy.example:3128")
    monkeypatch.setenv("all_proxy", "second.example:1080")
    hosts = ["gateway.example", "proxy.example", "second.example"]
    guard = install_guard("all")
    with guard.allow("Gateway.example."):
        for host in hosts:
            socket.getaddrinfo(host, 443)
        with pytest.raises(LiveCallRefused):
            socket.getaddrinfo("example.org", 443)
    for host in hosts:
        with pytest.raises(LiveCallRefused):
            socket.getaddrinfo(host, 443)
    assert asked == hosts
    assert refusals == ["example.org", *hosts]


def test_allow_counts_calls_of_all_threads(asked: list[str], guard: Guard, refusals: list[str]) -> None:
    """Claude passes until the last of many live calls has ended, and is refused from then on."""

    def call(number: int) -> None:
        for _ in range(200):
            with guard.allow():
                socket.getaddrinfo(CLAUDE, 443)

    with guard.allow():
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(call, range(8)))
        socket.getaddrinfo(CLAUDE, 443)
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo(CLAUDE, 443)
    assert asked == [CLAUDE] * (8 * 200 + 1)
    assert refusals == [CLAUDE]


def test_allow_ends_with_an_error(guard: Guard) -> None:
    """A live call that fails leaves no door open."""
    with pytest.raises(KeyboardInterrupt), guard.allow():
        raise KeyboardInterrupt
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo(CLAUDE, 443)


def test_mode_can_be_changed(asked: list[str], guard: Guard, refusals: list[str]) -> None:
    """Mode "off" passes everything, and the other modes are in force again at once."""
    guard.mode = "off"
    socket.getaddrinfo(CLAUDE, 443)
    guard.mode = "claude"
    socket.getaddrinfo("example.org", 443)
    guard.mode = "all"
    with pytest.raises(LiveCallRefused):
        socket.getaddrinfo("example.org", 443)
    assert asked == [CLAUDE, "example.org"]
    assert refusals == ["example.org"]
