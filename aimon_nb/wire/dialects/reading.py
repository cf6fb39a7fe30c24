"""Reading JSON of which nothing can be taken for granted."""

from __future__ import annotations

from typing import Any


def dict_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def count_of(value: Any) -> int | None:
    """The value if it is a count of tokens, else unknown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
