"""`ai_track` on everything that can be called."""

import asyncio
import functools
import gc
import inspect
import types

import pytest
import sentry_sdk

from aimon_nb import ai_track, get_ai_pipeline_name, set_ai_pipeline_name
from tests.parts import sdk
from tests.ai.conftest import where_none_is_sent, where_spans_are_sent
from tests.tiers import covering

PIPELINE = "gen_ai.pipeline.name"


def body(place, value):
    with place.span():
        return value, get_ai_pipeline_name()


def kinds(place):
    """Every kind of thing that can be decorated: (decorated, how to run it to its end)."""
    track = ai_track("work")

    def plain(x):
        return body(place, x)

    async def coroutine(x):
        await asyncio.sleep(0)
        return body(place, x)

    @types.coroutine
    def old_coroutine(x):
        yield
        return body(place, x)

    def generator(x):
        yield body(place, x)

    async def async_generator(x):
        await asyncio.sleep(0)
        yield body(place, x)

    class Sync:
        def __call__(self, x):
            return plain(x)

    class Async:
        async def __call__(self, x):
            return await coroutine(x)

    class Generating:
        def __call__(self, x):
            yield body(place, x)

    class Class:
        @track
        def method(self, x):
            return plain(x)

        @track
        async def async_method(self, x):
            return await coroutine(x)

        @staticmethod
        @track
        def inner_static(x):
            return plain(x)

        @track
        @staticmethod
        def outer_static(x):
            return plain(x)

        @classmethod
        @track
        def inner_class(cls, x):
            assert cls is Class
            return plain(x)

        @track
        @classmethod
        def outer_class(cls, x):
            assert cls is Class
            return plain(x)

        @track
        @staticmethod
        async def outer_static_async(x):
            return await coroutine(x)

    @functools.wraps(coroutine)
    def decorated_before(x):
        return coroutine(x)

    def once(generator):
        [item] = generator
        return item

    async def aonce(generator):
        [item] = [item async for item in generator]
        return item

    async def await_(awaitable):
        return await awaitable

    def awaited(make):
        return lambda f: asyncio.run(make(f))

    run, arun = (lambda f: f(1)), awaited(lambda f: f(1))
    gen, agen = (lambda f: once(f(1))), awaited(lambda f: aonce(f(1)))
    return {
        "function": (track(plain), run),
        "coroutine": (track(coroutine), arun),
        "generator": (track(generator), gen),
        "async generator": (track(async_generator), agen),
        "partial": (track(functools.partial(plain, 1)), lambda f: f()),
        "partial coroutine": (track(functools.partial(coroutine, 1)), awaited(lambda f: f())),
        "partial generator": (track(functools.partial(generator, 1)), lambda f: once(f())),
        "partial of generating object": (track(functools.partial(Generating(), 1)), lambda f: once(f())),
        "object": (track(Sync()), run),
        "async object": (track(Async()), arun),
        "partial of async object": (track(functools.partial(Async(), 1)), awaited(lambda f: f())),
        "generating object": (track(Generating()), gen),
        "method": (Class().method, run),
        "bound method": (track(Sync().__call__), run),
        "async method": (Class().async_method, arun),
        "staticmethod inside": (Class.inner_static, run),
        "staticmethod outside": (Class().outer_static, run),
        "classmethod inside": (Class.inner_class, run),
        "classmethod outside": (Class().outer_class, run),
        "async staticmethod outside": (Class.outer_static_async, arun),
        "types.coroutine": (track(old_coroutine), awaited(lambda f: await_(f(1)))),
        "coroutine decorated before": (track(decorated_before), arun),
        "lambda": (track(lambda x: plain(x)), run),
        "functools.lru_cache": (track(functools.lru_cache(plain)), run),
    }


# How a call can run: each in every place; further kinds of callables in two.
WAYS = ("function", "coroutine", "generator", "async generator")


def call(place, kind):
    """Call a kind of thing to its end: it stood under the pipeline's name, and nothing stands after it."""
    function, go = kinds(place)[kind]
    assert (1, "work") == go(function)
    assert get_ai_pipeline_name() is None
    assert sentry_sdk.get_current_scope()._span is None


