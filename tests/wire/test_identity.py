"""What a client returns or raises is the same with us and without, and we have heard it all."""

import pickle
import time

import pytest

from tests.tiers import covering
from tests.wire.clients import CLIENTS, outcome, read_stream
from tests.wire.conftest import calls

SHAPES = [
    "whole",
    "gzip-whole",
    "deflate-whole",
    "stream",
    "gzip-stream",
    "deflate-stream",
    "moved",
    "busy",
    "short",
    "cut",
    "gone",
    "silent",
    "broken",
]
MODES = ["whole", "bytes", "raw", "lines", "left"]
READ_OUT = {"whole", "bytes", "raw", "lines"}

try:
    import brotli  # noqa: F401

    SHAPES += ["br-whole", "br-stream"]
except ImportError:
    pass


def _skip_missing(client):
    pytest.importorskip(client.partition("-")[0])


@covering(times=3)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("client", CLIENTS)
def test_same_to_the_user(client, shape, shapes, track):
    """Bytes, headers, counters, exceptions: equal, in every way to read an answer."""
    _skip_missing(client)
    for mode in MODES:
        url = shapes.url(shape)
        without = outcome(CLIENTS[client], url, mode)
        with track() as run:
            within = outcome(CLIENTS[client], url, mode)
        assert within == without, mode
        assert run.faults == 0
        found = calls(run)
        assert found, mode
        if shape.endswith(("whole", "stream")) and mode in READ_OUT:
            [call] = found
            if client.startswith("lm15") and shape.startswith("br"):
                continue  # it refuses br: there is no answer to read
            counts = call.usage.input, call.usage.output, call.status
            assert counts == (7, 5, "ok"), mode
        elif shape == "busy":
            assert {call.status for call in found} == {"error"}
        elif shape in ("cut", "gone", "silent", "short") and mode == "bytes":
            if (client, shape) == ("botocore", "short"):
                continue  # it does not mind
            assert {call.status for call in found} == {"error"}, mode


@covering()
@pytest.mark.parametrize("shape", ["cut", "gone", "silent"])
@pytest.mark.parametrize("client", CLIENTS)
def test_hidden_frames(client, shape, shapes, track):
    """In the traceback of a client's exception every frame of ours is marked, so that the notebook hides it."""
    _skip_missing(client)
    ours = []
    with track():
        for mode in ("whole", "bytes", "raw"):
            try:
                CLIENTS[client](shapes.url(shape), mode)
            except Exception as error:
                at = error.__traceback__
                while at is not None:
                    frame = at.tb_frame
                    if "/aimon_nb/" in frame.f_code.co_filename:
                        ours.append((frame.f_code.co_name, bool(frame.f_locals.get("__tracebackhide__"))))
                    at = at.tb_next
    assert ours or client == "aiohttp"  # which raises past us
    assert all(hidden for _, hidden in ours), ours


@pytest.mark.parametrize("client", CLIENTS)
def test_refused_connection(client, closed_port, track):
    """Nobody listens: the client's own exception, and a failed call in the tree."""
    _skip_missing(client)
    url = f"http://127.0.0.1:{closed_port}/v1/chat/completions"
    without = outcome(CLIENTS[client], url, "whole")
    with track() as run:
        within = outcome(CLIENTS[client], url, "whole")
    assert within == without
    [call] = calls(run)
    assert (call.status, call.usage.known) == ("error", False)


@pytest.mark.parametrize(
    "client", ["httpx", "httpx-async", "httpx2", "httpx2-async", "requests", "aiohttp"]
)
def test_streams_stay_lazy(client, shapes, track):
    """The first piece is in the user's hands while the server holds the others back, and is the time to it."""
    _skip_missing(client)
    came = []

    def each():
        came.append(time.perf_counter())
        shapes.release()

    with track() as run:
        begun = time.perf_counter()
        read_stream(client, shapes.url("held"), each)
    [call] = calls(run)
    assert call.status == "ok" and call.usage.output == 5, "the server was never released"
    assert 0 < call.ttft <= came[0] - begun


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_pickled_response(name, shapes, track):
    """A response can still be pickled, whole and streamed."""
    module = pytest.importorskip(name)
    with track():
        whole = module.post(shapes.url("gzip-whole"), json={})
        with module.stream("POST", shapes.url("gzip-stream"), json={}) as streamed:
            streamed.read()
    for response in (whole, streamed):
        again = pickle.loads(pickle.dumps(response))
        assert (again.content, again.status_code) == (response.content, response.status_code)


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_mock_transport_and_hooks(name, track):
    """A mocked answer is heard like any other; a hook that reads the body runs once."""
    module = pytest.importorskip(name)
    from tests.wire.shapes import EVENTS, WHOLE

    def answer(request):
        if b"stream" in request.content:
            return module.Response(200, content=iter(EVENTS))
        return module.Response(200, content=WHOLE)

    read = []
    hooks = {"response": [lambda response: read.append(len(response.read()))]}
    with (
        track() as run,
        module.Client(transport=module.MockTransport(answer), event_hooks=hooks) as client,
    ):
        client.post("http://model.test/v1/chat/completions", json={"model": "gpt-4o"})
        with client.stream(
            "POST",
            "http://model.test/v1/chat/completions",
            json={"model": "gpt-4o", "stream": True},
        ) as r:
            assert b"".join(r.iter_bytes()) == b"".join(EVENTS)
    assert len(read) == 2
    assert [(c.usage.input, c.usage.output, c.status) for c in calls(run)] == [(7, 5, "ok")] * 2


def test_secrets_are_in_no_record(shapes, track):
    """Keys in headers, URLs and cookies are never read."""
    import httpx
    import requests

    headers = {
        "authorization": "Bearer sk-secret",
        "x-api-key": "sk-secret",
        "cookie": "id=sk-secret",
    }
    with track() as run:
        httpx.post(shapes.url("whole") + "?key=sk-secret", json={}, headers=headers)
        requests.post(
            shapes.url("whole").replace("http://", "http://user:sk-secret@") + "?key=sk-secret",
            json={},
            headers=headers,
        )
    assert len(calls(run)) == 2
    assert "sk-secret" not in repr(run)
    assert {call.call.host for call in calls(run)} == {shapes.host}
