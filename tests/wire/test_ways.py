"""Hooks, adapters, redirects and mocks of HTTP clients: the user's code gets the same, and each call is heard once."""

import asyncio
import io
import json
import shutil

import pytest

from tests.wire.clients import BODY
from tests.wire.conftest import LEFT, READ, calls, counts
from tests.wire.shapes import WHOLE

OTHER = {**BODY, "model": "another"}


def aiohttp_post(url):
    async def use():
        import aiohttp

        async with aiohttp.ClientSession() as session, session.post(url, json=BODY) as r:
            return r.status, await r.read()

    return asyncio.run(use())


def _posts():
    import httpx
    import requests
    import urllib3

    return {
        "httpx": lambda url: httpx.post(url, json=BODY, follow_redirects=True).content,
        "requests": lambda url: requests.post(url, json=BODY).content,
        "urllib3": lambda url: urllib3.PoolManager().request("POST", url, json=BODY).data,
        "aiohttp": aiohttp_post,
    }


@pytest.mark.parametrize("client", ["httpx", "requests", "urllib3", "aiohttp"])
class TestWhereItGoes:
    def test_a_redirect(self, client, shapes, same_with_and_without):
        """A call that is sent on to another address is one call, whoever follows."""
        run = same_with_and_without(lambda: _posts()[client](shapes.url("moved")))
        assert counts(run) == [READ]
        assert (run.totals.calls, calls(run)[0].attempt) == (1, 1)

    def test_hung_up(self, client, shapes, same_with_and_without):
        """A server that hangs up has got the request: what it costs is unknown, not nothing."""
        run = same_with_and_without(lambda: _posts()[client](shapes.url("gone")))
        assert [(call.status, call.call.refused) for call in calls(run)][-1] == ("error", False)

    def test_nobody_there(self, client, closed_port, same_with_and_without):
        """Where nobody listens nothing was sent: it costs nothing."""
        run = same_with_and_without(lambda: _posts()[client](f"http://127.0.0.1:{closed_port}/v1/chat/completions"))
        assert {(call.status, call.call.refused) for call in calls(run)} == {("error", True)}


class TestHooks:
    def test_of_a_session(self, shapes, same_with_and_without):
        """A session's hook reads the answer, whole or streamed, before the user does."""
        import requests

        def use():
            read, session = [], requests.Session()
            session.hooks["response"].append(lambda r, *_, **__: read.append(len(r.text)))
            whole = session.post(shapes.url("whole"), json=BODY).content
            return read, whole, session.post(shapes.url("stream"), json=BODY, stream=True).content

        assert counts(same_with_and_without(use)) == [READ, READ]

    def test_that_asks_another_model(self, shapes, same_with_and_without):
        """A hook that runs while its client is sending may ask a model itself: that is a call of its own."""
        import httpx
        import requests

        def ask(*_, **__):
            httpx.post(shapes.url("whole"), json=OTHER)

        async def aask(*_):
            ask()

        async def async_client():
            async with httpx.AsyncClient(event_hooks={"request": [aask]}) as client:
                return (await client.post(shapes.url("whole"), json=BODY)).content

        ways = [
            lambda: httpx.Client(event_hooks={"request": [ask]}).post(shapes.url("whole"), json=BODY).content,
            lambda: httpx.Client(event_hooks={"response": [ask]}).post(shapes.url("whole"), json=BODY).content,
            lambda: requests.post(shapes.url("whole"), json=BODY, hooks={"response": ask}).content,
            lambda: asyncio.run(async_client()),
        ]
        for use in ways:
            run = same_with_and_without(use)
            assert counts(run) == [READ, READ]
            assert sorted(call.request_model for call in calls(run)) == ["another", "gpt-4o"]


