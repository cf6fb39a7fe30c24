"""What users do to HTTP clients beside the ordinary: each is heard right, or left alone."""

import asyncio
import gc
import json
import threading
import tracemalloc
from collections import deque
from types import SimpleNamespace

import pytest
import sentry_sdk

from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.static import text
from aimon_nb.wire import model_request as exchange_module
from aimon_nb.wire.pending_calls import PendingCall
from aimon_nb.wire.response_reader import ResponseReader
from aimon_nb.wire.dialects import known
from aimon_nb.wire.dialects.dialect import Dialect
from tests.wire.conftest import calls
from tests.parts import sdk
from tests.wire.model_requests import heard_call
from tests.wire.received import Received
from tests.wire.shapes import EVENTS

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
RAW = json.dumps(BODY).encode()


@pytest.fixture(autouse=True)
def no_faults():
    before = internal_errors.count
    yield
    assert internal_errors.count == before


def counts(run):
    return [(call.status, call.usage.input, call.usage.output) for call in calls(run)]


READ = ("ok", 7, 5)
LEFT = ("abandoned", None, None)


class TestBodies:
    """A request's body may be anything; what cannot be read is sent all the same, and the call is heard."""

    def test_generators_files_and_forms(self, shapes, track):
        """Generators, open files and multipart forms go out once and whole."""
        import io

        import httpx
        import requests

        shapes.bodies.clear()
        with track() as run:
            httpx.post(shapes.url("whole"), files={"file": ("a.bin", b"x" * 1000)})
            requests.post(shapes.url("whole"), data=io.BytesIO(RAW))
            requests.post(shapes.url("whole"), files={"f": b"x" * 100})
            httpx.post(shapes.url("whole"), content=(RAW[i : i + 7] for i in range(0, len(RAW), 7)))
        assert counts(run) == [READ] * 4
        assert shapes.bodies[1] == RAW

    def test_an_answer_that_a_middleware_has_read(self, shapes, track):
        """What aiohttp's own middleware reads, whole or not, is heard with the rest."""
        import aiohttp

        async def whole(request, handler):
            response = await handler(request)
            await response.read()
            return response

        async def first(request, handler):
            response = await handler(request)
            response.content.unread_data(await response.content.read(10))
            return response

        async def ask(middleware, shape):
            async with aiohttp.ClientSession(middlewares=(middleware,)) as session:
                async with session.post(shapes.url(shape), json=BODY) as r:
                    return await r.read()

        with pytest.warns(DeprecationWarning), track() as run:
            for shape in ("whole", "gzip-whole", "stream"):
                for middleware in (whole, first):
                    asyncio.run(ask(middleware, shape))
        assert counts(run) == [READ] * 6

    def test_the_word_post_in_any_case(self, shapes, track):
        """`Post` is POST to aiohttp and requests, too."""
        import aiohttp
        import requests

        async def ask():
            async with aiohttp.ClientSession() as session:
                async with session.request("Post", shapes.url("whole"), json=BODY) as r:
                    await r.read()

        with track() as run:
            requests.request("Post", shapes.url("whole"), json=BODY)
            asyncio.run(ask())
        assert counts(run) == [READ] * 2


class TestOtherServers:
    OWN = ["/api/chat", "/api/generate", "/generate", "/v1/messages", "/v1/embeddings", "/v2/chat", "/v1/chat", "/embeddings", "/v1/completions", "/v1/responses", "/v2/embed"]

    def client(self, posted=None):
        import httpx

        return httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json={"ok": True, "message": "hello"})))

    def test_a_path_alone_makes_no_model(self, track):
        """The user's own server may have a chat, too: nobody there is asked for a model."""
        with track() as run, self.client() as client:
            for path in self.OWN:
                client.post("https://app.mine.test" + path, json={"message": "hello bob", "room": 4})
        assert calls(run) == []

    def test_a_model_at_a_host_nobody_knows(self, track):
        """A proxy or a server of one's own that is asked for a model is heard."""
        asked = {"model": "m", "messages": [], "input": "x", "inputs": "x", "prompt": "x"}
        with track() as run, self.client() as client:
            for path in self.OWN:
                client.post("https://app.mine.test" + path, json=asked)
        assert len(calls(run)) == len(self.OWN)

    def test_a_provider_needs_no_sign(self, track):
        """At a provider's own host the path is enough."""
        with track() as run, self.client() as client:
            client.post("https://api.cohere.com/v1/chat", json={"message": "hi"})
        assert len(calls(run)) == 1


