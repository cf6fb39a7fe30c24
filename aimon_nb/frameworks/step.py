"""A step of a framework's: what it is, and the context that its code runs in."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_input
from aimon_nb.capture.step_content import NOT_TAKEN

if TYPE_CHECKING:
    from aimon_nb.capture.state import OpenSpan
    from aimon_nb.frameworks.framework import Framework

AGENT, TOOL, RETRIEVAL = "gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.retrieval"
FUNCTION = "function"
LONGEST_NAME = 100  # characters
# From what a call returned to what came out of the step.
Output = Callable[[Any], Any]


# Whose code runs in this context.
_entered: ContextVar[StepInContext | None] = ContextVar("aimon_nb_step", default=None)


class StepInfo(NamedTuple):
    """What a step is."""

    op: str
    name: str
    attributes: dict[str, Any] | None = None
    step_input: Any = NOT_TAKEN
    # A step of the library's own making: the parts that it is made of are no rows.
    is_whole: bool = False
    # Whether what begins in its code is below it without a word.
    is_current: bool = True
    # Whether what the call returns is a generator, whose code is the step's.
    is_stream: bool = False


def agent(name: str, step_input: Any = NOT_TAKEN, *, is_whole: bool = False) -> StepInfo:
    """An agent of this name, which may be a sentence: a role."""
    name = " ".join(name.split())[:LONGEST_NAME]
    attributes = {"gen_ai.agent.name": name}
    return StepInfo(AGENT, f"invoke_agent {name}", attributes, step_input, is_whole)


def tool(name: str, step_input: Any = NOT_TAKEN) -> StepInfo:
    """A tool of this name."""
    return StepInfo(TOOL, f"execute_tool {name}", {"gen_ai.tool.name": name}, step_input)


class StepInContext:
    """A step, entered for each stretch of its code: what begins there is below it.

    Args:
        framework: Whose step it is.
        info: What it is.

    """

    def __init__(self, framework: Framework, info: StepInfo) -> None:
        self._framework, self.info = framework, info
        self.parent: OpenSpan | None = None  # the step above, if not the one that code is in
        self.open_span: OpenSpan | None = None
        self._inside: OpenSpan | None = None
        self._is_started = False

    def __enter__(self) -> StepInContext:  # noqa: PYI034 (`Self` needs Python 3.11)
        if self.info.is_current:
            self._outside = context.current_span.get(), _entered.get()
            _entered.set(self)
        if not self._is_started:
            self._is_started = True
            with internal_errors.suppress("starting a step"):
                self.open_span = self._framework.start(self.info, self.parent)
        elif self.info.is_current:
            context.current_span.set(self._inside)
        return self

    def __exit__(
        self,
        ty: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self.end(error)
        finally:
            # A coroutine that is thrown away is closed in the context where that happens.
            if _entered.get() is self:
                self._inside = context.current_span.get()
                # Whatever was left open in it is nobody's parent outside.
                context.current_span.set(self._outside[0])
                _entered.set(self._outside[1])

    def take_input(self, value: Any) -> None:
        """Take what went into it, where it was not known when it began."""
        if self.open_span is not None:
            with internal_errors.suppress("taking what went into a step"):
                take_input(self.open_span, value)

    def end(self, error: BaseException | None = None, output: Any = NOT_TAKEN) -> None:
        """End the step, with an error or with what came out; the first end counts."""
        with internal_errors.suppress("ending a step"):
            self._framework.end(self.open_span, error, output)

    def end_with(self, read: Output, result: Any) -> None:
        """End the step with what `read` makes of a result."""
        output: Any = NOT_TAKEN
        if self.open_span is not None:
            with internal_errors.suppress("reading what came out of a step"):
                output = read(result)
        self.end(None, output)


def followed(step: StepInContext, work: Any, output: Output) -> Any:
    """Return the generator with its step around each stretch of it."""

    def follow() -> Generator[Any, Any, Any]:
        __tracebackhide__ = True
        advance, value, last, closing = work.send, None, None, None
        while True:
            with step:
                try:
                    value = last = advance(value)
                except StopIteration as stop:
                    step.end_with(output, last)
                    return stop.value
            try:
                value = yield value
                advance = work.send
            except GeneratorExit as error:
                closing = error
            except BaseException as error:
                advance, value = work.throw, error
            if closing is not None:
                # Not where it is handled: what the inner one sees at its end would come of it.
                step.end(closing)
                work.close()
                raise closing

    followed: Any = follow()
    followed.__name__, followed.__qualname__ = work.__name__, work.__qualname__
    return followed
