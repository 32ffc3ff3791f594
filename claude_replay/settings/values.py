"""Raw values to settings: text from files and the command line, Python values from markers and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from claude_replay.settings.names import nearest

__all__ = [
    "choice",
    "parse_amount",
    "parse_count",
    "parse_flag",
    "parse_headers",
    "parse_hosts",
    "parse_items",
    "parse_list",
    "parse_pace",
    "parse_paths",
    "parse_regexes",
    "parse_text",
]

# RFC 9110, section 5.6.2.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"(?:\*\.)?(?:[0-9a-z_-]+(?:\.[0-9a-z_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*)")


def choice(*names: str) -> Callable[[object], object]:
    """A parser that takes one of `names`."""

    def parse(value: object) -> object:
        if value not in names:
            raise ValueError(f"{value!r} is not valid; {nearest(value, names)}")
        return value

    return parse


def parse_count(value: object) -> object:
    """A whole number from 0 on."""
    if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,12}", text := str(value).strip()):
        return int(text)
    raise ValueError(f"a whole number from 0 on was expected, not {value!r}")


def parse_amount(value: object) -> object:
    """A number from 0 on."""
    if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", text := str(value).strip()):
        return float(text)
    raise ValueError(f"a number from 0 on was expected, not {value!r}")


def parse_flag(value: object) -> object:
    """A truth value."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"true or false was expected, not {value!r}")


def parse_text(value: object) -> object:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"text was expected, not {value!r}")
    return value


def parse_list(value: object) -> tuple[str, ...]:
    """Texts: one a line, or a list of them."""
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"a list of texts was expected, not {value!r}")


def parse_items(value: object) -> tuple[object, ...]:
    """One thing, or a list of them; what they may be is for others to know."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def parse_paths(value: object) -> tuple[str, ...]:
    """Entries of `ignore`; a line may hold several, as a TOML file spells them, so that one spelling fits all."""
    entries: list[str] = []
    for line in parse_list(value):
        entries += _read_array(line) or [line]
    return tuple(entries)


def _read_array(line: str) -> list[str] | None:
    try:
        found = ast.literal_eval(line) if line.startswith("[") else None
    except (SyntaxError, ValueError):
        return None
    is_array = isinstance(found, list) and all(isinstance(item, str) for item in found)
    return found if is_array else None


def parse_hosts(value: object) -> tuple[str, ...]:
    """Names or addresses of hosts, `*.example.com` for all below one, `*` for all; in the form of `parse_list`."""
    hosts = tuple(host.lower().strip("[]").rstrip(".") for host in parse_list(value))
    for host in hosts:
        if host != "*" and not _HOST.fullmatch(host):
            raise ValueError(
                f"{host!r} is not a host: write example.com, *.example.com or 127.0.0.1, without a port, one a line"
            )
    return hosts


def parse_headers(value: object) -> tuple[str, ...]:
    """Names of headers, in the form of `parse_list`."""
    names = parse_list(value)
    for name in names:
        if not _HEADER.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header: write x-example, one a line")
    return names


def parse_regexes(value: object) -> object:
    """Regular expressions, in the form of `parse_list`."""
    patterns = parse_list(value)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return patterns


def parse_pace(value: object) -> object:
    """The pace of streams: a name, or a factor."""
    if value in ("instant", "recorded"):
        return value
    try:
        factor = float(str(value))
    except ValueError:
        factor = -1.0
    if not 0 < factor < float("inf"):
        raise ValueError(
            f"'instant', 'recorded' or a factor above 0 (2 is twice as fast) was expected, not {value!r}"
        )
    return factor
