"""Requests that no dialect reads: read by their usage alone, or counted and named; what asks no model stays quiet."""

import asyncio
import json

import httpx
import pytest
import sentry_sdk

from aimon_nb import pricing
from aimon_nb.app import monitor
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model import Run
from aimon_nb.pricing.counted import counted_spans
from aimon_nb.views.static import text
from aimon_nb.wire import capture, unread
from aimon_nb.wire.dialects.openai_chat import OpenAIChat
from aimon_nb.wire.known_paths import shown_path
from aimon_nb.wire.unread import UnreadRequests
from tests.wire.clients import CLIENTS
from tests.wire.conftest import calls
from tests.wire.model_requests import sse
from tests.wire.received import Received
from tests.parts import sdk

ASK = {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"model": "gpt-4o", "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}


@pytest.fixture(autouse=True)
def no_faults():
    before = internal_errors.count
    yield
    assert internal_errors.count == before


def uncounted(run):
    return run.totals.uncounted


class TestWhatIsSaid:
    def test_at_a_known_provider(self, told, track):
        """At a provider's own host what is not known to be quiet may be billed."""
        told.answers["/v1/tomorrow"] = {"id": "1", "said": "hello"}
        with track() as run:
            for _ in range(2):
                httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json={"x": 1})
        place = f"api.mistral.ai:{told.port} /v1/tomorrow"
        assert uncounted(run) == {place: 2}
        assert (run.totals.lower_bound, run.totals.requests_uncounted, run.totals.calls) == (True, 2, 0)
        assert f"not counted: 2 requests to {place}" in text.tree(run, width=200)
        assert "2 requests not counted" in text.tree(run, width=200)
        assert "no model call was heard" not in text.tree(run, width=200)

    def test_beside_a_call(self, told, track):
        """Where a model was asked before, what else is asked there may ask one; the sum is a lower bound."""
        told.answers |= {"/llm/v9/chat/completions": CHAT, "/llm/v9/tomorrow": {"a": 1}, "/else": {"a": 1}}
        with track() as run:
            for path in ("/llm/v9/chat/completions", "/llm/v9/tomorrow", "/else", "/llm/v9/files"):
                httpx.post(told.at("gw.example.com", path), json=ASK if "chat" in path else {"x": 1})
        assert uncounted(run) == {f"gw.example.com:{told.port} /llm/v9/tomorrow": 1}
        assert run.totals.lower_bound and run.totals.calls == 1

    @pytest.mark.parametrize("name", ["messages", "prompt", "input", "contents", "documents"])
    def test_by_its_body(self, name, told, track):
        """A body that names a model and holds something to ask it, at anybody's host."""
        told.answers["/anything"] = {"ok": True}
        with track() as run:
            httpx.post(told.at("host.example.com", "/anything"), json={"model": "m", name: ["x"]})
            httpx.post(told.at("host.example.com", "/anything"), json={name: ["x" * 9000], "temperature": 0, "model": "m"})
        assert uncounted(run) == {f"host.example.com:{told.port} /anything": 2}

    @pytest.mark.parametrize("client", CLIENTS)
    def test_in_every_client(self, client, told, track):
        """Whichever client sends it."""
        pytest.importorskip(client.partition("-")[0])
        told.answers["/anything"] = {"ok": True}
        with track() as run:
            CLIENTS[client](told.at("127.0.0.1", "/anything"), "whole")
        assert uncounted(run) == {f"127.0.0.1:{told.port} /anything": 1}

    def test_hosts_that_are_free(self, told, track):
        """`pricing.free(host=…)` silences a host, before and after."""
        told.answers["/anything"] = {"ok": True}
        with track() as run:
            httpx.post(told.at("mine.example.com", "/anything"), json=ASK)
        assert run.totals.lower_bound
        pricing.free(host="mine.example.com")
        try:
            monitor.recorder.reprice()
            monitor.recorder.drain()
            assert (uncounted(run), run.totals.lower_bound) == ({}, False)
        finally:
            pricing.unset("mine.example.com")

    def test_what_was_refused_is_not_billed(self, told, track, closed_port):
        """An error, a redirect and a host where nobody listens cost nothing."""
        told.answers |= {"/no": (429, {"error": "slow down"}), "/moved": (302, b"")}
        with track() as run:
            for path in ("/no", "/moved", "/missing"):
                httpx.post(told.at("api.mistral.ai", path), json=ASK)
            with pytest.raises(httpx.ConnectError):
                httpx.post(f"http://127.0.0.1:{closed_port}/x", json=ASK)
        assert (uncounted(run), run.totals.lower_bound, calls(run)) == ({}, False, [])

    def test_very_many_places(self, told, track):
        """So many are named, the rest are counted together."""
        with track() as run:
            for n in range(130):
                path = f"/x{n}/go"
                told.answers[path] = {"ok": True}
                httpx.post(told.at("api.mistral.ai", path), json={})
        assert len(uncounted(run)) == 101 and uncounted(run)["elsewhere"] == 30 and run.totals.requests_uncounted == 130

    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("/v1/conversations/conv_019abc3def4", "/v1/conversations/…"),
            ("/v1/x/550e8400-e29b-41d4-a716-446655440000/go", "/v1/x/…/go"),
            ("/v1beta/models/veo-3.0-generate:predict", "/v1beta/models/veo-3.0-generate:predict"),
            ("/v1/audio/speech", "/v1/audio/speech"),
        ],
    )
    def test_places_without_ids(self, path, shown):
        """Requests to one place are one line, whatever they are about."""
        assert shown == shown_path(path)


