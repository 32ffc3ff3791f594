"""Secrets in URLs."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from claude_replay.redact.placeholder import PLACEHOLDER
from claude_replay.redact.scanner import Scanner

__all__ = ["SECRET_PARAMETERS", "clean_query", "clean_url"]

_HOST_PLACEHOLDER = PLACEHOLDER.strip("[]")
# Origin, path, query, fragment; each may be missing.
_PARTS = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
# Whose cloud it is that serves Claude: projects and workspaces of Google, resources of Azure, accounts of AWS.
_OWNERS = re.compile(r"(?<=/projects/)[^/]+(?=/locations/)|(?<=/workspaces/)[^/]+(?=/invoke(?:/|\Z))")
_AZURE_OWNER = re.compile(r"(?<=//)[^./]+(?=\.services\.ai\.azure\.com(?:[:/]|\Z))")
_AWS_HOST = re.compile(r"//[^/]*\.(?:amazonaws\.com(?:\.cn)?|api\.aws)(?::[0-9]+)?\Z")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")
SECRET_PARAMETERS = frozenset(
    (
        "access_token",
        "api-key",
        "api_key",
        "apikey",
        "auth",
        "auth_token",
        "client_secret",
        "id_token",
        "oauth_token",
        "passwd",
        "password",
        "pwd",
        "refresh_token",
        "secret",
        "sig",
        "signature",
        "subscription-key",
        "token",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-api-key",
        "x-goog-credential",
        "x-goog-signature",
    )
)
"""How parameters and fields are called whose value is a credential, whatever it looks like."""
# Of `key=` only a long one with a digit: others are names.
_MIN_KEY = 16


def clean_url(url: str, scanner: Scanner) -> str:
    """
    A URL, absolute or relative, without user name and password and with a placeholder for each secret in it.

    Who owns the project, resource or account that serves Claude counts as a secret, too.

    In the host name the placeholder goes without its brackets, which would make it an IPv6 address.
    """
    origin, path, query, fragment = _PARTS.findall(scanner.clean(url))[0]
    if origin:
        scheme, slashes, authority = origin.partition("//")
        host = authority.rpartition("@")[2].replace(PLACEHOLDER, _HOST_PLACEHOLDER)
        origin = _AZURE_OWNER.sub(_HOST_PLACEHOLDER, scheme + slashes + host)
        if _AWS_HOST.search(origin):
            origin, path = _ACCOUNT.sub(_HOST_PLACEHOLDER, origin), _ACCOUNT.sub(PLACEHOLDER, path)
    path = _OWNERS.sub(PLACEHOLDER, path)
    path = "/".join(_clean_part(segment, scanner) for segment in path.split("/"))
    query = clean_query(query, scanner)
    return f"{origin}{path}{query}{_clean_part(fragment, scanner)}"


def clean_query(query: str, scanner: Scanner) -> str:
    """Parameters, of a URL or of a form, with a placeholder for each secret."""
    return "&".join(_clean_parameter(parameter, scanner) for parameter in query.split("&"))


def _clean_parameter(parameter: str, scanner: Scanner) -> str:
    name, equals, value = parameter.partition("=")
    if value and _is_credential(unquote(name).lower().lstrip("?"), value):
        return f"{name}={PLACEHOLDER}"
    return f"{_clean_part(name, scanner)}{equals}{_clean_part(value, scanner)}"


def _is_credential(name: str, value: str) -> bool:
    if name == "key":
        return len(value) >= _MIN_KEY and any(map(str.isdigit, value))
    return name in SECRET_PARAMETERS


def _clean_part(text: str, scanner: Scanner) -> str:
    cleaned = scanner.clean(text)
    decoded = unquote(cleaned)
    if decoded != cleaned and scanner.spans(decoded):
        return quote(scanner.clean(decoded), safe="?#[]/:,;@=&")
    return cleaned
