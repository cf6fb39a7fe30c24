"""What a tracked operation was told: its name, op, tags, data, options of its span."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimon_nb.ai.consts import with_today
from aimon_nb.sentry import spans

PER_CALL = ("sentry_tags", "sentry_data")
# The documented page calls them tags and data too; `attributes` is the stream lifecycle's word.
_TAGS = ("tags", "sentry_tags")
_DATA = ("attributes", "data", "sentry_data")


@dataclass(frozen=True, slots=True)
class Options:
    """Read once, where they are given; nothing changes them afterwards."""

    name: str
    op: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
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
        known = {"op", *_TAGS, *_DATA, *spans.OPTIONS}
        unknown = sorted(set(given) - known)
        if unknown:
            raise TypeError(f"unknown option {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        op = given.get("op")
        if op is not None and not isinstance(op, str):
            raise TypeError(f"op must be text or None, not {type(op).__name__}")
        span = {key: value for key, value in given.items() if key in spans.OPTIONS}
        return cls(name, op, _merged(given, _TAGS), _merged(given, _DATA), span)

    def at_call(self, kwargs: dict[str, Any], own: frozenset[str]) -> tuple[Any, Any]:
        """Tags and data of one call; its keywords are taken out unless the function has them."""
        given = {key: kwargs.pop(key) for key in PER_CALL if key in kwargs and key not in own}
        if not given:
            return self.tags, self.data
        return (
            {**self.tags, **_merged(given, _TAGS)},
            {**self.data, **_merged(given, _DATA)},
        )


def own_names(function: Callable[..., Any]) -> frozenset[str]:
    """Which of the two keywords a call may give are parameters of the function itself."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return frozenset()
    takes = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(
        name for name in PER_CALL if name in parameters and parameters[name].kind in takes
    )


def _merged(given: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in keys:
        value = given.get(key)
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise TypeError(f"{key} must be a mapping or None, not {type(value).__name__}")
        merged.update((str(name), item) for name, item in value.items())
    return with_today(merged)
