"""The response headers of the real API, with values that depend on the request only."""

from __future__ import annotations

from standin.digests import make_hex, make_number, make_token
from standin.received import Visit

Headers = list[tuple[str, str]]

_DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
_RESET = "2026-11-22T12:01:00Z"
_LIMITS = {"requests": 4000, "input-tokens": 400000, "output-tokens": 80000, "tokens": 480000}


def make_request_id(visit: Visit) -> str:
    """Make the id that the API gives to a request."""
    return f"req_011C{make_token(f'request {visit.seed}', 20)}"


def build_headers(visit: Visit, *, limits: bool) -> Headers:
    """Build the headers that all answers have; `limits` adds those of the rate limits."""
    cookie = make_hex(f"cookie {visit.seed}", 40)
    organization = make_hex("organization", 32)
    parts = (
        organization[:8],
        organization[8:12],
        organization[12:16],
        organization[16:20],
        organization[20:],
    )
    return [
        ("date", _DATE),
        *(_build_limits(visit) if limits else []),
        ("request-id", make_request_id(visit)),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("anthropic-organization-id", "-".join(parts)),
        ("server", "cloudflare"),
        ("via", "1.1 google"),
        ("cf-cache-status", "DYNAMIC"),
        ("cf-ray", f"{make_hex(f'ray {visit.seed}', 16)}-FRA"),
        ("vary", "Accept-Encoding"),
        ("x-robots-tag", "none"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        # No domain and no `secure`, so that clients send them back to a loopback address.
        ("set-cookie", f"__cf_bm={cookie}; Path=/; HttpOnly"),
        ("set-cookie", f"_cfuvid={cookie[::-1]}; Path=/; HttpOnly"),
    ]


def _build_limits(visit: Visit) -> Headers:
    headers = []
    for name, limit in _LIMITS.items():
        prefix = f"anthropic-ratelimit-{name}"
        remaining = limit - 1 - make_number(f"{name} {visit.seed}", limit // 10)
        headers += [
            (f"{prefix}-limit", str(limit)),
            (f"{prefix}-remaining", str(remaining)),
            (f"{prefix}-reset", _RESET),
        ]
    return headers