class TestLeft:
    """A response that nobody reads on is abandoned, and nothing of it is kept."""

    def test_requests(self, shapes, track):
        """Closed, dropped and released streams are left; drained ones are not broken."""
        import requests

        with track() as run:
            requests.post(shapes.url("stream"), json=BODY, stream=True).close()
            response = requests.post(shapes.url("stream"), json=BODY, stream=True)
            del response
            gc.collect()
            requests.post(shapes.url("gzip-stream"), json=BODY, stream=True).raw.release_conn()
        assert counts(run) == [LEFT] * 3

    def test_httpx(self, shapes, track):
        """`send(stream=True)` that is never read."""
        import httpx

        with track() as run, httpx.Client() as client:
            client.send(client.build_request("POST", shapes.url("stream"), json=BODY), stream=True)
            gc.collect()
        assert counts(run) == [LEFT]

    def test_aiohttp(self, shapes, track):
        """Released and closed responses are let go at once; a dropped one is left with the run."""
        import aiohttp

        from aimon_nb.wire.clients import aiohttp as transport

        kept = []
        original = transport._follow

        def follow(streams, *args):
            kept.append(streams)
            original(streams, *args)

        async def ask():
            async with aiohttp.ClientSession() as session:
                for end in ("release", "close", None):
                    response = await session.post(shapes.url("held"), json=BODY)
                    if end is not None:
                        getattr(response, end)()
                        assert not kept[-1], end
                    del response
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transport, "_follow", follow)
            with track() as run:
                asyncio.run(ask())
        assert counts(run) == [LEFT] * 3

    def test_aiohttp_holds_no_more_than_it_must(self, shapes, track, monkeypatch):
        """Dropped responses whose loop is gone end nowhere: their number is bounded."""
        import aiohttp

        from aimon_nb.wire.clients import aiohttp as transport

        monkeypatch.setattr(transport, "MOST", 1)

        async def ask():
            async with aiohttp.ClientSession() as session:
                responses = [await session.post(shapes.url("held"), json=BODY) for _ in range(3)]
                shapes.release()
                return [len(await response.read()) for response in responses]

        with track() as run:
            assert asyncio.run(ask()) == [len(b"".join(EVENTS))] * 3
        assert [call.status for call in calls(run)] == ["abandoned", "abandoned", "ok"]

    def test_raise_for_status(self, shapes, track):
        """aiohttp's own exception for a status is the user's; the call failed."""
        import aiohttp

        async def ask():
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), raise_for_status=True) as session:
                with pytest.raises(aiohttp.ClientResponseError, match="429"):
                    await session.post(shapes.url("busy"), json=BODY)

        with track() as run:
            asyncio.run(ask())
        assert [call.status for call in calls(run)] == ["error"]


class TestTheLastEvent:
    SAID = [
        b'data: {"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n',
        b'data: {"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\n',
        b"data: [DONE]\n\n",
    ]

    @pytest.mark.parametrize(("pieces", "expected"), [(1, LEFT), (2, READ)])
    @pytest.mark.parametrize("lifecycle", ["none", *sdk.LIFECYCLES])
    def test_nobody_reads_on_nor_closes(self, lifecycle, pieces, expected, track):
        """A client that stops at the answer's last event and keeps the response open has it whole; before it, it was left."""
        import httpx

        received = Received()
        if lifecycle != "none":
            received.init(lifecycle)
        client = httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(200, content=iter(self.SAID))))
        with track() as run:
            response = client.send(client.build_request("POST", "http://m.test/v1/chat/completions", json=BODY), stream=True)
            read = response.iter_raw()
            for _ in range(pieces):
                next(read)
        assert counts(run) == [expected]
        sentry_sdk.flush(2)
        if lifecycle != "none":
            [span] = [s for s in received.spans if s["op"] == "gen_ai.chat"]
            assert (span["status"] == "ok") == (expected is READ)
        response.close()


