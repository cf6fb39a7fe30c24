"""A request and its answer as they crossed the wire: whole, and without keys."""

import io
import json
import zlib

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import recorder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.live.widget.answers import answer
from aimon_nb.views.present.detail import detail
from aimon_nb.wire import exchanges
from aimon_nb.wire.exchanges import Sent, exchange_of
from tests.wire.clients import BODY, CLIENTS
from tests.wire.model_requests import heard_call

CHAT = "/v1/chat/completions"


@pytest.fixture
def heard(truth):
    """Runs a function in a tracked run, and returns what a page gets that asks for what crossed the wire, a call each."""

    def heard(function, *args):
        tracked = monitor.open("exchanges", "none")
        try:
            function(*args)
        finally:
            tracked.end(None)
        recorder.content.work(recorder.registry, recorder.limits)
        found = [span for span in tracked.run.spans.values() if span.call is not None]
        return [answer(tracked.run, {"k": "raw", "id": span.span_id}).message["raw"] for span in found]

    before = internal_errors.count
    yield heard
    monitor.uninstall()
    assert before == internal_errors.count


@pytest.mark.xdist_group("clients")
@pytest.mark.parametrize("mode", ["whole", "lines"])
@pytest.mark.parametrize("name", CLIENTS)
def test_each_client(name, mode, heard, truth):
    """By every HTTP client: the URL, the bytes of the request and those of the answer, as whoever asked has them."""
    pytest.importorskip(name.partition("-")[0])
    url = f"{truth.url}/chat/completions?api-version=2&key=canary-query"
    [raw] = heard(CLIENTS[name], url, mode)
    shown = url.replace("key=canary-query", "key=…")
    assert ("POST", shown, 200) == (raw["method"], raw["url"], raw["status"])
    assert json.loads(raw["body"]) == BODY
    assert json.loads(raw["answer"])["object"] == "chat.completion"
    assert ["content-type", "application/json"] in raw["received"]
    assert raw["notes"] == []


def test_a_stream_as_it_came(heard, truth):
    """The answer of a stream is its events, each as it came."""
    import openai

    def ask():
        with openai.OpenAI(base_url=truth.url, api_key="sk-canary") as client:
            list(client.chat.completions.create(model="m", messages=BODY["messages"], stream=True))

    [raw] = heard(ask)
    events = [line for line in raw["answer"].split("\n") if line]
    assert all(line.startswith("data: ") for line in events) and "data: [DONE]" == events[-1] and len(events) > 3
    assert "canary" not in json.dumps(raw)


def test_what_is_compressed_is_shown_as_text():
    """An answer that came compressed is shown as it is read."""
    packed = zlib.compress(b'{"choices": []}')
    from functools import partial

    from aimon_nb.wire.model_request import ModelRequest
    from tests.wire import model_requests

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelRequest, "decoder", partial(lambda: zlib.decompressobj().decompress))
        call = model_requests.heard_call(CHAT, BODY, [packed[:5], packed[5:]])
    assert b'{"choices": []}' == call.exchange.answer.data()


SECRETS = {
    "authorization": "Bearer canary", "x-api-key": "canary", "cookie": "canary", "api-key": "canary", "x-goog-api-key": "canary", "x-mine": "canary",
    "set-cookie": "canary", "openai-organization": "canary", "x-amz-security-token": "canary", "proxy-authorization": "canary", "idempotency-key": "canary",
}  # fmt: skip


def test_no_key_is_in_it():
    """Headers, the query, the user of a URL and texts under names of secrets in the body are left out, and of the body that is said."""
    tools = [{"type": "mcp", "server_url": "https://x", "authorization": "canary \\\" tricky", "headers": {"Authorization": "canary"}}]
    body = json.dumps({**BODY, "tools": tools, "max_tokens": 7, "password": "canary", "properties": {"token": {"type": "string"}}}).encode()
    sent = Sent("https://canary:canary@h.test/v1/x?key=canary&api-version=3#canary", {**SECRETS, "Content-Type": "application/json"})
    exchange = exchange_of(sent, "h.test", "/v1/x", body)
    exchanges.note_head(exchange, 200, {**SECRETS, "x-request-id": "r", "x-ratelimit-remaining-requests": "3"})
    shown = exchange.body.data().decode()
    assert "canary" not in repr(exchange) + shown
    assert "https://h.test/v1/x?key=…&api-version=3" == exchange.url
    assert [("content-type", "application/json")] == exchange.sent
    assert [("x-request-id", "r"), ("x-ratelimit-remaining-requests", "3")] == exchange.received
    kept = json.loads(shown)
    assert (7, {"token": {"type": "string"}}, "[filtered]") == (kept["max_tokens"], kept["properties"], kept["tools"][0]["authorization"])
    assert [exchanges.WITHOUT_KEYS] == exchange.notes
    settings = heard_call(CHAT, json.loads(body)).settings
    assert "[filtered]" == settings["password"]
    assert "canary" not in str(heard_call(CHAT, json.loads(body)).definitions)


def test_a_body_without_secrets_is_as_it_was():
    """Not a byte of a body that has no secret is changed, whatever it holds."""
    for body in (b'{ "a" :\t"b\\u00e9\\"token\\": \\"x\\"" }', b"\xff\xfe binary", b"", '{"é": "token: x"}'.encode()):
        exchange = exchange_of(Sent(), "h", "/p", body)
        assert (body, []) == (exchange.body.data(), exchange.notes)


PNG = b"\x89PNG\r\n" + bytes(range(256)) * 5


