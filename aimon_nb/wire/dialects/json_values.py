"""Values out of JSON whose shape nobody guarantees: each of the right type, or empty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aimon_nb.model.usage import MAX_TOKENS


def dict_of(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def dicts_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects in the value if it is a list."""
    return [item for item in list_of(value) if isinstance(item, dict)]


def text_of(value: Any) -> str:
    """Return the value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def json_of(value: Any) -> str:
    """Return a text as it is, None as "", all else as JSON: the arguments of a tool."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def index_of(value: Any) -> int:
    """Return the value if it is a place in a list, else the first place."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def count_of(value: Any) -> int | None:
    """Return the value if it is a count of tokens, else unknown; some write 12 as 12.0 or "12"."""
    if isinstance(value, str):
        # No text that int() takes besides: "1_2", "+12", other scripts' digits.
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 17 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < MAX_TOKENS else None


def first_count(raw: Mapping[str, Any], *names: str) -> int | None:
    """Return the count under the first of the names that is there at all."""
    return next((count_of(raw[name]) for name in names if raw.get(name) is not None), None)


def sum_of(base: int | None, *parts: Any) -> int | None:
    """Return the sum of a count and those reported on top of it.

    A part that is not there adds nothing; if one is there and no count, the sum
    is unknown.
    """
    counts = [base, *(count_of(part) for part in parts if part is not None)]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def scalar_parameters(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the parameters of these names that hold one plain value."""
    return {k: body[k] for k in names if isinstance(body.get(k), (str, int, float, bool))}