class TestCancelled:
    def test_in_the_middle(self, shapes, track):
        """A cancelled task's call is cancelled; an async generator that is dropped late is left."""
        import httpx

        async def ask():
            async with httpx.AsyncClient() as client:
                has_begun = asyncio.Event()

                async def read():
                    async with client.stream("POST", shapes.url("held"), json=BODY) as r:
                        async for _ in r.aiter_bytes():
                            has_begun.set()

                task = asyncio.ensure_future(read())
                await has_begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                manager = client.stream("POST", shapes.url("held"), json=BODY)
                pieces = (await manager.__aenter__()).aiter_bytes()
                await pieces.__anext__()
                del pieces
                gc.collect()
                await asyncio.sleep(0)  # the loop closes what was collected
                await manager.__aexit__(None, None, None)

        with track() as run:
            asyncio.run(ask())
        assert [call.status for call in calls(run)] == ["cancelled", "abandoned"]

    def test_aiohttp_timeout(self, shapes, track):
        """A time limit of the user's in the middle of a stream ends the call with it."""
        import aiohttp

        async def ask():
            async with aiohttp.ClientSession() as session:
                async with session.post(shapes.url("held"), json=BODY) as r:
                    await r.content.readany()
                    with pytest.raises(asyncio.TimeoutError):  # the server holds the rest back
                        await asyncio.wait_for(r.content.readany(), 0.01)

        with track() as run:
            asyncio.run(ask())
        [call] = calls(run)
        assert call.status in ("abandoned", "cancelled") and not call.usage.known

    def test_two_threads_read_one_response(self, shapes, track):
        """Pieces taken in turn by two threads are one answer."""
        import httpx

        got, lock = [], threading.Lock()
        with track() as run, httpx.stream("POST", shapes.url("stream"), json=BODY) as response:
            pieces = response.iter_raw()

            def read():
                while True:
                    with lock:
                        piece = next(pieces, None)
                        if piece is None:
                            return
                        got.append(piece)

            threads = [threading.Thread(target=read) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert b"".join(got) == b"".join(EVENTS)
        assert counts(run) == [READ]


class TestUnload:
    @pytest.mark.parametrize("name", ["httpx", "requests"])
    def test_in_mid_stream(self, name, shapes, track):
        """The user reads on, byte for byte, when the extension is taken off in between."""
        module = pytest.importorskip(name)
        with track() as run:
            if name == "httpx":
                with module.stream("POST", shapes.url("held"), json=BODY) as response:
                    pieces = response.iter_bytes()
                    got = [next(pieces)]
                    monitor.uninstall()
                    shapes.release()
                    got += pieces
            else:
                pieces = module.post(shapes.url("held"), json=BODY, stream=True).iter_content(None)
                got = [next(pieces)]
                monitor.uninstall()
                shapes.release()
                got += pieces
        assert b"".join(got) == b"".join(EVENTS)
        assert calls(run)[0].status in ("ok", "abandoned")

    def test_twice(self, shapes, track):
        """Two loads wrap once; after an unload and a load it is heard once again."""
        import httpx

        monitor.uninstall()
        own = httpx.Client.send  # the library's, or what an integration of the SDK put over it
        monitor.install()
        monitor.install()
        assert httpx.Client.send.__wrapped__ is own
        monitor.uninstall()
        assert httpx.Client.send is own
        with track() as run:
            httpx.post(shapes.url("whole"), json=BODY)
        assert counts(run) == [READ]


class TestBounds:
    def test_a_long_stream_keeps_its_usage(self, monkeypatch):
        """A stream is read as it comes: its length alone loses nothing, and nothing of it piles up."""
        monkeypatch.setattr(exchange_module, "BODY_LIMIT", 10_000)
        piece = b'data: {"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n' * 20
        last = (
            b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
            b'"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}\n\n'
        )
        call = heard_call("/v1/chat/completions", BODY, [piece] * 200 + [last])
        assert (call.usage.input, call.usage.output) == (7, 5)

    def test_what_piles_up_is_let_go(self, monkeypatch):
        """An answer that comes faster than it can be read is kept up to a limit; then usage is unknown, never wrong."""
        from aimon_nb.wire.dialects import find

        monkeypatch.setattr(exchange_module, "BODY_LIMIT", 10_000)
        dialect = find("m", b"/v1/chat/completions")
        model_request = exchange_module.ModelRequest(dialect, "m", dialect.path, RAW)
        model_request.on_response_head(200, {})
        for _ in range(100):
            model_request.on_chunk(b"data: " + b"x" * 994)
        model_request.on_chunk(b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n')
        assert sum(map(len, model_request.chunks)) <= 11_000
        model_request.open_span = SimpleNamespace(run_state=SimpleNamespace(closed=False, keeps_content=True))
        model_request.on_done()
        ResponseReader(model_request).read()
        assert not model_request.call.usage.known

    def test_what_was_said_is_bounded(self, track, monkeypatch):
        """Of a call's prompts and answer no more is kept than the cap allows, the short turns whole; counts stay."""
        import httpx

        from aimon_nb.capture import recorder
        from aimon_nb.capture.limits import Limits

        monkeypatch.setattr(recorder, "limits", Limits(attribute_bytes=1000))
        told = {"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "é" * 5000}}], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
        asked = {"model": "m", "messages": [{"role": "system", "content": "short"}, {"role": "user", "content": "x" * 800_000}]}
        with track() as run, httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(200, json=told))) as client:
            client.post("http://m.test/v1/chat/completions", json=asked)
        [span] = calls(run)
        texts = [m.text for m in (*span.call.input, *span.call.output)]
        assert texts[0] == "short" and texts[1] == "(cut: 800,000 bytes)"
        assert texts[2].startswith("é" * 400) and texts[2].endswith("… (cut: 10,000 bytes)")
        assert counts(run) == [READ]
        # Other tests' runs may be beyond a cap of their own.
        assert run.caps["max_attribute_bytes"] == "attributes of a span are cut: more than max_attribute_bytes = 1,000"

    @pytest.mark.parametrize("head", [b'{"a": "', b'data: {"a": "', b'[{"a": "'])
    def test_an_object_without_end(self, head, monkeypatch):
        """One JSON object that never ends is not kept beyond a limit."""
        from aimon_nb.wire import json_events

        monkeypatch.setattr(json_events, "LARGEST", 100_000)
        reader = json_events.EventReader()
        tracemalloc.start()
        assert list(reader.feed(head)) == []
        for _ in range(500):
            assert list(reader.feed(b"x" * 10_000)) == []
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 1_000_000
        assert list(reader.end()) == []


class Acme(Dialect):
    provider = "acme"
    path_pattern = __import__("re").compile(r"^/acme$")

    def request(self, call, body):
        raise ZeroDivisionError("a dialect of somebody else's")


class TestDialects:
    def test_a_faulty_one_stands_in_the_tree(self, track):
        """A dialect that raises is switched off, and one line of the tree says so."""
        import httpx

        known.find("m", b"/")
        known._known["acme"] = Acme
        known._index()
        before = internal_errors.count
        try:
            with (
                track() as run,
                httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(200, json={}))) as client,
            ):
                for _ in range(3):
                    client.post("http://m.test/acme", json={})
                    monitor.recorder.drain()
            assert sum("dialect acme is switched off" in line for line in text.tree(run).splitlines()) == 1
            assert internal_errors.count == before + 1
        finally:
            known.off.pop("acme", None)
            known._known.pop("acme", None)
            known._index()
            internal_errors.count = before