class TestAdapters:
    def test_mounted_later(self, shapes, same_with_and_without):
        """A session's own adapters, of requests' kind and of no kind at all."""
        import requests

        class Own(requests.adapters.HTTPAdapter):
            def send(self, *args, **kwargs):
                return super().send(*args, **kwargs)

        class Canned(requests.adapters.BaseAdapter):
            def send(self, request, **kwargs):
                response = requests.Response()
                response.status_code, response.raw, response.url = 200, io.BytesIO(WHOLE), request.url
                response.request = request
                return response

            def close(self):
                pass

        def use():
            session = requests.Session()
            first = session.post(shapes.url("whole"), json=BODY).content
            session.mount("http://", Own())
            session.mount("http://canned.test", Canned())
            second = session.post(shapes.url("whole"), json=BODY).content
            return first, second, session.post("http://canned.test/v1/chat/completions", json=BODY).content

        assert counts(same_with_and_without(use)) == [READ] * 3

    def test_that_tries_again(self, shapes, same_with_and_without):
        """urllib3's own retries below one request are one call."""
        import requests
        from urllib3.util import Retry

        def use():
            session = requests.Session()
            retry = Retry(2, status_forcelist=[429], allowed_methods=None, backoff_factor=0)
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
            with pytest.raises(requests.exceptions.RetryError):
                session.post(shapes.url("busy"), json=BODY)

        assert [call.status for call in calls(same_with_and_without(use))] == ["error"]

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_mock(self, when, track):
        """A mocked answer is heard like any other, whichever came first; nothing of the mock is lost."""
        import requests
        import responses

        def use(mock):
            mock.post("http://mock.test/v1/chat/completions", body=WHOLE)
            return requests.post("http://mock.test/v1/chat/completions", json=BODY).content

        if when == "before":
            with responses.RequestsMock() as mock, track() as run:
                assert use(mock) == WHOLE
        else:
            with track() as run, responses.RequestsMock() as mock:
                assert use(mock) == WHOLE
        assert counts(run) == [READ]


class TestReading:
    """However a streamed answer of requests is read, it is heard once and whole."""

    def response(self, shapes, shape="stream"):
        import requests

        return requests.post(shapes.url(shape), json=BODY, stream=True)

    def test_ways(self, shapes, same_with_and_without):
        """Lines, pieces, one byte at a time, as a file, copied, in text."""

        def copied():
            into = io.BytesIO()
            shutil.copyfileobj(self.response(shapes).raw, into)
            return into.getvalue()

        ways = [
            lambda: list(self.response(shapes).iter_lines()),
            lambda: list(self.response(shapes, "gzip-stream").iter_lines(decode_unicode=True)),
            lambda: b"".join(iter(lambda raw=self.response(shapes).raw: raw.read(1), b"")),
            lambda: list(iter(lambda raw=self.response(shapes).raw: raw.read1(), b"")),
            lambda: io.BufferedReader(self.response(shapes).raw).read(),
            lambda: list(io.TextIOWrapper(self.response(shapes).raw)),
            lambda: list(self.response(shapes, "gzip-stream").raw),
            lambda: self.response(shapes, "gzip-whole").raw.data,
            lambda: [self.response(shapes).raw.readline() for _ in range(1)] and list(self.response(shapes).raw),
            copied,
        ]
        for use in ways:
            assert counts(same_with_and_without(use))[-1] == READ

    def test_left_by_an_exception(self, shapes, same_with_and_without):
        """A `with` that the user's own exception leaves: his exception, and a call that was abandoned."""
        import httpx

        def requests_():
            with self.response(shapes, "held") as r:
                for _ in r.iter_lines():
                    raise LookupError("mine")

        def httpx_():
            with httpx.stream("POST", shapes.url("held"), json=BODY) as r:
                for _ in r.iter_lines():
                    raise LookupError("mine")

        for use in (requests_, httpx_):
            assert counts(same_with_and_without(use)) == [LEFT]


class TestTransports:
    def test_mounts_and_own_transports(self, shapes, same_with_and_without):
        """Whatever transport a client of httpx sends by, and one that sends a request twice."""
        import httpx

        class Twice(httpx.BaseTransport):
            def __init__(self):
                self.below = httpx.HTTPTransport()

            def handle_request(self, request):
                self.below.handle_request(request).read()
                return self.below.handle_request(request)

        def use():
            canned = httpx.MockTransport(lambda request: httpx.Response(200, content=WHOLE))
            with httpx.Client(mounts={"http://canned.test": canned}, transport=Twice()) as client:
                first = client.post("http://canned.test/v1/chat/completions", json=BODY).content
                return first, client.post(shapes.url("whole"), json=BODY).content

        assert counts(same_with_and_without(use)) == [READ, READ]

    def test_an_auth_that_sends_again(self, shapes, same_with_and_without):
        """An auth flow of httpx that asks again with a key is one call, as its user sees one answer."""
        import httpx

        class Again(httpx.Auth):
            def auth_flow(self, request):
                response = yield request
                assert response.status_code == 200
                request.headers["authorization"] = "Bearer sk-secret"
                yield request

        run = same_with_and_without(lambda: json.loads(httpx.post(shapes.url("whole"), json=BODY, auth=Again()).content))
        assert counts(run) == [READ]
        assert "sk-secret" not in repr(run)
