"""A request meets its span: the nine rules, each on real spans, in both lifecycles."""

import asyncio
import json
import threading

import httpx
import pytest
import sentry_sdk
from sentry_sdk import traces

from aimon_nb.wire import span_matching

from tests.parts.locks import SeenLock
from tests.parts.waiting import eventually
from tests.wire.conftest import calls
from tests.parts import sdk
from tests.wire.received import Received
from tests.wire.shapes import EVENTS, WHOLE

LANGCHAIN = "auto.ai.langchain"
OPENAI = "auto.ai.openai"
URL = "http://model.test/v1/chat/completions"


class World:
    """A lifecycle of the SDK whose spans are kept, and a model without a network."""

    def __init__(self, lifecycle):
        self.lifecycle, self.received = lifecycle, Received()
        self.received.init(lifecycle)
        self.statuses = []
        self.http = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.ahttp = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request):
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            return httpx.Response(status, content=b'{"error": {"message": "no"}}')
        if b"stream" in request.content:
            return httpx.Response(200, content=iter(EVENTS))
        return httpx.Response(200, content=WHOLE)

    def span(self, op, name="x", origin="manual", **data):
        """A span that is current, as its integration makes it."""
        attributes = {k.replace("__", "."): v for k, v in data.items()}
        if self.lifecycle == "stream":
            return traces.start_span(name, {"sentry.op": op, "sentry.origin": origin, **attributes})
        span = sentry_sdk.start_span(op=op, name=name, origin=origin)
        for key, value in attributes.items():
            span.set_data(key, value)
        return span

    def enter(self, *args):
        """Current from here on; it may never be ended."""
        span = self.span(*args)
        return span if self.lifecycle == "stream" else span.__enter__()

    def end(self, span):
        span.end() if self.lifecycle == "stream" else span.finish()

    def ask(self, model="gpt-4o", **more):
        return self.http.post(URL, json={"model": model, **more})

    async def aask(self, model="gpt-4o", **more):
        return await self.ahttp.post(URL, json={"model": model, **more})

    def sent(self):
        """Name or op → attributes of what Sentry got."""
        sentry_sdk.flush(2)
        return self.received.spans


@pytest.fixture(params=sdk.LIFECYCLES)
def world(request, track):
    return World(request.param)


def one(run, name):
    [span] = [s for s in run.spans.values() if s.name == name]
    return span


def above(run, span):
    return run.spans[span.parent_id].name


def test_nearest_through_plumbing(world, track):
    """Rule 1: the open call span above takes the request, through plumbing."""
    with track() as run:
        with world.span("gen_ai.chat", "chat", OPENAI):
            with world.span("http.client", "POST"):
                world.ask()
    [call] = calls(run)
    assert (call.name, call.usage.input) == ("chat", 7)


def test_never_through_a_tool(world, track):
    """Rule 1: a tool, an agent or a step stops the search; the request is made a span below it."""
    with track() as run:
        with world.span("gen_ai.chat", "chat", OPENAI):
            with world.span("gen_ai.execute_tool", "tool"):
                world.ask()
    [call] = calls(run)
    assert above(run, call) == "tool"
    assert one(run, "chat").call is None


def test_covers_fold(world, track):
    """Rule 2: a framework's call span directly above is the same call, and counts nothing."""
    with track() as run:
        with world.span("gen_ai.chat", "outer", LANGCHAIN):
            with world.span("gen_ai.chat", "inner", OPENAI):
                world.ask()
    [call] = calls(run)
    assert call.name == "inner"
    assert one(run, "outer").is_duplicate
    assert (run.totals.calls, run.totals.usage.input) == (1, 7)
    sent = {s["data"].get("gen_ai.usage.input_tokens") for s in world.sent() if s["op"] == "gen_ai.chat"}
    assert sent == {7, None}  # the inner one only


def test_elsewhere_by_parent_and_model(world, track):
    """Rule 3: a framework opened its span in another task; parent and model find it."""

    async def use():
        opened = {}

        async def framework(name, model):
            opened[name] = world.span("gen_ai.chat", name, LANGCHAIN, gen_ai__request__model=model)

        async def side(name, model):
            await asyncio.create_task(framework(name, model))

        await side("mini", "gpt-4o-mini")
        await side("big", "gpt-4o")
        await asyncio.create_task(world.aask("gpt-4o"))
        for span in opened.values():
            world.end(span)

    with track() as run:
        asyncio.run(use())
    [call] = calls(run)
    assert call.name == "big"


def test_elsewhere_never_steals_from_a_client(world, track):
    """Rule 3: a client's own span in another task is its own; nor is one below another parent."""

    async def use():
        opened = []

        async def neighbour():
            opened.append(world.span("gen_ai.chat", "client's", OPENAI))

        async def below_a_step():
            with world.span("step", "step"):
                opened.append(world.span("gen_ai.chat", "framework's", LANGCHAIN))

        await asyncio.create_task(neighbour())
        await asyncio.create_task(below_a_step())
        await asyncio.create_task(world.aask())
        for span in opened:
            world.end(span)

    with track() as run:
        asyncio.run(use())
    [call] = calls(run)
    assert call.origin == "auto.http.aimon_nb"
    assert above(run, call) == run.name