KEY = "sk-secret-0123456789"


class TestSecrets:
    """Keys in URLs, headers, cookies and proxies are in no record, no view, no log and no error's text."""

    HEADERS = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "cookie": f"id={KEY}", "x-goog-api-key": KEY}

    def everything(self, run):
        from aimon_nb.app import RunView
        from aimon_nb.views.present import detail, rows
        from aimon_nb.views.static.html import static

        told = [repr(run), text.tree(run), static(run), RunView(run).spans(content=True).to_csv(), json.dumps(rows.snapshot(run))]
        return "\n".join(told + [json.dumps(detail.detail(span)) for span in run.spans.values()])

    @pytest.mark.parametrize("shape", ["whole", "busy", "gone", "short", "moved", "nobody"])
    def test_in_no_record(self, shape, shapes, closed_port, track, caplog):
        """Whatever becomes of the request."""
        import aiohttp
        import httpx
        import requests
        import urllib3

        plain = f"http://127.0.0.1:{closed_port}/v1/chat/completions" if shape == "nobody" else shapes.url(shape)
        url = plain.replace("http://", f"http://user:{KEY}@") + f"?key={KEY}&alt=sse"

        async def ask():
            async with aiohttp.ClientSession() as session:
                async with session.post(url, json=BODY, headers=self.HEADERS) as r:
                    await r.read()

        ways = [
            lambda: httpx.post(url, json=BODY, headers=self.HEADERS, timeout=5),
            lambda: requests.post(url, json=BODY, headers=self.HEADERS, timeout=5),
            lambda: urllib3.PoolManager(retries=False).request("POST", f"{plain}?key={KEY}", json=BODY, headers=self.HEADERS),
            lambda: asyncio.run(ask()),
        ]
        with caplog.at_level("DEBUG", logger="aimon_nb"), track() as run:
            for way in ways:
                try:
                    way()
                except Exception:
                    pass
        assert len(calls(run)) >= 4
        assert KEY not in self.everything(run)
        assert KEY not in "".join(r.getMessage() for r in caplog.records if r.name == "aimon_nb")

    def test_what_a_provider_quotes(self, track):
        """A refused key that the answer repeats is left out of the error's text, and the rest stays."""
        import httpx

        told = {"error": {"message": f"Incorrect API key provided: {KEY}. Find yours at https://m.test/keys?of=me"}}
        with track() as run, httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(401, json=told))) as client:
            client.post("https://api.openai.com/v1/chat/completions", json=BODY, headers=self.HEADERS)
        assert KEY not in self.everything(run)
        assert calls(run)[0].call.error == "Incorrect API key provided: …. Find yours at https://m.test/keys?…"

    def test_any_query_of_a_url(self):
        """A query is left out of a URL whether or not it names its parts; a message of megabytes costs no more than its beginning."""
        from aimon_nb.capture.redact import redact_secrets

        for url in ("http://m.test/v1?0123456789abcdef", "wss://m.test/?a", "http://m.test/v1?key=a?b"):
            assert redact_secrets(f"cannot reach ({url}): refused") == f"cannot reach ({url.partition('?')[0]}?…): refused"
        assert len(redact_secrets("http://a" * 1_000_000)) <= 100_000

    def test_ordinary_words_stay(self):
        """What is no key and no URL is told as it is."""
        from aimon_nb.capture.redact import redact_secrets

        for said in ("why? because x=1", "f(a)=b?c", "skills-and-more-skills", "sk-learn-and-friends", "a ?= b", "hf", "//comment @ home"):
            assert redact_secrets(said) == said


