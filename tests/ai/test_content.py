"""What went into a tracked function and came out: by name, as it was, and in the run alone."""

import weakref
import asyncio
import functools
import types

import pytest

from aimon_nb import ai_track, track
from aimon_nb.app import monitor


def step(run, name="f"):
    return run.spans()[name].step


def came(run, name="f"):
    one = step(run, name)
    return (one.input, one.output) if one.has_input and one.has_output else one


def test_arguments_and_result(run):
    """Arguments by name as they were given, those without a name of their own too; what it returned, `None` as well."""

    @ai_track("f")
    def f(a, /, b, *more, c=3, **rest):
        b.append("later")
        return {"sum": [a]}

    @ai_track("nothing")
    def nothing():
        pass

    f(1, [2], 3, 4, d="five")
    nothing()
    assert ({"a": 1, "b": [2], "more": [3, 4], "d": "five"}, {"sum": [1]}) == came(run)
    assert ({}, None) == came(run, "nothing")


def test_secrets_and_owners(run):
    """Names of secrets are filtered, `self` and `cls` left out, in each kind of method."""

    class Agent:
        @ai_track("method")
        def method(self, question, api_key): ...

        @ai_track("class")
        @classmethod
        def of_class(cls, question): ...

        @classmethod
        @ai_track("inner")
        def inner(cls, question): ...

        @staticmethod
        @ai_track("static")
        def static(question, cls): ...

    Agent().method("q", api_key="canary")
    Agent.of_class("q"), Agent.inner("q"), Agent.static("q", "label")
    assert {"question": "q", "api_key": "[filtered]"} == step(run, "method").input
    assert {"question": "q"} == step(run, "class").input == step(run, "inner").input
    assert {"question": "q", "cls": "label"} == step(run, "static").input


def test_coroutines_and_generators(run):
    """Of a coroutine what it returned, of a generator what it yielded, which nobody but its caller consumes."""

    @ai_track("coroutine")
    async def coroutine(x):
        await asyncio.sleep(0)
        return [x]

    @ai_track("generator")
    def generator(x):
        got = yield x
        yield got

    @ai_track("stream")
    async def stream(x):
        for n in range(x):
            yield {"n": n}

    @ai_track("old")
    @types.coroutine
    def old(x):
        yield from asyncio.sleep(0).__await__()
        return x

    async def everything():
        return await coroutine(1), [one async for one in stream(200)], await old(5)

    steps = generator("a")
    assert ("a", "b") == (next(steps), steps.send("b")) and [] == list(steps)
    asyncio.run(everything())
    assert ({"x": 1}, [1]) == came(run, "coroutine")
    assert ({"x": "a"}, ["a", "b"]) == came(run, "generator")
    given, yielded = came(run, "stream")
    assert ({"x": 200}, {"n": 0}, "… 150 more") == (given, yielded[0], yielded[-1])
    assert ({"x": 5}, 5) == came(run, "old")


def test_what_ends_early(run):
    """Of one that failed nothing came out; of a generator that was left what it yielded until then."""

    @ai_track("failed")
    def failed(x):
        raise ValueError(x)

    @ai_track("broken")
    def broken():
        yield 1
        raise ValueError

    @ai_track("left")
    def left():
        yield 1
        yield 2

    with pytest.raises(ValueError):
        failed("x")
    with pytest.raises(ValueError):
        list(broken())
    steps = left()
    next(steps)
    steps.close()
    assert ({"x": "x"}, False) == (step(run, "failed").input, step(run, "failed").has_output)
    assert not step(run, "broken").has_output
    assert [1] == step(run, "left").output


def test_functions_under_other_decorators(run):
    """A partial, an object with a `__call__`, a function that returns a coroutine and a builtin have their arguments too."""

    class Called:
        def __call__(self, x):
            return x

    async def inner(x):
        return x + 1

    @functools.wraps(inner)
    def outer(*args):
        return inner(*args)

    ai_track("partial")(functools.partial(divmod, 7))(2)
    ai_track("called")(Called())(1)
    asyncio.run(ai_track("outer")(outer)(1))
    ai_track("builtin")(max)(1, 2)
    assert (3, 1) == tuple(step(run, "partial").output)
    assert ({"x": 1}, 1) == came(run, "called")
    assert ({"x": 1}, 2) == came(run, "outer")
    assert ({"args": [1, 2]}, 2) == came(run, "builtin")


def test_left_out():
    """The options leave either out, the setting both; an option goes before the setting."""

    def f(x):
        return x

    def told(**options):
        with track("cell", view="none") as view:
            ai_track("f", **options)(f)(1)
        [one] = [span.step for span in view._run.spans.values() if span.name == "f"]
        return one and (one.has_input, one.has_output)

    assert [(True, True), (False, True), (True, False)] == [told(), told(capture_input=False), told(capture_output=False)]
    assert told(capture_input=False, capture_output=False) is None
    monitor.configure(step_content=False)
    try:
        assert (None, (True, False)) == (told(), told(capture_input=True))
    finally:
        monitor.configure(step_content=True)


@pytest.mark.parametrize("name", ["capture_input", "capture_output"])
def test_a_wrong_option(name):
    """What is neither True nor False is refused when decorating."""
    with pytest.raises(TypeError, match=f"{name} must be True, False or None, not int"):
        ai_track("f", **{name: 1})


def test_values_are_untouched_and_let_go():
    """The function gets and returns the very objects; nothing holds them when it is over."""
    import gc
    import weakref

    class Thing:
        pass

    seen = []

    @ai_track("f")
    def f(x):
        seen.append(x)
        return x

    thing = Thing()
    with track("cell", view="none"):
        assert f(thing) is thing is seen.pop()
        gone = weakref.ref(thing)
        del thing
        gc.collect()
        assert gone() is None


def test_a_result_is_asked_for_nothing():
    """What a function returns may be a proxy that is not bound yet, or dead: it comes back as it is, and is not asked for its class."""

    class Unbound:
        def __getattribute__(self, name):
            raise RuntimeError(f"asked for {name}")

    class Target:
        pass

    unbound, dead = Unbound(), weakref.proxy(Target())
    give = ai_track("give")(lambda value: value)
    with track("run", view="none"):
        assert give(unbound) is unbound and give(dead) is dead
    assert give(unbound) is unbound
