"""Whatever of ours breaks, the user's request goes through untouched."""

import asyncio

import pytest

from aimon_nb.wire import admission, capture, span_matching
from aimon_nb.wire.dialects.openai_chat import OpenAIChat
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.pending_calls import PendingCall
from aimon_nb.wire.response_reader import ResponseReader
from aimon_nb.wire.clients import urllib3 as urllib3_client
from tests.wire.clients import CLIENTS, outcome
from tests.wire.conftest import calls


class Broken(Exception):
    pass


def broken(*_, **__):
    raise Broken("a fault of ours")


PLACES = {
    "begin": (capture, "find"),
    "attach": (capture, "attach_span"),
    "enclosing": (span_matching, "_enclosing_call_span"),
    "model request": (capture, "ModelRequest"),
    "request": (OpenAIChat, "request"),
    "answer": (OpenAIChat, "answer"),
    "read": (ResponseReader, "read"),
    "settle": (PendingCall, "_settle"),
    "head": (ModelRequest, "on_response_head"),
    "close": (ModelRequest, "_close"),
    "decoder": (urllib3_client, "decoder_factory"),
    "record": (PendingCall, "update"),
    "check": None,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", ["gzip-whole", "stream", "gone"])
@pytest.mark.parametrize("place", PLACES)
def test_a_fault_of_ours(place, shape, shapes, track, monkeypatch):
    """The same answer or the same exception; the fault is counted, never raised."""
    mode = "bytes" if shape == "stream" else "whole"
    for name, use in CLIENTS.items():
        pytest.importorskip(name.partition("-")[0])
        without = outcome(use, shapes.url(shape), mode)
        with monkeypatch.context() as patch:
            if PLACES[place] is None:
                patch.setattr(admission, "policies", [broken])
            else:
                patch.setattr(*PLACES[place], broken)
            with track() as run:
                within = outcome(use, shapes.url(shape), mode)
        assert within == without, name
        # No answer, no fault in reading one; and not every client leaves decoding to us.
        if place != "decoder" and (place not in ("answer", "head") or shape != "gone"):
            assert run.faults, name


def test_a_call_that_lacks_its_arguments(same_with_and_without):
    """The client itself refuses such a call, in its own words; it is no fault of ours."""
    import httpx
    import requests
    import urllib3

    uses = [
        lambda: httpx.Client().send(),
        lambda: httpx.Client().send("http://model.test/v1/chat/completions"),
        lambda: asyncio.run(httpx.AsyncClient().send()),
        lambda: requests.Session().send(),
        lambda: urllib3.PoolManager().urlopen("POST"),
        lambda: urllib3.HTTPConnectionPool("model.test").urlopen(),
    ]
    for use in uses:
        same_with_and_without(use)


def test_a_call_by_keywords(shapes, same_with_and_without):
    """A method that sends may be called with its arguments by name."""
    import httpx
    import requests
    import urllib3

    url, body = shapes.url("whole"), b"{}"
    host, path = url.partition("://")[2].split("/", 1)
    uses = [
        lambda: httpx.Client().send(request=httpx.Request("POST", url, json={})).content,
        lambda: requests.Session().send(request=requests.Request("POST", url, json={}).prepare()).content,
        lambda: urllib3.PoolManager().urlopen(method="POST", url=url, body=body).data,
        lambda: urllib3.connection_from_url(f"http://{host}").urlopen(method="POST", url=f"/{path}", body=body).data,
    ]
    for use in uses:
        assert [call.usage.input for call in calls(same_with_and_without(use))] == [7]


def test_a_coroutine_called_by_keywords(shapes, same_with_and_without):
    """So may one of aiohttp, by the names that its arguments have there."""
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession() as session:
            response = await session._request(method="post", str_or_url=shapes.url("whole"), json={})
            return await response.read()

    assert [call.usage.input for call in calls(same_with_and_without(lambda: asyncio.run(ask())))] == [7]


def test_a_refusal_reaches_the_user(shapes, track, monkeypatch):
    """A check may refuse: nothing is sent, and the user's code sees its exception."""

    class OverBudget(admission.RequestRefusedError):
        pass

    def refuse(model_request):
        raise OverBudget(f"no more of {model_request.requested_model()}")

    monkeypatch.setattr(admission, "policies", [refuse])
    shapes.bodies.clear()
    for use in CLIENTS.values():
        with track() as run:
            [told] = outcome(use, shapes.url("whole"), "whole")
        assert told[1:] == ("OverBudget", "no more of gpt-4o")
        [call] = calls(run)
        assert (call.status, call.error_type) == ("error", "OverBudget")
    assert shapes.bodies == []


def test_heard_once_through_two_transports(shapes, track):
    """A client over another one is one call."""
    aiohttp, httpx = pytest.importorskip("aiohttp"), pytest.importorskip("httpx")

    class OverAiohttp(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                async with session.post(str(request.url), data=request.content) as r:
                    return httpx.Response(r.status, headers=dict(r.headers), content=await r.read())

    async def use():
        async with httpx.AsyncClient(transport=OverAiohttp()) as client:
            return (await client.post(shapes.url("gzip-whole"), json={})).json()["usage"]

    with track() as run:
        assert asyncio.run(use())["prompt_tokens"] == 7
    [call] = calls(run)
    assert call.usage.input == 7


def test_a_task_started_while_sending_is_heard(shapes, track):
    """What a hook leaves running makes calls of its own."""
    httpx = pytest.importorskip("httpx")
    later = []

    async def use():
        is_sent = asyncio.Event()

        async def hook(request):
            if not later:
                later.append(asyncio.ensure_future(after()))

        async def after():
            await is_sent.wait()
            async with httpx.AsyncClient() as other:
                await other.post(shapes.url("whole"), json={})

        async with httpx.AsyncClient(event_hooks={"request": [hook]}) as client:
            await client.post(shapes.url("whole"), json={})
        is_sent.set()
        await later[0]

    with track() as run:
        asyncio.run(use())
    assert [call.usage.input for call in calls(run)] == [7, 7]


def test_unload_takes_everything_off(shapes):
    """After the unload the clients' own methods are back; a foreign wrap over ours goes quiet."""
    import httpx
    import requests

    from aimon_nb.app import monitor

    own = httpx.Client.send, httpx.AsyncClient.send, requests.Session.send
    monitor.install()
    ours = httpx.Client.send
    assert ours is not own[0]
    httpx.Client.send = foreign = lambda *args, **kwargs: ours(*args, **kwargs)
    monitor.uninstall()
    assert httpx.Client.send is foreign
    assert (httpx.AsyncClient.send, requests.Session.send) == own[1:]
    assert httpx.post(shapes.url("whole"), json={}).status_code == 200
    httpx.Client.send = own[0]