def test_the_host_behind_a_proxy(shapes, track):
    """A plain HTTP proxy is not who answers: the call is the provider's, in every client."""
    import aiohttp
    import httpx
    import requests
    import urllib3

    url, proxy = shapes.url("whole").replace(shapes.host, "model.test"), f"http://{shapes.host}"

    async def ask():
        async with aiohttp.ClientSession() as session:
            async with session.post(url, json=BODY, proxy=proxy) as r:
                await r.read()

    with track() as run:
        httpx.Client(proxy=proxy).post(url, json=BODY)
        requests.post(url, json=BODY, proxies={"http": proxy})
        urllib3.ProxyManager(proxy).request("POST", url, json=BODY)
        asyncio.run(ask())
    assert {call.call.host for call in calls(run)} == {"model.test"}
    assert len(calls(run)) == 4


class TestWhileItIsRead:
    """The user's thread may bring bytes at any moment of our reading."""

    def pending_call(self, *, streamed):
        from aimon_nb.wire.dialects import find

        class Meanwhile(deque):
            """Whoever looks whether there is something sees what was, and then the last bytes come."""

            def __bool__(chunks):
                was = len(chunks) > 0
                if last:
                    model_request.on_chunk(last.pop())
                    model_request.on_done()
                return was

        last = [EVENTS[-2] if streamed else RAW.replace(b'"messages"', b'"usage": {"prompt_tokens": 7, "completion_tokens": 5}, "messages"')]
        dialect = find("m", b"/v1/chat/completions")
        model_request = exchange_module.ModelRequest(dialect, "m", dialect.path, RAW)
        model_request.open_span = SimpleNamespace(model_request=None, made_by_us=False, t1=None, is_end_recorded=False, run_state=SimpleNamespace(closed=False, keeps_content=True))
        call = PendingCall(model_request)
        model_request.on_response_head(200, {})
        if streamed:
            model_request.on_chunk(EVENTS[0])
            call.advance()
        model_request.chunks = Meanwhile(model_request.chunks)
        return call

    @pytest.mark.parametrize("streamed", [False, True])
    def test_the_last_bytes_come_just_now(self, streamed):
        """Between our look at the bytes and at the end the last ones come: nothing is settled without them."""
        call = self.pending_call(streamed=streamed)
        model_request = call.model_request
        model_request.open_span.is_end_recorded = True  # the SDK's span has ended
        call.advance()
        assert model_request.is_done and not model_request.settled
        call.advance()
        assert call.is_finished
        assert (model_request.call.usage.input, model_request.call.usage.output) == (7, 5)

    def test_a_span_ends_while_its_answer_is_settled(self):
        """The end of a span that is handed over just as our thread settles is done once, whoever comes first."""
        for meanwhile in (None, "before", "after"):
            call, ends = self.pending_call(streamed=False), []

            class DeferredEnds(list):
                def append(self, end):
                    if meanwhile == "before":
                        call._settle()
                    list.append(self, end)
                    if meanwhile == "after":
                        call._settle()

            call.model_request._deferred_ends = DeferredEnds()
            if not call.model_request.defer_end(lambda: ends.append("ended")):
                ends.append("by the caller")
            if meanwhile is None:
                call._settle()
            assert ends == (["by the caller"] if meanwhile == "before" else ["ended"])