@covering(whole=WAYS)
@where_none_is_sent
@pytest.mark.parametrize("kind", kinds(None))
def test_every_kind_runs_where_nothing_is_sent(place, kind):
    """Not sampled or without a client, a call runs under its pipeline all the same, and nothing is sent."""
    call(place, kind)
    assert [] == place.all()


@covering(times=2, whole=WAYS)
@where_spans_are_sent
@pytest.mark.parametrize("kind", kinds(None))
def test_every_kind_is_one_span_around_its_body(place, kind):
    """Whatever is decorated, a call is one span that holds what its body does, under the pipeline."""
    call(place, kind)
    assert ["inner", "work"] == sorted(span["name"] for span in place.all())
    work, inner = (place.spans()[name] for name in ("work", "inner"))
    assert ("ai.pipeline", "work") == (work["op"], work["data"][PIPELINE])
    assert (work["span_id"], work["trace_id"]) == (inner["parent_span_id"], inner["trace_id"])
    assert "work" == inner["data"][PIPELINE]


@covering(times=2, whole=WAYS)
@pytest.mark.parametrize("kind", kinds(None))
def test_our_view_shows_it_everywhere(place, run, kind):
    """In a run the call and what it holds are records, sampled or not, with a client or without."""
    function, go = kinds(place)[kind]
    go(function)
    spans = run.spans()
    assert ("ok", "ai.run", "cell") == (spans["work"].status, spans["work"].op, spans["work"].pipeline)
    assert spans["work"].span_id == spans["inner"].parent_id


def test_a_function_stays_what_it_is(static):
    """Name, docstring, signature and kind of the original are kept."""

    def f(a: int, *, b: str = "x") -> str:
        """Say."""
        return f"{a}{b}"

    g = ai_track("f")(f)
    assert ("f", "Say.", f.__module__, f.__qualname__) == (g.__name__, g.__doc__, g.__module__, g.__qualname__)
    assert inspect.signature(f) == inspect.signature(g)
    assert f is g.__wrapped__

    async def coroutine(): ...
    def generator():
        yield
    async def async_generator():
        yield

    for function in (f, coroutine, generator, async_generator, functools.partial(coroutine), functools.partial(generator)):
        tracked = ai_track("x")(function)
        for is_one in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction, asyncio.iscoroutinefunction):
            assert is_one(function) is is_one(tracked), (function, is_one)
    assert inspect.isgenerator(ai_track("x")(generator)())
    assert inspect.isasyncgen(ai_track("x")(async_generator)())
    assert not inspect.isawaitable(ai_track("x")(generator)())
    made = ai_track("x")(coroutine)()
    assert inspect.iscoroutine(made)
    made.close()


def test_what_a_plain_function_gives_keeps_its_name(static, recwarn):
    """A coroutine or generator that a plain function hands on is called what it was called, and can be closed unrun."""

    async def coroutine(): ...
    def generator():
        yield

    def named(thing):
        thing.close()
        return thing.__name__, thing.__qualname__

    for function in (coroutine, generator):
        hands_on = functools.wraps(function)(lambda function=function: function())
        assert named(function()) == named(ai_track("x")(hands_on)())
    gc.collect()
    assert [] == list(recwarn)


def test_a_call_left_inside_another(static):
    """A tracked coroutine that is driven by hand and left in mid-run changes nothing behind the call around it."""
    left = []

    @ai_track("inner")
    async def inner():
        await asyncio.sleep(0)

    @ai_track("outer")
    def outer():
        left.append(inner())
        left[0].send(None)

    outer()
    assert (None, None) == (get_ai_pipeline_name(), sentry_sdk.get_current_span())
    left[0].close()
    assert (None, None) == (get_ai_pipeline_name(), sentry_sdk.get_current_span())


