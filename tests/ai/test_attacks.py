"""Inputs that nobody thinks of: what they would break is whole, or refused in one clear line."""

import asyncio
import collections
import datetime as dt
import gc
import json
import math
import threading
import time
import weakref
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import sentry_sdk

from aimon_nb import ai_track, get_ai_pipeline_name, install, record_token_usage, set_ai_pipeline_name, set_data_normalized, track
from aimon_nb.ai.normalize import normalized
from aimon_nb.capture.internal_errors import internal_errors
from tests.ai.conftest import where_spans_are_sent
from tests.parts.locks import SeenLock
from tests.parts.waiting import eventually
from tests.tiers import covering
from tests.parts import sdk


@pytest.fixture(autouse=True)
def no_faults():
    """None of it is a fault of ours."""
    before = internal_errors.count
    yield
    assert before == internal_errors.count


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


VALUES = {
    "numpy": (np.int64(3), 3),
    "nan": (math.nan, "NaN"),
    "list": ([1, math.nan, None], '[1,"NaN",null]'),
    "one item": ([1], "[1]"),
    "mapping": ({"a": {1: 2}}, '{"a":{"1":2}}'),
    "surrogate": ("a\ud800", "a?"),
    "none": (None, "null"),
    "big": (2**70, str(2**70)),
    "bytes": (b"abc", "<3 bytes>"),
    "hostile": (Hostile(), "[cut: Hostile, RuntimeError]"),
}


@covering(times=2)
@pytest.mark.parametrize("value", VALUES)
def test_data_of_any_kind_arrives_the_same_everywhere(place, run, value):
    """sentry_data leaves as set_data_normalized has it: strict JSON, never the loss of a whole envelope."""
    given, plain = VALUES[value]
    ai_track("work", sentry_data={"fixed": given})(lambda: None)(sentry_data={"now": given})
    attributes = run.spans()["work"].attributes
    assert (plain, plain) == (attributes["fixed"], attributes["now"])


@covering(times=2)
@where_spans_are_sent
@pytest.mark.parametrize("value", VALUES)
def test_data_of_any_kind_at_sentry(place, value):
    """Sentry gets it, and so it does in both lifecycles."""
    given, plain = VALUES[value]
    ai_track("work", sentry_data={"fixed": given})(lambda: None)(sentry_data={"now": given})
    data = place.spans()["work"]["data"]
    assert (plain, plain) == (data["fixed"], data["now"])


@covering(times=2)
@pytest.mark.parametrize(("given", "text"), [(3, "3"), (np.int64(3), "3"), (True, "True"), ("a\nb  c", "a b c"), ("x" * 500, "x" * 200), ([1, 2], "[1,2]"), ([1], "[1]"), ("\ud800", "?"), (Hostile(), "[cut: Hostile, RuntimeError]")])
def test_a_tag_of_any_kind_is_text(place, run, given, text):
    """A tag's value is one line of at most 200 characters on the span and on the event, whatever was given."""
    with pytest.raises(ValueError):
        ai_track("work", sentry_tags={"t": given})(lambda: int("x"))()
    assert text == run.spans()["work"].attributes["t"]
    assert ([text] if place.client else []) == [dict(event["tags"])["t"] for event in place.errors()]
    with pytest.raises(ValueError):
        ai_track("alone", sentry_tags={"t": given})(lambda: int("x"))()
    place.receiver.stored("transaction")  # Sentry refuses no part of it


@covering(times=5)
@pytest.mark.parametrize("name", ["a\ud800b", "two\nlines", "", "\x00", "x" * 10_000])
def test_a_name_of_any_kind_is_sent(place, name):
    """A call with any name or op is sent, its span and its error: one lone surrogate, not replaced, would lose the envelope with all that is in it."""
    with pytest.raises(ValueError):
        ai_track(name, op=name or None)(lambda: int("x"))()
    if place.sends:
        [span] = place.all()
        for text in (span["name"] or "", span["op"], span["data"]["gen_ai.pipeline.name"] or ""):
            text.encode()  # no lone surrogate is left in it
    assert (1 if place.client else 0) == len(place.errors())


