"""Spans for programs in which nobody gets OpenTelemetry's: no provider, or one not sampled.

Whoever looks at one sees the no-op that stands there without us: the same context (so nothing is
put into headers, baggage and logs), the same text, equal to it. Only a framework that asks
whether it should put attributes on its own span (`TOLD_TO_RECORD`) hears yes.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

from aimon_nb.capture.exceptions import describe

# By the module that asks. AutoGen and Semantic Kernel do not ask.
TOLD_TO_RECORD = ("strands.", "google.adk.")
# The tracers of those that put attributes on the current span, and must find theirs there.
CURRENT = frozenset({"gcp.vertex.agent"})
_SCALARS = frozenset({str, bool, int, float})
_MANY = 100  # elements of a list, attributes and exceptions kept


class _Event:
    """What was told of a moment: an exception, or a message."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        self.name, self.attributes = name, attributes


class _Status:
    """How a span ended."""

    is_unset = False

    def __init__(self, status_code: Any, description: Any) -> None:
        self.status_code = status_code
        self.description = description if type(description) is str else None


class LightSpan:
    """What a light span does, before OpenTelemetry's own no-op span.

    `answer` is the no-op that stands there without us. `is_current`: whether it, and not its
    answer, is OpenTelemetry's current span while it is attached.
    """

    answer: Any
    name: str
    is_current = False
    status: Any = None
    _attributes: dict[str, Any]
    _events: tuple[_Event, ...] = ()

    @property
    def _context(self) -> Any:
        return self.answer.get_span_context()  # what the no-op has there, if it is asked for

    def is_recording(self) -> bool:
        """Say what the no-op says, but to those frameworks that would tell nothing then."""
        asking = sys._getframe(1).f_globals.get("__name__")
        return type(asking) is str and asking.startswith(TOLD_TO_RECORD)

    def set_attribute(self, key: Any, value: Any) -> None:
        """Keep what is plain: nothing is copied but the elements of a short list."""
        if type(key) is not str or len(self._attributes) >= _MANY:
            return
        if type(value) in _SCALARS:
            self._attributes[key] = value
        elif type(value) in (list, tuple):
            self._attributes[key] = tuple(one for one in value[:_MANY] if type(one) in _SCALARS)

    def set_attributes(self, attributes: Any) -> None:
        """Keep what is plain of each."""
        if type(attributes) is dict:
            kept = self._attributes
            for key, value in list(attributes.items()):
                if type(key) is str and type(value) in _SCALARS and len(kept) < _MANY:
                    kept[key] = value
                else:
                    self.set_attribute(key, value)

    def update_name(self, name: Any) -> None:
        """Take a new name."""
        if type(name) is str:
            self.name = name

    def set_status(self, status: Any, description: Any = None) -> None:
        """Keep how it ended."""
        is_code = not hasattr(status, "status_code")
        self.status = _Status(status, description) if is_code else status

    def record_exception(self, exception: Any, *_: Any, **__: Any) -> None:
        """Keep type and message of an exception."""
        if isinstance(exception, BaseException) and len(self._events) < _MANY:
            kind, message = describe(exception)
            told = {"exception.type": kind, "exception.message": message}
            self._events = (*self._events, _Event("exception", told))

    def add_event(self, name: Any, attributes: Any = None, *_: Any, **__: Any) -> None:
        """Keep the messages of a framework: the texts themselves."""
        is_message = type(name) is str and name.startswith("gen_ai.") and type(attributes) is dict
        if is_message and len(self._events) < _MANY:
            told = {key: value for key, value in attributes.items() if type(value) is str}
            self._events = (*self._events, _Event(name, told))

    def __eq__(self, other: object) -> bool:
        seen = other.answer if isinstance(other, LightSpan) else other
        return bool(seen == self.answer)

    def __hash__(self) -> int:
        return hash(self.answer)

    def __reduce_ex__(self, _: Any) -> Any:
        return copy.copy, (self.answer,)


def light_class(no_op: type[Any], end: Callable[..., None]) -> type[Any]:
    """Return the class of light spans below `no_op`, OpenTelemetry's `NonRecordingSpan`.

    `end(span, end_time)` is how one ends; that it is used after that changes nothing.
    """

    def __init__(self: Any, answer: Any, name: str, scope: str, attributes: Any) -> None:
        self.answer, self.name, self._attributes = answer, name, {}
        if scope in CURRENT:
            self.is_current = True
        if attributes:
            self.set_attributes(attributes)

    members = {"__init__": __init__, "end": end, "__module__": no_op.__module__}
    return type(no_op.__name__, (LightSpan, no_op), members)
