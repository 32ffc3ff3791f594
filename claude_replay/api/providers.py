"""How Bedrock and Vertex put a request of the Messages API, and what a model is called there."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

__all__ = ["Place", "find_place", "is_provider_host", "is_provider_path", "plain_model"]

_BEDROCK = re.compile(
    r"/model/(?P<model>[^/]+)/(?P<verb>invoke(?:-with-response-stream)?|converse(?:-stream)?|count-tokens)/?\Z"
)
_VERTEX = re.compile(
    r"/publishers/anthropic/(?P<rest>models/(?P<model>[^/]+):(?P<verb>raw|streamRaw)Predict|.*)"
)
# Of a resource name the region and the account are not compared, and the account is not even kept.
_ARN = re.compile(r"arn:[^:]*:bedrock:[^:]*:[^:]*:(.+)")
# Where a model is served (`us.`, `eu.`, `apac.`, `global.`, ...), and by whom.
_SERVED = re.compile(r"(?:[a-z]{2,6}(?:-[a-z]+)?\.)?anthropic\.")
# A version behind the number of a model, not that in `claude-v2:1`.
_VERSION = re.compile(r"(?<=[0-9])-v[0-9]+(?::[0-9]+)?\Z")


class Place(NamedTuple):
    """
    What the path of a request to Bedrock or Vertex says.

    `path` is the part of it that is compared; `operation` the same operation of the API itself, None where it
    has none; `model` the model, None where the body names it; `is_framed` says that the answer is an AWS
    event stream.
    """

    path: str
    operation: str | None = None
    model: str | None = None
    is_framed: bool = False


def is_provider_host(host: str) -> bool:
    """Whether Bedrock or Vertex have this host name, private endpoints included."""
    if "bedrock-runtime" in host:
        return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
    return host.endswith(("aiplatform.googleapis.com", ".rep.googleapis.com"))


def is_provider_path(path: str) -> bool:
    """Whether this is how Bedrock or Vertex are asked for Claude."""
    if "/publishers/anthropic/" in path:
        return True
    found = _BEDROCK.search(path)
    return found is not None and ("anthropic" in found["model"] or "claude" in found["model"])


def find_place(path: str) -> Place | None:
    """What a path of Bedrock or Vertex says; None for any other."""
    if found := _VERTEX.search(path):
        return _read_vertex(found)
    if found := _BEDROCK.search(path):
        return _read_bedrock(found)
    return None


def _read_vertex(found: re.Match[str]) -> Place:
    path, verb, model = f"/{found['rest']}", found["verb"], found["model"]
    if verb is None:
        return Place(path)
    if model == "count-tokens":
        return Place(path, "messages.count_tokens")
    return Place(path, "messages", unquote(model))


def _read_bedrock(found: re.Match[str]) -> Place:
    # SDKs differ in what they quote.
    model, verb = unquote(found["model"]), found["verb"]
    if arn := _ARN.fullmatch(model):
        model = arn[1]
    path = f"/model/{model}/{verb}"
    if not verb.startswith("invoke"):
        return Place(path)
    return Place(path, "messages", model, verb != "invoke")


def plain_model(name: str) -> str:
    """The name of a model as the API itself has it, from what Bedrock (profiles, too) or Vertex call it."""
    name = _SERVED.sub("", name.rpartition("/")[2], count=1)
    return _VERSION.sub("", name.removesuffix("@default").replace("@", "-"))
