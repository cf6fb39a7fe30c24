"""Runs and spans as what JSON can hold, and back: for a store or another process.

Amounts of money are text, times ISO 8601. Without `content` no prompt, answer or argument
is in it; what comes back counts, prices and exports as before.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from aimon_nb.model.content import is_content
from aimon_nb.model.item import Item

VERSION = 1
_T = TypeVar("_T")
# Fields that hold content, by class: turns of a conversation, with the arguments of tools, what
# the request set beside them, what went into a step and came out, and errors that quote them.
_CONTENT = {
    "ModelCall": ("input", "output", "settings", "definitions"),
    "Span": ("step", "error_in_full"),
}
# Fields that are in memory alone: bytes as they crossed the wire, and those of images and sound.
_NEVER = {"ModelCall": ("exchange",), "Media": ("data",)}
# Fields in which the user's code may put content under names of its own.
_FREE_FORM = frozenset({"attributes", "options"})


def to_dict(thing: Any, *, content: bool) -> dict[str, Any]:
    """Return a dataclass of the model as dicts, lists, texts, numbers and None.

    Args:
        thing: A `Run` or a `Span`.
        content: Whether prompts, answers and arguments are in it.

    """
    return {"version": VERSION, **_encode(thing, content=content)}


def from_dict(kind: type[_T], data: Mapping[str, Any]) -> _T:
    """Return what `to_dict` was given, as far as it is in `data`.

    Fields that this version does not know are passed over.

    Raises:
        ValueError: `data` has no version, or is of a later one.

    """
    version = data.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        known = f"this aimon_nb reads version {VERSION}"
        raise ValueError(f"a {kind.__name__.lower()} of version {version!r}: {known}")
    decoded: _T = _decode(kind, data)
    return decoded


def _encode(value: Any, *, content: bool) -> Any:
    if is_dataclass(value):
        kind = type(value).__name__
        dropped = _NEVER.get(kind, ()) + (() if content else _CONTENT.get(kind, ()))
        named = [(one.name, getattr(value, one.name)) for one in fields(value)]
        if isinstance(value, Item) and not content:
            # Of a row it keeps what a saved notebook may hold.
            kept = value.key if str(value.key) == value.saved_key else value.saved_key
            named = [(name, kept if name == "key" else field) for name, field in named]
        return {
            name: _encode(
                _without_content(field) if name in _FREE_FORM and not content else field,
                content=content,
            )
            for name, field in named
            if name not in dropped
        }
    if isinstance(value, Mapping):
        return {str(key): _encode(item, content=content) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_encode(item, content=content) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _without_content(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_content(value) if isinstance(value, Mapping) else value
        for key, value in attributes.items()
        if not is_content(str(key))
    }


@cache
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: Any) -> Any:
    """Return a value as the type of its annotation."""
    args = get_args(kind)
    if value is None:
        return None
    # Each union here is of a type and None.
    if get_origin(kind) in (Union, types.UnionType):
        return _decode(next(arg for arg in args if arg is not types.NoneType), value)
    if is_dataclass(kind):
        cls: Any = kind
        hints = _types(cls)
        return cls(
            **{name: _decode(hints[name], item) for name, item in value.items() if name in hints}
        )
    if hasattr(kind, "_fields"):
        return kind(*map(_decode, _types(kind).values(), value))
    decoder = _DECODERS.get(get_origin(kind) or kind)
    return value if decoder is None else decoder(args, value)


def _tuple(args: Sequence[Any], value: Sequence[Any]) -> tuple[Any, ...]:
    each = [args[0]] * len(value) if len(args) == 2 and args[1] is ... else args
    return tuple(_decode(arg, item) for arg, item in zip(each, value, strict=False))


# By the annotation or its origin; a value of another type is in JSON as it is.
_DECODERS: dict[Any, Callable[[Sequence[Any], Any], Any]] = {
    tuple: _tuple,
    list: lambda args, value: [_decode(args[0], item) for item in value],
    dict: lambda args, value: {key: _decode(args[1], item) for key, item in value.items()},
    Decimal: lambda _, value: Decimal(value),
    datetime: lambda _, value: datetime.fromisoformat(value),
}