def test_a_pipeline_named_by_hand_is_sent(place):
    """So it is with a pipeline's name set by hand, and with the names of data."""
    set_ai_pipeline_name("a\udfffb")
    assert "a?b" == get_ai_pipeline_name()
    ai_track("work", sentry_data={"k\ud800": 1})(lambda: set_data_normalized(None, "n\ud800", 2))()
    if place.sends:
        data = place.spans()["work"]["data"]
        assert (1, 2, "a?b") == (data["k?"], data["n?"], data["gen_ai.pipeline.name"])


@covering()
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"origin": 3}, "origin must be text or None, not int"),
        ({"status": 3}, "status must be text or None, not int"),
        ({"source": b"x"}, "source must be text or None, not bytes"),
        ({"sampled": "yes"}, "sampled must be True, False or None, not str"),
        ({"same_process_as_parent": 1}, "same_process_as_parent must be True, False or None, not int"),
        ({"start_timestamp": "today"}, "start_timestamp must be a datetime, seconds since the epoch or None, not 'today'"),
        ({"start_timestamp": math.nan}, "start_timestamp must be a datetime, seconds since the epoch or None, not nan"),
        ({"start_timestamp": True}, "start_timestamp must be a datetime"),
        ({"start_timestamp": 10**20}, "start_timestamp must be a datetime"),
    ],
)
@pytest.mark.parametrize("where", [ai_track, track])
def test_an_option_of_the_span_that_cannot_hold_is_refused(where, given, message):
    """An option of a wrong type is a clear error where it is given, not a call without a span."""
    with pytest.raises(TypeError, match=message):
        where("x", **given)


def test_none_for_any_option_is_nothing(place, run):
    """None for an option is as if it had not been given, in both lifecycles."""
    options = dict.fromkeys(["op", "origin", "source", "status", "start_timestamp", "sampled", "same_process_as_parent", "tags", "data", "attributes"])
    ai_track("work", **options)(lambda: None)()
    assert ("ok", "ai.run") == (run.spans()["work"].status, run.spans()["work"].op)


def test_a_start_without_a_zone_is_local_time(place, tokyo):
    """A `start_timestamp` without a zone is local time, as Python has it: in Tokyo, Sentry still gets the same moment, however it gets spans."""
    ai_track("work", start_timestamp=dt.datetime.fromtimestamp(1.5e9))(lambda: None)()
    if place.stream and place.sends:
        assert [1.5e9] == [span["start_timestamp"] for span in place.receiver.v2()]
    elif place.sends:
        assert ["2017-07-14T02:40:00.000000Z"] == [event["start_timestamp"] for event in place.receiver.of("transaction")]


