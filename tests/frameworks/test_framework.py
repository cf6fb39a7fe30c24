"""What the hooks on frameworks share: a step around a function of a library's, whatever kind of function it is."""

import asyncio
import contextlib
import contextvars
import inspect
import sys
import types

import pytest

from aimon_nb import track
from aimon_nb import frameworks
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.capture import context
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.frameworks.framework import Framework
from aimon_nb.frameworks.step import agent, tool


class Library:
    """Stands for a framework: what is wrapped is any class."""

    def ask(self, word: str, *, times: int = 1) -> str:
        """Ask."""
        if word == "bad":
            raise ValueError("no such word")
        return word * times

    async def ask_later(self, word):
        await asyncio.sleep(0)
        return self.ask(word)

    def stream(self, words):
        return (self.ask(word) for word in words)

    def echo(self):
        """A generator that answers what it is sent, and what is thrown in."""

        def answer():
            said = "ready"
            while True:
                try:
                    said = yield said
                except KeyError as error:
                    said = repr(error)
                if said == "end":
                    return "ended"

        return answer()


@pytest.fixture
def framework():
    patches = Patches()
    made = Framework("smolagents", instrumentation.steps, patches, instrumentation.otel.hears)
    made.wrap(Library, "ask", lambda self, word, **_: None if word == "quiet" else tool(word))
    made.wrap(Library, "ask_later", lambda *_: agent("ask_later"))
    for name in ("stream", "echo"):
        made.wrap(Library, name, lambda *_, name=name: agent(name)._replace(is_stream=True))
    yield made
    patches.undo()


def tree(view):
    return [(depth, span.name, span.status) for depth, span in view._run.walk()]


def test_functions_and_coroutines(framework):
    """A call is a step with what begins in it below; what is described as None is none."""
    library = Library()

    async def both():
        return await asyncio.gather(library.ask_later("a"), library.ask_later("b"))

    with track("cell") as view:
        assert (library.ask("x", times=2), library.ask("quiet"), asyncio.run(both())) == ("xx", "quiet", ["a", "b"])
    assert tree(view) == [
        (0, "execute_tool x", "ok"),
        (0, "invoke_agent ask_later", "ok"), (1, "execute_tool a", "ok"),
        (0, "invoke_agent ask_later", "ok"), (1, "execute_tool b", "ok"),
    ]  # fmt: skip
    tool_span = next(span for span in view._run.spans.values() if span.name == "execute_tool x")
    assert (tool_span.tool, tool_span.op, tool_span.origin) == ("x", "gen_ai.execute_tool", "auto.frameworks.smolagents")


def test_errors_pass_through(framework):
    """The user gets the very error; the step says it, and nothing stays current."""
    with track("cell") as view:
        before = context.current_span.get()
        with pytest.raises(ValueError, match="no such word") as caught:
            Library().ask("bad")
        assert context.current_span.get() is before
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert tree(view) == [(0, "execute_tool bad", "error")]


def test_generators(framework):
    """A step lasts until its generator is over; what runs between two items is not below it, and one left early is abandoned."""
    library = Library()
    with track("cell") as view:
        for word in library.stream(["a", "b"]):
            library.ask(word.upper())
        items = library.stream(["c", "d"])
        assert inspect.isgenerator(items) and next(items) == "c"
        items.close()
        with pytest.raises(StopIteration):
            next(items)
        with contextlib.suppress(ValueError):
            list(library.stream(["bad"]))
    assert tree(view) == [
        (0, "invoke_agent stream", "ok"), (1, "execute_tool a", "ok"), (1, "execute_tool b", "ok"),
        (0, "execute_tool A", "ok"), (0, "execute_tool B", "ok"),
        (0, "invoke_agent stream", "abandoned"), (1, "execute_tool c", "ok"),
        (0, "invoke_agent stream", "error"), (1, "execute_tool bad", "error"),
    ]  # fmt: skip


def test_a_generator_of_another_cell(framework):
    """A stream that one cell makes and another reads is a row of the other, with all that it asks; one that nobody reads is none."""
    with track("makes it") as first:
        items, _ = Library().stream(["a"]), Library().stream(["b"])
    with track("reads it") as second:
        assert list(items) == ["a"]
    assert tree(first) == []
    assert tree(second) == [(0, "invoke_agent stream", "ok"), (1, "execute_tool a", "ok")]


def test_a_generator_that_is_a_result(framework):
    """Of a function that is no stream it is the user's: the very object, the step over."""
    made = (word for word in "ab")
    Library.give = lambda self: made
    framework.wrap(Library, "give", lambda *_: tool("give"))
    with track("cell") as view:
        assert Library().give() is made
    assert tree(view) == [(0, "execute_tool give", "ok")]


