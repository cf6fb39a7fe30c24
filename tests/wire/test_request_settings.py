"""What a request sets beside its messages, and the tools that it offers, whatever its API."""

import json

import pytest

from aimon_nb.model.call import ToolDefinition
from tests.wire.answers import CASES
from tests.wire.model_requests import heard_call

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = ToolDefinition("weather", "The weather.", json.dumps(SCHEMA))
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
TURNS = [{"role": "user", "content": "hi"}]
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": SCHEMA}

# path, request, what it sets, the tools.
ASKED = {
    "openai chat": (
        "/v1/chat/completions",
        {"model": "m", "messages": TURNS, "stream": True, "temperature": 0, "top_p": 0.5, "stop": ["a", "b"], "seed": 7,
         "response_format": FORMAT, "tool_choice": "auto", "parallel_tool_calls": False, "reasoning_effort": "low", "new_thing": {"a": 1},
         "tools": [{"type": "function", "function": FUNCTION}, {"type": "web_search", "size": "low"}]},
        {"temperature": 0, "top_p": 0.5, "stop": '["a", "b"]', "seed": 7, "response_format": json.dumps(FORMAT), "tool_choice": "auto",
         "parallel_tool_calls": False, "reasoning_effort": "low", "new_thing": '{"a": 1}'},
        [WEATHER, ToolDefinition("web_search", "", '{"size": "low"}')],
    ),
    "openai responses": (
        "/v1/responses",
        {"model": "m", "input": "hi", "instructions": "be brief", "reasoning": {"effort": "low"}, "text": {"format": FORMAT}, "store": False,
         "tools": [{"type": "function", **FUNCTION}]},
        {"reasoning": '{"effort": "low"}', "text": json.dumps({"format": FORMAT}), "store": False}, [WEATHER],
    ),
    "older functions": ("/v1/chat/completions", {"model": "m", "messages": TURNS, "functions": [FUNCTION]}, {}, [WEATHER]),
    "anthropic": (
        "/v1/messages",
        {"model": "m", "messages": TURNS, "system": "be brief", "max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 4},
         "tool_choice": {"type": "any"}, "tools": [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}]},
        {"max_tokens": 9, "thinking": '{"type": "enabled", "budget_tokens": 4}', "tool_choice": '{"type": "any"}'}, [WEATHER],
    ),
    "gemini": (
        "/v1beta/models/m:generateContent",
        {"contents": [{"parts": [{"text": "hi"}]}], "systemInstruction": {"parts": [{"text": "be brief"}]},
         "generationConfig": {"temperature": 0.1, "responseSchema": SCHEMA}, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
         "tools": [{"functionDeclarations": [FUNCTION]}, {"googleSearch": {}}]},
        {"temperature": 0.1, "responseSchema": json.dumps(SCHEMA), "functionCallingConfig": '{"mode": "ANY"}'},
        [WEATHER, ToolDefinition("googleSearch", "", '{"googleSearch": {}}')],
    ),
    "bedrock converse": (
        "/model/m/converse",
        {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "inferenceConfig": {"maxTokens": 9, "stopSequences": ["x"]},
         "additionalModelRequestFields": {"top_k": 3},
         "toolConfig": {"toolChoice": {"any": {}}, "tools": [{"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": SCHEMA}}}]}},
        {"maxTokens": 9, "stopSequences": '["x"]', "top_k": 3, "toolChoice": '{"any": {}}'}, [WEATHER],
    ),
    "bedrock invoke": (
        "/model/m/invoke", {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": TURNS},
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9}, [],
    ),
    "cohere": (
        "/v2/chat", {"model": "m", "messages": TURNS, "p": 0.3, "tools": [{"type": "function", "function": FUNCTION}]}, {"p": 0.3}, [WEATHER],
    ),
    "mistral conversations": (
        "/v1/conversations", {"model": "m", "inputs": "hi", "completion_args": {"temperature": 0.5, "random_seed": 3}},
        {"temperature": 0.5, "random_seed": 3}, [],
    ),
    "ollama": (
        "/api/chat", {"model": "m", "messages": TURNS, "options": {"num_ctx": 512}, "format": SCHEMA, "think": True, "tools": [{"type": "function", "function": FUNCTION}]},
        {"num_ctx": 512, "format": json.dumps(SCHEMA), "think": True}, [WEATHER],
    ),
    "gemini interactions": (
        "/v1beta/interactions", {"model": "m", "input": "hi", "generation_config": {"seed": 2}, "store": False, "tools": [{"type": "function", **FUNCTION}]},
        {"seed": 2, "store": False}, [WEATHER],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body", "settings", "tools"), ASKED.values(), ids=ASKED)
def test_all_that_a_request_sets_is_read(path, body, settings, tools):
    """Every parameter that an API has, by its own name and in the request's order, and each tool with description and schema."""
    call = heard_call(path, body)
    assert (list(settings.items()), tools) == (list(call.settings.items()), call.definitions)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_that_is_said_counts_as_a_setting(case):
    """In no documented request does a message, an instruction or a prompt stand among the settings."""
    call = heard_call(case.path, case.asked, case.answer, case.host)
    said = [turn.text for turn in call.input if len(turn.text) > 3]
    assert not [value for value in call.settings.values() if any(text in str(value) for text in said)]
    assert {name for name in case.tools if name} <= {one.name for one in call.definitions} | set(call.tools)


def test_the_tools_of_many_calls_are_in_memory_once():
    """An agent sends the same tools with each call: their texts are the very same."""
    path, body, _, _ = ASKED["openai chat"]
    one, two = heard_call(path, body), heard_call(path, body)
    assert one.definitions[0].schema is two.definitions[0].schema and one.settings["response_format"] is two.settings["response_format"]


@pytest.mark.parametrize(
    "body",
    [{"tools": 3}, {"tools": [None, 3, {}, {"function": 3}, {"functionDeclarations": 3}]}, {"toolConfig": [], "generationConfig": 3, "options": None},
     {"temperature": {"a": [[[]]]}, "tools": [{"name": 3, "description": [], "parameters": "x"}]}, {"x": "\ud800"}],
    ids=str,
)  # fmt: skip
def test_a_request_of_no_sense(body):
    """Whatever stands where settings and tools are, the request is read, and what is read can be shown as text."""
    call = heard_call("/v1/chat/completions", {"model": "m", "messages": TURNS, **body})
    assert "m" == call.request_model and "hi" == call.input[0].text
    assert all(type(text) is str for one in call.definitions for text in one)
    json.dumps(call.settings)


@pytest.mark.parametrize(
    ("headers", "told"),
    [({"x-request-id": "req_1", "cf-ray": "9"}, "req_1"), ({"request-id": "r2"}, "r2"), ({"x-amzn-requestid": "r3"}, "r3"), ({"cf-ray": "r4"}, "r4"),
     ({"x-request-id": "a b"}, None), ({"x-request-id": "x" * 201}, None), ({}, None)],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 429])
def test_the_id_of_a_request(headers, told, status):
    """The id by which a provider's support finds a request is read from the answer's head, of one that failed as well."""
    path, body, _, _ = ASKED["openai chat"]
    assert told == heard_call(path, body, b"{}", status=status, headers=headers).request_id
