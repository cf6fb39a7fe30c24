"""The real clients against the truth server: what they report, and what we hear."""

import asyncio

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from tests.wire.providers import WAYS

# One worker imports the clients.
pytestmark = pytest.mark.xdist_group("clients")
EACH = pytest.mark.parametrize("name", WAYS)


@pytest.fixture
def ask(truth, monkeypatch):
    monkeypatch.setattr(truth, "latency", 0.0)
    monkeypatch.setattr(truth, "chunk_latency", 0.002)

    def ask(name):
        library, way = WAYS[name]
        pytest.importorskip(library)
        return way(truth)

    return ask


@pytest.fixture
def hear():
    """Run a function in a tracked run; its calls, oldest first."""

    def hear(function):
        tracked = monitor.open("clients", "none")
        try:
            function()
        finally:
            tracked.end(None)
        return [s for s in tracked.run.spans.values() if s.call is not None and not s.is_duplicate]

    before = internal_errors.count
    yield hear
    monitor.uninstall()
    assert before == internal_errors.count


@EACH
def test_the_clients_read_the_truth(name, ask, truth):
    """Each client reports the counts that the server keeps of its calls."""
    reported = ask(name)
    served = truth.settled()
    assert len(reported) == len(served)
    for told, call in zip(reported, served, strict=True):
        assert 200 == call.status
        if told not in (None, ...):
            assert told == (call.input, call.output)


KINDS = ("input", "cached", "cache_write", "output", "reasoning")


@EACH
def test_the_wire_hears_the_truth(name, ask, hear, truth):
    """Each call is heard once, with every kind of token as the server counted it."""
    reported = []
    spans = hear(lambda: reported.extend(ask(name)))
    served = truth.settled()
    assert len(served) == len(spans)
    for told, call, span in zip(reported, served, spans, strict=True):
        assert (span.call.request_model or call.model) == call.model
        assert call.streamed == span.call.streaming
        counts = {kind: getattr(span.usage, kind) for kind in KINDS}
        truth_ = {kind: getattr(call, kind) for kind in KINDS}
        if told is None:  # left early, or never told
            assert all(n in (None, truth_[kind]) for kind, n in counts.items())
            assert counts["output"] is None
            assert span.status == ("abandoned" if call.streamed else "ok")
        else:
            assert "ok" == span.status
            assert truth_ == {kind: n or 0 for kind, n in counts.items()}
            assert counts["input"] is not None
        assert call.outcome in ("finished", "left_early")


def test_what_is_said_is_on_the_record(ask, hear):
    """Question, answer and tool call are there for the live view."""
    [span] = hear(lambda: ask("anthropic_tool"))
    assert ["system", "user"] == [m.role for m in span.call.input]
    assert [("weather", '{"city": "Paris"}')] == span.call.output[0].tool_calls
    [span] = hear(lambda: ask("gemini_stream"))
    assert span.call.output[0].text.startswith("In short: please say how warm")


def test_busy_then_well(hear, truth):
    """A 429 and its retry are two attempts, of which one has usage."""
    anthropic = pytest.importorskip("anthropic")
    client = anthropic.Anthropic(base_url=truth.root, api_key="none")
    asked = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi [busy once] anthropic"}]}
    # Its own span of OpenTelemetry's takes the retry, and began before the first attempt.
    spans = sorted(hear(lambda: client.messages.create(**asked)), key=lambda span: span.attempt)
    assert [429, 200] == [call.status for call in truth.settled()]
    assert [("error", False), ("ok", True)] == [(s.status, s.usage.known) for s in spans]
    assert "you asked me to be busy once" == spans[0].call.error


def test_cut_in_the_middle(hear, truth):
    """A connection that breaks leaves no count but those that were final."""
    ollama = pytest.importorskip("ollama")
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi [cut] ollama"}], "stream": True}

    def ask():
        with pytest.raises(Exception, match="peer closed"):
            list(ollama.Client(host=truth.root).chat(**asked))

    [span] = hear(ask)
    assert ("cut", "error", False) == (truth.settled()[0].outcome, span.status, span.usage.known)
    assert span.call.output[0].text.startswith("In short:")


def test_eight_at_once(hear, truth):
    """Concurrent streams keep their own counts."""
    anthropic = pytest.importorskip("anthropic")

    async def one(client, number):
        asked = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "word " * number}]}
        async with client.messages.stream(**asked) as stream:
            await stream.get_final_message()

    async def ask():
        async with anthropic.AsyncAnthropic(base_url=truth.root, api_key="none") as client:
            await asyncio.gather(*(one(client, number) for number in range(1, 9)))

    spans = hear(lambda: asyncio.run(ask()))
    assert list(range(1, 9)) == sorted(span.usage.input for span in spans)
    assert sorted(c.output for c in truth.settled()) == sorted(span.usage.output for span in spans)


class TestBoto3:
    """Bedrock by boto3, whose own HTTP client is not httpx."""

    @pytest.fixture
    def client(self, truth):
        boto3 = pytest.importorskip("boto3")
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        return boto3.client("bedrock-runtime", endpoint_url=truth.root, **keys)

    ASKED = {
        "modelId": "us.anthropic.claude-3-haiku-20240307-v1:0",
        "system": [{"text": "be brief"}],
        "messages": [{"role": "user", "content": [{"text": "how warm is it"}]}],
    }

    def test_converse(self, client, truth):
        """Converse reports the server's counts, the cache beside the input."""
        usage = client.converse(**self.ASKED)["usage"]
        [call] = truth.settled()
        assert (6, 2, call.output) == (call.input, usage["cacheReadInputTokens"], usage["outputTokens"])
        assert call.input == usage["inputTokens"] + usage["cacheReadInputTokens"]
        assert self.ASKED["modelId"] == call.model

    def test_converse_stream(self, client, truth):
        """botocore reads the frames that the server writes."""
        events = list(client.converse_stream(**self.ASKED)["stream"])
        text = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
        [call] = truth.settled()
        assert text.startswith("In short: how warm is it")
        assert call.output == events[-1]["metadata"]["usage"]["outputTokens"]

    def test_invoke_stream(self, client, truth):
        """Anthropic's events come in frames of Amazon's."""
        body = b'{"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi there"}]}'
        answer = client.invoke_model_with_response_stream(modelId=self.ASKED["modelId"], body=body)
        events = [event["chunk"]["bytes"] for event in answer["body"]]
        assert b"message_start" in events[0]
        assert 2 == truth.settled()[0].input


def test_an_httpx_whose_urls_keep_their_parts_elsewhere():
    """What a URL keeps beside its public properties is a short cut, and no more."""
    import httpx

    from aimon_nb.wire.clients import httpx as ours

    class Url:
        def __init__(self, url):
            self.netloc, self.raw_path, self.path = url.netloc, url.raw_path, url.path

    for method, path in (("POST", "/v1/a%20b?x=1"), ("GET", "/v1/files/f/content")):
        request = httpx.Request(method, f"http://h.example.com:8080{path}")
        today = ours._target((None, request), {})
        request.url = Url(request.url)
        address, raw_path, is_get = ours._target((None, request), {})
        assert (address, raw_path.partition(b"?")[0], is_get) == (today[0], today[1].partition(b"?")[0], today[2])
