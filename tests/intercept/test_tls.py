"""Default TLS contexts are built once per process, and nothing else about TLS changes."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import certifi
import httpcore2
import httpx
import httpx2
import pytest
import truststore

from claude_replay.intercept.tls import SharedTls

pytestmark = pytest.mark.usefixtures("no_proxies", "bare_httpx")

# How clients are built, with or without settings.
CLIENTS: dict[str, Callable[..., Any]] = {
    "httpx": httpx.Client,
    "httpx-async": httpx.AsyncClient,
    "httpx2": httpx2.Client,
    "httpx2-async": httpx2.AsyncClient,
    "aiohttp": anthropic.DefaultAioHttpClient,
    "anthropic": lambda **options: (
        anthropic.Anthropic(
            api_key="none", http_client=anthropic.DefaultHttpxClient(**options) if options else None
        )._client
    ),
    "anthropic-async": lambda **options: (
        anthropic.AsyncAnthropic(
            api_key="none", http_client=anthropic.DefaultAsyncHttpxClient(**options) if options else None
        )._client
    ),
}
LIBRARIES = [httpx, httpx2]


@pytest.fixture(autouse=True)
def default_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates chosen on the machine that runs the tests play no part."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shared(bare_httpx: None) -> Iterator[SharedTls]:
    shared = SharedTls()
    shared.install()
    yield shared
    shared.uninstall()


def read_context(built: Any) -> ssl.SSLContext:
    """The context of a client or transport."""
    transport = getattr(built, "_transport", built)
    context: ssl.SSLContext = getattr(transport, "ssl_context", None) or transport._pool._ssl_context
    return context


def describe(context: ssl.SSLContext) -> tuple[object, ...]:
    """What a context verifies, and against which certificates."""
    return (
        context.verify_mode,
        context.check_hostname,
        context.verify_flags,
        context.options,
        context.minimum_version,
        context.maximum_version,
        context.get_ciphers(),
        context.get_ca_certs(binary_form=True),
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_default_clients_share_a_context(client: str, shared: SharedTls) -> None:
    """The installed versions of all libraries are known: two clients have one context, as strict as ever."""
    first, second = CLIENTS[client](), CLIENTS[client]()
    assert read_context(first) is read_context(second)
    fresh = httpx.create_ssl_context() if isinstance(first, httpx.Client | httpx.AsyncClient) else None
    assert describe(read_context(first)) == describe(fresh or httpx2.create_ssl_context())
    assert read_context(first).verify_mode is ssl.CERT_REQUIRED
    assert read_context(first).check_hostname


@pytest.mark.parametrize("client", CLIENTS)
def test_custom_verification_is_never_shared(client: str, shared: SharedTls) -> None:
    """A client with its own context keeps that one; one without verification gets one of its own."""
    default = read_context(CLIENTS[client]())
    own = ssl.create_default_context()
    assert read_context(CLIENTS[client](verify=own)) is own
    lax, other = read_context(CLIENTS[client](verify=False)), read_context(CLIENTS[client](verify=False))
    assert lax.verify_mode is ssl.CERT_NONE
    assert lax is not other
    assert read_context(CLIENTS[client](verify=True)) is default


@pytest.mark.parametrize("library", LIBRARIES)
def test_client_certificate_is_loaded_into_a_context_of_its_own(
    library: Any, shared: SharedTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client certificate would otherwise be shown to every server by every client."""
    loaded: list[ssl.SSLContext] = []
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda context, *args: loaded.append(context))
    default = read_context(library.Client())
    with pytest.warns(DeprecationWarning, match="cert"):
        transport = library.HTTPTransport(cert="client.pem")
    assert loaded == [read_context(transport)]
    assert loaded != [default]


@pytest.mark.parametrize("library", LIBRARIES)
def test_contexts_differ_where_settings_do(library: Any, shared: SharedTls) -> None:
    """Clients that trust the environment or speak other protocols do not share with those that do not."""
    options: list[dict[str, Any]] = [
        {},
        {"trust_env": False},
        {"http2": True},
        {"http2": True, "http1": False},
    ]
    contexts = [read_context(library.HTTPTransport(**chosen)) for chosen in options]
    assert len(set(map(id, contexts))) == len(options)
    for chosen, context in zip(options, contexts, strict=True):
        assert read_context(library.AsyncHTTPTransport(**chosen)) is context
        assert read_context(library.HTTPTransport(proxy="http://127.0.0.1:9", **chosen)) is context


@pytest.mark.parametrize("library", LIBRARIES)
def test_public_function_returns_a_new_context(library: Any, shared: SharedTls) -> None:
    """Whoever asks for a context may change it, so it is theirs alone; so is that of positional arguments."""
    default = read_context(library.Client())
    assert library.create_ssl_context() is not library.create_ssl_context()
    assert read_context(library.HTTPTransport(True)) is not default


