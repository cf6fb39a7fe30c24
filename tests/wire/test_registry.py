"""Which requests are read by which dialect, and the dialects that others bring."""

import json
import re
from importlib.metadata import EntryPoint

import pytest

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.wire.dialects import Dialect, find, known
from aimon_nb.wire.dialects.registry import GROUP, OURS, Registry
from tests.parts.places import ROOT
from tests.parts.steps import steps
from tests.wire.answers import CASES
from tests.wire.model_requests import heard_call, plain

NOT_ASKED = [
    "/", "/v1/models", "/v1/files", "/v1/threads/t/messages", "/channels/1/messages", "/v1/messages/count_tokens",
    "/v1/responses/r_1/cancel", "/v1/conversations/c_1/history", "/v1/conversations/c_1/messages",
    "/v1/conversations/c_1/restart/x", "/v1beta/interactions/v1_i/cancel", "/interactions/1/token/callback", "/interactions", "/images/sets",
    "/v1/audio/voices", "/v1/rerank/jobs", "/v1/completions_are_fun",
    "/v1beta/models/m:countTokens", "/model/m/count-tokens", "/v1/embeddings/jobs", "/app/api/chat", "/generate",
    "/publishers/anthropic/models/count-tokens:rawPredict", "/publishers/google/models/imagen:predict", "/models/org/name",
]  # fmt: skip


@pytest.mark.parametrize("path", [p for p in NOT_ASKED if p != "/generate"])
def test_what_asks_no_model(path):
    """Other paths are left alone, however much they look like a model's."""
    assert find("api.example.com", path.encode() + b"?key=1") is None


@pytest.mark.parametrize(
    ("host", "path", "body"),
    [
        ("api.example.com", "/surveys/12/responses", {"answers": [1, 2]}), ("api.example.com", "/surveys/12/responses", {"input": "yes"}),
        ("api.example.com", "/v1/responses", {"model": "a car"}), ("api.example.com", "/courses/3/completions", {"prompt": "done", "score": 3}),
        ("api.example.com", "/v1/agents/completions", {"model": "m", "prompt": "p"}), ("api.example.com", "/shop/rerank", {"query": "x"}),
        ("localhost", "/api/v1/chat", {"message": "hi", "model": "m"}), ("api.example.com", "/v1/conversations", {"metadata": {}, "items": []}),
        ("api.openai.com", "/v1/conversations", {"items": [{"inputs": 1}]}), ("eu.api.openai.com", "/v1/conversations/conv_1", {"inputs": 1}),
        ("x.openai.azure.com", "/openai/v1/conversations", {"inputs": 1}), ("a.execute-api.us-east-1.amazonaws.com", "/v1/conversations", {"to": "me"}),
        ("a.execute-api.us-east-1.amazonaws.com", "/prod/surveys/responses", {"answers": []}), ("a.googleapis.com", "/v1/interactions", {"kind": "click"}),
        ("a.execute-api.us-east-1.amazonaws.com", "/courses/3/completions", {"score": 3}), ("a.googleapis.com", "/shop/rerank", {"query": "x"}), ("api.example.com", "/v1beta/interactions", {"kind": "click"}),
        ("api.example.com", "/v1/interactions", {"input": "click"}), ("api.example.com", "/v1/interactions", {"agent": "007"}),
        ("api.example.com", "/images/edits", {"crop": 1}), ("api.example.com", "/v1/audio/speech", {"text": "x"}),
    ],
)  # fmt: skip
def test_a_body_that_asks_no_model(host, path, body):
    """Of a path that is not a model's alone the body tells: without what a model is asked with, the request is left alone."""
    dialect = find(host, path.encode())
    assert dialect is None or not dialect.matches_body(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/llm/responses", {"model": "m", "input": "hi"}), ("/v1/responses", {"model": "m", "prompt": {"id": "p"}}), ("/responses/compact", {"model": "m", "input": []}),
        ("/llm/completions", {"model": "m", "prompt": "hi"}), ("/gateway/deployments/d/completions", {"prompt": "hi"}),
        ("/v1/agents/completions", {"agent_id": "a", "messages": []}), ("/a/b/rerank", {"query": "q", "documents": ["d"]}),
        ("/api/v1/chat", {"model": "m", "input": "hi"}), ("/v1/conversations/conv_1", {"inputs": "hi"}), ("/v1/conversations", {"tool_confirmations": []}),
        ("/proxy/v1alpha/interactions", {"agent": "a", "input": "hi"}), ("/v1/interactions", {"model": "m", "continuation_token": "t"}), ("/proxy/v1/images/generations", {"prompt": "a cat"}),
    ],
)  # fmt: skip
def test_a_body_that_asks_a_model(path, body):
    """Below any base path and at any host a request that names what a model is asked with is read."""
    dialect = find("llm.example.com", path.encode())
    assert dialect.matches_body(json.dumps(body).encode())