def _beside(world, name, **data):
    """A call span that is open and never entered, as the SDK's boto3 integration has it."""
    told = {k.replace("__", "."): v for k, v in data.items()}
    if world.lifecycle == "stream":
        return traces.start_span(name, {"sentry.op": "gen_ai.chat", "sentry.origin": "auto.ai.boto3", **told}, active=False)
    span = sentry_sdk.start_span(op="gen_ai.chat", name=name, origin="auto.ai.boto3")
    for key, value in told.items():
        span.set_data(key, value)
    return span


def test_one_that_was_never_entered(world, track):
    """An integration that puts its span on Sentry's scope by hand: here, open, of this model and parent."""
    world.statuses = [429]
    with track() as run:
        with world.span("step", "step"):
            other = _beside(world, "other", gen_ai__request__model="m")
            span = _beside(world, "chat", gen_ai__request__model="gpt-4o")
            world.ask()
            world.ask()
            world.ask()
            world.end(span)
            world.end(other)
    rows = calls(run)
    told = sorted((r.name == "chat", r.attempt, r.status) for r in rows)
    assert told == [(False, 1, "error"), (False, 1, "ok"), (True, 2, "ok")]
    assert {above(run, row) for row in rows} == {"step"}


def test_one_that_was_never_entered_elsewhere(world, track):
    """A neighbour's in another thread is never taken."""
    with track() as run:
        opened = []
        thread = threading.Thread(target=lambda: opened.append(_beside(world, "neighbour's")))
        thread.start()
        thread.join()
        world.ask()
        world.end(opened[0])
    [call] = calls(run)
    assert call.name != "neighbour's"


def test_made_below_our_parent(world, track):
    """Rule 4: none: a span of ours, sent as a child of what we know is the parent."""
    with track() as run:
        with world.span("step", "step"):
            world.ask()
            after = world.span("step", "after")
            world.end(after)
    [call] = calls(run)
    assert above(run, call) == "step"
    assert above(run, one(run, "after")) == "step"
    [sent] = [s for s in world.sent() if s["op"] == "gen_ai.chat"]
    assert sent["parent_span_id"] == one(run, "step").span_id
    assert sent["data"]["gen_ai.usage.output_tokens"] == 5


def test_one_answer_a_span(world, track):
    """Rule 5: after a good answer the next request is a row of its own, a sibling."""
    with track() as run:
        with world.span("step", "step"):
            with world.span("gen_ai.chat", "chat", OPENAI):
                world.ask()
                with world.span("gen_ai.execute_tool", "tool"):
                    pass
                world.ask()
    first, second = calls(run)
    assert first.name == "chat" and second.origin == "auto.http.aimon_nb"
    assert {above(run, first), above(run, second), above(run, one(run, "tool"))} == {"step"}


def test_retry_below_a_span(world, track):
    """Rule 5: an error frees the span; both attempts are seen, one is billed, one is sent."""
    world.statuses = [429, 503]
    with track() as run:
        with world.span("gen_ai.chat", "chat", OPENAI):
            for _ in range(3):
                world.ask()
    rows = sorted(calls(run), key=lambda row: row.attempt)
    assert [(r.attempt, r.status, r.error_type) for r in rows] == [(1, "error", "HTTP 429"), (2, "error", "HTTP 503"), (3, "ok", None)]
    assert rows[2].name == "chat"
    assert run.totals.usage.input == 7
    assert {above(run, row) for row in rows} == {run.name}
    assert len([s for s in world.sent() if s["op"] == "gen_ai.chat"]) == 1


def test_retry_of_a_made_span(world, track):
    """The same body to the same address after a failure is the next attempt."""
    world.statuses = [429]
    with track() as run:
        world.ask(n=1)
        world.ask(n=2)
        world.ask(n=1)
        world.ask(n=1)
    assert [(c.attempt, c.status) for c in calls(run)] == [(1, "error"), (1, "ok"), (2, "ok"), (1, "ok")]


def test_the_wire_has_the_last_word(world, track):
    """Rule 6: what the integration writes at its end does not stay."""
    with track() as run:
        span = world.enter("gen_ai.chat", "chat", OPENAI)
        world.ask()
        write = span.set_attribute if world.lifecycle == "stream" else span.set_data
        write("gen_ai.usage.input_tokens", 99)
        world.end(span)
    [call] = calls(run)
    assert call.usage.input == 7
    [sent] = [s for s in world.sent() if s["op"] == "gen_ai.chat"]
    assert sent["data"]["gen_ai.usage.input_tokens"] == 7


