"""Prompts, answers, arguments and results that stand on OpenTelemetry's spans go where ours go: the live view and `content=True`."""

import json

import pytest
from opentelemetry import trace

from aimon_nb import track
from aimon_nb.otel.conventions import is_content_key
from tests.otel.worlds import TRACERS, named

SECRET = "the-secret"
# Attributes of each convention, all of them content.
CONTENT = {
    "GenAI": ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt.0.content", "gen_ai.completion.0.content", "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions", "gen_ai.tool.description", "gen_ai.agent.description", "gen_ai.input", "gen_ai.output"],
    "OpenInference": ["input.value", "output.value", "llm.input_messages.0.message.content", "llm.output_messages.0.message.content", "llm.prompts", "llm.invocation_parameters", "llm.tools.0.tool.json_schema", "llm.prompt_template.variables", "tool.parameters", "tool.description", "retrieval.documents.0.document.content", "embedding.embeddings.0.embedding.text", "reranker.query", "metadata"],
    "Traceloop": ["traceloop.entity.input", "traceloop.entity.output", "traceloop.prompt.template", "traceloop.association.properties.x", "llm.headers"],
    "Langfuse": ["langfuse.observation.input", "langfuse.observation.output", "langfuse.trace.input", "langfuse.observation.metadata.x", "langfuse.observation.model.parameters"],
    "Logfire": ["request_data", "response_data", "logfire.msg", "logfire.json_schema", "all_messages_events", "pydantic_ai.all_messages", "final_result", "tool_arguments", "tool_response"],
    "ADK": ["gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response", "gcp.vertex.agent.data"],
    "Sentry": ["gen_ai.request.messages", "gen_ai.request.available_tools", "gen_ai.response.text", "gen_ai.response.tool_calls"],
    "MLflow": ["mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.messages"],
    "a header or a secret": ["http.request.header.authorization", "http.response.header.set-cookie", "rpc.grpc.request.metadata.x-goog-api-key", "api_key", "my.password"],
    "anybody": ["genkit:input", "userQuestion", "texts", "db.statement", "openai.instructions", "my.prompt", "question", "user_input", "http.request.body", "crewai.task.description", "exception.stacktrace"],
}  # fmt: skip
PLAIN = ["gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.agent.name", "llm.token_count.prompt", "llm.model_name", "http.request.method", "server.address", "session.id", "my.number", "order_id", "gen_ai.response.finish_reasons", "gen_ai.response.id", "gen_ai.request.max_tokens", "gen_ai.request.stop_sequences", "gen_ai.tool.call.id", "url.full", "mlflow.spanType"]
TOLD = {
    "GenAI": ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}, "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
    "OpenInference": ({"openinference.span.kind": "TOOL", "tool.name": "add"}, "input.value", "output.value"),
    "Traceloop": ({"traceloop.span.kind": "tool", "traceloop.entity.name": "add"}, "traceloop.entity.input", "traceloop.entity.output"),
    "Langfuse": ({"langfuse.observation.type": "tool", "gen_ai.tool.name": "add"}, "langfuse.observation.input", "langfuse.observation.output"),
    "ADK": ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}, "gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response"),
}  # fmt: skip


@pytest.fixture(params=["a provider", "no provider"])
def tracer(request):
    return TRACERS[request.param]("mine")


def test_what_is_content():
    """By its name: what is not known to be none is, of a convention's attributes."""
    assert [key for keys in CONTENT.values() for key in keys if not is_content_key(key)] == []
    assert [key for key in PLAIN if is_content_key(key)] == []


def test_content_is_in_no_attribute(tracer, world, receiver):
    """Neither in the records, nor in the DataFrame, nor in what a run is saved as, nor at Sentry."""
    attributes = {key: f"{SECRET} {key}" for keys in CONTENT.values() for key in keys}
    with track("cell") as view:
        for kind in ({}, {"openinference.span.kind": "TOOL"}, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}):
            with tracer.start_as_current_span("step", attributes={**kind, "my.number": 7}) as span:
                span.set_attributes(attributes)
                span.add_event("gen_ai.user.message", {"content": SECRET})
                span.add_event("gen_ai.choice", {"message": SECRET})
    run = view._latest
    assert [span.attributes["my.number"] for span in run.spans.values() if span.span_id != run.root_id] == [7] * 3
    for span in run.spans.values():
        assert SECRET not in json.dumps(span.attributes) and SECRET not in json.dumps(span.to_dict())
    assert SECRET not in view.spans().to_csv()
    if world != "local":
        receiver.of("")
        assert SECRET not in json.dumps(receiver.got) and "my.number" in json.dumps(receiver.got)


def test_the_query_and_the_user_of_a_url(tracer, world, receiver):
    """They are in no attribute and not at Sentry: the key of some providers stands there."""
    url = f"https://{SECRET}:{SECRET}@models.test/v1/chat?key={SECRET}"
    with track("cell") as view, tracer.start_as_current_span("POST", attributes={"http.request.method": "POST", "url.full": url, "http.target": f"/v1/chat?key={SECRET}"}):
        pass
    attributes = named(view, "POST").attributes
    assert (attributes["url.full"], attributes["http.target"]) == ("https://…@models.test/v1/chat?…", "/v1/chat?…")
    if world != "local":
        receiver.of("")
        assert SECRET not in json.dumps(receiver.got) and "models.test" in json.dumps(receiver.got)


@pytest.mark.parametrize("convention", TOLD)
def test_what_went_in_and_came_out(tracer, convention):
    """A step has its arguments and its result, unpacked where they stand there as JSON."""
    kind, came_in, came_out = TOLD[convention]
    with track("cell") as view, tracer.start_as_current_span("add", attributes=kind) as span:
        span.set_attribute(came_in, json.dumps({"a": 1, "password": "x"}))
        span.set_attribute(came_out, "three")
    step = named(view, "execute_tool add").step
    assert (step.input, step.output) == ({"a": 1, "password": "[filtered]"}, "three")


def test_content_by_events(tracer):
    """Some say it by events: the message that came in, and the choice."""
    kind = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}
    with track("cell") as view, tracer.start_as_current_span("add", attributes=kind) as span:
        span.add_event("gen_ai.tool.message", {"role": "tool", "content": '{"a": 1}'})
        span.add_event("gen_ai.choice", {"message": "three"})
    step = named(view, "execute_tool add").step
    assert (step.input, step.output) == ({"a": 1}, "three")


def test_logfires_arguments():
    """What a span of Logfire's has besides its own attributes are arguments of the user's."""
    with track("cell") as view, TRACERS["a provider"]("logfire").start_as_current_span("hello {name}", attributes={"name": SECRET, "logfire.msg": SECRET}):
        pass
    assert SECRET not in json.dumps(named(view, "hello {name}").to_dict())


def test_a_call_has_the_words_of_its_request(tracer, ask):
    """Once: what its span says again is left out."""
    with track("cell") as view, tracer.start_as_current_span("LLM", attributes={"openinference.span.kind": "LLM", "input.value": "other"}):
        ask("hello")
    call = next(span for span in view._latest.spans.values() if span.call is not None)
    assert call.step is None and call.call.input[-1].text == "hello"


def test_no_provider_and_a_huge_text():
    """It is cut as all content is."""
    kind = {"openinference.span.kind": "TOOL", "tool.name": "add"}
    with track("cell") as view, trace.get_tracer("mine").start_as_current_span("add", attributes=kind) as span:
        span.set_attribute("input.value", "x" * 1_000_000)
    assert len(str(named(view, "execute_tool add").step.input)) < 110_000