def test_given_transport_is_kept(shared: SharedTls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is handed its transport needs no context, so none is built."""
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda **options: pytest.fail("built"))
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200))
    assert anthropic.DefaultAioHttpClient(transport=transport)._transport is transport


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_environment_decides_as_before(
    client: str, variable: str, shared: SharedTls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other certificates give another context: set, changed on disk, and taken away again."""
    bundle = tmp_path / "bundle.pem"
    shutil.copy(certifi.where(), bundle)
    default = read_context(CLIENTS[client]())
    monkeypatch.setenv(variable, str(bundle if variable == "SSL_CERT_FILE" else tmp_path))
    chosen = read_context(CLIENTS[client]())
    assert chosen is read_context(CLIENTS[client]())
    assert chosen is not default
    (tmp_path / "more.pem").touch()
    bundle.write_bytes(bundle.read_bytes() + b"\n")
    os.utime(tmp_path, ns=(1, 1))
    assert read_context(CLIENTS[client]()) is not chosen
    monkeypatch.delenv(variable)
    assert read_context(CLIENTS[client]()) is default


@pytest.mark.parametrize("library", LIBRARIES)
def test_missing_certificates_fail_as_before(
    library: Any, shared: SharedTls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own error comes from where it always came."""
    library.Client()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(FileNotFoundError):
        library.Client()


def test_patched_makers_are_asked_again(shared: SharedTls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that replaces what contexts are made from gets what it put there, and only as long."""
    default, default2 = read_context(httpx.Client()), read_context(httpx2.Client())
    own, bundle = ssl.create_default_context(), certifi.where()
    with monkeypatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", lambda **options: own)
        assert read_context(httpx2.Client()) is own
        patch.setattr(ssl, "create_default_context", lambda **options: own)
        assert read_context(httpx.Client()) is own
    assert read_context(httpx.Client()) is default
    assert read_context(httpx2.Client()) is default2
    monkeypatch.setattr(certifi, "where", lambda: bundle)
    assert read_context(httpx.Client()) is not default


def test_context_of_the_system_store_is_shared(shared: SharedTls, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS and Windows the default context is one of truststore, which cannot count its certificates."""
    monkeypatch.setattr(
        httpcore2,
        "default_ssl_context",
        lambda **options: truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    context = read_context(httpx2.Client())
    assert type(context) is truststore.SSLContext
    assert read_context(httpx2.Client()) is context


@pytest.mark.parametrize("client", CLIENTS)
def test_changed_context_is_not_handed_out_again(client: str, shared: SharedTls) -> None:
    """Code that digs out its client's context and loosens it does so for clients built before, not after."""
    context = read_context(CLIENTS[client]())
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert read_context(CLIENTS[client]()) is not context
    assert read_context(CLIENTS[client]()).verify_mode is ssl.CERT_REQUIRED
    context = read_context(CLIENTS[client]())
    context.load_verify_locations(cadata=make_certificate())
    assert read_context(CLIENTS[client]()) is not context


def make_certificate() -> bytes:
    """Some root certificate that the system does not have; the parser wants its form, not its signature."""
    known = ssl.create_default_context(cafile=certifi.where()).get_ca_certs(binary_form=True)[0]
    return known[:-1] + bytes([known[-1] ^ 1])


def test_threads_build_one_context(shared: SharedTls) -> None:
    """Clients built at the same time wait for one context."""
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda number: httpx2.Client(), range(8)))
    assert len({id(read_context(client)) for client in clients}) == 1


def list_seams() -> list[object]:
    transports = [getattr(library, f"{kind}HTTPTransport") for library in LIBRARIES for kind in ("", "Async")]
    return [*(vars(transport)["__init__"] for transport in transports), *sys.meta_path]


def test_uninstall_leaves_no_trace() -> None:
    """Everything is the same object as before, also with two on top of each other, and nothing is shared."""
    before = list_seams()
    lower, upper = SharedTls(), SharedTls()
    lower.install()
    lower.install()
    between = list_seams()
    lower_context = read_context(httpx2.Client())
    upper.install()
    upper_context = read_context(httpx2.Client())
    assert upper_context is read_context(httpx2.Client())
    assert upper_context is not lower_context
    upper.uninstall()
    assert list_seams() == between
    assert read_context(httpx2.Client()) is lower_context
    lower.uninstall()
    lower.uninstall()
    assert list_seams() == before
    assert read_context(httpx2.Client()) is not read_context(httpx2.Client())


def test_uninstalled_below_another_patch_shares_nothing(
    shared: SharedTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody has put on top stays, and what lies below it does nothing any more."""
    below = httpx2.HTTPTransport.__init__
    monkeypatch.setattr(
        httpx2.HTTPTransport, "__init__", lambda transport, **options: below(transport, **options)
    )
    shared.uninstall()
    assert read_context(httpx2.Client()) is not read_context(httpx2.Client())


@pytest.mark.parametrize("names", [(), ("create_ssl_context",)])
def test_versions_without_such_seams_are_left_alone(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is only an optimization: what is not there is not missed."""
    module = ModuleType("httpx_aiohttp.client")
    for name in names:
        setattr(module, name, httpx.create_ssl_context)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    before = dict(vars(module))
    shared = SharedTls()
    shared.install()
    shared.uninstall()
    assert vars(module) == before


def test_libraries_imported_later_are_shared_too() -> None:
    """Installing imports neither library; their first import finds it installed."""
    code = """
import sys
from claude_replay.intercept.tls import SharedTls
SharedTls().install()
assert not {"ssl", "httpx", "httpx2"} & set(sys.modules)
import httpx, httpx2
for library in (httpx, httpx2):
    first, second = library.Client(), library.Client()
    print(first._transport._pool._ssl_context is second._transport._pool._ssl_context)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (result.stderr, result.stdout.split()) == ("", ["True", "True"])
