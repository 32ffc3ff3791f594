"""Interactions of all tools in the words of one of them, and from those to exchanges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from claude_replay.api import AUTHORITY, describe_other, is_named
from claude_replay.cassette.formats.addresses import find_address, find_host
from claude_replay.cassette.formats.recorded import read_body, read_headers, read_status
from claude_replay.cassette.formats.unpack import Unpacker
from claude_replay.cassette.yamltext import Limits
from claude_replay.exchange import Body, Exchange, Meta, Request, Response

__all__ = ["Interaction", "as_mapping", "read_interactions"]

# The body is kept unpacked, so these no longer describe it.
_TRANSPORT_HEADERS = ("content-encoding", "content-length", "transfer-encoding")

_PORT = re.compile(r":[0-9]*\Z")

_Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Interaction:
    """
    One recorded interaction in the words of vcrpy, which most tools took over.

    `place` says where it stands, as `interactions[3]`. `request` holds method, uri, headers and body,
    `response` status (also as `status.code`), headers and body. A body is text, bytes, or a mapping with
    `string` or `base64_string`; `parsed_body` in its place is JSON that was parsed already.
    """

    place: str
    request: object
    response: object
    meta: Meta = field(default_factory=Meta)


def read_interactions(
    found: Iterable[Interaction], hosts: Sequence[str] = ()
) -> tuple[list[Exchange], list[str]]:
    """
    The Claude exchanges in file order, and a line for each interaction left out or guessed at.

    Those with one of `hosts` are read, too, as the setting `record_hosts` says. The bodies of all together may
    not grow beyond what a cassette may have.
    """
    exchanges: list[Exchange] = []
    remarks: list[str] = []
    unpacker = Unpacker(Limits().bytes)
    for interaction in found:
        try:
            exchange, remark = _read_exchange(interaction, unpacker, hosts)
        except ValueError as error:
            remarks.append(f"{interaction.place}: {error}")
            continue
        exchanges.append(exchange)
        if remark is not None:
            remarks.append(f"{interaction.place}: {remark}")
    return exchanges, remarks


def _read_exchange(
    interaction: Interaction, unpacker: Unpacker, hosts: Sequence[str]
) -> tuple[Exchange, str | None]:
    request, remark = _read_request(as_mapping(interaction.request, "request"), unpacker, hosts)
    fields = as_mapping(interaction.response, "response")
    headers = read_headers(fields.get("headers"), "response.headers")
    body = read_body(fields, headers, "response.body", unpacker)
    kept = {name: value for name, value in headers.items() if name not in _TRANSPORT_HEADERS}
    return Exchange(request, Response(read_status(fields), kept, body), interaction.meta), remark


def _read_request(fields: _Fields, unpacker: Unpacker, hosts: Sequence[str]) -> tuple[Request, str | None]:
    method, url = fields.get("method"), fields.get("uri")
    if not isinstance(method, str) or not isinstance(url, str):
        raise ValueError("request: method and address were expected, as text")
    method = method.upper()
    headers = read_headers(fields.get("headers"), "request.headers")
    body: Body = None
    problem: ValueError | None = None
    try:
        body = read_body(fields, headers, "request.body", unpacker)
    except ValueError as error:
        problem = error
    address = find_address(method, url, headers, body)
    if address is None and is_named(_PORT.sub("", find_host(url)), hosts):
        address, headers = url, {AUTHORITY: describe_other(method, url).authority, **headers}
    if address is None:
        raise ValueError(f"not a Claude exchange ({find_host(url) or 'no host'})")
    if problem is not None:
        raise problem
    remark = (
        f"kept; its host {find_host(url)!r} was taken for {find_host(address)}" if address != url else None
    )
    kept = {name: value for name, value in headers.items() if name != "content-encoding"}
    return Request(method, address, kept, body), remark


def as_mapping(value: object, place: str) -> _Fields:
    """`value` where it is a mapping; raises ValueError that names the place."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"the {place} is missing" if value is None else f"{place}: a mapping was expected")