def test_a_form_that_asks_a_model():
    """A form's fields are seen, though none is read."""
    form = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\nx\r\n--b--\r\n'
    assert find("h", b"/v1/audio/transcriptions").matches_body(form % (b"model", b""))
    assert find("h", b"/v1/audio/transcriptions").matches_body(form % (b"file", b'; filename="a.mp3"'))
    assert find("h", b"/v1/images/edits").matches_body(form % (b"image[]", b'; filename="a.png"'))
    assert not find("h", b"/v1/images/edits").matches_body(form % (b"picture", b""))


@pytest.mark.parametrize("path", ["/v1/responses", "/openai/responses", "/v1/completions", "/v2/rerank", "/api/v1/chat"])
def test_a_body_that_is_not_known(path):
    """It is taken for a model's at the path where models are, and nowhere else."""
    assert find("llm.example.com", path.encode()).matches_body(None)
    assert not find("llm.example.com", b"/v1/conversations").matches_body(None)
    assert find("api.mistral.ai", b"/v1/conversations").matches_body(None)
    assert not find("llm.example.com", b"/v1/interactions").matches_body(None)
    assert find("generativelanguage.googleapis.com", b"/v1/interactions").matches_body(None)
    if "chat" not in path:
        assert not find("llm.example.com", ("/shop/" + path.rpartition("/")[2]).encode()).matches_body(None)


def test_the_key_in_a_url_is_not_kept():
    """The query is cut off before a dialect sees the path."""
    dialect = find("generativelanguage.googleapis.com", b"/v1beta/models/m:generateContent?key=secret")
    assert "secret" not in dialect.path


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"), ("x.openai.azure.com", "azure.ai.openai"), ("API.GROQ.COM", "groq"),
        ("notapi.groq.com.example.com", "openai"), ("127.0.0.1", "openai"), ("", "openai"),
        ("us-east5-aiplatform.googleapis.com", "gcp.vertex_ai"), ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
    ],
)  # fmt: skip
def test_the_host_tells_the_provider(host, provider):
    """Who speaks OpenAI's dialect at a known host is named; elsewhere it is the dialect's own."""
    assert provider == find(host, b"/v1/chat/completions").provider


def test_a_request_that_asks_no_model_costs_next_to_nothing():
    """A look at the end of its path, however long the path: benchmarks/bounds.py has its microseconds."""
    find("api.example.com", b"/")  # what is looked up once a host
    few = steps(find, "api.example.com", b"/a")
    assert few < 100
    for path in (b"/repos/octocat/hello/issues/123/comments?per_page=100", b"/" + b"a/" * 500, b"/" + b"a" * 5000):
        assert steps(find, "api.example.com", path) <= few


def test_ours_stand_in_one_list():
    """The registry names our dialects and pyproject.toml none of them; all are loaded, and none is switched off."""
    assert GROUP not in (ROOT / "pyproject.toml").read_text("utf-8")
    find("h", b"/")
    assert {} == known.off
    assert set(OURS) <= set(known._known)