def test_a_form_is_told_by_its_parts(heard, truth, tmp_path):
    """A form that OpenAI's client sends is a line a part: texts as they are, of a file its name, type and size; of one that the client reads as it sends too, which is sent whole and left as it was."""
    import openai

    path = tmp_path / "mask.png"
    path.write_bytes(PNG)

    def ask():
        with openai.OpenAI(base_url=truth.url, api_key="sk-canary") as client, path.open("rb") as mask:
            client.images.edit(model="m", prompt="a cat\nin a hat", image=("cat.png", PNG, "image/png"), mask=mask)
            client.audio.transcriptions.create(model="whisper-1", file=("a.wav", io.BytesIO(PNG)))

    edit, heard_sound = heard(ask)
    assert {"image: [cat.png, image/png, 1.3 kB]", "mask: [mask.png, image/png, 1.3 kB, not kept]", "model: m", "prompt:", "a cat", "in a hat"} == {*edit["body"].split("\n")}
    assert ["file: [a.wav, audio/x-wav, 1.3 kB]", "model: whisper-1"] == sorted(heard_sound["body"].split("\n"))
    assert [] == edit["notes"] == heard_sound["notes"] and "canary" not in json.dumps([edit, heard_sound])
    assert [{"bytes": len(PNG)}] * 2 == [truth.calls[0].body["image"], truth.calls[0].body["mask"]]


@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests"])
def test_a_form_of_each_client(name, heard, truth):
    """By whichever client; what stands under the name of a secret is left out, a file that is text is shown, and a name is no markup."""
    module = pytest.importorskip(name)
    files = {"file": ('a "b".wav', PNG, "audio/wav"), "notes": ("n.txt", "high\ntide".encode(), "text/plain")}
    [raw] = heard(lambda: module.post(f"{truth.url}/audio/transcriptions", data={"model": "m", "api_key": "canary", "raw": b"\xff\xfe"}, files=files))
    told = dict(line.split(": ", 1) for line in raw["body"].split("\n") if ": " in line)
    assert {"model": "m", "api_key": "[filtered]", "raw": "[bytes, 2 bytes]", "notes": "[n.txt, text/plain, 9 bytes]"} == {key: told[key] for key in ("model", "api_key", "raw", "notes")}
    assert "high\ntide" in raw["body"] and ", audio/wav, 1.3 kB]" in told["file"] and "canary" not in json.dumps(raw)
    assert [exchanges.WITHOUT_KEYS] == raw["notes"]


class Strange(io.BytesIO):
    """A file of the user's own, which tells of all that is done with it."""

    def __init__(self, data):
        super().__init__(data)
        self.done = []

    def __getattribute__(self, name):
        if name not in ("done", "__class__", "__init__", "__dict__"):
            self.done.append(name)
        return super().__getattribute__(name)


def test_a_file_of_the_users_own_is_left_alone(heard, truth):
    """Nothing is done with a file object of an unknown class but what the client does; its part is told without its bytes."""
    import httpx

    def post(file):
        httpx.post(f"{truth.url}/audio/transcriptions", data={"model": "m"}, files={"file": ("x.bin", file)})

    alone, tracked = Strange(PNG), Strange(PNG)
    post(alone)
    [raw] = heard(post, tracked)
    assert alone.done == tracked.done
    assert "model: m\nfile: [x.bin, application/octet-stream, size unknown, not kept]" == raw["body"]


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\n\r\n--b--", b"--b\r\nname=\"x\"", b"\xff" * 30, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ncut'])
def test_what_is_hardly_a_form(body):
    """A form that is cut or none at all is shown as any body is; nothing fails."""
    from aimon_nb.views.present.exchange_view import raw

    shown = raw(exchange_of(Sent(None, {"content-type": "multipart/form-data; boundary=b"}), "h", "/p", body))["body"]
    assert shown == ("x: cut" if body.endswith(b"cut") else "[multipart/form-data, 30 bytes]" if body[:1] == b"\xff" else body.decode())


def test_what_is_left_out_is_said():
    """A body that was no more in memory, and an answer that is cut, are said to be so; sound is named with its size."""
    assert ["the body was not in memory: the client read it as it sent"] == exchange_of(Sent(), "h", "/p", None).notes
    assert "https://h/p" == exchange_of(Sent(), "h", "/p", None).url
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchanges, "LONGEST", 10)
        call = heard_call(CHAT, BODY, b'{"choices": [1, 2]}')
    assert (b'{"choices"', ["the answer is cut: 9 bytes more"]) == (call.exchange.answer.data(), call.exchange.notes)
    sound = heard_call("/v1/audio/speech", {"model": "m", "input": "hi"}, b"\xff\xf3" * 700, headers={"content-type": "audio/mpeg"})
    from aimon_nb.views.present.exchange_view import raw

    assert "[audio/mpeg, 1.4 kB]" == raw(sound.exchange)["answer"]


def test_a_request_that_was_never_answered(heard, truth):
    """A request that failed before an answer came is there, without one."""
    import httpx

    def ask():
        with httpx.Client() as client:
            client.post("http://127.0.0.1:9/v1/chat/completions", json=BODY)

    with pytest.raises(httpx.ConnectError):
        heard(ask)
    [run] = [run for run in recorder.runs() if run.name == "exchanges"][-1:]
    [span] = [span for span in run.spans.values() if span.call is not None]
    assert detail(span)["raw"] is None
    assert (None, "", BODY) == (span.call.exchange.status, span.call.exchange.answer.data().decode(), json.loads(span.call.exchange.body.data()))


def test_nobody_stores_it():
    """What crossed the wire is in no form that leaves memory."""
    call = heard_call(CHAT, BODY, b'{"choices": []}')
    from aimon_nb.model.plain_form import to_dict

    assert call.exchange is not None and "exchange" not in to_dict(call, content=True)
