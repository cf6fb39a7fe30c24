"""Any value as span data that is strict JSON."""

from __future__ import annotations

import json
from typing import Any

LENGTH = 8192  # characters of one attribute


def set_data_normalized(span: Any, key: str, value: Any, unpack: bool = True) -> None:  # noqa: FBT001, FBT002
    """Put a value on a span as plain data.

    Args:
        span: the span.
        key: name of the attribute.
        value: anything; pydantic models become mappings.
        unpack: whether a list of one item becomes the item.
    """
    plain = normalized(value)
    if unpack and isinstance(plain, list) and len(plain) == 1:
        plain = plain[0]
    if not isinstance(plain, (str, int, float, bool, type(None))):
        plain = json.dumps(plain)[:LENGTH]
    put = getattr(span, "set_data", None) or span.set_attribute
    put(key, plain)


def normalized(value: Any) -> Any:
    """The value as dicts, lists and scalars."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "model_dump"):
        return normalized(value.model_dump())
    if isinstance(value, dict):
        return {str(k): normalized(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [normalized(v) for v in value]
    return str(value)
