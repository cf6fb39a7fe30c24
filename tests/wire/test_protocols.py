"""What HTTP allows beyond a plain answer: HTTP/2, trailers, early hints, odd bodies, sockets that are upgraded."""

import asyncio
import gzip
import socket
import threading
import time

import pytest

from aimon_nb.wire.content_encoding import decoder_factory
from tests.wire.clients import BODY
from tests.wire.conftest import READ, calls, counts
from tests.wire.shapes import EVENTS, PATH, WHOLE


def listen(serve):
    """A server whose connections `serve(socket)` answers; its URL."""
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}{PATH}"


def http2(connection, breaks_at=None):
    """Early hints, events, a trailer; or a stream that the server resets."""
    import h2.config
    import h2.connection
    import h2.events

    h2_ = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    h2_.initiate_connection()
    connection.sendall(h2_.data_to_send())
    while data := connection.recv(65536):
        for event in h2_.receive_data(data):
            if not isinstance(event, h2.events.StreamEnded):
                continue
            number = event.stream_id
            h2_.send_headers(number, [(":status", "103"), ("link", "</x>")])
            h2_.send_headers(number, [(":status", "200"), ("content-type", "text/event-stream")])
            for at, piece in enumerate(EVENTS):
                if at == breaks_at:
                    h2_.reset_stream(number, 2)
                    break
                h2_.send_data(number, piece)
                connection.sendall(h2_.data_to_send())
            else:
                h2_.send_headers(number, [("x-usage", "99")], end_stream=True)
        connection.sendall(h2_.data_to_send())


class TestHttp2:
    def test_streamed_and_whole(self, same_with_and_without):
        """An answer over HTTP/2 is heard like any other."""
        import httpx

        url = listen(http2)

        def use():
            with httpx.Client(http1=False, http2=True) as client:
                whole = client.post(url, json=BODY)
                with client.stream("POST", url, json=BODY) as r:
                    return whole.http_version, whole.content, b"".join(r.iter_bytes())

        assert counts(same_with_and_without(use)) == [READ, READ]

    def test_many_over_one_connection(self, same_with_and_without):
        """Interleaved answers are told apart; the one that is left early is left."""
        import httpx

        url = listen(http2)

        async def use():
            async with httpx.AsyncClient(http1=False, http2=True) as client:

                async def left():
                    async with client.stream("POST", url, json=BODY) as r:
                        async for _ in r.aiter_bytes():
                            return

                asked = [client.post(url, json=BODY) for _ in range(5)]
                return [r and r.content for r in await asyncio.gather(left(), *asked)]

        run = same_with_and_without(lambda: asyncio.run(use()))
        assert sorted(call.status for call in calls(run)) == ["abandoned", *["ok"] * 5]

    def test_reset(self, same_with_and_without):
        """A stream that the server resets is the client's own exception, and a failed call."""
        import httpx

        url = listen(lambda connection: http2(connection, breaks_at=3))

        def use():
            with httpx.Client(http1=False, http2=True) as client:
                with client.stream("POST", url, json=BODY) as r:
                    return b"".join(r.iter_bytes())

        assert counts(same_with_and_without(use)) == [("error", None, None)]


def answers(answer):
    """A server of HTTP/1.1 that answers these very bytes."""

    def serve(connection):
        file = connection.makefile("rb")
        while line := file.readline():
            size = 0
            while line.strip():
                name, _, value = line.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
                line = file.readline()
            file.read(size)
            connection.sendall(answer)
            if b"connection: close" in answer:
                connection.shutdown(socket.SHUT_RDWR)
                return

    return listen(serve)


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n"


OK = b"HTTP/1.1 200 OK\r\n"
STREAM = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
PACKED = gzip.compress(b"".join(EVENTS))
ODD = {
    "early hints": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + STREAM + b"\r\n" + chunked(*EVENTS) + b"\r\n",
    "trailers": STREAM + b"trailer: x-usage\r\n\r\n" + chunked(*EVENTS) + b"x-usage: 99\r\n\r\n",
    "bad gzip in chunks": STREAM + b"content-encoding: gzip\r\nconnection: close\r\n\r\n" + chunked(PACKED[:60], b"\xff" * 40) + b"\r\n",
    "gzip cut off": STREAM + b"content-encoding: gzip\r\n\r\n" + chunked(PACKED[:-30]) + b"\r\n",
    "two gzips in a row": STREAM + b"content-encoding: gzip\r\n\r\n" + chunked(*map(gzip.compress, EVENTS)) + b"\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty": OK + b"content-length: 0\r\n\r\n",
    "empty gzip": OK + b"content-encoding: gzip\r\ncontent-length: 0\r\n\r\n",
    "no length": OK + b"connection: close\r\n\r\n" + WHOLE,
    "bad chunk": STREAM + b"connection: close\r\n\r\n" + chunked(*EVENTS[:3])[:-3] + b"zz\r\n",
}