# What 20 public APIs are sent that is no model work; the hosts are theirs.
QUIET = {
    "slack message": ("slack.com", "/api/chat.postMessage", {"channel": "C1", "text": "hi", "blocks": []}),
    "github issue": ("api.github.com", "/repos/a/b/issues", {"title": "x", "body": "model and prompt", "labels": []}),
    "github graphql": ("api.github.com", "/graphql", {"query": "{ viewer { login } }", "variables": {"input": {"model": "x"}}}),
    "stripe payment": ("api.stripe.com", "/v1/payment_intents", b"amount=100&currency=usd&model=x&prompt=y"),
    "notion search": ("api.notion.com", "/v1/search", {"query": "prompt", "filter": {"property": "object"}}),
    "elasticsearch bulk": ("es.example.com", "/_bulk", b'{"index":{}}\n{"model":"m","messages":[]}\n'),
    "elasticsearch search": ("es.example.com", "/logs/_search", {"query": {"match": {"model": "m"}}, "size": 1}),
    "pinecone query": ("idx.svc.pinecone.io", "/query", {"vector": [0.1], "topK": 3, "includeMetadata": True}),
    "pinecone upsert": ("idx.svc.pinecone.io", "/vectors/upsert", {"vectors": [{"id": "1", "values": [0.1], "metadata": {"model": "m", "input": "x"}}]}),
    "qdrant points": ("q.example.com", "/collections/c/points/search", {"vector": [0.1], "limit": 3}),
    "weaviate": ("w.example.com", "/v1/graphql", {"query": "{ Get { Doc { text } } }"}),
    "chroma add": ("c.example.com", "/api/v2/collections/1/add", {"ids": ["1"], "documents": ["a"], "metadatas": [{"model": "m"}]}),
    "tavily search": ("api.tavily.com", "/search", {"query": "x", "search_depth": "basic"}),
    "hugging face repo": ("huggingface.co", "/api/repos/create", {"name": "x", "type": "model"}),
    "sentry envelope": ("o1.ingest.sentry.io", "/api/1/envelope/", b'{"event_id":"1"}\n{"type":"transaction"}\n{"model":"m","messages":[]}'),
    "langsmith runs": ("api.smith.langchain.com", "/runs/batch", {"post": [{"id": "1", "inputs": {"messages": []}, "extra": {"model": "m"}}], "patch": []}),
    "langfuse ingestion": ("cloud.langfuse.com", "/api/public/ingestion", {"batch": [{"type": "generation-create", "body": {"model": "m", "input": "x", "prompt": "y"}}], "metadata": {}}),
    "posthog": ("us.i.posthog.com", "/batch/", {"api_key": "k", "batch": [{"event": "$ai_generation", "properties": {"model": "m", "input": []}}]}),
    "otlp traces": ("otel.example.com", "/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"key": "model"}, {"key": "input"}]}]}]}]}),
    "wandb files": ("api.wandb.ai", "/graphql", {"query": "mutation { upsertBucket }", "variables": {"model": "m", "input": "x"}}),
    "mlflow log": ("mlflow.example.com", "/api/2.0/mlflow/runs/log-batch", {"run_id": "1", "params": [{"key": "model", "value": "m"}], "metrics": []}),
    "amazon s3": ("bucket.s3.amazonaws.com", "/key", {"model": "m"}),
    "amazon dynamodb": ("dynamodb.us-east-1.amazonaws.com", "/", {"TableName": "t", "Key": {"model": {"S": "m"}}}),
    "google oauth": ("oauth2.googleapis.com", "/token", {"grant_type": "x", "assertion": "y"}),
    "google storage": ("storage.googleapis.com", "/upload/storage/v1/b/x/o", {"name": "model", "metadata": {"input": "x"}}),
    "azure blob": ("x.blob.core.windows.net", "/c/b", {"model": "m"}),
    "azure vision": ("x.cognitiveservices.azure.com", "/vision/v3.2/analyze", {"url": "http://x"}),
    "openai files": ("api.openai.com", "/v1/files", {"purpose": "batch"}),
    "openai moderation": ("api.openai.com", "/v1/moderations", {"model": "omni-moderation-latest", "input": "x"}),
    "openai vector stores": ("api.openai.com", "/v1/vector_stores/vs_1/search", {"query": "x"}),
    "openai evals": ("api.openai.com", "/v1/evals", {"name": "x"}),
    "openai threads": ("api.openai.com", "/v1/threads/thread_1/messages", {"role": "user", "content": "x"}),
    "openai traces": ("api.openai.com", "/v1/traces/ingest", {"data": [{"object": "trace.span", "span_data": {"model": "m", "input": []}}]}),
    "openai token counting": ("api.openai.com", "/v1/responses/input_tokens", {"model": "m", "input": "x"}),
    "openai conversations": ("api.openai.com", "/v1/conversations", {"items": []}),
    "openai cancel": ("api.openai.com", "/v1/responses/resp_1/cancel", {}),
    "anthropic token counting": ("api.anthropic.com", "/v1/messages/count_tokens", ASK),
    "anthropic files": ("api.anthropic.com", "/v1/files", {"x": 1}),
    "anthropic batch cancelled": ("api.anthropic.com", "/v1/messages/batches/msgbatch_1/cancel", {}),
    "gemini token counting": ("generativelanguage.googleapis.com", "/v1beta/models/gemini-x:countTokens", {"contents": []}),
    "gemini files": ("generativelanguage.googleapis.com", "/upload/v1beta/files", {"file": {}}),
    "vertex token counting": ("us-east5-aiplatform.googleapis.com", "/v1/projects/p/locations/l/publishers/google/models/g:countTokens", {"contents": []}),
    "bedrock guardrail": ("bedrock-runtime.us-east-1.amazonaws.com", "/guardrail/g/version/1/apply", {"source": "INPUT", "content": []}),
    "bedrock token counting": ("bedrock-runtime.us-east-1.amazonaws.com", "/model/m/count-tokens", {"input": {}}),
    "bedrock's own control": ("bedrock.us-east-1.amazonaws.com", "/evaluation-jobs", {"jobName": "x"}),
    "mistral files": ("api.mistral.ai", "/v1/files", {"x": 1}),
    "mistral moderation": ("api.mistral.ai", "/v1/chat/moderations", {"model": "m", "input": []}),
    "mistral agent made": ("api.mistral.ai", "/v1/agents", {"model": "m", "name": "x", "instructions": "y"}),
    "mistral library": ("api.mistral.ai", "/v1/libraries", {"name": "x"}),
    "cohere tokens": ("api.cohere.com", "/v1/tokenize", {"model": "m", "text": "x"}),
    "openrouter keys": ("openrouter.ai", "/api/v1/auth/keys", {"code": "x"}),
    "ollama pull": ("localhost", "/api/pull", {"model": "m", "stream": False}),
    "ollama show": ("localhost", "/api/show", {"model": "m"}),
    "gemini batch cancelled": ("generativelanguage.googleapis.com", "/v1beta/batches/123:cancel", {}),
    "anthropic session made": ("api.anthropic.com", "/v1/sessions", {"agent": "a", "environment_id": "e"}),
    "anthropic agent made": ("api.anthropic.com", "/v1/agents", {"name": "a", "model": "m"}),
    "bedrock session made": ("bedrock-agent-runtime.us-east-1.amazonaws.com", "/sessions/1/invocations", {}),
    "fireworks deployment made": ("api.fireworks.ai", "/v1/accounts/a/deployments", {"baseModel": "m"}),
    "vllm tokens": ("localhost", "/tokenize", {"model": "m", "prompt": "x"}),
}


@pytest.mark.parametrize("name", QUIET)
def test_no_alarm(name, told, track):
    """What asks no model, or counts for nothing, is in no sum and in no note, also beside calls to the same host."""
    host, path, body = QUIET[name]
    told.answers |= {path: {"ok": True}, "/v1/chat/completions": CHAT, "/api/chat": {"done": True, "prompt_eval_count": 3, "eval_count": 1}}
    with track() as run:
        if host == "localhost":
            httpx.post(told.at(host, "/api/chat"), json=ASK)
            httpx.post(told.at(host, "/v1/chat/completions"), json=ASK)
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        httpx.post(told.at(host, path), **sent)
        httpx.get(told.at(host, path))
    assert (uncounted(run), len(calls(run)), [n for n in run.notes if "no model call" not in n]) == ({}, 2 if host == "localhost" else 0, [])


@pytest.mark.parametrize(
    ("host", "path", "shown"),
    [
        ("bedrock-agent-runtime.us-east-1.amazonaws.com", "/agents/A1/agentAliases/B2/sessions/s/text", None),
        ("bedrock-agent-runtime.us-east-1.amazonaws.com", "/retrieveAndGenerate", None),
        ("api.anthropic.com", "/v1/sessions/sesn_01/events", None),
        ("api.fireworks.ai", "/inference/v1/workflows/accounts/fireworks/models/flux/text_to_image", None),
        ("api.openai.com", "/v1/threads/runs", None),
        ("api.mistral.ai", "/v1/aB3dE5fG7hI9jK1lM3nO5/ask", "/v1/…/ask"),
    ],
)
def test_what_agents_and_workflows_are_asked(host, path, shown, told, track):
    """It is model work, whatever stands in its path besides; what may be a key in it is not shown."""
    told.answers[path] = {"ok": True}
    with track() as run:
        httpx.post(told.at(host, path), json={"inputText": "x"})
    assert uncounted(run) == {f"{host}:{told.port} {shown or path}": 1}


def test_what_is_not_in_memory_is_not_read(told, track, tmp_path):
    """Files, streams and forms are left to the client."""
    told.answers["/anything"] = {"ok": True}
    file = tmp_path / "f.json"
    file.write_text(json.dumps(ASK))

    def pieces():
        yield json.dumps(ASK).encode()

    with track() as run, file.open("rb") as opened:
        httpx.post(told.at("x.example.com", "/anything"), content=pieces())
        httpx.post(told.at("x.example.com", "/anything"), files={"f": opened})
        httpx.post(told.at("x.example.com", "/anything"), data={"model": "m", "messages": "x"})
    assert (uncounted(run), told.seen.count(("POST", "/anything"))) == ({}, 3)


def test_keys_deeper_in_a_body_are_somebodys_records():
    """A model's name inside of what is sent tells nothing of who is asked."""
    look = UnreadRequests().dialect_for
    for body in ({"log": ASK}, {"model": {"messages": 1}}, {"text": json.dumps(ASK)}, [ASK], {"models": "m", "messages": []}, {"messages": [{"model": "m"}]}):
        assert look("x.example.com", b"/x", json.dumps(body).encode()) is None, body
    assert look("x.example.com", b"/x", b" \n " + json.dumps(ASK).encode()) is not None
    for cut in range(0, 60):
        look("x.example.com", b"/x", json.dumps(ASK).encode()[:cut])


USAGES = {
    "chat": ({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}, (9, None, 2)),
    "responses": ({"response": {"usage": {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}}}, (9, 4, 2)),
    "anthropic": ({"usage": {"input_tokens": 5, "cache_read_input_tokens": 4, "output_tokens": 2}}, (9, 4, 2)),
    "gemini": ({"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "thoughtsTokenCount": 1, "totalTokenCount": 11}}, (9, None, 2)),
    "bedrock": ({"metadata": {"usage": {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11}}}, (9, None, 2)),
    "cohere": ({"meta": {"billed_units": {"input_tokens": 9, "output_tokens": 2}}}, (9, None, 2)),
}


class TestUsageAlone:
    @pytest.mark.parametrize("form", USAGES)
    @pytest.mark.parametrize("streamed", [False, True])
    def test_a_known_form_has_a_bill(self, form, streamed, told, track):
        """An API of tomorrow is a row with its tokens; the model and the operation as far as they are named."""
        answer, expected = USAGES[form]
        body = {"model": "m-9", "answer": {"text": "x"}, **answer}
        told.answers["/v1/tomorrow"] = sse({"type": "start"}, {"delta": "x"}, {"type": "tomorrow.completed", **body}) if streamed else body
        with track() as run:
            httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json={"stream": streamed, "model": "m"})
        (span,) = calls(run)
        assert (span.usage.input, span.usage.cached, span.usage.output) == expected
        assert (span.provider, span.model, span.request_model, span.status, span.op) == ("mistral_ai", "m-9", "m", "ok", "gen_ai.chat")
        assert (uncounted(run), run.totals.calls, span.parent_id, run.running) == ({}, 1, run.root_id, False)
        assert "tokens from the answer's usage alone" in str(pricing.explain(span))
        assert "tokens from the answer's usage alone" in text.tree(run)

    def test_an_embedding(self, told, track):
        """The path says what it does."""
        told.answers["/v1/multimodalembeddings"] = {"model": "e", "data": [{"embedding": [0.1] * 2000}], "usage": {"total_tokens": 9}}
        with track() as run:
            httpx.post(told.at("emb.example.com", "/v1/multimodalembeddings"), json={"model": "e", "input": ["x"]})
        (span,) = calls(run)
        assert ("gen_ai.embeddings", 9, None) == (span.op, span.usage.input, span.usage.output)

    @pytest.mark.parametrize(
        ("path", "answer"),
        [
            ("/v1/messages", {"type": "message", "stop_reason": "end_turn", "usage": {"input_tokens": 9, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 800, "output_tokens": 2, "service_tier": "priority", "speed": "fast",
                              "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 800}, "server_tool_use": {"web_search_requests": 3}}}),
            ("/v1/chat/completions", {"choices": [], "service_tier": "flex", "usage": {"prompt_tokens": 90, "completion_tokens": 20, "prompt_tokens_details": {"audio_tokens": 40}, "completion_tokens_details": {"audio_tokens": 10}}}),
            ("/v1beta/models/m:generateContent", {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 20, "totalTokenCount": 110, "trafficType": "ON_DEMAND_PRIORITY",
                                                  "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}], "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 20}]}}),
            ("/model/m/converse", {"output": {"message": {"content": []}}, "stopReason": "end_turn", "serviceTier": {"type": "flex"}, "usage": {"inputTokens": 9, "outputTokens": 2, "cacheWriteInputTokens": 800, "cacheDetails": [{"ttl": "1h", "inputTokens": 800}]}}),
            ("/v2/chat", {"message": {"content": []}, "finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 2, "search_units": 3}}}),
            ("/v2/embed", {"embeddings": {}, "meta": {"billed_units": {"images": 3, "input_tokens": 5}}}),
        ],
    )  # fmt: skip
    def test_all_that_a_dialect_reads_of_a_usage_is_read_or_said(self, path, answer, told, track):
        """Counts with prices of their own, tiers and speeds: the same in an API of tomorrow, whose usage is the same."""
        told.answers |= {path: answer, "/tomorrow/embed" if "embed" in path else "/tomorrow": answer}
        with track() as run:
            for one in list(told.answers):
                httpx.post(told.at("gw.example.com", one), json={"model": "m", "messages": [], "contents": [], "input": "x"})
        by_dialect, by_usage = (span.call for span in calls(run))
        assert by_usage.from_usage_alone and not by_dialect.from_usage_alone
        for name in ("usage", "details", "service_tier", "speed", "shortfalls"):
            assert getattr(by_usage, name) == getattr(by_dialect, name), name
        assert by_usage.details or by_usage.shortfalls

    def test_more_than_one_usage(self, told, track):
        """What the first one leaves out is said."""
        one = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}
        told.answers["/v1/tomorrow"] = {"results": [one, one]}
        with track() as run:
            httpx.post(told.at("api.openai.com", "/v1/tomorrow"), json={"model": "gpt-4o"})
        assert ("partial", True) == (calls(run)[0].cost.state, run.totals.lower_bound)

    def test_below_the_users_step_and_at_sentry(self, told, track):
        """It stands where it was asked, and Sentry gets the same span with its own times, in both lifecycles."""
        import sentry_sdk

        told.answers["/v1/tomorrow"] = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}, "model": "m"}
        for lifecycle in sdk.NAMES:
            received = Received()
            received.init(lifecycle)
            start = sentry_sdk.traces.start_span if lifecycle == "stream" else lambda name: sentry_sdk.start_span(name=name, op="step")
            with track() as run, start("step"):
                httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json=ASK)
                httpx.post(told.at("api.mistral.ai", "/v1/silent"), json=ASK)
            sentry_sdk.flush()
            (span,) = calls(run)
            assert run.spans[span.parent_id].name == "step"
            ours = [s for s in received.spans if s["span_id"] == span.span_id]
            assert [s["data"].get("gen_ai.usage.input_tokens") for s in ours] == [9], lifecycle
            assert span.sent == "yes" and len([s for s in received.spans if "gen_ai" in str(s.get("op"))]) == len(ours)

    def test_a_stream_that_is_left(self, told, track):
        """What was told so far is a lower bound."""
        told.answers["/v1/tomorrow"] = sse({"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, *[{"delta": "x" * 3000}] * 200)
        with track() as run, httpx.stream("POST", told.at("api.openai.com", "/v1/tomorrow"), json={"model": "gpt-4o", "stream": True}) as r:
            next(r.iter_raw(100))
        assert [("abandoned", "partial")] == [(s.status, s.cost.state) for s in calls(run)]

    @pytest.mark.parametrize("asked", [{"messages": [{"role": "user", "content": "x" * 9000}]}, {"prompt": "x"}, {"input": ["x"]}])
    @pytest.mark.parametrize(
        ("host", "path"),
        [
            ("adb-1.azuredatabricks.net", "/serving-endpoints/databricks-claude-sonnet-4/invocations"),
            ("dbc-1.cloud.databricks.com", "/serving-endpoints/databricks-claude-sonnet-4/invocations"),
            ("runtime.sagemaker.us-east-1.amazonaws.com", "/endpoints/databricks-claude-sonnet-4/invocations"),
        ],
    )
    def test_a_model_that_the_path_names(self, host, path, asked, told, track):
        """Databricks' and SageMaker's invocations: the body names none."""
        told.answers |= {path: {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}, path.replace("claude", "mute"): {"x": 1}}
        with track() as run:
            # Before a usage was told there: from then on whatever is sent to that path asks that model.
            httpx.post(told.at(host, path), json={"dataframe_split": {"data": [[1, 2]]}})
            for one in told.answers:
                httpx.post(told.at(host, one), json=asked)
        (span,) = calls(run)
        assert (span.request_model, span.usage.input, span.usage.output) == ("databricks-claude-sonnet-4", 9, 2)
        assert list(uncounted(run).values()) == [1]

    def test_where_a_usage_was_told_a_model_is_asked_again(self, told, track):
        """Also by a body in which nobody sees a model, or that is a form; what stands beside that path is not said."""
        told.answers |= {"/v1/tomorrow": {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}, "/v1/users": {"x": 1}}
        with track() as run:
            httpx.post(told.at("new.example.com", "/v1/tomorrow"), json=ASK)
            monitor.recorder.drain()
            httpx.post(told.at("new.example.com", "/v1/tomorrow"), json={"messages": "x" * 9000, "model": "m", "tools": "x" * 9000})
            httpx.post(told.at("new.example.com", "/v1/tomorrow"), files={"file": b"x"})
            httpx.post(told.at("new.example.com", "/v1/users"), json={"name": "x"})
        assert ([call.usage.input for call in calls(run)], uncounted(run)) == ([9, 9, 9], {})

    def test_a_stream_that_fails(self, told, track):
        """Nobody knows which usage is the last of an API of tomorrow."""
        told.answers["/v1/tomorrow"] = sse({"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, {"error": {"message": "overloaded"}})
        with track() as run:
            httpx.post(told.at("api.openai.com", "/v1/tomorrow"), json={"model": "gpt-4o", "stream": True})
        assert [("error", "partial")] == [(s.status, s.cost.state) for s in calls(run)]

    def test_async(self, told, track):
        """The same in an asynchronous client, at once and in tasks."""
        told.answers["/v1/tomorrow"] = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}

        async def use():
            async with httpx.AsyncClient() as client:
                url = told.at("api.mistral.ai", "/v1/tomorrow")
                await asyncio.gather(*(client.post(url, json=ASK) for _ in range(5)), client.post(url + "s", json=ASK))

        told.answers["/v1/tomorrows"] = {"x": 1}
        with track() as run:
            asyncio.run(use())
        assert (len(calls(run)), run.totals.usage.input, run.totals.requests_uncounted) == (5, 45, 1)

    JUNK = {
        "cut": b'{"usage": {"prompt_tokens": 9, "comp',
        "deep": b'{"usage":' * 900 + b"1" + b"}" * 900,
        "no json": b"<html>",
        "empty": b"",
        "a list": b"[1, 2, {}]",
        "negative": b'{"usage": {"prompt_tokens": -9, "completion_tokens": -1}}',
        "huge": b'{"usage": {"prompt_tokens": 1' + b"0" * 400 + b', "completion_tokens": NaN}}',
        "text": b'{"usage": "9 tokens"}',
        "nothing": b'{"usage": {}}',
        "repeated": b'{"usage": {"prompt_tokens": "x"}, "usage": null}',
    }

    @pytest.mark.parametrize("kind", JUNK)
    def test_junk(self, kind, told, track):
        """Hostile answers are no calls: they are said to be uncounted, and nothing breaks."""
        told.answers["/v1/tomorrow"] = self.JUNK[kind]
        with track() as run:
            httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json=ASK)
        assert (calls(run), run.totals.requests_uncounted, run.totals.usage.known) == ([], 1, False)


def test_a_large_answer_is_not_kept(told, track):
    """Bytes of an answer that nobody reads are let go as they come."""
    told.answers["/v1/tomorrow"] = b'{"data": "' + b"x" * (8 * 2**20) + b'"}'
    with track() as run:
        httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json=ASK)
        monitor.recorder.drain()
    assert (run.totals.requests_uncounted, calls(run)) == (1, [])


@pytest.mark.parametrize("streamed", [True, False])
def test_very_many_records(streamed, told, track, monkeypatch):
    """What is no model's answer is looked at for a while; a usage that it told by then is no more than that."""
    from aimon_nb.wire.dialects import usage_only

    monkeypatch.setattr(usage_only, "_MOST_EVENTS", 50)
    taken, take = [], usage_only.UsageOnly.answer
    monkeypatch.setattr(usage_only.UsageOnly, "answer", lambda self, call, event: (taken.append(1), take(self, call, event)))
    records = [{"a": n} for n in range(5000)]
    for usage in ([], [{"usage": {"prompt_tokens": 9, "completion_tokens": 2}}]):
        taken.clear()
        told.answers["/v1/tomorrow"] = sse(*usage, *records) if streamed else json.dumps([*usage, *records]).encode()
        with track() as run:
            httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json=ASK)
        assert (len(taken), len(calls(run)), run.totals.requests_uncounted, run.totals.lower_bound) == (50, len(usage), 1 - len(usage), True)