@pytest.fixture
def tokyo(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TestCounts:
    class Index:
        def __init__(self, gives):
            self.gives = gives

        def __index__(self):
            if isinstance(self.gives, Exception):
                raise self.gives
            return self.gives

    class Truth(Index):
        dtype = "torch.bool"

    @pytest.mark.parametrize("count", [2**63, 10**30, 10**5000], ids=["just", "more", "unprintable"])
    def test_one_that_sentry_has_no_room_for(self, count):
        """A count of more than 64 bits is refused by name: it would be the loss of the whole envelope."""
        with pytest.raises(ValueError, match=r"^input_tokens must be below 2\*\*63, but has \d+ bits$"):
            record_token_usage(None, count)

    def test_the_biggest_one(self):
        """The biggest number that Sentry stores is a count."""
        data = {}
        record_token_usage(SimpleNamespace(set_data=data.__setitem__), 2**63 - 1)
        assert {"gen_ai.usage.input_tokens": 2**63 - 1} == data

    @pytest.mark.parametrize("value", [np.bool_(True), np.array(True), Index(RuntimeError("no")), Index(ValueError("no")), Truth(1)], ids=lambda v: type(v).__name__)
    def test_what_only_looks_like_a_number(self, value):
        """A bool of any library, and an object whose own `__index__` fails, are refused by the argument's name."""
        with pytest.raises(TypeError, match="^output_tokens must be a whole number of tokens or None, not "):
            record_token_usage(None, output_tokens=value)

    def test_a_big_negative_one(self):
        """The message holds for a number that Python refuses to print, too."""
        with pytest.raises(ValueError, match="^input_tokens must not be negative, but has 16610 bits$"):
            record_token_usage(None, -(10**5000))


class Odd:
    """A remote object, as `xmlrpc.client` has them: every name is there and is no text."""

    def __getattr__(self, name):
        return Odd()

    def __call__(self, *args):
        return args


class Loop:
    __wrapped__ = property(lambda self: self)

    def __call__(self, *args):
        return args


class TestProxies:
    @covering(times=3)
    @pytest.mark.parametrize("make", [Odd, Loop, lambda: type("Named", (Odd,), {"__name__": 3})()], ids=["proxy", "loop", "name"])
    def test_can_be_tracked(self, place, run, make):
        """An object that answers to every name, or wraps itself, is called as it is."""
        assert (1, 2) == ai_track("work")(make())(1, 2)
        assert "ok" == run.spans()["work"].status

    @pytest.mark.parametrize("how", ["submit", "map", "to_thread", "thread"])
    def test_can_be_a_pools_job(self, how):
        """An object that answers to every name runs as the job of a pool or thread, with its own result, in the pipeline of whoever asked."""
        seen = []

        class Job(Odd):
            def __call__(self, *args):
                seen.append(get_ai_pipeline_name())
                return args

        set_ai_pipeline_name("p")
        with ThreadPoolExecutor(1) as pool:
            if how == "submit":
                assert (1,) == pool.submit(Job(), 1).result()
            elif how == "map":
                assert [(1,)] == list(pool.map(Job(), [1]))
            elif how == "to_thread":
                assert (1,) == asyncio.run(asyncio.to_thread(Job(), 1))
            else:
                thread = threading.Thread(target=Job(), args=(1,))
                thread.start()
                thread.join()
        assert ["p"] == seen

    def test_of_the_standard_library(self):
        """A method of an XML-RPC server can be decorated; only its call needs the server."""
        method = ai_track("remote")(xmlrpc.client.ServerProxy("http://127.0.0.1:9/").pow)
        with pytest.raises(OSError):
            method(2, 3)


def test_a_builtin_without_a_signature(static, run):
    """A builtin that tells no signature takes the two keywords of a call, too."""
    assert 2 == ai_track("work")(max)(1, 2, sentry_tags={"t": "1"})
    assert "1" == run.spans()["work"].attributes["t"]


def test_an_async_generator_whose_loop_is_closed(place, run):
    """Collected when no loop is left to close it, its span ends all the same."""

    @ai_track("work")
    async def work():
        yield 1
        yield 2

    made = work()

    async def one():
        return await anext(made)

    loop = asyncio.new_event_loop()
    assert 1 == loop.run_until_complete(one())
    loop.close()
    assert "running" == run.spans()["work"].status
    del made, one
    gc.collect()
    assert "abandoned" == run.spans()["work"].status
    assert [] == place.errors()


def test_an_async_generator_whose_loop_is_closed_is_sent(place):
    """And Sentry gets it."""
    made = ai_track("work")(items)()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(anext_of(made))
    loop.close()
    del made
    gc.collect()
    assert (["work"] if place.sends else []) == [span["name"] for span in place.all()]


async def items():
    yield 1
    yield 2


async def anext_of(made):
    return await anext(made)


@pytest.mark.parametrize("kind", ["function", "generator", "coroutine"])
def test_a_call_that_is_over_leaves_no_cycle(static, kind):
    """What a call was given goes with it, without waiting for the collector."""

    class Held: ...

    def plain(held): ...

    def generator(held):
        yield

    async def coroutine(held):
        await asyncio.sleep(0)

    held = Held()
    gone = weakref.ref(held)
    function = {"function": plain, "generator": generator, "coroutine": coroutine}[kind]
    with asyncio.Runner() if hasattr(asyncio, "Runner") else Loops() as runner:
        gc.collect()
        gc.disable()
        try:
            before = count_calls()
            made = ai_track("work")(function)(held)
            if kind == "generator":
                list(made)
            elif kind == "coroutine":
                runner.run(made)
            del made, held
            assert gone() is None
            assert before == count_calls()
        finally:
            gc.enable()


class Loops:
    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.run = self.loop.run_until_complete
        return self

    def __exit__(self, *_):
        self.loop.close()


def count_calls():
    from aimon_nb.ai.invocation import TrackedInvocation

    return sum(type(thing) is TrackedInvocation for thing in gc.get_objects())


def test_text_that_is_no_str():
    """A UserString is text, not a list of its letters."""
    assert "abc" == normalized(collections.UserString("abc"))
    assert '{"k":"v"}' == normalized({collections.UserString("k"): collections.UserString("v")})


class BreaksOff(collections.abc.Mapping):
    def __init__(self, key_fails=False):
        self.key_fails = key_fails

    def __len__(self):
        return 3

    def __iter__(self):
        yield from "ab"
        if self.key_fails:
            raise OSError
        yield "c"

    def __getitem__(self, key):
        if key == "c":
            raise OSError("gone")
        return key


class BreaksOffToo(list):
    def __iter__(self):
        yield 1
        raise OSError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (BreaksOff(), {"a": "a", "b": "b", "[cut]": "OSError"}),
        (BreaksOff(key_fails=True), {"a": "a", "b": "b", "[cut]": "OSError"}),
        (BreaksOffToo([1, 2]), [1, "[cut: OSError]"]),
    ],
    ids=["value", "key", "item"],
)
def test_what_breaks_off_keeps_what_was_read(value, kept):
    """A mapping or a list that fails in the middle leaves what it gave, and a mark."""
    assert kept == json.loads(normalized(value))


