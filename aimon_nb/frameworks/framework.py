"""What the hooks share: steps of a framework that tells nobody of them, by its public functions.

A step is started and ended on the thread, and in the context, of the code that it stands for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from aimon_nb.capture import context
from aimon_nb.capture.hooks import Make, Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.capture.step_content import NOT_TAKEN
from aimon_nb.frameworks.step import Output, StepInContext, StepInfo, followed
from aimon_nb.providers import OF_OUR_HOOKS
from aimon_nb.sentry.steps import Steps

# From the arguments of a call to its step; None where it is no step worth a row.
Describe = Callable[..., StepInfo | None]


def _as_it_is(result: Any) -> Any:
    return result


class Framework:
    """One framework: its steps, and whether somebody else tells of them already."""

    def __init__(
        self, name: str, steps: Steps, patches: Patches, is_told: Callable[[str], bool]
    ) -> None:
        self.name, self.patches = name, patches
        self._steps, self._is_told = steps, is_told
        self._wholes: WeakSet[OpenSpan] = WeakSet()
        # By the framework's own ids. Weak: of one whose end is never told nothing is kept.
        self._open: WeakValueDictionary[str, OpenSpan] = WeakValueDictionary()

    @property
    def is_heard(self) -> bool:
        """Whether steps are made of what begins now: in a run, and where nobody else tells it."""
        is_in_run = self.patches.live and self._steps.run_state() is not None
        return is_in_run and not self._is_told(self.name)

    def start(self, info: StepInfo, parent: OpenSpan | None = None) -> OpenSpan | None:
        """Start a step."""
        open_span = self._steps.start(
            info.op,
            info.name,
            origin=OF_OUR_HOOKS + self.name,
            attributes=info.attributes,
            parent=parent,
            is_current=info.is_current,
            step_input=info.step_input,
        )
        if info.is_whole and open_span is not None:
            self._wholes.add(open_span)
        return open_span

    def start_as(self, id_: str, info: StepInfo | None) -> None:
        """Start a step whose end is told by its id."""
        open_span = None if info is None else self.start(info)
        if open_span is not None:
            self._open[id_] = open_span

    def pop(self, id_: str | None) -> OpenSpan | None:
        """Return the open step of an id, which is about to end."""
        return None if id_ is None else self._open.pop(id_, None)

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
        """End a step; what was left open inside of it is not current any more."""
        at = context.current_span.get()
        while at is not None and at is not open_span:
            at = at.entered_from
        if at is not None:
            context.current_span.set(at.entered_from)
        self._steps.end(open_span, error, output)

    def step(self, describe: Describe, /, *args: Any, **kwargs: Any) -> StepInContext | None:
        """Return the step of a call, not started yet; None where it is none."""
        if not self.is_heard:
            return None
        with internal_errors.suppress(f"looking at a step of {self.name}"):
            info = describe(*args, **kwargs)
            return None if info is None else StepInContext(self, info)
        return None

    def hook(self, owner: Any, name: str, make: Make) -> None:
        """Wrap a function of the library, if it has that."""
        if owner is not None:
            self.patches.wrap(owner, name, make)

    def around(self, describe: Describe, output: Output = _as_it_is) -> Make:
        """Return what wraps a function or coroutine function, whose calls `describe` tells.

        The step of a stream lasts from the first item asked for until its generator is over:
        that may be in another cell. What came out is then the last item.
        """

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            if inspect.iscoroutinefunction(original):
                return self._around_coroutine(original, describe, output)

            def wrapper(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                step = self.step(describe, *args, **kwargs)
                if step is None:
                    return original(*args, **kwargs)
                if step.info.is_stream:
                    result = original(*args, **kwargs)
                    return followed(step, result, output) if inspect.isgenerator(result) else result
                with step:
                    result = original(*args, **kwargs)
                    step.end_with(output, result)
                    return result

            return wrapper

        return make

    def _around_coroutine(
        self, original: Callable[..., Any], describe: Describe, output: Output
    ) -> Callable[..., Any]:
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            step = self.step(describe, *args, **kwargs)
            if step is None:
                return await original(*args, **kwargs)
            with step:
                result = await original(*args, **kwargs)
                step.end_with(output, result)
                return result

        return wrapper

    def wrap(self, owner: Any, name: str, describe: Describe, output: Output = _as_it_is) -> None:
        """Have each call of `owner.name` be a step, if the library has it."""
        self.hook(owner, name, self.around(describe, output))


def is_librarys(thing: Any, package: str) -> bool:
    """Whether a class or function is of this package of a library, and not the user's."""
    module = getattr(thing, "__module__", None)
    return isinstance(module, str) and f"{module}.".startswith(f"{package}.")
