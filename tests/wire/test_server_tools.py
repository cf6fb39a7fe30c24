"""Tools that the provider runs: read from the bytes of each API that has them, whole and streamed."""

from tests.wire.model_requests import heard_call, plain, sse

RESPONSES, MESSAGES, GEMINI = "/v1/responses", "/v1/messages", "/v1beta/models/gemini-3-pro:generateContent"
ITEMS = [
    {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "a"}},
    {"type": "code_interpreter_call", "id": "c", "status": "failed", "code": "1 / 0"},
    {"type": "mcp_call", "id": "m", "name": "look", "server_label": "shop", "arguments": "{}", "error": {"message": "away"}},
    {"type": "function_call", "call_id": "f", "name": "mine", "arguments": "{}"},
    {"type": "message", "content": [{"type": "output_text", "text": "18"}]},
]
RAN = [("web_search", None), ("code_interpreter", "failed"), ("look", "away")]


def response(**more):
    return {"object": "response", "id": "r", "status": "completed", "model": "m", "output": ITEMS, **more}


def ran(path, asked, answer):
    return heard_call(path, {"model": "m", **asked}, answer).server_tools


def test_responses():
    """Those that the server ran, with how they failed; a function is the caller's own."""
    assert RAN == ran(RESPONSES, {"input": "a"}, plain(response()))


def test_streamed_responses():
    """Each once, although an item and the end of the stream both tell of it; without an end, what came."""
    told = [{"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(ITEMS)]
    end = {"type": "response.completed", "response": response()}
    assert RAN == ran(RESPONSES, {"input": "a", "stream": True}, sse(*told, end))
    assert RAN[:2] == ran(RESPONSES, {"input": "a", "stream": True}, sse(*told[:2]))


def test_a_conversation_is_named():
    """By the request or by the answer, as a text or with its id."""
    for asked, told in (({"conversation": "conv_1"}, {}), ({"conversation": {"id": "conv_1"}}, {}), ({}, {"conversation": {"id": "conv_1"}})):
        assert "conv_1" == heard_call(RESPONSES, {"model": "m", "input": "a", **asked}, plain(response(**told))).conversation


BLOCKS = [
    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "a"}},
    {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "title": "t", "url": "u"}]},
    {"type": "server_tool_use", "id": "s2", "name": "code_execution", "input": {"code": "1"}},
    {"type": "code_execution_tool_result", "tool_use_id": "s2", "content": {"type": "code_execution_tool_result_error", "error_code": "unavailable"}},
    {"type": "mcp_tool_use", "id": "m1", "name": "look", "server_name": "shop", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": True, "content": [{"type": "text", "text": "no such word"}]},
    {"type": "tool_use", "id": "t", "name": "mine", "input": {}},
    {"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": "not the server's"},
]
ANTHROPIC_RAN = [("web_search", None), ("code_execution", "unavailable"), ("look", "no such word")]


def test_messages():
    """Whole and streamed: by its id a result tells how its tool ended."""
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}
    whole = {"type": "message", "model": "m", "content": BLOCKS, "stop_reason": "end_turn"}
    assert ANTHROPIC_RAN == ran(MESSAGES, asked, plain(whole))
    begun = [{"type": "content_block_start", "index": at, "content_block": block} for at, block in enumerate(BLOCKS)]
    assert ANTHROPIC_RAN == ran(MESSAGES, {**asked, "stream": True}, sse(*begun))


def test_generate_content():
    """A search a query, each program with how it ended, pages that were read."""
    parts = [
        {"executableCode": {"code": "1 / 0"}}, {"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}},
        {"executableCode": {"code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, {"text": "18"},
    ]  # fmt: skip
    candidate = {
        "content": {"parts": parts}, "finishReason": "STOP", "groundingMetadata": {"webSearchQueries": ["a", "b", "a"]},
        "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "u"}]},
    }  # fmt: skip
    expected = [("google_search", None), ("google_search", None), ("url_context", None), ("code_execution", "failed"), ("code_execution", None)]
    assert expected == ran(GEMINI, {"contents": []}, plain({"candidates": [candidate], "modelVersion": "m"}))


def test_there_is_a_bound():
    """A hostile answer makes no more rows than a few, with short names."""
    many = [{"type": "web_search_call", "name": "x" * 999, "id": str(n)} for n in range(999)]
    found = ran(RESPONSES, {"input": "a"}, plain(response(output=many)))
    assert len(found) == 64 and len(found[0].name) == 80
