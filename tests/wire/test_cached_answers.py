"""The marks by which caches are known, and what only looks like one; the real caches are in tests/matrix/test_caches.py."""

import asyncio
import json
import sys
import types
from unittest.mock import MagicMock

import httpx
import pytest
import requests

from aimon_nb.model import ModelCall
from aimon_nb.sentry.call_attributes import call_attributes
from aimon_nb.wire.cached_answers import recorded_body
from tests.wire.clients import BODY
from tests.wire.conftest import READ, calls, counts

URL = "http://127.0.0.1:1/v1/chat/completions"
ANSWER = json.dumps({"model": "gpt-4o", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}})  # fmt: skip


def by(run):
    return [call.call.cached_by for call in calls(run)]


def sums(run):
    return run.totals.calls, run.totals.cached_locally


class Raises:
    """Says nothing of itself."""

    def __getattr__(self, name):
        raise RuntimeError("not yours")


class TestHttpx:
    def ask(self, track, extensions, **options):
        """Ask once below a transport whose answers have these extensions."""
        answer = httpx.MockTransport(lambda _: httpx.Response(200, text=ANSWER, extensions=extensions, **options))
        with track() as run, httpx.Client(transport=answer) as client:
            assert client.post(URL, json=BODY).json()["model"] == "gpt-4o"
        assert run.faults == 0
        assert counts(run) == [READ]
        return run

    @pytest.mark.parametrize(
        "extensions",
        [
            {"caching": {"from_cache": True, "revalidated": False, "stored": False}},
            {"caching": {"from_cache": True, "revalidated": True, "stored": False}},
            {"hishel_from_cache": True, "hishel_revalidated": False},
            {"from_cache": True, "cache_metadata": {"number_of_uses": 1}},
        ],
        ids=["2", "2-revalidated", "1", "0.1"],
    )
    def test_marks_of_hishel(self, extensions, track):
        """Each of its series has a mark of its own."""
        run = self.ask(track, extensions)
        assert (by(run), sums(run)) == (["hishel"], (0, 1))

    @pytest.mark.parametrize(
        "extensions",
        [
            {},
            {"caching": {"from_cache": False, "stored": True}},
            {"caching": {}},
            {"caching": True},
            {"hishel_from_cache": False},
            {"hishel_from_cache": "True"},
            {"from_cache": 1},
            {"from_cache": None},
            {"caching": MagicMock(), "from_cache": MagicMock()},
            {"caching": Raises()},
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_no_mark(self, extensions, track):
        """An answer that came, a stand-in's, or whatever else stands where a mark would: a call."""
        run = self.ask(track, extensions)
        assert (by(run), sums(run)) == ([None], (1, 0))

    def test_a_header_is_no_mark(self, track):
        """Anybody's server can send one."""
        run = self.ask(track, {}, headers={"x-hishel-from-cache": "true", "x-cache": "HIT", "age": "9"})
        assert (by(run), sums(run)) == ([None], (1, 0))

    def test_streamed(self, track):
        """An answer that a cache hands on in pieces is read as it is asked for."""
        pieces = (ANSWER[at : at + 9].encode() for at in range(0, len(ANSWER), 9))
        marked = httpx.MockTransport(lambda _: httpx.Response(200, content=pieces, extensions={"hishel_from_cache": True}))
        with track() as run, httpx.Client(transport=marked) as client, client.stream("POST", URL, json=BODY) as response:
            assert b"".join(response.iter_bytes()).decode() == ANSWER
        assert (by(run), sums(run), counts(run)) == (["hishel"], (0, 1), [READ])

    def test_on_a_path_that_nobody_reads(self, track):
        """A request that never left is in no list of what was not counted; with a usage it is a cached call."""
        texts = iter(["{}", ANSWER])
        marked = httpx.MockTransport(lambda _: httpx.Response(200, text=next(texts), extensions={"hishel_from_cache": True}))
        with track() as run, httpx.Client(transport=marked) as client:
            for _ in range(2):
                client.post("http://127.0.0.1:1/v1/of-tomorrow", json=BODY)
        assert (run.unread, sums(run), run.totals.lower_bound) == ({}, (0, 1), False)

    def test_at_sentry(self):
        """Its span says what happened, under Sentry's own name for it; any other says nothing."""
        assert call_attributes(ModelCall(cached_by="hishel"))["cache.hit"] is True
        assert "cache.hit" not in call_attributes(ModelCall())


class Adapter(requests.adapters.BaseAdapter):
    """Brings an answer as an adapter of the user's does."""

    def __init__(self, kind=requests.Response, headers=(), **attributes):
        super().__init__()
        self.kind, self.headers, self.attributes = kind, headers, attributes

    def send(self, request, **_):
        response = self.kind()
        response.status_code, response._content, response.url = 200, ANSWER.encode(), request.url
        response.headers.update(self.headers)
        response.request, response.connection = request, self
        for name, value in self.attributes.items():
            setattr(response, name, value)
        return response

    def close(self):
        pass


class TestRequests:
    def ask(self, track, adapter):
        with track() as run, requests.Session() as session:
            session.mount("http://", adapter)
            assert session.post(URL, json=BODY).json()["model"] == "gpt-4o"
        assert run.faults == 0
        assert counts(run) == [READ]
        return by(run), sums(run)

    def test_an_attribute(self, track):
        """As CacheControl sets it, and others do."""
        assert self.ask(track, Adapter(from_cache=True)) == (["a local cache"], (0, 1))

    def test_the_library_is_named(self, track):
        """By the package of the response's class, also where the user has made one from it."""
        base = type("Response", (requests.Response,), {"__module__": "requests_cache.models.response", "from_cache": True})
        assert self.ask(track, Adapter(base)) == (["requests-cache"], (0, 1))
        assert self.ask(track, Adapter(type("Mine", (base,), {}))) == (["requests-cache"], (0, 1))

    @pytest.mark.parametrize("value", [False, None, 1, "True", MagicMock(), Raises()], ids=lambda value: type(value).__name__)
    def test_another_value(self, value, track):
        """Only True is a mark."""
        assert self.ask(track, Adapter(from_cache=value)) == ([None], (1, 0))

    def test_a_mark_that_raises(self, track):
        """It is the response's own affair, and no cache's."""

        def from_cache(_):
            raise RuntimeError("not yours")

        kind = type("Response", (requests.Response,), {"from_cache": property(from_cache)})
        assert self.ask(track, Adapter(kind)) == ([None], (1, 0))

    def test_a_proxy_that_answers_to_every_name(self, track):
        """What is not known to it is something, but not True."""
        kind = type("Response", (requests.Response,), {"__getattr__": lambda _, name: MagicMock(name=name)})
        assert self.ask(track, Adapter(kind)) == ([None], (1, 0))

    def test_hishels_header(self, track):
        """It counts from hishel's own adapter alone: a server may send it, too."""
        headers = {"X-Hishel-From-Cache": "True"}
        assert self.ask(track, Adapter(headers=headers)) == ([None], (1, 0))
        own = type("CacheAdapter", (Adapter,), {"__module__": "hishel.requests"})
        assert self.ask(track, own(headers=headers)) == (["hishel"], (0, 1))
        assert self.ask(track, own(headers={"X-Hishel-From-Cache": "False"})) == ([None], (1, 0))


class Played:
    """A request as vcrpy has it."""

    def __init__(self, uri, method="POST"):
        self.uri, self.method = uri, method


@pytest.fixture
def cassette(monkeypatch):
    """What stands for vcrpy's cassette: what it does is the test's, what is told of it is ours."""

    class Cassette:
        def play_response(self, request):
            return {"played": request.uri}

        def append(self, request, response):
            pass

    module = types.ModuleType("vcr.cassette")
    module.Cassette = Cassette
    monkeypatch.setitem(sys.modules, "vcr.cassette", module)
    return Cassette()


class TestCassette:
    """An answer from vcrpy's cassette bears no mark: what counts is what the cassette did for the request under way."""

    MODEL, TOKEN = Played(URL), Played("http://127.0.0.1:1/oauth/token")

    def ask(self, track, *steps):
        def answer(_):
            for step in steps:
                step()
            return httpx.Response(200, text=ANSWER)

        with track() as run, httpx.Client(transport=httpx.MockTransport(answer)) as client:
            client.post(URL, json=BODY)
        assert run.faults == 0
        return by(run), sums(run)

    def test_played(self, cassette, track):
        """From the cassette: no bill."""
        assert self.ask(track, lambda: cassette.play_response(self.MODEL)) == (["vcrpy"], (0, 1))

    def test_recorded(self, cassette, track):
        """Sent, and then on the cassette: a bill."""
        assert self.ask(track, lambda: cassette.append(self.MODEL, {})) == ([None], (1, 0))

    def test_a_key_that_was_played(self, cassette, track):
        """The client's request for a key was played, the model's own was sent."""
        token, model = lambda: cassette.play_response(self.TOKEN), lambda: cassette.append(self.MODEL, {})
        assert self.ask(track, token, model) == ([None], (1, 0))
        assert self.ask(track, token) == ([None], (1, 0))

    def test_a_key_that_was_sent(self, cassette, track):
        """The other way round: the model's answer is from the cassette."""
        token, model = lambda: cassette.append(self.TOKEN, {}), lambda: cassette.play_response(self.MODEL)
        assert self.ask(track, token, model) == (["vcrpy"], (0, 1))

    def test_played_and_then_sent(self, cassette, track):
        """A redirect from the cassette leads out of it: what was sent may be billed."""
        moved = Played("http://127.0.0.1:1/v2/chat/completions")
        assert self.ask(track, lambda: cassette.play_response(self.MODEL), lambda: cassette.append(moved, {})) == ([None], (1, 0))

    def test_a_get(self, cassette, track):
        """A look at the list of models, recorded meanwhile, changes nothing."""
        look = Played("http://127.0.0.1:1/v1/models", "GET")
        assert self.ask(track, lambda: cassette.play_response(self.MODEL), lambda: cassette.append(look, {})) == (["vcrpy"], (0, 1))

    def test_for_nobody(self, cassette, track):
        """What the user's own code plays, outside of any request or after its answer, marks no call."""

        async def later():
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=ANSWER))) as client:
                client.post(URL, json=BODY)
            cassette.play_response(self.MODEL)

        with track() as run:
            assert cassette.play_response(self.MODEL) == {"played": URL}
            asyncio.run(later())
        assert (by(run), sums(run)) == ([None], (1, 0))

    def test_a_request_of_another_form(self, cassette, track):
        """Whatever it hands on, the user's code gets its answer; what we cannot read is a fault of ours, counted."""

        def answer(_):
            assert cassette.play_response(types.SimpleNamespace(method="POST", uri=3)) == {"played": 3}
            return httpx.Response(200, text=ANSWER)

        with track() as run, httpx.Client(transport=httpx.MockTransport(answer)) as client:
            assert client.post(URL, json=BODY).status_code == 200
        assert (by(run), sums(run), run.faults) == ([None], (1, 0), 1)

    def test_taken_off_again(self, cassette, track):
        """An unload leaves the cassette as it was."""
        from aimon_nb.app import monitor

        before = type(cassette).play_response
        with track():
            assert type(cassette).play_response is not before
        monitor.uninstall()
        assert type(cassette).play_response is before


class TestRecordedBody:
    """Of a response that is vcrpy's own the bytes are at hand; of anybody else's nothing is."""

    @pytest.mark.parametrize(
        ("recorded", "body"),
        [({"body": {"string": b"{}"}}, b"{}"), ({"body": {"string": "text"}}, None), ({"body": None}, None), ({}, None), (MagicMock(), None), (None, None)],
        ids=["bytes", "text", "none", "empty", "mock", "nothing"],
    )
    def test_it(self, recorded, body):
        """Only bytes are an answer."""
        assert recorded_body(types.SimpleNamespace(recorded_response=recorded)) == body

    def test_hostile(self):
        """One that raises, or has no such thing."""
        assert recorded_body(Raises()) is recorded_body(object()) is recorded_body(MagicMock()) is None