def test_a_fault_of_ours(told, track, monkeypatch):
    """It costs the user nothing, and is counted."""
    told.answers["/anything"] = {"ok": True}
    before = internal_errors.count

    class Broken:
        def dialect_for(self, *_):
            raise RuntimeError

    monkeypatch.setattr(capture, "unread_requests", Broken())
    with track() as run:
        assert httpx.post(told.at("x.example.com", "/anything"), json=ASK).json() == {"ok": True}
    assert run.faults == 1
    internal_errors.count = before


def test_bases_are_bounded():
    """However many hosts a kernel speaks to."""
    unread = UnreadRequests()
    for n in range(3000):
        unread.remember(f"h{n}.example.com", OpenAIChat(f"h{n}.example.com", "/v1/chat/completions"))
        unread.remember("one.example.com", OpenAIChat("one.example.com", f"/{n}/chat/completions"))
    assert len(unread._bases) <= 1000 and max(map(len, unread._bases.values())) <= 1000


def test_in_the_tables(told, track):
    """`%ai_usage` counts them, in a row that says all that is known of them, and its sums are the run's."""
    told.answers |= {"/v1/chat/completions": CHAT, "/v1/tomorrow": {"x": 1}}
    with track("first") as run:
        httpx.post(told.at("api.openai.com", "/v1/chat/completions"), json=ASK)
        for _ in range(3):
            httpx.post(told.at("api.mistral.ai", "/v1/tomorrow"), json=ASK)
    from aimon_nb.app.run_view import RunView

    view = RunView(run)
    by_model, by_provider, by_run = (view.usage(by=by) for by in ("model", "provider", "run"))
    assert [1, 0] == list(by_model["calls"]) and [0, 3] == list(by_model["requests_uncounted"])
    assert by_model["model"].isna().tolist() == [False, True]
    assert [False, True] == list(by_model["cost_is_lower_bound"])
    assert {"openai": 0, "mistral_ai": 3} == dict(zip(by_provider["provider"], by_provider["requests_uncounted"], strict=True))
    assert [(1, 3, True)] == list(zip(by_run["calls"], by_run["requests_uncounted"], by_run["cost_is_lower_bound"], strict=True))
    assert "3 requests not counted" in repr(view.usage(styled=True)) and "3 requests not counted" in view.usage(styled=True)._repr_html_()


