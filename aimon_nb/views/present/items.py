"""The items of a run as the live view gets them: their keys, and how each ended.

By message alone, as content is: what a notebook may save of an item is its number.
"""

from __future__ import annotations

from typing import Any

from aimon_nb.model.item import Item, ItemKey
from aimon_nb.views.present import error_text, formatting

# number, key, status, repeat (where it is not the first), error; without trailing Nones.
EncodedItem = list[Any]
_KEY = 80  # characters
_ERROR = 300


def encode_item(item: Item) -> EncodedItem:
    """Return an item as its values in the order of `PackedItem` in protocol.d.ts."""
    error = error_text.joined(item.error_type, item.error, limit=_ERROR)
    repeat = item.repeat if item.repeat > 1 else None
    values = [item.number, key_text(item.key), item.status, repeat, error or None]
    while values[-1] is None:
        values.pop()
    return values


def key_text(key: ItemKey) -> str:
    """Return a key as a reader sees it, on one line."""
    text = ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
    return formatting.line(text, _KEY)