def test_a_wrong_argument_is_the_functions_own_error(static):
    """A call that does not fit the signature raises what the function would raise."""
    for wrong in ({}, {"x": 1, "y": 2}):
        with pytest.raises(TypeError) as own:
            _takes_one(**wrong)
        with pytest.raises(TypeError) as ours:
            ai_track("f")(_takes_one)(**wrong)
        assert str(own.value) == str(ours.value)


def _takes_one(x):
    return x


def test_what_cannot_be_called_is_refused():
    """Decorating something that cannot be called says so at once."""
    with pytest.raises(TypeError, match="ai_track decorates functions, not int"):
        ai_track("x")(3)


def test_recursion(place):
    """A function that calls itself is one pipeline and a run for each call below it."""

    @ai_track("count")
    def count(n):
        return count(n - 1) if n else get_ai_pipeline_name()

    assert "count" == count(2)
    ops = sorted(span["op"] for span in place.all())
    assert (["ai.pipeline", "ai.run", "ai.run"] if place.sends else []) == ops


def test_a_coroutine_lasts_as_long_as_it_is_awaited(place, run):
    """The span of anything awaitable lasts to the end of the await, not of the call."""

    class Slow:
        async def __call__(self):
            await asyncio.sleep(0)
            return run.spans()["slow"].status

    async def main():
        made = ai_track("slow")(Slow())()
        await asyncio.sleep(0)
        return await made

    assert "running" == asyncio.run(main())
    assert ("ok", True) == ((slow := run.spans()["slow"]).status, slow.duration > 0)


def test_a_coroutine_nobody_awaits_ends_its_span(place, run):
    """A plain function's coroutine that is thrown away leaves no open span behind."""

    async def work(): ...

    made = ai_track("lost")(lambda: work())()
    assert "running" == run.spans()["lost"].status
    with pytest.warns(RuntimeWarning, match="never awaited") as warned:
        del made
        gc.collect()
    assert 1 == len(warned)  # as without us: for what the caller had, not for what is inside it too
    assert "abandoned" == run.spans()["lost"].status


