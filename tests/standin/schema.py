"""Makes a value that satisfies a simple JSON schema, the same one for the same text."""

from __future__ import annotations

from typing import Any

from standin.digests import make_number

# Optional members of schemas that contain themselves are left out from here on.
_MAX_DEPTH = 4
_QUOTED = 60
_FORMATS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "12:00:00Z",
    "uri": "https://example.com/",
    "uuid": "11111111-2222-4333-8444-555555555555",
}


def build_value(schema: dict[str, Any], text: str) -> Any:
    """Build a value for a schema; strings quote their name and the text, so that a wrong answer shows."""
    return _build(schema, schema.get("$defs", {}), "value", text, 0)


def _build(schema: dict[str, Any], defs: dict[str, Any], name: str, text: str, depth: int) -> Any:
    schema = _resolve(schema, defs)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][make_number(f"{name} {text}", len(schema["enum"]))]
    kind = schema.get("type", "object" if "properties" in schema else "null")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _build_object(schema, defs, text, depth)
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        size = 2 if depth < _MAX_DEPTH else 0
        size = max(schema.get("minItems", 0), min(size, schema.get("maxItems", size)))
        return [_build(items, defs, f"{name} {index + 1}", text, depth + 1) for index in range(size)]
    return _build_scalar(schema, kind, name, text)


def _resolve(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and take the first choice that is not null."""
    while True:
        if "$ref" in schema:
            schema = defs[schema["$ref"].rpartition("/")[2]]
        elif choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            schema = next((choice for choice in choices if choice.get("type") != "null"), choices[0])
        else:
            return schema


def _build_object(schema: dict[str, Any], defs: dict[str, Any], text: str, depth: int) -> dict[str, Any]:
    required = schema.get("required", [])
    return {
        name: _build(part, defs, name, text, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or depth < _MAX_DEPTH
    }


def _build_scalar(schema: dict[str, Any], kind: str, name: str, text: str) -> str | int | float | bool | None:
    seed = f"{name} {text}"
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), f"{name} for {text[:_QUOTED]}")
    if kind == "boolean":
        return make_number(seed, 2) == 1
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", min(1, schema.get("maximum", 1))))
        value = low + make_number(seed, max(1, int(schema.get("maximum", low + 8)) - low + 1))
        return value if kind == "integer" else float(value)
    return None
