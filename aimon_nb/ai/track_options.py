"""The options of a tracked operation: its name, op, tags, data, and those of its span."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from aimon_nb.ai.consts import with_today
from aimon_nb.ai.normalize import normalized
from aimon_nb.capture.redact import redact_texts
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
    """Options, checked where they are given; nothing changes them afterwards."""

    name: str
    op: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    span: Mapping[str, Any] = field(default_factory=dict)
    function: str = ""  # what it decorates
    capture_input: bool | None = None  # None: as the run says
    capture_output: bool | None = None

    @classmethod
    def of(cls, name: str, keywords: Mapping[str, Any], **captured: bool | None) -> Options:
        """Return the options among keyword arguments; `captured` are those of content.

        Raises:
            TypeError: an unknown option, or one of a wrong type.
        """
        if not isinstance(name, str):
            raise TypeError(f"the description must be text, not {type(name).__name__}")
        known = {"op", *_TAGS, *_DATA, *own_spans.OPTIONS}
        unknown = sorted(set(keywords) - known)
        if unknown:
            raise TypeError(f"unknown option {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        of_span = {
            key: _option(key, value)
            for key, value in keywords.items()
            if value is not None and (key == "op" or key in own_spans.OPTIONS)
        }
        op = of_span.pop("op", None)
        for key, value in captured.items():
            if value is not None and type(value) is not bool:
                raise TypeError(f"{key} must be True, False or None, not {type(value).__name__}")
        into, out = captured.get("capture_input"), captured.get("capture_output")
        tags, data = _tags(keywords), _data(keywords)
        return cls(encodable(name), op, tags, data, of_span, capture_input=into, capture_output=out)

    def of_function(self, function: Any) -> Options:
        """Return the options of a function, which is named in them where it has a name."""
        # A proxy answers to every name, with what is no text.
        return replace(self, function=function.__name__) if inspect.isroutine(function) else self

    def at_call(self, kwargs: dict[str, Any], own: frozenset[str]) -> tuple[Any, Any]:
        """Return tags and data of one call; takes their keywords out of `kwargs`.

        Args:
            kwargs: the call's keyword arguments.
            own: what of `PER_CALL` are parameters of the function itself, and stay.

        """
        keywords = {key: kwargs.pop(key) for key in PER_CALL if key in kwargs and key not in own}
        if not keywords:
            return self.tags, self.data
        return {**self.tags, **_tags(keywords)}, {**self.data, **_data(keywords)}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is known of a function's parameters.

    `own` are those keywords of `PER_CALL` that it has itself, `positional` the names of those
    that an argument without a name is for, `rest` the name of what takes all others.
    """

    own: frozenset[str] = frozenset()
    positional: tuple[str, ...] = ()
    rest: str = "args"

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Parameters:
        """Return what is known of this function's."""
        try:
            parameters = inspect.signature(_with_signature(function)).parameters
        except (TypeError, ValueError):
            # A builtin without a signature.
            return cls()
        takes = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        own = (name for name in PER_CALL if name in parameters and parameters[name].kind in takes)
        unnamed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = (name for name, one in parameters.items() if one.kind in unnamed)
        rest = (n for n, one in parameters.items() if one.kind is inspect.Parameter.VAR_POSITIONAL)
        return cls(frozenset(own), tuple(positional), next(rest, "args"))

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call by name: those that it was given."""
        named = dict(zip(self.positional, args, strict=False))
        if len(args) > len(self.positional):
            named[self.rest] = args[len(self.positional) :]
        named.update(kwargs)
        return named


def _with_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what has the signature of a call: a function, or the method that is called.

    Python 3.13 calls a `__signature__` that is none, and an object that answers to
    every name has one: its answer may be a request to a server.
    """
    signature = getattr(function, "__signature__", None)
    if signature is None or isinstance(signature, inspect.Signature):
        return function
    is_made_up = inspect.getattr_static(function, "__signature__", None) is None
    return type(function).__call__ if is_made_up else function


def _option(key: str, value: Any) -> Any:
    """Return an option as every call takes it: what would fail there is refused here."""
    if key == "start_timestamp":
        return _moment(value)
    kind, kind_name = (bool, "True, False") if key in _SWITCHES else (str, "text")
    if not isinstance(value, kind):
        raise TypeError(f"{key} must be {kind_name} or None, not {type(value).__name__}")
    return encodable(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, datetime):
            # Without a zone it is local time.
            return value.astimezone(timezone.utc)
        if not isinstance(value, bool):
            return datetime.fromtimestamp(value, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    kinds = "a datetime, seconds since the epoch or None"
    raise TypeError(f"start_timestamp must be {kinds}, not {reprlib.repr(value)}")


def _tags(keywords: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as Sentry takes them: one line of at most 200 characters each.

    What looks like a key goes before they are cut: of a half nobody could say what it is.
    """
    merged = _merged(keywords, _TAGS)
    texts = {key: str(normalized(value, unpack=False)) for key, value in merged.items()}
    return {key: " ".join(text.split())[:200] for key, text in redact_texts(texts).items()}


def _data(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return data as `set_data_normalized` has it: one bad value would lose the envelope."""
    merged = _merged(keywords, _DATA)
    plain = {key: normalized(value, unpack=False) for key, value in merged.items()}
    return with_today(redact_texts(plain))


def _merged(keywords: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in keys:
        value = keywords.get(key)
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise TypeError(f"{key} must be a mapping or None, not {type(value).__name__}")
        merged.update((key_text(name), item) for name, item in value.items())
    return merged
