"""A valid example of a JSON schema: always the same one."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_DEPTH = 8  # a schema may hold itself
_SHALLOW = 3  # from here on null where null will do
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "a@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Schema, root: Schema | None = None, depth: int = 0) -> Any:
    """Make the smallest value that a schema of a structured answer accepts.

    Knows what client libraries write for pydantic models and function
    parameters: objects, arrays, enums, unions, references, bounds.
    """
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if union := schema.get("anyOf") or schema.get("oneOf"):
        return example(_simplest(union, depth), root, depth + 1)
    if parts := schema.get("allOf"):
        merged: Schema = {}
        for part in parts:
            merged |= _resolved(part, root)
        return example(merged, root, depth + 1)
    return _of_type(schema, root, depth)


def _resolved(schema: Schema, root: Schema) -> Schema:
    for _ in range(_DEPTH):
        if "$ref" not in schema:
            break
        target: Any = root
        for key in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target[key] if key else target
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _simplest(union: list[Schema], depth: int) -> Schema:
    """Prefer a value over null, but null where a schema holds itself."""
    null = next((s for s in union if s.get("type") == "null"), None)
    if depth >= _SHALLOW and null is not None:
        return null
    return next((s for s in union if s.get("type") != "null"), union[0])


def _of_type(schema: Schema, root: Schema, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind == "object":
        return {k: example(v, root, depth + 1) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        count = 0 if depth >= _DEPTH else max(1, schema.get("minItems", 1))
        return [example(schema.get("items", {}), root, depth + 1) for _ in range(count)]
    if kind in {"integer", "number"}:
        return _number(schema, kind)
    if kind == "boolean":
        return True
    return None if kind == "null" else _text(schema)


def _number(schema: Schema, kind: str) -> float:
    low = schema.get("minimum")
    if low is None and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = low if low is not None else (min(1, high) if high is not None else 1)
    return int(value) if kind == "integer" else float(value)


def _text(schema: Schema) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = str(schema.get("title") or "text").lower()
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
