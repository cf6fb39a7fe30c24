"""Haystack: pipelines, components, agents and tools, by the proxy that all its spans go through.

The tracer that a user has enabled stays where it is, and is told what it is told without us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.step_content import NOT_TAKEN
from aimon_nb.frameworks import step as steps
from aimon_nb.frameworks.framework import Framework
from aimon_nb.frameworks.step import StepInContext, StepInfo

MODULES = ("haystack.tracing.tracer",)


class ToolInvocationError(Exception):
    """As Haystack calls what went wrong in a tool: tracers get its words alone."""


class _Span:
    """A span of the user's tracer that tells us, too, what went in and came out."""

    def __init__(self, inner: Any, step: StepInContext) -> None:
        self.inner, self.step, self.has_failed = inner, step, False
        self.output: Any = NOT_TAKEN

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def set_tag(self, key: str, value: Any) -> None:
        self.inner.set_tag(key, value)
        self.has_failed = self.has_failed or key == "haystack.tool.error"

    def set_content_tag(self, key: str, value: Any) -> None:
        self.inner.set_content_tag(key, value)
        if key.endswith(".input"):
            self.step.take_input(value)
        elif key.endswith((".output", ".output_data")):
            self.output = value


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap the proxy of the tracers."""
    framework.hook(getattr(module, "ProxyTracer", None), "trace", partial(_wrap, framework))


def _wrap(framework: Framework, original: Callable[..., Any]) -> Callable[..., Any]:
    def trace(self: Any, operation_name: str, *args: Any, **kwargs: Any) -> Any:
        parent = kwargs.get("parent_span")
        above = parent if type(parent) is _Span else None
        if above is not None:
            kwargs["parent_span"] = above.inner
        traced = original(self, operation_name, *args, **kwargs)
        # Where a tracer of the user's makes spans of OpenTelemetry's, these tell all of it.
        if "opentelemetry" in type(self.actual_tracer).__module__:
            return traced
        step = framework.step(_describe, framework, operation_name, kwargs.get("tags"))
        if step is None:
            return traced
        step.parent = above.step.open_span if above else None
        return _around(step, traced)

    return trace


@contextmanager
def _around(step: StepInContext, traced: AbstractContextManager[Any]) -> Iterator[_Span]:
    with step:
        with traced as inner:
            span = _Span(inner, step)
            yield span
        error = ToolInvocationError(span.output["error"]) if span.has_failed else None
        step.end(error, span.output)


def _describe(framework: Framework, operation: str, tags: Any) -> StepInfo | None:
    if operation == "haystack.pipeline.run":
        # Its components name it as theirs; what runs between the items of one is not below it.
        went_in = tags["haystack.pipeline.input_data"]
        return StepInfo("function", "Pipeline", None, went_in, is_current=False)
    if operation == "haystack.component.run":
        name, kind = tags["haystack.component.name"], tags["haystack.component.type"]
        if kind == "Agent":
            return steps.agent(name, is_whole=True)
        return StepInfo(steps.RETRIEVAL if kind.endswith("Retriever") else "function", name)
    if operation == "haystack.agent.run" and not framework.is_in_whole():
        return steps.agent("Agent")
    is_tool = operation == "haystack.agent.step.tool"
    return steps.tool(tags["haystack.tool.name"]) if is_tool else None
