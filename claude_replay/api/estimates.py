"""What a call may cost at most, before it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from claude_replay.api.messages import model_of
from claude_replay.api.prices import cost_usd
from claude_replay.exchange import Body, Json, Usage

__all__ = ["estimate_usd"]

# Fewer bytes of text make no token in any language, on average.
_BYTES_PER_TOKEN = 2
# A picture costs no more, however large; a page of a document costs about that, and is larger than this.
_TOKENS_PER_MEDIA, _BASE64_PER_PAGE = 5_000, 20_000


def estimate_usd(body: Body) -> float | None:
    """
    The most that a request can cost in US dollars; 0 where it asks for no message, None where that is not known.

    Counts the input by its size, generously, and the whole of `max_tokens`. Tools that run on Claude's servers
    cost extra, and are not counted.
    """
    fields = body.value if isinstance(body, Json) and isinstance(body.value, dict) else {}
    batch = fields.get("requests")
    if isinstance(batch, list):
        parts = [item.get("params") for item in batch if isinstance(item, dict)]
        prices = [estimate_usd(Json(part)) for part in parts]
        known = [price for price in prices if price is not None]
        return sum(known) if len(known) == len(prices) else None
    limit = fields.get("max_tokens", fields.get("max_tokens_to_sample"))
    if not isinstance(limit, (int, float)) or isinstance(limit, bool):
        return 0.0
    text = json.dumps(_without_media(fields), ensure_ascii=False)
    tokens = len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN + sum(_count_media(fields))
    written = tokens if "cache_control" in text else 0
    usage = Usage(tokens - written, int(limit), written)
    return cost_usd(model_of(body) or "", usage)


def _is_media(value: Mapping[str, object]) -> bool:
    return value.get("type") == "base64" and isinstance(value.get("data"), str)


def _without_media(value: object) -> object:
    if isinstance(value, dict):
        return {} if _is_media(value) else {key: _without_media(item) for key, item in value.items()}
    return [_without_media(item) for item in value] if isinstance(value, list) else value


def _count_media(value: object) -> Iterator[int]:
    if isinstance(value, dict) and _is_media(value):
        is_image = str(value.get("media_type", "")).startswith("image/")
        pages = 1 if is_image else 1 + len(str(value["data"])) // _BASE64_PER_PAGE
        yield pages * _TOKENS_PER_MEDIA
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _count_media(item)