class TestTheLookAtABody:
    @pytest.mark.parametrize("content", ["}}}}" + "x" * 9000, "]]" * 5000, "{" * 5000, '"b" ' * 3000, "\\" * 5001, '\\"model"' * 999])
    def test_a_text_that_is_cut_has_no_marks(self, content, told, track):
        """Code in a long prompt opens and closes nothing of the body, wherever the look ends."""
        told.answers["/anything"] = {"ok": True}
        with track() as run:
            for at in range(3):
                body = {"messages": [{"role": "user", "content": "x" * at + content}], "model": "m"}
                httpx.post(told.at("host.example.com", "/anything"), json=body)
        assert uncounted(run) == {f"host.example.com:{told.port} /anything": 3}

    def test_it_takes_each_byte_but_once(self):
        """A string that is cut is passed in one step, and not begun anew at each quote in it."""
        text = json.dumps({"messages": [{"content": 'a "quoted" word, ' * 3000}], "model": "m"}).encode()[:2048]
        *_, last = unread._MARKS.finditer(text)
        assert (last.start(), last.end()) == (text.index(b'"a '), 2048)


def test_a_host_learned_of_meanwhile(monkeypatch):
    """Other threads may learn of further paths at a host while one looks through them."""
    known = UnreadRequests()
    bases = known._bases["gw.example.com"] = {"/llm"}
    monkeypatch.setattr(unread, "_is_below", lambda _, base: bases.add(f"{base}x"))
    assert known.dialect_for("gw.example.com", b"/else", b"{}") is None
    assert bases == {"/llm", "/llmx"}


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("abc.execute-api.us-east-1.amazonaws.com", "/prod/ask"),
        ("mine-123.elb.amazonaws.com", "/v9/ask"),
        ("x.services.ai.azure.com", "/providers/blackforestlabs/v1/flux"),
        ("x.cognitiveservices.azure.com", "/ask"),
        ("tomorrow.googleapis.com", "/v1/ask"),
    ],
)
def test_in_a_providers_cloud(host, path, told, track):
    """What names a model and holds something to ask it counts at the hosts of a cloud, too; what does not is quiet."""
    told.answers |= {path: {"ok": True}, "/else": {"ok": True}}
    with track() as run:
        httpx.post(told.at(host, path), json=ASK)
        httpx.post(told.at(host, "/else"), json={"x": 1})
    assert uncounted(run) == {f"{host}:{told.port} {path}": 1}