def test_an_end_before_the_answer_is_held(world, track):
    """Rule 7: a span that ends while its answer is read still gets its usage, and stays current for nobody."""
    with track() as run:
        with world.span("gen_ai.chat", "chat", OPENAI):
            request = world.http.build_request("POST", URL, json={"model": "gpt-4o", "stream": True})
            response = world.http.send(request, stream=True)
        with world.span("step", "after"):
            response.read()
    [call] = calls(run)
    assert (call.name, call.usage.input) == ("chat", 7)
    assert above(run, one(run, "after")) == run.name
    sent = {s["span_id"]: s for s in world.sent()}
    assert sent[call.span_id]["data"]["gen_ai.usage.input_tokens"] == 7
    assert sent[one(run, "after").span_id]["parent_span_id"] == run.root_id


def test_cover_and_inner_both_end_while_held(world, track):
    """Rules 2 and 7: two spans over one answer, both ended early: both arrive, once."""
    with track():
        with world.span("gen_ai.chat", "outer", LANGCHAIN):
            with world.span("gen_ai.chat", "inner", OPENAI):
                request = world.http.build_request("POST", URL, json={"stream": True})
                response = world.http.send(request, stream=True)
        response.read()
    assert len([s for s in world.sent() if s["op"] == "gen_ai.chat"]) == 2


def test_eight_siblings_under_gather(world, track):
    """Rule 8: Sentry gets eight siblings, not a chain."""

    standing = []

    async def ask():
        with world.span("gen_ai.chat", "chat", OPENAI):
            standing.append(1)
            while len(standing) < 8:  # each has its span open before the first one asks
                await asyncio.sleep(0)
            await world.aask()

    async def use():
        with world.span("step", "step"):
            await asyncio.gather(*(ask() for _ in range(8)))

    with track() as run:
        asyncio.run(use())
    step = one(run, "step").span_id
    assert [call.parent_id for call in calls(run)] == [step] * 8
    sent = [s for s in world.sent() if s["op"] == "gen_ai.chat"]
    assert [s["parent_span_id"] for s in sent] == [step] * 8


def test_two_threads_below_one_span(world, track, monkeypatch):
    """A span takes one of two requests that leave at once; the other one gets its own."""

    lock = SeenLock()

    def slow(model_request):  # between finding the span and taking it
        eventually(lambda: len(lock.came) == 4)
        return 1

    monkeypatch.setattr(span_matching, "_attaching", lock)
    monkeypatch.setattr(span_matching.retries, "attempt", slow)
    with track() as run:
        with world.span("gen_ai.chat", "chat", OPENAI):
            threads = [threading.Thread(target=world.ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    rows = calls(run)
    assert [r.usage.input for r in rows] == [7] * 4
    assert [r.name for r in rows].count("chat") == 1


def test_end_of_a_run(world, track):
    """Rule 9: what nobody read on is left, and every span of it is ended and sent."""
    with track() as run:
        outer = world.enter("gen_ai.chat", "outer", LANGCHAIN)
        inner = world.enter("gen_ai.chat", "inner", OPENAI)
        request = world.http.build_request("POST", URL, json={"model": "gpt-4o", "stream": True})
        response = world.http.send(request, stream=True)
        next(response.iter_bytes())
    [call] = calls(run)
    assert (call.name, call.status) == ("inner", "abandoned")
    names = [s.get("description") or s.get("name") for s in world.sent()]
    assert sorted(n for n in names if n in ("inner", "outer")) == ["inner", "outer"]
    world.end(inner)
    world.end(outer)
    assert len([s for s in world.sent() if s["op"] == "gen_ai.chat"]) == 2


def test_an_agent_that_is_left(world, track):
    """What an integration opened and nobody ends reaches Sentry with the call below it, once; ours says abandoned."""
    with track() as run:
        agent = world.enter("gen_ai.invoke_agent", "agent", "auto.ai.openai_agents")
        user = world.enter("step", "the user's own")
        world.ask()
    [call] = calls(run)
    assert (one(run, "agent").status, call.status) == ("abandoned", "ok")
    world.end(agent)
    names = [s.get("description") or s.get("name") for s in world.sent()]
    assert names.count("agent") == 1
    world.end(user)
    assert [s.get("description") or s.get("name") for s in world.sent()].count("agent") == 1


def test_zeros_of_an_integration(world, track):
    """Of a stream that is left the integration's zeros are no counts: what is unknown stays so."""
    with track() as run:
        with world.span("gen_ai.chat", "chat", "auto.ai.pydantic_ai", gen_ai__usage__input_tokens=0, gen_ai__usage__output_tokens=0):
            with world.http.stream("POST", URL, json={"model": "gpt-4o", "stream": True}) as response:
                next(response.iter_bytes())
    [call] = calls(run)
    assert (call.status, call.usage.known) == ("abandoned", False)
    assert run.totals.usage.input is None
