"""What a tracked operation was told: its name, op, tags, data, options of its span."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from aimon_nb.ai.consts import with_today
from aimon_nb.ai.normalize import normalized
from aimon_nb.capture.to_plain import key_text
from aimon_nb.model.text import encodable
from aimon_nb.sentry import own_spans

PER_CALL = ("sentry_tags", "sentry_data")
# The documented page calls them tags and data too; `attributes` is the stream lifecycle's word.
_TAGS = ("tags", "sentry_tags")
_DATA = ("attributes", "data", "sentry_data")
_SWITCHES = ("sampled", "same_process_as_parent")


@dataclass(frozen=True, slots=True)
class Options:
    """Read once, where they are given; nothing changes them afterwards."""

    name: str
    op: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    span: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any]) -> Options:
        """Read what was given.

        Raises:
            TypeError: an unknown option, or one of a wrong type.
        """
        if not isinstance(name, str):
            raise TypeError(f"the description must be text, not {type(name).__name__}")
        known = {"op", *_TAGS, *_DATA, *own_spans.OPTIONS}
        unknown = sorted(set(given) - known)
        if unknown:
            raise TypeError(f"unknown option {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        told = {
            key: _option(key, value)
            for key, value in given.items()
            if value is not None and (key == "op" or key in own_spans.OPTIONS)
        }
        op = told.pop("op", None)
        return cls(encodable(name), op, _tags(given), _data(given), told)

    def at_call(self, kwargs: dict[str, Any], own: frozenset[str]) -> tuple[Any, Any]:
        """Tags and data of one call; its keywords are taken out unless the function has them."""
        given = {key: kwargs.pop(key) for key in PER_CALL if key in kwargs and key not in own}
        if not given:
            return self.tags, self.data
        return {**self.tags, **_tags(given)}, {**self.data, **_data(given)}


def own_names(function: Callable[..., Any]) -> frozenset[str]:
    """Which of the two keywords a call may give are parameters of the function itself."""
    try:
        parameters = inspect.signature(_signed(function)).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return frozenset()
    takes = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(
        name for name in PER_CALL if name in parameters and parameters[name].kind in takes
    )


def _signed(function: Callable[..., Any]) -> Callable[..., Any]:
    """What has the signature of a call.

    Python 3.13 calls a `__signature__` that is none, and an object that answers to
    every name has one: its answer may be a request to a server.
    """
    said = getattr(function, "__signature__", None)
    if said is None or isinstance(said, inspect.Signature):
        return function
    made_up = inspect.getattr_static(function, "__signature__", None) is None
    return type(function).__call__ if made_up else function


def _option(key: str, value: Any) -> Any:
    """One option as every call takes it: what would fail there is refused here."""
    if key == "start_timestamp":
        return _moment(value)
    kind, word = (bool, "True, False") if key in _SWITCHES else (str, "text")
    if not isinstance(value, kind):
        raise TypeError(f"{key} must be {word} or None, not {type(value).__name__}")
    return encodable(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, datetime):
            return value.astimezone(timezone.utc)  # without a zone it is local time
        if not isinstance(value, bool):
            return datetime.fromtimestamp(value, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    wanted = "a datetime, seconds since the epoch or None"
    raise TypeError(f"start_timestamp must be {wanted}, not {reprlib.repr(value)}")


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    """Tags as Sentry takes them: one line of at most 200 characters each."""
    return {key: _line(value) for key, value in _merged(given, _TAGS).items()}


def _line(value: Any) -> str:
    return " ".join(str(normalized(value, unpack=False)).split())[:200]


def _data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Data as `set_data_normalized` puts it: one hostile value would lose the whole envelope."""
    merged = _merged(given, _DATA)
    return with_today({key: normalized(value, unpack=False) for key, value in merged.items()})


def _merged(given: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in keys:
        value = given.get(key)
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise TypeError(f"{key} must be a mapping or None, not {type(value).__name__}")
        merged.update((key_text(name), item) for name, item in value.items())
    return merged
