"""
Builds each default TLS context once per process instead of once per client.

An httpx client reads all the root certificates of the system when it is built: 18 ms, fifty replayed calls'
worth. The context is shared where a transport is built, and only there: it goes from the transport to its
connection pool and nowhere else, so no application gets one to change; the public `create_ssl_context` stays
what it is.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claude_replay.intercept.imports import ImportWatch, Patches

if TYPE_CHECKING:
    from ssl import SSLContext
    from types import ModuleType

__all__ = ["WATCHED", "SharedTls"]

# Module, class and method to which httpx hands `verify`. The aiohttp transport keeps its context in a public
# attribute, so there it is shared where a client builds one, and not where an application does.
_SEAMS = (
    ("httpx._transports.default", "HTTPTransport", "__init__"),
    ("httpx._transports.default", "AsyncHTTPTransport", "__init__"),
    ("httpx2._transports.default", "HTTPTransport", "__init__"),
    ("httpx2._transports.default", "AsyncHTTPTransport", "__init__"),
    ("httpx_aiohttp.client", "HttpxAiohttpClient", "_init_transport"),
    ("httpx_aiohttp.httpx2.client", "Httpx2AiohttpClient", "_init_transport"),
    ("anthropic._vendor.httpx_aiohttp.client", "Httpx2AiohttpClient", "_init_transport"),
)
WATCHED = tuple(dict.fromkeys(module for module, _, _ in _SEAMS))
"""All modules that are changed."""
# What makes a default context, and what tests or truststore may replace.
_MAKERS = (
    ("ssl", "SSLContext"),
    ("ssl", "create_default_context"),
    ("ssl", "get_default_verify_paths"),
    ("certifi", "where"),
    ("truststore", "SSLContext"),
    ("httpcore2", "default_ssl_context"),
)


class SharedTls:
    """
    Lets the httpx clients built while it is installed share their default TLS contexts.

    Only `verify=True` without a client certificate is shared, and only among clients with the same
    `trust_env`, protocols and surroundings (`SSL_CERT_FILE`, `SSL_CERT_DIR`, `SSLKEYLOGFILE`, patched `ssl`,
    `certifi` or `truststore`). A context that somebody has changed after all is not handed out again, but for
    a client certificate put into it, which cannot be seen. Versions of httpx without such a seam build their
    contexts as ever.
    """

    def __init__(self) -> None:
        self._installed = False
        self._lock = threading.Lock()
        self._contexts: dict[tuple[object, ...], tuple[SSLContext, tuple[object, ...]]] = {}
        self._patches = Patches()
        self._watch = ImportWatch(dict.fromkeys(WATCHED, self.patch))

    def install(self) -> None:
        """Shares from now on; does nothing when it already does."""
        self._installed = True
        self._watch.start()

    def uninstall(self) -> None:
        """Puts back what was there; clients keep the contexts they have."""
        self._installed = False
        self._watch.stop()
        self._patches.undo()
        self._contexts.clear()

    def patch(self, module: ModuleType) -> None:
        """Share in this module, one of WATCHED, from now on; `install` does so in all of them."""
        self._installed = True
        # httpx's own transports import the function by name, those for aiohttp take it from httpx.
        namespace = module if hasattr(module, "create_ssl_context") else getattr(module, "httpx", None)
        if not hasattr(namespace, "create_ssl_context"):
            return
        for name, owner, method in _SEAMS:
            if name == module.__name__ and hasattr(module, owner):
                self._patches.replace(
                    getattr(module, owner), method, functools.partial(self._share_context, namespace)
                )

    def _share_context(self, namespace: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def build(self_: Any, *args: Any, **options: Any) -> Any:
            # The order of positional arguments differs between versions; httpx and the SDK use none.
            if self._installed and not args and _wants_default(options):
                options["verify"] = self._find_context(namespace.create_ssl_context, options)
            return original(self_, *args, **options)

        return build

    def _find_context(self, create: Callable[..., SSLContext], options: dict[str, Any]) -> SSLContext:
        trust_env = options.get("trust_env", True)
        # A pool sets the protocols it offers on its context just before each handshake.
        kind = (create, trust_env, options.get("http1", True), options.get("http2", False))
        with self._lock:
            context, state = self._contexts.get((*kind, *_describe_surroundings()), (None, ()))
            if context is None or _describe_context(context) != state:
                context = create(verify=True, trust_env=trust_env)
                # Described again, since the first context may have imported what the others are made from.
                self._contexts[*kind, *_describe_surroundings()] = (context, _describe_context(context))
            return context


def _wants_default(options: dict[str, Any]) -> bool:
    # `transport` is what a client was given instead of building one.
    return (
        options.get("verify", True) is True
        and options.get("cert") is None
        and options.get("transport") is None
    )


def _describe_surroundings() -> tuple[object, ...]:
    """Everything beside its arguments that decides what a default context is."""
    makers = [getattr(sys.modules.get(module), name, None) for module, name in _MAKERS]
    files = [_describe_file(os.environ.get(name)) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    return (*makers, *files, os.environ.get("SSLKEYLOGFILE"))


def _describe_file(path: str | None) -> tuple[object, ...] | None:
    if not path:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return (path,)
    return (path, found.st_ino, found.st_size, found.st_mtime_ns)


def _describe_context(context: SSLContext) -> tuple[object, ...]:
    """What an application could have loosened or added."""
    try:
        certificates = context.cert_store_stats()["x509_ca"]
    except NotImplementedError:
        # The one of truststore (macOS, Windows) asks the system's store.
        certificates = 0
    return (
        context.check_hostname,
        context.verify_mode,
        context.verify_flags,
        context.options,
        context.minimum_version,
        context.maximum_version,
        certificates,
    )
