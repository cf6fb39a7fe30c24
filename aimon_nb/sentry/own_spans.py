"""A span of ours, opened and closed in whichever lifecycle the client has.

In the stream lifecycle, the only one of sentry-sdk 3, `sentry_sdk.traces.start_span`
makes it; else `own_spans_static`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import sentry_sdk
from sentry_sdk import scope as sentry_scope

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import describe, failed, frames_of, status_of
from aimon_nb.capture.redact import redact_name
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS, is_streaming

if HAS_TRANSACTIONS:
    from aimon_nb.sentry import own_spans_static

# Options of the SDK's spans that make sense for every call of a function; the
# last three have no counterpart in the stream lifecycle.
OPTIONS = frozenset(
    {"origin", "source", "status", "start_timestamp", "sampled", "same_process_as_parent"}
)

ContextSnapshot = tuple[Any, tuple[Any, ...]]


def snapshot_context() -> ContextSnapshot:
    """Return Sentry's current scope and our context."""
    return sentry_scope._current_scope.get(), context.current_context()


def attach_snapshot(snapshot: ContextSnapshot) -> None:
    """Make this scope and this context the current ones."""
    scope, ours = snapshot
    sentry_scope._current_scope.set(scope)
    context.attach(ours)


def fork() -> None:
    """Attach a scope of one's own: tasks and generators share no current span then."""
    sentry_scope._current_scope.set(sentry_sdk.get_current_scope().fork())


class ScopedSpan:
    """A span that is open and current; `close` ends it. In no run it has no `open_span`."""

    __slots__ = ("open_span", "sdk")

    def __init__(self, name: str, op: str, options: Mapping[str, Any]) -> None:
        self.sdk = start(name, op, **options)
        self.sdk.__enter__()
        open_span = context.current_span.get()
        self.open_span: OpenSpan | None = (
            open_span if open_span is not None and open_span.sdk is self.sdk else None
        )

    def fold_into_tool(self, names: Collection[str]) -> None:
        """Have no row of its own, if it is the code of the tool whose row is above it."""
        tool = self.open_span.parent if self.open_span is not None else None
        if self.open_span is not None and tool is not None:
            is_tool = attribute(tool, "sentry.op") == "gen_ai.execute_tool"
            self.open_span.is_alias = is_tool and attribute(tool, "gen_ai.tool.name") in names

    def close(self, error: BaseException | None) -> None:
        """End it; what is not an error of the code has a status of its own."""
        if not failed(error):
            error = None
        if self.open_span is not None and error is not None:
            self.open_span.error = (status_of(error), *describe(error), frames_of(error))
        status = _status_of(error)
        if status is not None:
            self._set_status(status)
            error = None
        ty = type(error) if error is not None else None
        self.sdk.__exit__(ty, error, getattr(error, "__traceback__", None))

    def _set_status(self, status: str) -> None:
        if hasattr(self.sdk, "set_status"):
            self.sdk.set_status(status)
            return
        # The stream lifecycle knows `ok` and `error`; Sentry counts no cancelled span as failed.
        self.sdk.status = "error" if status == "aborted" else "ok"
        if status != "ok":
            self.sdk.set_attribute("sentry.status.message", status)


def start(name: str, op: str, **options: Any) -> Any:
    """Make the SDK's span, with those of its options that the lifecycle has."""
    name, op = redact_name(name), redact_name(op)
    if is_streaming():
        return _streamed(name, op, **options)
    return own_spans_static.start(name, op, **options)


def start_unsampled(name: str, op: str, options: Mapping[str, Any]) -> Any:
    """Start a transaction that Sentry does not get, also where one is open that it gets."""
    return own_spans_static.start_unsampled(name, op, options)


def carried_ids(root: Any) -> set[str] | None:
    """Return the ids of the spans that the root's transaction carries; None if it is none."""
    return own_spans_static.carried_ids(root) if HAS_TRANSACTIONS else None


def discard_spans(root: Any) -> bool:
    """Let a root carry no spans; False if it is no transaction."""
    return HAS_TRANSACTIONS and own_spans_static.discard_spans(root)


def is_span(thing: Any) -> bool:
    """Whether it takes data as a span does."""
    return hasattr(thing, "set_data") or hasattr(thing, "set_attribute")


def set_data(span: Any, data: Mapping[str, Any]) -> None:
    """Put data on any span of the SDK, a no-op too: our view shows what was put on it."""
    setter = getattr(span, "set_data", None) or span.set_attribute
    for key, value in data.items():
        setter(key, value)


def set_tags(span: Any, tags: Mapping[str, Any]) -> None:
    """Put tags on a span; the stream lifecycle has attributes only.

    Sentry takes none without a value.
    """
    setter = getattr(span, "set_tag", None) or span.set_attribute
    for key, value in tags.items():
        if value != "":
            setter(key, value)


def current() -> Any:
    """The span that code is in, or None.

    Ours knows better than the scope, which is shared between tasks, and in an
    unsampled trace of the stream lifecycle holds the root only.
    """
    open_span = context.current_span.get()
    while open_span is not None and (open_span.t1 is not None or open_span.sdk is None):
        open_span = open_span.entered_from
    return open_span.sdk if open_span is not None else sentry_sdk.get_current_scope()._span


def _streamed(name: str, op: str, **options: Any) -> Any:
    from sentry_sdk import traces

    names = {"origin": "sentry.origin", "source": "sentry.segment.name.source"}
    attributes = {names[key]: options[key] for key in names if key in options}
    span = traces.start_span(name, {"sentry.op": op, **attributes})
    if "status" in options:
        span.status = "ok" if options["status"] == "ok" else "error"
    if "start_timestamp" in options:
        span._start_timestamp = options["start_timestamp"]
    return span


def _status_of(error: BaseException | None) -> str | None:
    """Return Sentry's status for an end that is neither success nor an error of the code."""
    if error is None or isinstance(error, Exception):
        return None
    if isinstance(error, SystemExit) and error.code in (0, None):
        return "ok"
    if isinstance(error, (GeneratorExit, asyncio.CancelledError)):
        return "cancelled"
    return "aborted"