class TestOptions:
    def test_hold_on_every_call(self, place):
        """op, tags, data and span options given at decoration hold on every call, not on the first only."""

        @ai_track("work", op="ai.analysis", sentry_tags={"model": "gpt-4"}, sentry_data={"version": "v2.1"}, origin="auto.mine")
        def work():
            return get_ai_pipeline_name()

        for _ in range(3):
            assert "work" == work()
        spans = place.all()
        assert (3 if place.sends else 0) == len(spans)
        tags = [dict(t.get("tags") or {}) for t in place.receiver.stored("transaction")]
        for at, span in enumerate(spans):
            assert "ai.analysis" == span["op"]
            assert "v2.1" == span["data"]["version"]
            assert "auto.mine" == (span["origin"] or span["data"].get("sentry.origin"))
            assert "gpt-4" == (span["data"].get("model") or tags[at].get("model"))

    def test_of_a_nested_span(self, place, run):
        """Tags and data of a call inside another reach Sentry and our view."""

        @ai_track("outer")
        def outer():
            inner()

        @ai_track("inner", op="gen_ai.chat", tags={"model": "m"}, data={"n": 1})
        def inner(): ...

        outer()
        record = run.spans()["inner"]
        assert ("gen_ai.chat", "m", 1) == (record.op, record.attributes["model"], record.attributes["n"])

    def test_at_a_call_are_merged_and_not_passed_on(self, place, run):
        """sentry_tags and sentry_data at a call are merged over the decoration's, for that call only."""
        got = []

        @ai_track("work", sentry_tags={"a": "1", "b": "1"}, sentry_data={"c": 1})
        def work(**kwargs):
            got.append(kwargs)

        work(sentry_tags={"b": "2"}, sentry_data={"d": 2}, other=1)
        first = run.spans()["work"].attributes
        work()
        second = run.spans()["work"].attributes
        assert [{"other": 1}, {}] == got
        assert ("1", "2", 1, 2) == (first["a"], first["b"], first["c"], first["d"])
        assert ("1", "1", 1, None) == (second["a"], second["b"], second["c"], second.get("d"))

    @covering(times=3)
    @pytest.mark.parametrize("kind", ["coroutine", "generator", "async generator"])
    def test_at_a_call_of_any_kind(self, place, run, kind):
        """The two keywords are taken out of calls of coroutines and generators as well."""
        function, go = kinds(place)[kind]
        go(functools.partial(function, sentry_tags={"t": "yes"}, sentry_data={"d": "yes"}))
        attributes = run.spans()["work"].attributes
        assert ("yes", "yes") == (attributes["t"], attributes["d"])

    def test_a_function_keeps_its_own_parameters(self, place, run):
        """A function with a parameter named sentry_tags or sentry_data receives it; **kwargs is none."""

        @ai_track("work", sentry_tags={"a": "1"})
        def work(sentry_tags, *, sentry_data=None, **kwargs):
            return sentry_tags, sentry_data, kwargs

        assert ("mine", 7, {}) == work(sentry_tags="mine", sentry_data=7)
        assert ({"x": 1}, None, {}) == work({"x": 1})
        assert {"a": "1"} == {k: v for k, v in run.spans()["work"].attributes.items() if k in "ax"}

    def test_methods_keep_theirs(self, static):
        """It is so for methods, partials and objects too."""

        class Thing:
            @ai_track("method")
            def method(self, sentry_data):
                return sentry_data

            def __call__(self, sentry_tags=None):
                return sentry_tags

        assert 1 == Thing().method(sentry_data=1)
        assert 2 == ai_track("x")(Thing())(sentry_tags=2)
        assert 3 == ai_track("x")(functools.partial(Thing()))(sentry_tags=3)

    def test_a_positional_only_parameter_cannot_take_the_keyword(self, static):
        """A keyword that the function's own parameter could not take is ours."""

        @ai_track("x")
        def f(sentry_tags, /, **kwargs):
            return sentry_tags, kwargs

        assert (1, {}) == f(1, sentry_tags={"a": "b"})

    def test_none_is_nothing(self, place):
        """None for either keyword is allowed, at decoration and at a call."""
        work = ai_track("work", op=None, sentry_tags=None, sentry_data=None)(lambda: 1)
        assert 1 == work(sentry_tags=None, sentry_data=None)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"sentry_tags": ["a"]}, "sentry_tags must be a mapping or None, not list"),
            ({"data": 3}, "data must be a mapping or None, not int"),
            ({"op": 3}, "op must be text or None, not int"),
            ({"nonsense": 1}, "unknown option 'nonsense'; there are: attributes, data, op, origin"),
            ({"name": "x"}, "unknown option 'name'"),
        ],
    )
    def test_wrong_ones_are_refused_when_decorating(self, given, message):
        """An option that could not hold is a clear error at once."""
        with pytest.raises(TypeError, match=message):
            ai_track("x", **given)

    def test_a_wrong_one_at_a_call_is_refused_before_the_body(self, static):
        """A wrong type at a call is named, and the body does not run."""
        ran = []
        with pytest.raises(TypeError, match="sentry_tags must be a mapping or None, not int"):
            ai_track("x")(lambda: ran.append(1))(sentry_tags=3)
        assert [] == ran

    def test_a_description_is_text(self):
        """ai_track without parentheses says what is wrong."""
        with pytest.raises(TypeError, match="the description must be text, not function"):
            ai_track(lambda: 1)

    def test_options_are_read_once(self, static, run):
        """A mapping that changes after decoration changes nothing."""
        data = {"n": 1}
        work = ai_track("work", sentry_data=data)(lambda: None)
        data["n"] = 2
        work()
        assert 1 == run.spans()["work"].attributes["n"]

    def test_other_options_of_the_span(self, place, run):
        """status, start_timestamp and attributes hold in both lifecycles."""
        work = ai_track("work", status="ok", start_timestamp=1.5e9, attributes={"k": "v"}, sampled=True, source="task")(lambda: None)
        work(), work()
        assert "v" == run.spans()["work"].attributes["k"]

    def test_options_of_a_segment(self, place):
        """source and start_timestamp reach Sentry in both lifecycles."""
        ai_track("work", start_timestamp=1.5e9, source="task")(lambda: None)()
        if place.stream and place.sends:
            [span] = place.receiver.v2()
            assert (1.5e9, "task") == (span["start_timestamp"], span["attributes"]["sentry.segment.name.source"])
        elif place.sends:
            [event] = place.receiver.of("transaction")
            assert ("2017-07-14T02:40:00.000000Z", {"source": "task"}) == (event["start_timestamp"], event["transaction_info"])

    def test_a_fault_of_ours_leaves_the_call_alone(self, static, monkeypatch):
        """If the span cannot be opened, the function runs all the same."""
        from aimon_nb.sentry import own_spans

        from aimon_nb.capture.internal_errors import internal_errors

        before = internal_errors.count
        monkeypatch.setattr(own_spans, "start", lambda *a, **k: 1 / 0)
        assert 5 == ai_track("x")(lambda: 5)()
        assert before + 1 == internal_errors.count
        with pytest.raises(KeyError):
            ai_track("x")(lambda: {}["k"])()
        assert get_ai_pipeline_name() is None