def _ways():
    import aiohttp
    import httpx
    import requests
    import urllib3

    async def aio(url, **options):
        async with aiohttp.ClientSession(**options) as session, session.post(url, json=BODY) as r:
            return r.status, await r.read()

    def httpx_(url, how):
        with httpx.stream("POST", url, json=BODY) as r:
            return r.status_code, b"".join(getattr(r, how)())

    return [
        lambda url: httpx_(url, "iter_bytes"),
        lambda url: httpx_(url, "iter_raw"),
        lambda url: requests.post(url, json=BODY).content,
        lambda url: b"".join(requests.post(url, json=BODY, stream=True).iter_content(50)),
        lambda url: requests.post(url, json=BODY, stream=True).raw.read(),
        lambda url: urllib3.PoolManager(retries=False).request("POST", url, json=BODY).data,
        lambda url: list(urllib3.PoolManager().request("POST", url, json=BODY, preload_content=False).read_chunked()),
        lambda url: asyncio.run(aio(url)),
        lambda url: asyncio.run(aio(url, auto_decompress=False)),
    ]


@pytest.mark.parametrize("name", ODD)
def test_odd_answers(name, same_with_and_without):
    """Bytes or exception are the client's own in every way to read; counts are right or unknown, never an error of ours."""
    url = answers(ODD[name])
    for use in _ways():
        run = same_with_and_without(lambda use=use: use(url))
        for call in calls(run):
            assert (call.usage.input, call.usage.output) in ((7, 5), (None, None))
            assert call.status != "running"
        if name in ("trailers", "no length") and calls(run)[-1].status == "ok":
            assert counts(run) == [READ]


class TestEncodings:
    """Bodies that the user reads raw are decoded apart."""

    def packed(self):
        import brotli
        import zstandard

        return {
            "br": brotli.compress(WHOLE),
            "zstd": zstandard.ZstdCompressor().compress(WHOLE),
            "x-gzip": gzip.compress(WHOLE),
            "gzip, br": brotli.compress(gzip.compress(WHOLE)),
            "identity": WHOLE,
        }

    @pytest.mark.parametrize("name", ["br", "zstd", "x-gzip", "gzip, br", "identity"])
    def test_raw(self, name, same_with_and_without):
        """One coding or two, byte by byte for the user and whole for us."""
        import requests

        body = self.packed()[name]
        url = answers(OK + f"content-encoding: {name}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

        def use():
            raw = requests.post(url, json=BODY, stream=True).raw
            return b"".join(iter(lambda: raw.read(7), b""))

        assert counts(same_with_and_without(use)) == [READ]

    def test_a_library_that_is_not_there(self, monkeypatch):
        """Without the library that decodes it a body is unreadable, which the exchange takes for no usage."""
        from aimon_nb.wire import content_encoding

        monkeypatch.setattr(content_encoding, "import_module", lambda name: __import__("nothing_of_this_name"))
        with pytest.raises(ImportError):
            decoder_factory("zstd")()


async def sockets(app):
    """A server of websockets, which answers what it hears."""
    from aiohttp import web

    async def echo(request):
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        async for message in socket_:
            await socket_.send_str(f"heard {message.data}")
        return socket_

    app.router.add_get("/{any:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, site._server.sockets[0].getsockname()[1]


def test_websockets_pass(same_with_and_without):
    """Sockets that are upgraded pass untouched in every client, at a model's path too; they are no call of ours."""

    async def use():
        import aiohttp
        import httpx
        import websockets
        from aiohttp import web
        from openai import AsyncOpenAI

        runner, port = await sockets(web.Application())
        said, base = [], f"127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://{base}{PATH}") as ws:
            await ws.send_json(BODY)
            said.append(await ws.receive_str())
        async with websockets.connect(f"ws://{base}{PATH}") as ws:
            await ws.send("hello")
            said.append(await ws.recv())
        client = AsyncOpenAI(api_key="none", base_url=f"http://{base}/v1")
        async with client.realtime.connect(model="gpt-realtime") as live:
            await live.send({"type": "response.create"})
            said.append(await live.recv_bytes())
        head = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw=="}
        async with httpx.AsyncClient() as plain, plain.stream("GET", f"http://{base}{PATH}", headers=head) as r:
            said.append((r.status_code, type(r.extensions["network_stream"]).__name__))
        await runner.cleanup()
        return said

    run = same_with_and_without(lambda: asyncio.run(use()))
    assert calls(run) == []


class TestTrio:
    """httpx without asyncio."""

    def test_nursery(self, shapes, same_with_and_without):
        """Calls of trio's tasks are heard, each once."""
        import httpx
        import trio

        async def use():
            got = []
            async with httpx.AsyncClient() as client, trio.open_nursery() as nursery:

                async def ask():
                    got.append((await client.post(shapes.url("stream"), json=BODY)).content)

                for _ in range(4):
                    nursery.start_soon(ask)
            return got

        assert counts(same_with_and_without(lambda: trio.run(use))) == [READ] * 4

    def test_cancelled(self, shapes, same_with_and_without):
        """A scope that trio cancels in mid-stream leaves a call that was cancelled."""
        import httpx
        import trio

        async def use():
            async with httpx.AsyncClient() as client:
                with trio.CancelScope() as scope:
                    async with client.stream("POST", shapes.url("held"), json=BODY) as r:
                        async for _ in r.aiter_bytes():
                            scope.cancel()

        assert counts(same_with_and_without(lambda: trio.run(use))) == [("cancelled", None, None)]