def test_what_gives_nothing_at_all_is_named():
    """A list that fails at its first item is one mark, with its type."""

    class Fails(list):
        def __iter__(self):
            raise OSError

    assert "[cut: Fails, OSError]" == normalized(Fails([1, 2]))


def test_the_marks_word_for_word():
    """The marks are what the documentation says, to the letter."""
    deep = "end"
    for _ in range(17):
        deep = {"d": deep}
    assert '"[cut: too deep]"' in normalized(deep)
    assert "[cut: more]" == json.loads(normalized(list(range(10**5))))[-1]
    assert ("[cut]", "more") == list(json.loads(normalized({i: i for i in range(10**5)})).items())[-1]


def test_the_first_calls_of_many_threads(receiver, monkeypatch):
    """However many threads make the first call at once, all of them are heard."""
    from aimon_nb.ai.instrumentation import instrumentation
    from aimon_nb.sentry import instrument

    receiver.init()
    instrumentation.uninstall()
    instrumentation._uninstalled = False
    original, inside, lock = instrument.install, threading.Event(), SeenLock()

    def slow(tracker, patches):
        inside.set()
        eventually(lambda: len(lock.came) == 2)  # the other call waits
        original(tracker, patches)

    @ai_track("second")
    def second():
        with sdk.start_span(op="x", name="inner"):
            pass

    monkeypatch.setattr(instrumentation, "_lock", lock)
    monkeypatch.setattr(instrument, "install", slow)
    try:
        first = threading.Thread(target=ai_track("first")(lambda: None))
        first.start()
        assert inside.wait(30)
        second()
        first.join()
    finally:
        monkeypatch.setattr(instrument, "install", original)
        install()
    [inner] = [span for span in receiver.spans() if span["name"] == "inner"]
    assert "second" == inner["data"].get("gen_ai.pipeline.name")


def test_a_users_own_name_on_a_span(place):
    """A pipeline's name that the user gives a span as it is made is the one that is sent."""
    if not place.stream:
        return
    set_ai_pipeline_name("around")
    with sentry_sdk.traces.start_span("mine", attributes={"gen_ai.pipeline.name": "my own"}):
        pass
    if place.sends:
        assert "my own" == place.spans()["mine"]["data"]["gen_ai.pipeline.name"]