def test_a_coroutine_that_is_thrown_away(framework):
    """It ends where it is closed: the code there stays where it is, and its step is abandoned."""
    with track("cell") as view:
        begun, here = Library().ask_later("a"), framework.start(agent("here"))
        contextvars.Context().run(begun.send, None)
        begun.close()
        assert context.current_span.get() is here
        framework.end(here)
    assert sorted(tree(view)) == [(0, "invoke_agent ask_later", "abandoned"), (0, "invoke_agent here", "ok")]


def test_names_of_arguments(framework):
    """A call may have arguments of any name."""
    framework.wrap(Library, "ask", lambda self, /, word, **more: tool("ask", more))
    with track("cell") as view, contextlib.suppress(TypeError):
        Library().ask("x", describe=1, args=2, framework=3)
    assert tree(view)[0] == (0, "execute_tool ask", "error")


def test_a_generator_is_spoken_with(framework):
    """`send`, `throw` and the returned value reach who they are meant for."""
    with track("cell"):
        told = Library().echo()
        assert [next(told), told.send("a"), told.throw(KeyError("k")), told.send("b")] == ["ready", "a", "KeyError('k')", "b"]
        with pytest.raises(StopIteration) as stopped:
            told.send("end")
    assert stopped.value.value == "ended"


def test_what_is_left_open_in_a_step_is_nobodys_parent(framework):
    """A generator's own code may leave something current: after the step nothing is."""
    with track("cell") as view:
        step = framework.step(lambda: agent("one"))
        with step:
            framework.start(agent("left open"))
            step.end()
        framework.end(framework.start(agent("after")))
    names = {span.span_id: span.name for span in view._run.spans.values()}
    assert {span.name: names.get(span.parent_id) for span in view._run.spans.values()} == {
        "cell": None, "invoke_agent one": "cell", "invoke_agent left open": "invoke_agent one", "invoke_agent after": "cell",
    }  # fmt: skip


def test_outside_of_runs_and_undone(framework):
    """Outside of runs a call is the library's own; its name, signature and words are kept, and after the undo all is as before."""
    assert Library().ask("x") == "x" and inspect.isgenerator(Library().stream("a"))
    assert str(inspect.signature(Library.ask)) == "(self, word: str, *, times: int = 1) -> str" and Library.ask.__doc__ == "Ask."
    assert inspect.iscoroutinefunction(Library.ask_later)
    framework.patches.undo()
    assert not hasattr(Library.ask, "__wrapped__")


def test_a_fault_of_ours(framework):
    """It is counted, and the user's call works."""
    framework.wrap(Library, "ask", lambda *_, **__: 1 / 0)
    framework.wrap(Library, "stream", lambda *_: agent("outer")._replace(is_stream=True), lambda _: 1 / 0)
    before = internal_errors.count
    with track("cell") as view:
        assert (Library().ask("x"), list(Library().stream("ab"))) == ("x", ["a", "b"])
    assert internal_errors.count == before + 4
    assert tree(view)[1] == (0, "invoke_agent outer", "ok")
    internal_errors.count = before


def test_what_went_in_and_came_out(framework):
    """Arguments, results and the last item of a generator are taken as the step's content; of a failed one nothing came out."""
    framework.wrap(Library, "ask", lambda _, word, **more: tool("ask", {"word": word, "password": "x"}), lambda result: [result])
    with track("cell") as view:
        Library().ask("a")
        list(Library().stream(["b", "c"]))
        with contextlib.suppress(ValueError):
            Library().ask("bad")
    steps = [(span.name, span.step and (span.step.input, span.step.has_output and span.step.output)) for span in view._run.spans.values()]
    assert ("execute_tool ask", ({"word": "a", "password": "[filtered]"}, ["a"])) in steps
    assert ("invoke_agent stream", (None, "c")) in steps
    assert ("execute_tool ask", ({"word": "bad", "password": "[filtered]"}, False)) in steps


def test_who_else_speaks(framework, monkeypatch):
    """Where an instrumentor of OpenTelemetry's is on, there are no steps of ours; one that is merely there changes nothing."""
    module, library = types.ModuleType("openinference.instrumentation.smolagents"), Library()
    module.SmolagentsInstrumentor = type("SmolagentsInstrumentor", (), {"_instance": None})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with track("cell") as view:
        library.ask("ours")
        module.SmolagentsInstrumentor._instance = types.SimpleNamespace(_is_instrumented_by_opentelemetry=True)
        library.ask("theirs")
    assert tree(view) == [(0, "execute_tool ours", "ok")]


@pytest.mark.parametrize("name", frameworks._FRAMEWORKS)
def test_a_library_without_the_hook(name):
    """Another version, or a module of the user's with its name: no hook, no fault."""
    before, patches = internal_errors.count, Patches()
    framework = Framework(name, instrumentation.steps, patches, instrumentation.otel.hears)
    for module in frameworks._FRAMEWORKS[name].MODULES:
        frameworks._FRAMEWORKS[name].install(framework, types.ModuleType(module))
    assert internal_errors.count == before and patches._applied == []