class TestTransaction:
    def test_one_is_opened_where_none_is(self, place):
        """Static, no transaction open: the call opens one, so that it is sent."""
        ai_track("work")(lambda: None)()
        assert (["work"] if place.sends else []) == [span["name"] for span in place.all()]
        assert (1 if place.sends and not place.stream else 0) == len(place.receiver.of("transaction"))

    def test_inside_one_it_is_a_child(self, place):
        """Inside a transaction the call is a child of what is current."""
        with place.root():
            with place.span("step"):
                ai_track("work")(lambda: None)()
        if place.sends:
            assert ["root", "step", "work"] == sorted(place.spans())
            assert place.spans()["step"]["span_id"] == place.spans()["work"]["parent_span_id"]
            assert (0 if place.stream else 1) == len(place.receiver.of("transaction"))

    @sdk.transactions
    def test_below_a_span_outside_any_it_opens_one_in_that_trace(self, static):
        """A span without a transaction is not sent: the call below it is, in the same trace."""
        with sentry_sdk.start_span(op="x", name="orphan") as orphan:
            ai_track("work")(lambda: None)()
        work = static.spans()["work"]
        assert (orphan.trace_id, orphan.span_id) == (work["trace_id"], work["parent_span_id"])

    def test_after_one_has_ended_it_opens_another(self, static):
        """A task that outlives its transaction is sent on its own."""

        async def main():
            go = asyncio.Event()

            async def late():
                await go.wait()
                ai_track("late")(lambda: None)()

            with static.root("first"):
                task = asyncio.create_task(late())
                await asyncio.sleep(0)
            sentry_sdk.get_current_scope().span = None
            go.set()
            await task

        asyncio.run(main())
        assert {"first": None, "late": None} == {name: span["parent_span_id"] for name, span in static.spans().items()}

    def test_siblings_of_a_gather_are_no_children_of_each_other(self, place):
        """Gathered calls are pipelines of their own, each with its own spans."""

        inside = []

        async def step(name):
            with place.span(f"{name} inner"):
                inside.append(name)
                while len(inside) < 3:  # all of them are open at once
                    await asyncio.sleep(0)

        async def main():
            await asyncio.gather(*(ai_track(name)(step)(name) for name in "abc"))

        asyncio.run(main())
        spans = place.spans()
        for name in "abc" if place.sends else "":
            assert not spans[name]["parent_span_id"]
            assert spans[name]["span_id"] == spans[f"{name} inner"]["parent_span_id"]
            assert name == spans[f"{name} inner"]["data"][PIPELINE]


def test_naming_is_not_needed_to_join(place):
    """Below a pipeline named by hand the call joins it: op ai.run, that name, which stays."""
    set_ai_pipeline_name("by hand")
    assert "by hand" == ai_track("work")(get_ai_pipeline_name)()
    assert "by hand" == get_ai_pipeline_name()
    if place.sends:
        assert ("ai.run", "by hand") == (place.spans()["work"]["op"], place.spans()["work"]["data"][PIPELINE])
