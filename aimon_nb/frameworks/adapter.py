"""What adapters share: the steps of a framework that tells nobody of them, at its public functions.

A step is started and ended on the thread, and in the context, of the code that it stands for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, NamedTuple
from weakref import WeakSet

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Make, Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.capture.step_content import NOT_TAKEN
from aimon_nb.sentry.steps import Steps

AGENT, TOOL, RETRIEVAL = "gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.retrieval"
FUNCTION = "function"
# Who else may tell of a framework, once switched on: modules, and the class that they have.
_INSTRUMENTORS = {
    "smolagents": ("SmolagentsInstrumentor", "openinference.instrumentation.smolagents"),
    "haystack": (
        "HaystackInstrumentor",
        "openinference.instrumentation.haystack",
        "opentelemetry.instrumentation.haystack",
    ),
    "llama_index": (
        "LlamaIndexInstrumentor",
        "openinference.instrumentation.llama_index",
        "opentelemetry.instrumentation.llamaindex",
    ),
    "dspy": ("DSPyInstrumentor", "openinference.instrumentation.dspy"),
    "crewai": (
        "CrewAIInstrumentor",
        "openinference.instrumentation.crewai",
        "opentelemetry.instrumentation.crewai",
    ),
}


class StepInfo(NamedTuple):
    """What a step is."""

    op: str
    name: str
    attributes: dict[str, Any] | None = None
    step_input: Any = NOT_TAKEN
    # A step of the library's own making: the parts that it is made of are no rows.
    is_whole: bool = False


def agent(name: str, step_input: Any = NOT_TAKEN, *, is_whole: bool = False) -> StepInfo:
    """An agent of this name."""
    attributes = {"gen_ai.agent.name": name}
    return StepInfo(AGENT, f"invoke_agent {name}", attributes, step_input, is_whole)


def tool(name: str, step_input: Any = NOT_TAKEN) -> StepInfo:
    """A tool of this name."""
    return StepInfo(TOOL, f"execute_tool {name}", {"gen_ai.tool.name": name}, step_input)


# From the arguments of a call to its step; None where it is no step worth a row.
Describe = Callable[..., StepInfo | None]
# From what a call returned to what came out of the step.
Output = Callable[[Any], Any]


def _as_it_is(result: Any) -> Any:
    return result


class Framework:
    """One framework: its steps, and whether somebody else tells of them already."""

    def __init__(self, name: str, steps: Steps, patches: Patches) -> None:
        self.name, self.patches = name, patches
        self._steps = steps
        self._wholes: WeakSet[OpenSpan] = WeakSet()

    @property
    def is_heard(self) -> bool:
        """Whether steps are made of what begins now: in a run, and where nobody else tells it."""
        return self._steps.run_state() is not None and not _is_instrumented(self.name)

    def start(
        self, info: StepInfo, parent: OpenSpan | None = None, *, is_current: bool = True
    ) -> OpenSpan | None:
        """Start a step."""
        open_span = self._steps.start(
            info.op,
            info.name,
            origin=f"auto.frameworks.{self.name}",
            attributes=info.attributes,
            parent=parent,
            is_current=is_current,
            step_input=info.step_input,
        )
        if info.is_whole and open_span is not None:
            self._wholes.add(open_span)
        return open_span

    def is_in_whole(self) -> bool:
        """Whether code stands right in a step whose parts are no rows."""
        current = context.current_span.get()
        return current is not None and current in self._wholes

    def end(
        self,
        open_span: OpenSpan | None,
        error: BaseException | None = None,
        output: Any = NOT_TAKEN,
    ) -> None:
        """End a step."""
        self._steps.end(open_span, error, output)

    def begin(
        self, describe: Describe, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> StepInContext | None:
        """Return the step of a call, not started yet; None where it is none."""
        with internal_errors.suppress(f"looking at a step of {self.name}"):
            info = describe(*args, **kwargs) if self.is_heard else None
            return None if info is None else StepInContext(self, info)
        return None

    def around(self, describe: Describe, output: Output = _as_it_is) -> Make:
        """Return what wraps a function or coroutine function, whose calls `describe` tells.

        Where a function returns a generator its step lasts until that is over; what came out
        is then the last item.
        """

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.iscoroutinefunction(original):
                return self._around_coroutine(original, describe, output)

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                step = self.begin(describe, args, kwargs)
                if step is None:
                    return original(*args, **kwargs)
                with step:
                    result = original(*args, **kwargs)
                    if not inspect.isgenerator(result):
                        step.end(None, output, result)
                        return result
                return _followed(step, result, output)

            return wrapper

        return make

    def _around_coroutine(
        self, original: Callable[..., Any], describe: Describe, output: Output
    ) -> Callable[..., Any]:
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            step = self.begin(describe, args, kwargs)
            if step is None:
                return await original(*args, **kwargs)
            with step:
                result = await original(*args, **kwargs)
                step.end(None, output, result)
                return result

        return wrapper

    def wrap(self, owner: Any, name: str, describe: Describe, output: Output = _as_it_is) -> None:
        """Have each call of `owner.name` be a step, if the library has it."""
        if owner is not None:
            self.patches.wrap(owner, name, self.around(describe, output))


class StepInContext:
    """A step, entered for each stretch of its code: what begins there is below it."""

    def __init__(self, framework: Framework, info: StepInfo) -> None:
        self._framework, self._info = framework, info
        self._open_span: OpenSpan | None = None
        self._inside: OpenSpan | None = None
        self._is_started = False

    def __enter__(self) -> StepInContext:  # noqa: PYI034 (`Self` needs Python 3.11)
        self._outside = context.current_span.get()
        if self._is_started:
            context.current_span.set(self._inside)
        else:
            self._is_started = True
            with internal_errors.suppress("starting a step"):
                self._open_span = self._framework.start(self._info)
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
            self._inside = context.current_span.get()
            # Whatever was left open in it is nobody's parent outside.
            context.current_span.set(self._outside)

    def end(
        self,
        error: BaseException | None = None,
        output: Output | None = None,
        result: Any = None,
    ) -> None:
        """End the step, with an error or with what `output` makes of a result; once."""
        came_out: Any = NOT_TAKEN
        if output is not None and self._open_span is not None:
            with internal_errors.suppress("reading what came out of a step"):
                came_out = output(result)
        with internal_errors.suppress("ending a step"):
            self._framework.end(self._open_span, error, came_out)


def _followed(step: StepInContext, work: Any, output: Output) -> Any:
    """Return the generator with its step around each stretch of it."""

    def follow() -> Generator[Any, Any, Any]:
        __tracebackhide__ = True
        advance, value, last = work.send, None, None
        while True:
            with step:
                try:
                    value = last = advance(value)
                except StopIteration as stop:
                    step.end(None, output, last)
                    return stop.value
            try:
                value = yield value
                advance = work.send
            except GeneratorExit as closing:
                step.end(closing)
                work.close()
                raise
            except BaseException as error:
                advance, value = work.throw, error

    followed: Any = follow()
    followed.__name__, followed.__qualname__ = work.__name__, work.__qualname__
    return followed


def _is_instrumented(framework: str) -> bool:
    """Whether OpenTelemetry hears of it already; a package that is not switched on does not."""
    name, *modules = _INSTRUMENTORS[framework]
    for module in modules:
        kind = getattr(sys.modules.get(module), name, None)
        if getattr(getattr(kind, "_instance", None), "_is_instrumented_by_opentelemetry", False):
            return True
    return False


def is_librarys(thing: Any, package: str) -> bool:
    """Whether a class or function is of this package of a library, and not the user's."""
    module = getattr(thing, "__module__", None)
    return isinstance(module, str) and f"{module}.".startswith(f"{package}.")
