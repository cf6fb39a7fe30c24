"""Answers of LiteLLM's own cache are rows like any other; the library itself is asked in tests/matrix/test_caches.py."""

import contextvars
import sys
import types

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import context
from tests.wire.conftest import calls

QUESTION = [{"role": "user", "content": "hi"}]
CHAT = {"model": "gpt-4o", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
VECTORS = {"model": "text-embedding-3-small", "object": "list", "data": [], "usage": {"prompt_tokens": 7, "total_tokens": 7}}
RESPONSE = {"model": "gpt-4o", "object": "response", "status": "completed", "output": [], "usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}}


@pytest.fixture
def convert(monkeypatch):
    """What hands a stored answer to the user: LiteLLM's method, which returns what it is given."""

    class LLMCachingHandler:
        def _convert_cached_result_to_model_response(self, cached_result, call_type=None, kwargs=None, model=None, **_):
            return cached_result

    module = types.ModuleType("litellm.caching.caching_handler")
    module.LLMCachingHandler = LLMCachingHandler
    monkeypatch.setitem(sys.modules, "litellm.caching.caching_handler", module)
    return lambda stored, **more: LLMCachingHandler()._convert_cached_result_to_model_response(cached_result=stored, **more)


@pytest.mark.parametrize(
    ("stored", "model", "named", "provider", "operation"),
    [
        (CHAT, "openai/gpt-4o", None, "openai", "chat"),
        (CHAT, "claude-haiku-4-5", "anthropic", "anthropic", "chat"),
        (CHAT, "vertex_ai/gemini-2.5-pro", None, "gcp.vertex_ai", "chat"),
        (CHAT, "gpt-4o", None, "openai", "chat"),
        (RESPONSE, "openai/gpt-4o", None, "openai", "responses"),
        (VECTORS, "openai/text-embedding-3-small", None, "openai", "embeddings"),
    ],
)
def test_a_stored_answer(stored, model, named, provider, operation, convert, track):
    """It is cached locally, with the tokens of the call that it repeats and by its provider's price; the user gets what he gets without us."""
    with track() as run:
        got = convert(stored, kwargs={"messages": QUESTION, "input": "hi"}, model=model, custom_llm_provider=named)
        assert got is stored
    [one] = calls(run)
    assert (one.call.cached_by, one.cached_locally, one.status) == ("LiteLLM's cache", True, "ok")
    assert (one.provider, one.operation, one.request_model, one.usage.input) == (provider, operation, model.rpartition("/")[2], 7)
    assert (run.totals.calls, run.totals.cached_locally, run.totals.cost, run.faults) == (0, 1, 0, 0)
    assert run.totals.saved > 0


def test_at_a_server_of_the_users(convert, track):
    """Its host is the one that the call would have gone to, without what stands before an @."""
    with track() as run:
        convert(CHAT, kwargs={"messages": QUESTION, "api_base": "https://key@models.example.com:8443/v1"}, model="openai/gpt-4o")
    assert calls(run)[0].call.host == "models.example.com:8443"


@pytest.mark.parametrize("stored", [None, "text", [CHAT], {}, {"detail": "an error"}, {"text": "a transcript"}], ids=repr)
def test_what_is_no_answer_of_a_model(stored, convert, track):
    """It makes no row, and is the user's as it was."""
    with track() as run:
        assert convert(stored, kwargs={}, model="m") is stored
    assert (calls(run), run.faults) == ([], 0)


@pytest.mark.parametrize("more", [{}, {"kwargs": None}, {"kwargs": {"messages": object()}, "model": object()}], ids=["less", "none", "objects"])
def test_called_in_another_way(more, convert, track):
    """A LiteLLM that hands on something else disturbs nobody."""
    with track() as run:
        assert convert(CHAT, **more) is CHAT
    assert run.totals.calls == 0


def test_outside_of_a_run(convert, track):
    """Nothing is read, and after the unload nothing stands in its way."""
    with track() as run:
        pass
    assert convert(CHAT, kwargs={"messages": QUESTION}, model="gpt-4o") is CHAT
    assert calls(run) == []


def test_code_that_another_cell_began(convert, track):
    """A stored answer that it takes is in no run, as its calls are in none."""
    context.untracked_cell.set(monitor.recorder.clock())
    begun = contextvars.copy_context()
    context.untracked_cell.set(None)
    with track() as run:
        assert begun.run(lambda: convert(CHAT, kwargs={"messages": QUESTION}, model="openai/gpt-4o")) is CHAT
    assert (calls(run), run.totals.cached_locally, run.faults) == ([], 0, 0)
