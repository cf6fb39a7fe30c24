"""What is kept of a request's body, counted in references: nothing once it is read, each prompt of a failed one once."""

import gc
import json
import sys

import httpx
import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import prompt_quotes
from aimon_nb.capture.context import current_span
from aimon_nb.capture.prompt_quotes import RecentPrompts, recent_prompts
from aimon_nb.wire import pending_calls
from aimon_nb.wire.dialects import find
from aimon_nb.wire.model_request import ModelRequest
from tests.parts import sdk
from tests.wire.model_requests import heard_call


@pytest.fixture(autouse=True)
def no_prompts():
    recent_prompts.forget()
    yield
    recent_prompts.forget()


def test_of_what_asked_no_model(told, track):
    """A request that looked like a model's and told no usage: its body is let go of while the run goes on."""
    told.answers["/v1/tomorrow"] = {"id": "1"}
    body = json.dumps({"x": "a text that is long enough to be a prompt"}).encode()
    before = sys.getrefcount(body)
    with track() as run:
        httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), content=body)
        monitor.recorder.drain()
        gc.collect()  # the client's request and response hold each other
        assert sum(run.unread.values()) == 1
        assert sys.getrefcount(body) == before
        assert recent_prompts.text() == ""


def test_of_a_failed_one(told, track):
    """Its span may be open for long; an error may quote what it sent, which is known once, however often it was tried."""
    told.answers["/v1/chat/completions"] = 400, {"error": {"message": "no"}}
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "a text that may be quoted"}]}).encode()
    with track(), sdk.start_span("gen_ai.chat", "mine"):
        before = sys.getrefcount(body)
        for _ in range(3):
            httpx.post(told.at("api.openai.com", "/v1/chat/completions"), content=body)
        monitor.recorder.drain()
        gc.collect()
        request = current_span.get().model_request
        assert (request.status, request.body) == (400, None)
        assert "a text that may be quoted" in recent_prompts.text()
        # As sent, as failed, and in what is shown of the requests that crossed.
        assert sys.getrefcount(body) - before <= 3 + 1 + 3


def test_of_a_run_that_is_no_longer_in_memory():
    """What still comes of an answer that the user's code reads on is not kept: nobody will read it."""
    path = "/v1/chat/completions"
    request = ModelRequest(find("api.openai.com", path.encode()), "api.openai.com", path, b"{}")
    calls = pending_calls.PendingCalls()

    class Span:
        class run_state:
            forgotten = closed = True
            keeps_content = False

        made_by_us, is_end_recorded, t1, parent = False, False, None, None

    request.open_span = Span()
    request.tracker = type("Tracker", (), {"recorder": type("Recorder", (), {"note_request": staticmethod(lambda _: None), "wake": staticmethod(lambda: None)})})
    calls.add(request)
    request.on_response_head(200, {})
    request.on_chunk(b"data: ")
    calls.source.poll([])
    for _ in range(10):
        request.on_chunk(b"x" * 1000)
    assert not calls.waiting and not request.chunks and request.body is None


def test_a_prompt_is_read_once(monkeypatch):
    """However many errors are compared with it, and though it was sent and failed; what falls out is not held on to."""
    read = []
    texts_of = prompt_quotes._texts_of
    monkeypatch.setattr(prompt_quotes, "_texts_of", lambda body: read.append(body) or texts_of(body))
    prompts = RecentPrompts()
    bodies = [json.dumps({"prompt": f"{at} is what was asked of the model"}).encode() for at in range(3)]
    for body in bodies:
        prompts.note(body)
        for _ in range(3):
            prompts.note(body, failed=True)
    for _ in range(5):
        prompts.text()
    is_once = sorted(read) == sorted(bodies)
    assert is_once
    read.clear()
    before = sys.getrefcount(bodies[0])
    for at in range(prompt_quotes._MOST_KNOWN):
        for failed in (False, True):
            prompts.note(f'{{"prompt": "another thing was asked {at}"}}'.encode(), failed=failed)
    after = sys.getrefcount(bodies[0])
    assert after == before - 2


def test_what_is_read_is_whole():
    """The body is let go of after its messages were taken from it."""
    call = heard_call("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}, b'{"model": "gpt-4o", "choices": []}')
    assert [turn.text for turn in call.input] == ["hi"]