class Acme(Dialect):
    provider = "acme"
    path_pattern = re.compile(r"/acme/ask$")
    hosts = re.compile(r"acme\.example$")

    def request(self, call, body):
        call.request_model = body["m"]

    def answer(self, call, event):
        call.finish_reason = event["why"]


class Broken(Acme):
    def __init__(self, host, path):
        raise ZeroDivisionError("no")


@pytest.fixture
def others(monkeypatch):
    """A registry that finds the given classes as other people's entry points."""

    def others(**named):
        entries = [EntryPoint(name, value, GROUP) for name, value in named.items()]
        monkeypatch.setattr("aimon_nb.wire.dialects.registry.entry_points", lambda group: entries)
        fresh = Registry()
        monkeypatch.setattr("aimon_nb.wire.dialects.known", fresh)
        monkeypatch.setattr("aimon_nb.wire.model_request.known", fresh)
        monkeypatch.setattr("aimon_nb.wire.response_reader.known", fresh)
        return fresh

    before = internal_errors.count
    yield others
    internal_errors.count = before


HERE = __name__


def test_a_dialect_of_others(others):
    """It is found by its entry point, at its host only, and read like ours."""
    found = others(acme=f"{HERE}:Acme")
    assert isinstance(found.find("x.acme.example", b"/acme/ask?x=1"), Acme)
    assert found.find("example.com", b"/acme/ask") is None
    assert found.find("example.com", b"/v1/chat/completions").provider == "openai"
    assert {} == found.off


def test_it_is_read_like_ours(others, monkeypatch):
    """A call that a plug-in's dialect reads has provider, model and finish reason as one of ours has."""
    found = others(acme=f"{HERE}:Acme")
    monkeypatch.setattr("tests.wire.model_requests.find", found.find)
    call = heard_call("/acme/ask", {"m": "x"}, plain({"why": "done"}), "acme.example")
    assert ("acme", "x", "done") == (call.provider, call.request_model, call.finish_reason)


@pytest.mark.parametrize("value", ["no.such.module:X", f"{HERE}:missing", "json:loads", "aimon_nb.wire.dialects:Dialect"])
def test_one_that_cannot_be_loaded_is_switched_off(others, value):
    """The others work, a fault is counted, and a line says which and why."""
    before = internal_errors.count
    found = others(acme=value)
    assert found.find("example.com", b"/v1/chat/completions") is not None
    assert before + 1 == internal_errors.count
    assert found.off["acme"].startswith("dialect acme is switched off: ")


@pytest.mark.parametrize("name", ["Acme", "Broken"])
def test_one_that_raises_is_switched_off(others, monkeypatch, name):
    """At its first exception, whenever that is; the call itself is still a call."""
    found = others(acme=f"{HERE}:{name}")
    monkeypatch.setattr("tests.wire.model_requests.find", found.find)
    if name == "Broken":
        assert found.find("acme.example", b"/acme/ask") is None
    else:
        heard_call("/acme/ask", {}, plain({"what": 1}), "acme.example")
    assert ["acme"] == list(found.off)
    assert found.find("acme.example", b"/acme/ask") is None


def test_a_run_says_which_dialect_is_off(truth):
    """One line, once a run."""
    import openai

    from aimon_nb.app import monitor

    known.off["acme"] = "dialect acme is switched off: no"
    tracked = monitor.open("run", "none")
    try:
        client = openai.OpenAI(base_url=truth.url, api_key="none")
        for _ in range(2):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    finally:
        tracked.end(None)
        monitor.uninstall()
        known.off.clear()
    assert ["dialect acme is switched off: no"] == tracked.run.notes


def test_every_dialect_has_a_case():
    """No dialect of ours without an answer in the documented format."""
    used = {type(find(case.host, case.path.encode())).__name__ for case in CASES.values()}
    assert {value.rpartition(":")[2] for value in OURS.values()} == used
