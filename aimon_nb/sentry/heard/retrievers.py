"""LangChain's retrievers: rows by its callbacks, and the end of those that it tells none of.

What an interrupt or a timeout leaves has ended: else it would be the parent of what comes next.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.steps import Steps


class Retrievers:
    """The open rows of retrievers; `start`, `end` and `fail` are told by a handler."""

    def __init__(self, steps: Steps, origin: str) -> None:
        self._steps, self._origin = steps, origin
        # By the id of their run. Weak: whatever is never told, nothing is kept.
        self.open: WeakValueDictionary[Any, OpenSpan] = WeakValueDictionary()

    def install(self, patches: Patches) -> None:
        """Follow how a retriever is left."""
        patches.on_import("langchain_core.retrievers", lambda module: self._hook(patches, module))

    def _hook(self, patches: Patches, module: Any) -> None:
        patches.wrap(module.BaseRetriever, "invoke", self._wrap)
        patches.wrap(module.BaseRetriever, "ainvoke", self._wrap_async)

    def start(self, serialized: Any, query: Any, *, run_id: Any, **told: Any) -> None:
        """Start the row of one."""
        name = told.get("name") or (serialized or {}).get("name") or "retriever"
        step = self._steps.start(
            "gen_ai.retrieval", f"retrieval {name}", origin=self._origin, step_input=query
        )
        if step is not None:
            self.open[run_id] = step

    def end(self, documents: Any, *, run_id: Any, **_: Any) -> None:
        """End it with what it found."""
        self._steps.end(self.open.pop(run_id, None), step_output=documents)

    def fail(self, error: BaseException, *, run_id: Any, **_: Any) -> None:
        """End it with what went wrong."""
        self._steps.end(self.open.pop(run_id, None), error)

    def _wrap(self, original: Any) -> Any:
        def invoke(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            before = context.current_span.get()
            try:
                return original(*args, **told)
            except BaseException as error:
                self._left(before, error)
                raise

        return invoke

    def _wrap_async(self, original: Any) -> Any:
        async def ainvoke(*args: Any, **told: Any) -> Any:
            __tracebackhide__ = True
            before = context.current_span.get()
            try:
                return await original(*args, **told)
            except BaseException as error:
                self._left(before, error)
                raise

        return ainvoke

    def _left(self, before: OpenSpan | None, error: BaseException) -> None:
        if isinstance(error, Exception):
            return  # of which the handler is told
        with internal_errors.suppress("hearing how a retriever was left"):
            at, opened = context.current_span.get(), list(self.open.values())
            while at is not None and at is not before:
                if at in opened:
                    self._steps.end(at, error)
                    context.current_span.set(at.entered_from)
                at = at.entered_from