class TestInterplay:
    def test_a_frameworks_call_that_alone_tells(self, told, track):
        """Its request crossed the wire, so no cache answered it, however fast it was."""
        told.answers["/anything"] = {"ok": True}
        with track() as run, sdk.start_span(op="gen_ai.chat", name="chat", origin="auto.ai.langchain") as span:
            sdk.set_data(span, "gen_ai.request.model", "gpt-4o")
            httpx.post(told.at("host.example.com", "/anything"), json=ASK)
            sdk.set_data(span, "gen_ai.usage.input_tokens", 100)
            sdk.set_data(span, "gen_ai.usage.output_tokens", 10)
        assert (run.totals.calls, run.totals.cached_locally, run.totals.usage.input) == (1, 0, 100)
        assert uncounted(run) == {}
        again = Run.from_dict(json.loads(json.dumps(run.to_dict())))
        assert len(counted_spans(again).counted) == 1

    def test_a_frameworks_call_over_one_with_a_usage(self, told, track):
        """Both tell of the same request: it counts once, as the wire has it."""
        told.answers["/anything"] = {"usage": {"prompt_tokens": 100, "completion_tokens": 10}}
        with track() as run, sdk.start_span(op="gen_ai.chat", name="chat", origin="auto.ai.langchain") as span:
            httpx.post(told.at("host.example.com", "/anything"), json=ASK)
            sdk.set_data(span, "gen_ai.usage.input_tokens", 101)
        assert (run.totals.calls, run.totals.cached_locally, run.totals.usage.input) == (1, 0, 100)

    def test_a_quiet_run_that_has_nothing_else(self, told, track):
        """With `auto` a cell is shown for them alone: nothing is passed over in silence."""
        track_nothing = monitor.open("plain", "none", quiet=True)
        httpx.get(told.at("host.example.com", "/anything"))
        track_nothing.end(None)
        told.answers["/anything"] = {"ok": True}
        tracked = monitor.open("asks", "none", quiet=True)
        httpx.post(told.at("host.example.com", "/anything"), json=ASK)
        tracked.end(None)
        assert [run.name for run in monitor.recorder.runs()][-1:] == ["asks"]
        assert "plain" not in [run.name for run in monitor.recorder.runs()]
        assert uncounted(tracked.run) == {f"host.example.com:{told.port} /anything": 1}

    def test_a_stream_that_outlives_its_run(self, told, track):
        """It is said when the run ends, and nothing of what still comes is kept."""
        told.answers["/anything"] = b"z" * 5_000_000
        with httpx.Client() as client:
            with track() as run:
                request = client.build_request("POST", told.at("host.example.com", "/anything"), json=ASK)
                answer = client.send(request, stream=True)
                chunks = answer.iter_raw(1000)
                next(chunks)
            assert sum(map(len, chunks)) == 4_999_000
            assert not answer.stream._model_request.chunks
        assert uncounted(run) == {f"host.example.com:{told.port} /anything": 1}

    def test_a_usage_in_two_events(self, told, track):
        """The second tells the output alone: the first one's form is that of both."""
        start = {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 1}}
        told.answers["/anything"] = sse([{"type": "message_start", "message": start}, {"type": "message_delta", "usage": {"output_tokens": 50}}, {"type": "message_stop"}])
        with track() as run:
            httpx.post(told.at("host.example.com", "/anything"), json=ASK)
        [call] = calls(run)
        assert (call.usage.input, call.usage.cached, call.usage.output, call.call.shortfalls) == (110, 100, 50, [])
