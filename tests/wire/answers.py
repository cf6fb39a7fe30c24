"""Requests and answers in the documented formats, and what is to be read from them.

Written by hand after each provider's documentation; the expected numbers are
worked out by hand, in the comment where they are not plain to see.
"""

import base64
import json
from dataclasses import dataclass, field

from aimon_nb.model import Usage
from tests.wire.model_requests import frame, frames, lines, plain, sse

USER = {"role": "user", "content": "How warm is it in Paris?"}


@dataclass
class Case:
    """`said` are (role, text, tool calls) of the answer's turns."""

    path: str
    asked: dict
    answer: bytes
    usage: Usage
    said: list = field(default_factory=list)
    model: str | None = None
    answered_by: str | None = None
    reason: str | None = None
    provider: str = ""
    host: str = "api.example.com"
    operation: str = "chat"
    streaming: bool = False
    tier: str | None = None
    details: dict = field(default_factory=dict)
    error: str | None = None
    tools: list = field(default_factory=list)
    first: tuple | None = ("user", "How warm is it in Paris?")
    label: str = ""
    so_far: bool = False  # its counts may still grow
    server_tools: list = field(default_factory=list)  # that the provider ran: (name, how it failed)
    conversation: str | None = None


def chunk(delta, finish=None, index=0, **more):
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice], **more}


def completion(message, finish="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return plain({"id": "c", "object": "chat.completion", "model": "m-1", "choices": [choice], **more})


CHAT = "/v1/chat/completions"
ASK = {"model": "m", "messages": [USER]}
STREAM = {**ASK, "stream": True}
WEATHER = {"name": "weather", "description": "…", "parameters": {"type": "object"}}
CALLED = ("weather", '{"city": "Paris"}')
OPENAI_USAGE = {
    "prompt_tokens": 50, "completion_tokens": 30, "total_tokens": 80,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 0, "audio_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 0},
}  # fmt: skip

CASES = {}


def case(name, *args, **kwargs):
    CASES[name] = Case(*args, **kwargs, label=name)


# --- OpenAI's chat and those who speak it ---------------------------------------------------

case(
    "openai chat", CHAT, {**ASK, "tools": [{"type": "function", "function": WEATHER}]},
    completion({"content": "18 °C."}, usage=OPENAI_USAGE, service_tier="default"),
    Usage(50, 20, 0, 30, 12, 80), [("assistant", "18 °C.", [])], "m", "m-1", "stop", "openai",
    host="api.openai.com", tier="default", details={"input_audio_tokens": 4}, tools=["weather"],
)  # fmt: skip
case(
    "openai stream", CHAT, STREAM,
    sse(
        chunk({"role": "assistant", "content": ""}, usage=None), chunk({"content": "18 "}, usage=None),
        chunk({"content": "°C."}, usage=None), chunk({}, "stop", usage=None),
        {"model": "m-1", "choices": [], "usage": OPENAI_USAGE}, "[DONE]",
    ),
    Usage(50, 20, 0, 30, 12, 80), [("assistant", "18 °C.", [])], "m", "m-1", "stop", "openai",
    streaming=True, details={"input_audio_tokens": 4},
)  # fmt: skip
case(
    "openai stream, no usage asked for", CHAT, STREAM,
    sse(chunk({"content": "18"}), chunk({}, "stop"), "[DONE]"),
    Usage(), [("assistant", "18", [])], "m", "m-1", "stop", "openai", streaming=True,
)  # fmt: skip
case(
    "openai stream, two tools", CHAT, STREAM,
    sse(
        chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": ""}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "time", "arguments": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]}),
        chunk({"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Paris"}'}}]}),
        chunk({}, "tool_calls"),
    ),
    Usage(), [("assistant", "", [CALLED, ("time", "{}")])], "m", "m-1", "tool_calls", "openai", streaming=True,
)  # fmt: skip
case(
    "openai stream, tools without a place", CHAT, STREAM,
    sse(chunk({"tool_calls": [{"function": {"name": n, "arguments": "{}"}} for n in ("weather", "time")]}, "tool_calls")),
    Usage(), [("assistant", "", [("weather", "{}"), ("time", "{}")])], "m", "m-1", "tool_calls", "openai", streaming=True,
)  # fmt: skip
case(
    "azure: the deployment is in the path", "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
    {"messages": [USER]}, completion({"content": "x"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    Usage(5, None, None, 1, None, 6), [("assistant", "x", [])], "my-gpt", "m-1", "stop", "azure.ai.openai",
    host="shop.openai.azure.com",
)  # fmt: skip
case(
    "deepseek", CHAT.removeprefix("/v1"), ASK,
    completion(
        {"content": "18", "reasoning_content": "Paris, so …"},
        usage={
            "prompt_tokens": 40, "completion_tokens": 25, "total_tokens": 65,
            "prompt_cache_hit_tokens": 32, "prompt_cache_miss_tokens": 8,
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    ),
    Usage(40, 32, None, 25, 20, 65), [("reasoning", "Paris, so …", []), ("assistant", "18", [])],
    "m", "m-1", "stop", "deepseek", host="api.deepseek.com",
)  # fmt: skip
case(
    "groq: usage of a stream in x_groq", "/openai" + CHAT, STREAM,
    sse(
        chunk({"reasoning": "Hm. "}), chunk({"content": "18"}),
        chunk({}, "stop", x_groq={"id": "r", "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}),
    ),
    Usage(9, None, None, 4, None, 13), [("reasoning", "Hm. ", []), ("assistant", "18", [])],
    "m", "m-1", "stop", "groq", host="api.groq.com", streaming=True,
)  # fmt: skip
case(  # reasoning is beside the completion: 10 + 3 + 7 = 20, so output is 3 + 7
    "xai: reasoning beside the completion", CHAT, ASK,
    completion(
        {"content": "18"},
        usage={
            "prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 7},
        },
    ),
    Usage(10, 2, None, 10, 7, 20), [("assistant", "18", [])], "m", "m-1", "stop", "x_ai", host="api.x.ai",
)  # fmt: skip
case(  # the cache is beside the prompt: 50 + 800 + 100 + 20 = 970, so input is 950
    "a proxy to anthropic: cache beside the prompt", CHAT, ASK,
    completion(
        {"content": "18"},
        usage={
            "prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 970,
            "prompt_tokens_details": {"cached_tokens": 800}, "cache_creation_input_tokens": 100,
        },
    ),
    Usage(950, 800, 100, 20, None, 970), [("assistant", "18", [])], "m", "m-1", "stop", "openai", host="llm.example.com",
)  # fmt: skip
case(  # thoughts are told nowhere but in the total: 60 - 10
    "gemini in openai's form", "/v1beta/openai/chat/completions", ASK,
    completion({"content": "18"}, usage={"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 60}),
    Usage(10, None, None, 50, None, 60), [("assistant", "18", [])], "m", "m-1", "stop", "gcp.gemini",
    host="generativelanguage.googleapis.com",
)  # fmt: skip
case(
    "openrouter: the usage chunk has a choice", "/api" + CHAT, STREAM,
    sse(
        ": OPENROUTER PROCESSING", chunk({"content": "18"}), chunk({"content": ""}, "stop"),
        chunk({"content": ""}, None, usage={
            "prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10, "cost": 0.1,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 6},
        }),
    ),
    Usage(8, 0, 6, 2, None, 10), [("assistant", "18", [])], "m", "m-1", "stop", "openrouter",
    host="openrouter.ai", streaming=True,
)  # fmt: skip
case(
    "vllm: counts along", CHAT, STREAM,
    sse(
        *(chunk({"content": w}, f, usage={"prompt_tokens": 6, "completion_tokens": n, "total_tokens": 6 + n})
          for n, (w, f) in enumerate([("a", None), ("b", None), ("c", "length")], 1)),
        {"choices": [], "usage": {"prompt_tokens": 6, "completion_tokens": 3, "total_tokens": 9}}, "[DONE]",
    ),
    Usage(6, None, None, 3, None, 9), [("assistant", "abc", [])], "m", "m-1", "length", "openai", streaming=True,
)  # fmt: skip
case(
    "moonshot: usage inside the choice", CHAT, STREAM,
    sse(chunk({"content": "18"}), {"model": "m-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop",
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "cached_tokens": 5}}]}),
    Usage(7, 5, None, 2, None, 9), [("assistant", "18", [])], "m", "m-1", "stop", "moonshot",
    host="api.moonshot.ai", streaming=True,
)  # fmt: skip
case(
    "mistral: parts that think", CHAT, STREAM,
    sse(
        chunk({"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
        chunk({"content": [{"type": "text", "text": "18"}]}),
        chunk({"content": ""}, "stop", usage={"prompt_tokens": 11, "completion_tokens": 6, "total_tokens": 17}),
    ),
    Usage(11, None, None, 6, None, 17), [("reasoning", "Hm", []), ("assistant", "18", [])],
    "m", "m-1", "stop", "mistral_ai", host="api.mistral.ai", streaming=True,
)  # fmt: skip
case(
    "two choices, one still growing", CHAT, {**STREAM, "n": 2},
    sse(
        chunk({"content": "a"}, usage={"prompt_tokens": 6, "completion_tokens": 1}),
        chunk({"content": "b"}, None, 1, usage={"prompt_tokens": 6, "completion_tokens": 2}),
        chunk({}, "stop", usage={"prompt_tokens": 6, "completion_tokens": 2}),
    ),
    Usage(6, None, None, 2), [("assistant", "a", []), ("assistant", "b", [])], "m", "m-1", "stop", "openai", streaming=True, so_far=True,
)  # fmt: skip
case(
    "an error in mid-stream", CHAT, STREAM,
    sse(chunk({"content": "18"}), {"error": {"message": "overloaded", "code": 502}}),
    Usage(), [("assistant", "18", [])], "m", "m-1", None, "openai", streaming=True, error="overloaded",
)  # fmt: skip

# --- OpenAI's other endpoints ---------------------------------------------------------------

case(
    "completions", "/v1/completions", {"model": "m", "prompt": "How warm is it in Paris?"},
    plain({"object": "text_completion", "model": "m-1", "choices": [{"index": 0, "text": " 18", "finish_reason": "length"}],
           "usage": {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8}}),
    Usage(6, None, None, 2, None, 8), [("assistant", " 18", [])], "m", "m-1", "length", "openai", operation="text_completion",
)  # fmt: skip
case(
    "mistral fim", "/v1/fim/completions", {"model": "m", "prompt": "def f(", "suffix": "return a"},
    completion({"content": "a):"}, usage={"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11}),
    Usage(8, None, None, 3, None, 11), [("assistant", "a):", [])], "m", "m-1", "stop", "mistral_ai",
    host="api.mistral.ai", operation="text_completion", first=("user", "def f("),
)  # fmt: skip
case(
    "embeddings", "/v1/embeddings", {"model": "e", "input": ["How warm is it in Paris?", "b"]},
    plain({"object": "list", "model": "e-1", "data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 7, "total_tokens": 7}}),
    Usage(7, None, None, None, None, 7), [], "e", "e-1", None, "openai", operation="embeddings",
    first=("input", "How warm is it in Paris?"),
)  # fmt: skip

RESPONSE_USAGE = {
    "input_tokens": 60, "input_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
    "output_tokens": 25, "output_tokens_details": {"reasoning_tokens": 15}, "total_tokens": 85,
}  # fmt: skip
RESPONSE = {
    "id": "r", "object": "response", "status": "completed", "error": None, "incomplete_details": None,
    "model": "m-1", "service_tier": "flex", "usage": RESPONSE_USAGE,
    "output": [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Paris …"}]},
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"query": "Paris"}},
        {"type": "function_call", "id": "fc", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "18", "annotations": []}]},
    ],
}  # fmt: skip
RESPONSE_SAID = [
    ("reasoning", "Paris …", []),
    ("assistant", "18", [("web_search", '{"query": "Paris"}'), CALLED]),
]
BEGUN = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
RESPONSES_ASK = {
    "model": "m", "input": "How warm is it in Paris?", "tools": [{"type": "function", **WEATHER}, {"type": "web_search"}],
}  # fmt: skip
case(
    "responses", "/v1/responses", RESPONSES_ASK, plain(RESPONSE), Usage(60, 10, 5, 25, 15, 85), RESPONSE_SAID,
    "m", "m-1", "completed", "openai", operation="responses", tier="flex", tools=["weather", "web_search"],
    details={"web_searches": 1},
    server_tools=[("web_search", None)],
)  # fmt: skip
case(
    "responses stream", "/openai/v1/responses", {**RESPONSES_ASK, "tools": [], "stream": True},
    sse(
        *((e["type"], e) for e in [
            {"type": "response.created", "response": BEGUN},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "name": "weather", "arguments": ""}},
            {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"city": "Par'},
            {"type": "response.output_text.delta", "output_index": 1, "delta": "1"},
            {"type": "response.completed", "response": RESPONSE},
        ]),
    ),
    Usage(60, 10, 5, 25, 15, 85), RESPONSE_SAID, "m", "m-1", "completed", "azure.ai.openai",
    host="shop.openai.azure.com", operation="responses", streaming=True, tier="flex", details={"web_searches": 1},
    server_tools=[("web_search", None)],
)  # fmt: skip
case(
    "responses stream, left", "/v1/responses", {**RESPONSES_ASK, "tools": [], "stream": True},
    sse(
        {"type": "response.created", "response": BEGUN},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Par"},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "name": "weather", "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"city": "Par'},
        {"type": "response.output_text.delta", "output_index": 2, "delta": "1"},
    ),
    Usage(), [("reasoning", "Par", []), ("assistant", "1", [("weather", '{"city": "Par')])],
    "m", "m-1", None, "openai", operation="responses", streaming=True, tier="flex",
)  # fmt: skip
case(
    "responses, failed", "/v1/responses", {"model": "m", "input": [USER], "stream": True},
    sse({"type": "response.failed", "response": {**RESPONSE, "status": "failed", "output": [], "usage": None,
         "error": {"code": "server_error", "message": "it broke"}}}),
    Usage(), [], "m", "m-1", "failed", "openai", operation="responses", streaming=True, tier="flex", error="it broke",
)  # fmt: skip

# --- Anthropic ------------------------------------------------------------------------------

ANTHROPIC_ASK = {
    "model": "claude", "max_tokens": 100, "messages": [USER], "tools": [{"name": "weather", "input_schema": {}}],
}  # fmt: skip
# 10 beside 200 read and 40 written: input is 250.
ANTHROPIC_USAGE = {
    "input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 55, "service_tier": "standard", "output_tokens_details": {"thinking_tokens": 21},
    "server_tool_use": {"web_search_requests": 2},
}  # fmt: skip
ANTHROPIC_TOLD = {"cache_write_5m_tokens": 30, "cache_write_1h_tokens": 10, "web_searches": 2}
ANTHROPIC_SAID = [("reasoning", "Paris …", []), ("assistant", "Let me see.", [CALLED])]
case(
    "anthropic", "/v1/messages?beta=true", {**ANTHROPIC_ASK, "system": [{"type": "text", "text": "Be brief."}]},
    plain({
        "id": "msg", "type": "message", "role": "assistant", "model": "claude-1", "stop_reason": "tool_use",
        "content": [
            {"type": "thinking", "thinking": "Paris …", "signature": "s"}, {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Paris"}},
        ],
        "usage": ANTHROPIC_USAGE,
    }),
    Usage(250, 200, 40, 55, 21), ANTHROPIC_SAID, "claude", "claude-1", "tool_use", "anthropic",
    tier="standard", details=ANTHROPIC_TOLD, tools=["weather"], first=("system", "Be brief."),
)  # fmt: skip
ANTHROPIC_EVENTS = [
    ("message_start", {"type": "message_start", "message": {
        "type": "message", "role": "assistant", "model": "claude-1", "content": [], "stop_reason": None,
        "usage": {**ANTHROPIC_USAGE, "output_tokens": 1, "output_tokens_details": None, "server_tool_use": None},
    }}),
    ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
    ("ping", {"type": "ping"}),
    ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Paris …"}}),
    ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}),
    ("content_block_start", {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Let me see."}}),
    ("content_block_start", {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "name": "weather", "input": {}}}),
    ("content_block_delta", {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"city": '}}),
    ("content_block_delta", {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '"Paris"}'}}),
    ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {
        "input_tokens": None, "output_tokens": 55, "output_tokens_details": {"thinking_tokens": 21},
        "server_tool_use": {"web_search_requests": 2}}}),
    ("message_stop", {"type": "message_stop"}),
]  # fmt: skip
case(
    "anthropic stream", "/v1/messages", {**ANTHROPIC_ASK, "stream": True}, sse(*ANTHROPIC_EVENTS),
    Usage(250, 200, 40, 55, 21), ANTHROPIC_SAID, "claude", "claude-1", "tool_use", "anthropic", streaming=True,
    tier="standard", details=ANTHROPIC_TOLD, tools=["weather"], host="api.anthropic.com",
)  # fmt: skip
case(  # the input is final, what is said so far is not
    "anthropic stream, left", "/v1/messages", {**ANTHROPIC_ASK, "stream": True}, sse(*ANTHROPIC_EVENTS[:7]),
    Usage(250, 200, 40), [("reasoning", "Paris …", []), ("assistant", "Let me see.", [])], "claude", "claude-1", None, "anthropic",
    streaming=True, tier="standard", details={k: v for k, v in ANTHROPIC_TOLD.items() if k != "web_searches"}, tools=["weather"], so_far=True,
)  # fmt: skip
case(  # what the search finds becomes input, too: nothing is final
    "anthropic stream with a server tool, left", "/v1/messages",
    {**ANTHROPIC_ASK, "stream": True, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, sse(*ANTHROPIC_EVENTS[:1]),
    Usage(250, 200, 40), [], "claude", "claude-1", None, "anthropic", streaming=True, tier="standard", tools=["web_search"],
    details={"cache_write_5m_tokens": 30, "cache_write_1h_tokens": 10}, so_far=True,
)  # fmt: skip
case(
    "anthropic stream, overloaded", "/v1/messages", {**ANTHROPIC_ASK, "stream": True, "tools": []},
    sse(ANTHROPIC_EVENTS[0], ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})),
    Usage(250, 200, 40), [], "claude", "claude-1", None, "anthropic", streaming=True, tier="standard",
    details={"cache_write_5m_tokens": 30, "cache_write_1h_tokens": 10}, error="Overloaded", so_far=True,
)  # fmt: skip
case(
    "anthropic on vertex", "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-3@20240307:streamRawPredict",
    {"anthropic_version": "vertex-2023-10-16", "messages": [USER], "stream": True}, sse(*ANTHROPIC_EVENTS),
    Usage(250, 200, 40, 55, 21), ANTHROPIC_SAID, "claude-3@20240307", "claude-1", "tool_use", "gcp.vertex_ai",
    host="us-east5-aiplatform.googleapis.com", streaming=True, tier="standard", details=ANTHROPIC_TOLD,
)  # fmt: skip

# --- Gemini ---------------------------------------------------------------------------------

GEMINI_ASK = {"contents": [{"role": "user", "parts": [{"text": "How warm is it in Paris?"}]}]}
GEMINI = "/v1beta/models/gemini-x:"
# Prompt 40 and 5 that a tool found; candidates 12 and thoughts 30.
GEMINI_USAGE = {
    "promptTokenCount": 40, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 16, "candidatesTokenCount": 12,
    "thoughtsTokenCount": 30, "totalTokenCount": 87, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
}  # fmt: skip


def candidate(*parts, finish=None, **more):
    told = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [{**told, "finishReason": finish} if finish else told], "modelVersion": "gemini-x-1", **more}


GEMINI_EVENTS = [
    candidate({"text": "Paris …", "thought": True}, usageMetadata={"promptTokenCount": 41, "thoughtsTokenCount": 9, "totalTokenCount": 50}),
    candidate({"text": "1"}, usageMetadata={"promptTokenCount": 41, "candidatesTokenCount": 3, "totalTokenCount": 44}),
    candidate({"text": "8"}, {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}, finish="STOP", usageMetadata=GEMINI_USAGE),
]  # fmt: skip
GEMINI_SAID = [("reasoning", "Paris …", []), ("assistant", "18", [CALLED])]
GEMINI_TOLD = {"details": {"input_audio_tokens": 7}, "tools": ["weather", "googleSearch"]}
GEMINI_TOOLS = {"tools": [{"functionDeclarations": [WEATHER]}, {"googleSearch": {}}]}
case(
    "gemini", GEMINI + "generateContent?key=secret", {**GEMINI_ASK, **GEMINI_TOOLS},
    plain(candidate({"text": "Paris …", "thought": True}, {"text": "18"}, {"functionCall": {"name": "weather", "args": {"city": "Paris"}}},
                    finish="STOP", usageMetadata=GEMINI_USAGE)),
    Usage(45, 16, None, 42, 30, 87), GEMINI_SAID, "gemini-x", "gemini-x-1", "STOP", "gcp.gemini", **GEMINI_TOLD,
)  # fmt: skip
case(
    "gemini stream", GEMINI + "streamGenerateContent?alt=sse", {**GEMINI_ASK, **GEMINI_TOOLS}, sse(*GEMINI_EVENTS),
    Usage(45, 16, None, 42, 30, 87), GEMINI_SAID, "gemini-x", "gemini-x-1", "STOP", "gcp.gemini", streaming=True, **GEMINI_TOLD,
)  # fmt: skip
case(
    "gemini stream as a list", "/v1/projects/p/locations/l/publishers/google/models/gemini-x:streamGenerateContent", GEMINI_ASK,
    b"[" + b"\n,\n".join(json.dumps(e, indent=2).encode() for e in GEMINI_EVENTS) + b"\n]",
    Usage(45, 16, None, 42, 30, 87), GEMINI_SAID, "gemini-x", "gemini-x-1", "STOP", "gcp.vertex_ai", streaming=True,
    details={"input_audio_tokens": 7},
)  # fmt: skip
case(  # an early event's counts are not final, not even the prompt's
    "gemini stream, left", GEMINI + "streamGenerateContent?alt=sse", GEMINI_ASK, sse(*GEMINI_EVENTS[:2]),
    Usage(41, None, None, 9, 9, 50), [("reasoning", "Paris …", []), ("assistant", "1", [])], "gemini-x", "gemini-x-1", None, "gcp.gemini", streaming=True, so_far=True,
)  # fmt: skip
case(
    "gemini, blocked", GEMINI + "generateContent", GEMINI_ASK,
    plain({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}, "modelVersion": "v"}),
    Usage(9, None, None, None, None, 9), [], "gemini-x", "v", "SAFETY", "gcp.gemini",
)  # fmt: skip
case(
    "gemini, only thoughts", GEMINI + "generateContent", GEMINI_ASK,
    plain({"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata": {"promptTokenCount": 9, "thoughtsTokenCount": 6, "totalTokenCount": 15}}),
    Usage(9, None, None, 6, 6, 15), [], "gemini-x", None, "MAX_TOKENS", "gcp.gemini",
)  # fmt: skip
case(
    "gemini embedContent", "/v1beta/models/embedding-x:embedContent", {"content": {"parts": [{"text": "How warm is it in Paris?"}]}},
    plain({"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 6, "totalTokenCount": 6}}),
    Usage(6, None, None, None, None, 6), [], "embedding-x", None, None, "gcp.gemini", operation="embeddings",
    first=("input", "How warm is it in Paris?"),
)  # fmt: skip
case(
    "gemini batchEmbedContents", "/v1beta/models/embedding-x:batchEmbedContents",
    {"requests": [{"model": "models/embedding-x", "content": {"parts": [{"text": "a"}]}}]}, plain({"embeddings": [{"values": [0.1]}]}),
    Usage(), [], "embedding-x", None, None, "gcp.gemini", operation="embeddings", first=("input", "a"),
)  # fmt: skip
case(
    "vertex embeddings", "/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict", {"instances": [{"content": "a"}, {"content": "b c"}]},
    plain({"predictions": [{"embeddings": {"values": [0.1], "statistics": {"token_count": n, "truncated": False}}} for n in (1, 2.0)]}),
    Usage(3), [], "text-embedding-005", None, None, "gcp.vertex_ai", operation="embeddings", first=("input", "a"),
)  # fmt: skip

# --- Bedrock --------------------------------------------------------------------------------

MODEL = "us.anthropic.claude-3-haiku-20240307-v1:0"
BEDROCK = f"/model/{MODEL.replace(':', '%3A')}/"
CONVERSE_ASK = {
    "messages": [{"role": "user", "content": [{"text": "How warm is it in Paris?"}]}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {}}}}]}, "inferenceConfig": {"maxTokens": 9},
}  # fmt: skip
# 10 beside 200 read and 40 written; what `totalTokens` holds is not documented.
CONVERSE_USAGE = {
    "inputTokens": 10, "outputTokens": 55, "totalTokens": 65, "cacheReadInputTokens": 200, "cacheWriteInputTokens": 40,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 10}, {"ttl": "5m", "inputTokens": 30}],
}  # fmt: skip
CONVERSE_TOLD = {"cache_write_1h_tokens": 10, "cache_write_5m_tokens": 30}
case(
    "bedrock converse", BEDROCK + "converse", CONVERSE_ASK,
    plain({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Paris …", "signature": "s"}}}, {"text": "Let me see."},
            {"toolUse": {"toolUseId": "t", "name": "weather", "input": {"city": "Paris"}}}]}},
        "stopReason": "tool_use", "usage": CONVERSE_USAGE, "metrics": {"latencyMs": 5}, "serviceTier": {"type": "flex"},
    }),
    Usage(250, 200, 40, 55), ANTHROPIC_SAID, MODEL, None, "tool_use", "aws.bedrock", tools=["weather"], tier="flex", details=CONVERSE_TOLD,
)  # fmt: skip
CONVERSE_EVENTS = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Paris …"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Let me "}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "see."}, "p": "abcdefgh"}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"city": '}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"Paris"}'}}}),
    ("contentBlockStop", {"contentBlockIndex": 2}), ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 5}}),
]  # fmt: skip
case(
    "bedrock converse-stream", BEDROCK + "converse-stream", CONVERSE_ASK, frames(*CONVERSE_EVENTS),
    Usage(250, 200, 40, 55), ANTHROPIC_SAID, MODEL, None, "tool_use", "aws.bedrock", tools=["weather"], streaming=True, details=CONVERSE_TOLD,
)  # fmt: skip
case(
    "bedrock converse-stream, throttled", BEDROCK + "converse-stream", CONVERSE_ASK,
    frames(*CONVERSE_EVENTS[:3]) + frame({":message-type": "exception", ":exception-type": "throttlingException"}, {"message": "Too many"}),
    Usage(), [("reasoning", "Paris …", []), ("assistant", "Let me ", [])], MODEL, None, None, "aws.bedrock",
    tools=["weather"], streaming=True, error="Too many",
)  # fmt: skip


def invoked(*events):
    """Chunks that hold a maker's events; the last one brings what Bedrock counts."""
    metrics = {"inputTokenCount": 10, "outputTokenCount": 55, "invocationLatency": 5}
    told = [*events[:-1], {**events[-1], "amazon-bedrock-invocationMetrics": metrics}]
    return frames(*(("chunk", {"bytes": base64.b64encode(json.dumps(e).encode()).decode()}) for e in told))


case(
    "bedrock invoke, anthropic stream", BEDROCK + "invoke-with-response-stream",
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [USER]}, invoked(*(e for _, e in ANTHROPIC_EVENTS)),
    Usage(250, 200, 40, 55, 21), ANTHROPIC_SAID, MODEL, "claude-1", "tool_use", "aws.bedrock", streaming=True, tier="standard",
    details=ANTHROPIC_TOLD,
)  # fmt: skip
case(
    "bedrock invoke, llama", "/model/meta.llama3-8b-instruct-v1%3A0/invoke", {"prompt": "How warm is it in Paris?"},
    plain({"generation": "18", "prompt_token_count": 9, "generation_token_count": 2, "stop_reason": "stop"}),
    Usage(9, None, None, 2), [("assistant", "18", [])], "meta.llama3-8b-instruct-v1:0", None, "stop", "aws.bedrock",
)  # fmt: skip
case(
    "bedrock invoke, llama stream", "/model/meta.llama3-8b-instruct-v1%3A0/invoke-with-response-stream", {"prompt": "How warm is it in Paris?"},
    invoked({"generation": "1", "prompt_token_count": 10, "generation_token_count": 1, "stop_reason": None},
            {"generation": "8", "prompt_token_count": None, "generation_token_count": 55, "stop_reason": "stop"}),
    Usage(None, None, None, 55), [("assistant", "18", [])], "meta.llama3-8b-instruct-v1:0", None, "stop", "aws.bedrock", streaming=True,
)  # fmt: skip
case(
    "bedrock invoke, titan", "/model/amazon.titan-text-lite-v1/invoke", {"inputText": "How warm is it in Paris?"},
    plain({"inputTextTokenCount": 7, "results": [{"tokenCount": 3, "outputText": "18", "completionReason": "FINISH"}]}),
    Usage(7, None, None, 3), [("assistant", "18", [])], "amazon.titan-text-lite-v1", None, "FINISH", "aws.bedrock",
)  # fmt: skip
case(  # Nova: 10 beside 4 read
    "bedrock invoke, nova", "/model/amazon.nova-lite-v1%3A0/invoke", {"messages": CONVERSE_ASK["messages"], "schemaVersion": "messages-v1"},
    plain({"output": {"message": {"role": "assistant", "content": [{"text": "18"}]}}, "stopReason": "end_turn",
           "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 19, "cacheReadInputTokenCount": 4, "cacheWriteInputTokenCount": 0}}),
    Usage(14, 4, 0, 5, None, 19), [("assistant", "18", [])], "amazon.nova-lite-v1:0", None, "end_turn", "aws.bedrock",
)  # fmt: skip
case(
    "bedrock invoke, openai", "/model/openai.gpt-oss-20b-1%3A0/invoke", {"messages": [USER]},
    completion({"content": "18"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    Usage(5, None, None, 1, None, 6), [("assistant", "18", [])], "openai.gpt-oss-20b-1:0", "m-1", "stop", "aws.bedrock",
)  # fmt: skip
case(
    "bedrock invoke, titan embedding", "/model/amazon.titan-embed-text-v2%3A0/invoke", {"inputText": "a b"},
    plain({"embedding": [0.1, 0.2], "inputTextTokenCount": 3}), Usage(3), [], "amazon.titan-embed-text-v2:0", None, None, "aws.bedrock",
    operation="embeddings", first=("user", "a b"),
)  # fmt: skip

# --- Cohere ---------------------------------------------------------------------------------

# Of 70 tokens read, 6 are billed.
COHERE_USAGE = {"billed_units": {"input_tokens": 6.0, "output_tokens": 4}, "tokens": {"input_tokens": 70, "output_tokens": 4}, "cached_tokens": 64}
case(
    "cohere v2", "/v2/chat", {**ASK, "tools": [{"type": "function", "function": WEATHER}]},
    plain({"id": "i", "finish_reason": "TOOL_CALL", "message": {"role": "assistant", "tool_plan": "I will look.",
           "tool_calls": [{"id": "t", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}],
           "content": [{"type": "thinking", "thinking": " Hm."}, {"type": "text", "text": "18"}]}, "usage": COHERE_USAGE}),
    Usage(6, None, None, 4), [("reasoning", "I will look. Hm.", []), ("assistant", "18", [CALLED])], "m", None, "TOOL_CALL", "cohere",
    tools=["weather"],
)  # fmt: skip
case(
    "cohere v2 stream", "/v2/chat", STREAM,
    sse(
        ("message-start", {"type": "message-start", "id": "i", "delta": {"message": {"role": "assistant", "content": [], "tool_calls": []}}}),
        ("content-start", {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        ("content-delta", {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "18"}}}}),
        ("tool-call-start", {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "t", "type": "function", "function": {"name": "weather", "arguments": ""}}}}}),
        ("tool-call-delta", {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": '{"city": "Paris"}'}}}}}),
        ("message-end", {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": COHERE_USAGE}}),
    ),
    Usage(6, None, None, 4), [("assistant", "18", [CALLED])], "m", None, "COMPLETE", "cohere", streaming=True,
)  # fmt: skip
COHERE_V1 = {"text": "18", "generation_id": "g", "finish_reason": "COMPLETE", "tool_calls": [{"name": "weather", "parameters": {"city": "Paris"}}],
             "meta": {"api_version": {"version": "1"}, **COHERE_USAGE}}  # fmt: skip
COHERE_V1_ASK = {"model": "m", "message": "How warm is it in Paris?"}
case(
    "cohere v1", "/v1/chat", COHERE_V1_ASK, plain(COHERE_V1), Usage(6, None, None, 4), [("assistant", "18", [CALLED])],
    "m", None, "COMPLETE", "cohere",
)  # fmt: skip
case(
    "cohere v1 stream", "/v1/chat", {**COHERE_V1_ASK, "stream": True},
    lines(
        {"is_finished": False, "event_type": "stream-start", "generation_id": "g"},
        {"is_finished": False, "event_type": "text-generation", "text": "1"},
        {"is_finished": True, "event_type": "stream-end", "response": COHERE_V1, "finish_reason": "COMPLETE"},
    ),
    Usage(6, None, None, 4), [("assistant", "18", [CALLED])], "m", None, "COMPLETE", "cohere", streaming=True,
)  # fmt: skip
case(
    "cohere, tokens only", "/v2/chat", ASK,
    plain({"finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": "18"}]},
           "usage": {"tokens": {"input_tokens": 70, "output_tokens": 4}, "cached_tokens": 64}}),
    Usage(70, 64, None, 4), [("assistant", "18", [])], "m", None, "COMPLETE", "cohere",
)  # fmt: skip
case(
    "cohere embed", "/v2/embed", {"model": "e", "texts": ["a b"], "input_type": "search_query"},
    plain({"id": "i", "embeddings": {"float": [[0.1]]}, "texts": ["a b"], "meta": {"billed_units": {"input_tokens": 2}}}),
    Usage(2), [], "e", None, None, "cohere", operation="embeddings", first=("input", "a b"),
)  # fmt: skip

# --- Gemini's interactions --------------------------------------------------------------------

INTERACTIONS = "/v1beta/interactions"
INTERACT = {"model": "gemini-3-flash", "input": "How warm is it in Paris?"}
GOOGLES = "generativelanguage.googleapis.com"
# Input 100 + 5 that a tool found, output 20 + 7 of thoughts.
INTERACTION_USAGE = {
    "total_input_tokens": 100, "total_cached_tokens": 40, "total_output_tokens": 20, "total_thought_tokens": 7,
    "total_tool_use_tokens": 5, "total_tokens": 132,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 92}, {"modality": "audio", "tokens": 8}],
    "cached_tokens_by_modality": [{"modality": "audio", "tokens": 3}], "output_tokens_by_modality": [{"modality": "image", "tokens": 4}],
    "grounding_tool_count": [{"type": "google_search", "count": 2}, {"type": "google_maps", "count": 1}],
}  # fmt: skip
INTERACTION_DETAILS = {
    "input_audio_tokens": 8, "cache_audio_read_tokens": 3, "output_image_tokens": 4, "web_searches": 2, "google_maps_calls": 1,
}  # fmt: skip
INTERACTED = {"id": "v1_i", "object": "interaction", "model": "gemini-3-flash"}


def interaction(kind, **more):
    return (kind, {"event_type": kind, **more})


case(
    "gemini interaction", INTERACTIONS,
    {
        "model": "gemini-3-flash", "system_instruction": "Be brief.", "input": [{"role": "user", "content": "How warm?"}],
        "tools": [{"type": "function", "name": "weather"}, {"type": "google_search"}], "generation_config": {"temperature": 0.5},
    },
    plain(
        {
            **INTERACTED, "status": "requires_action", "service_tier": "flex", "usage": INTERACTION_USAGE,
            "steps": [
                {"type": "thought", "signature": "s", "summary": [{"type": "text", "text": "Paris …"}]},
                {"type": "google_search_call", "id": "g", "arguments": {"queries": ["paris"]}},
                {"type": "google_search_result", "call_id": "g", "result": {}},
                {"type": "model_output", "content": [{"type": "text", "text": "18 °C."}]},
                {"type": "function_call", "id": "f", "name": "weather", "arguments": {"city": "Paris"}},
            ],
        }
    ),
    Usage(105, 40, None, 27, 7, 132),
    [("reasoning", "Paris …", []), ("assistant", "18 °C.", [("google_search", '{"queries": ["paris"]}'), CALLED])],
    "gemini-3-flash", "gemini-3-flash", "requires_action", "gcp.gemini", host=GOOGLES, operation="generate_content", tier="flex",
    details=INTERACTION_DETAILS, tools=["weather", "google_search"], first=("system", "Be brief."),
    server_tools=[("google_search", None)],
)  # fmt: skip
case(
    "gemini interaction, first revision, an agent", "/v1/interactions",
    {"agent": "deep-research", "input": [{"type": "text", "text": "How warm is it in Paris?"}]},
    plain(
        {
            "id": "v1_i", "agent": "deep-research", "status": "completed",
            "outputs": [
                {"type": "thought", "signature": "s"}, {"type": "text", "text": "18 °C."},
                {"type": "function_call", "id": "f", "name": "weather", "arguments": {"city": "Paris"}},
            ],
            "usage": {"total_input_tokens": 9, "total_output_tokens": 2, "total_reasoning_tokens": 3, "total_tokens": 14},
        }
    ),
    Usage(9, None, None, 5, 3, 14), [("assistant", "18 °C.", [CALLED])], "deep-research", "deep-research", "completed", "gcp.gemini",
    operation="generate_content",
)  # fmt: skip
case(
    "gemini interaction, stream", INTERACTIONS, {**INTERACT, "stream": True},
    sse(
        interaction("interaction.created", interaction={**INTERACTED, "status": "in_progress"}),
        interaction("interaction.status_update", interaction_id="v1_i", status="in_progress"),
        interaction("step.start", index=0, step={"type": "thought"}),
        interaction("step.delta", index=0, delta={"type": "thought_summary", "content": {"type": "text", "text": "Paris …"}}),
        interaction("step.delta", index=0, delta={"type": "thought_signature", "signature": "s"}),
        interaction("step.stop", index=0),
        interaction("step.start", index=1, step={"type": "model_output"}),
        interaction("step.delta", index=1, delta={"type": "text", "text": "18 "}),
        interaction("step.delta", index=1, delta={"type": "text", "text": "°C."}),
        interaction("step.stop", index=1, usage={"total_tokens": 5}),
        interaction("step.start", index=2, step={"type": "function_call", "id": "f", "name": "weather", "arguments": {}}),
        interaction("step.delta", index=2, delta={"type": "arguments_delta", "arguments": '{"city": '}),
        interaction("step.delta", index=2, delta={"type": "arguments_delta", "arguments": '"Paris"}'}),
        interaction("step.start", index=3, step={"type": "google_search_call", "id": "g", "arguments": {}}),
        interaction("step.delta", index=3, delta={"type": "google_search_call", "arguments": {"queries": ["paris"]}}),
        interaction("interaction.completed", interaction={**INTERACTED, "status": "requires_action", "usage": INTERACTION_USAGE}),
        "[DONE]",
    ),
    Usage(105, 40, None, 27, 7, 132),
    [("reasoning", "Paris …", []), ("assistant", "18 °C.", [CALLED, ("google_search", '{"queries": ["paris"]}')])],
    "gemini-3-flash", "gemini-3-flash", "requires_action", "gcp.gemini", operation="generate_content", streaming=True,
    details=INTERACTION_DETAILS,
    server_tools=[("google_search", None)],
)  # fmt: skip
case(
    "gemini interaction, stream of the first revision", INTERACTIONS, {"model": "gemini-2.5-flash", "input": INTERACT["input"], "stream": True},
    sse(
        interaction("interaction.start", interaction={"id": "v1_i", "status": "in_progress"}),
        interaction("content.start", index=0, content={"type": "thought"}),
        interaction("content.delta", index=0, delta={"type": "thought_summary", "content": {"type": "text", "text": "Paris …"}}),
        interaction("content.stop", index=0),
        interaction("content.start", index=1, content={"type": "text"}),
        interaction("content.delta", index=1, delta={"type": "text", "text": "18 °C."}),
        interaction("content.delta", index=2, delta={"type": "function_call", "id": "f", "name": "weather", "arguments": {"city": "Paris"}}),
        interaction(
            "interaction.complete",
            interaction={
                "id": "v1_i", "model": "gemini-2.5-flash", "status": "completed",
                "usage": {
                    "total_input_tokens": 9, "total_thought_tokens": 3, "total_tokens": 12,
                    "grounding_tool_count": [{"type": "google_search", "count": 4}],  # before Gemini 3 one an answer is billed
                },
            },
        ),
    ),
    Usage(9, None, None, 3, 3, 12), [("reasoning", "Paris …", []), ("assistant", "18 °C.", [CALLED])], "gemini-2.5-flash",
    "gemini-2.5-flash", "completed", "gcp.gemini", operation="generate_content", streaming=True, details={"web_searches": 1},
)  # fmt: skip
case(  # a step's end tells what was used so far
    "gemini interaction, left", INTERACTIONS, {**INTERACT, "stream": True},
    sse(
        interaction("interaction.created", interaction={**INTERACTED, "status": "in_progress"}),
        interaction("step.start", index=0, step={"type": "model_output"}), interaction("step.delta", index=0, delta={"type": "text", "text": "1"}),
        interaction("step.stop", index=0, usage={"total_input_tokens": 9, "total_output_tokens": 1, "total_tokens": 10}, step_usage={"total_output_tokens": 1}),
    ),
    Usage(9, None, None, 1, None, 10), [("assistant", "1", [])], "gemini-3-flash", "gemini-3-flash", None, "gcp.gemini",
    operation="generate_content", streaming=True, so_far=True,
)  # fmt: skip
case(
    "gemini interaction in the background, on Vertex", "/v1beta1/projects/p/locations/global/interactions", {**INTERACT, "background": True},
    plain({**INTERACTED, "status": "in_progress"}), Usage(), [], "gemini-3-flash", "gemini-3-flash", None, "gcp.vertex_ai",
    operation="generate_content",
)  # fmt: skip
case(
    "gemini interaction, failed in mid-stream", INTERACTIONS, {**INTERACT, "stream": True},
    sse(
        interaction("step.start", index=0, step={"type": "model_output"}), interaction("step.delta", index=0, delta={"type": "text", "text": "1"}),
        interaction("error", error={"code": "internal", "message": "try again"}),
    ),
    Usage(), [("assistant", "1", [])], "gemini-3-flash", None, None, "gcp.gemini", operation="generate_content", streaming=True,
    error="try again",
)  # fmt: skip

case(
    "gemini interaction, failed", INTERACTIONS, INTERACT,
    plain({**INTERACTED, "status": "failed", "errors": [{"code": 13, "message": "try again"}], "usage": {"total_input_tokens": 9, "total_output_tokens": 0}}),
    Usage(9, None, None, 0), [], "gemini-3-flash", "gemini-3-flash", "failed", "gcp.gemini", operation="generate_content", error="try again",
)  # fmt: skip

# --- Mistral's conversations ------------------------------------------------------------------

CONVERSATIONS = "/v1/conversations"
CONVERSE = {"model": "mistral-medium-latest", "inputs": "How warm is it in Paris?"}
# The connector's 10 tokens are beside the prompt's 90.
CONVERSATION_USAGE = {
    "prompt_tokens": 90, "completion_tokens": 20, "total_tokens": 120, "connector_tokens": 10,
    "connectors": {"web_search": 1, "document_library": 2},
}  # fmt: skip
CONNECTED = {"web_searches": 1, "document_library_calls": 2}


def entry(kind, **more):
    return {"object": "entry", "type": kind, "id": "e", "model": "m-1", **more}


def conversation(kind, **more):
    return (kind, {"type": kind, "created_at": "…", **more})


case(
    "mistral conversation", CONVERSATIONS,
    {
        "model": "mistral-medium-latest", "instructions": "Be brief.", "inputs": [{"type": "message.input", "role": "user", "content": "How warm?"}],
        "tools": [{"type": "web_search"}, {"type": "function", "function": WEATHER}], "completion_args": {"temperature": 0.3},
    },
    plain(
        {
            "object": "conversation.response", "conversation_id": "conv_1", "usage": CONVERSATION_USAGE,
            "outputs": [
                entry("tool.execution", name="web_search", arguments='{"query": "paris"}'),
                entry("message.output", role="assistant", content=[{"type": "text", "text": "18 °C."}, {"type": "tool_reference", "tool": "web_search"}]),
            ],
        }
    ),
    Usage(100, None, None, 20, None, 120), [("assistant", "18 °C.", [("web_search", '{"query": "paris"}')])],
    "mistral-medium-latest", "m-1", "stop", "mistral_ai", host="api.mistral.ai", details=CONNECTED, tools=["web_search", "weather"],
    first=("system", "Be brief."),
    server_tools=[("web_search", None)], conversation="conv_1",
)  # fmt: skip
case(
    "mistral conversation goes on, a function is called", CONVERSATIONS + "/conv_1", {"inputs": "How warm is it in Paris?", "stream": False},
    plain(
        {
            "object": "conversation.response", "conversation_id": "conv_1", "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
            "outputs": [entry("function.call", tool_call_id="t", name="weather", arguments='{"city": "Paris"}')],
        }
    ),
    Usage(9, None, None, 2, None, 11), [("assistant", "", [CALLED])], None, "m-1", "tool_calls", "mistral_ai",
    conversation="conv_1",
)  # fmt: skip
case(
    "mistral conversation, stream, begun again", CONVERSATIONS + "/conv_1/restart",
    {"inputs": "How warm is it in Paris?", "from_entry_id": "e", "stream": True},
    sse(
        conversation("conversation.response.started", conversation_id="conv_1"),
        conversation("tool.execution.started", id="x", name="web_search", arguments='{"query": '),
        conversation("tool.execution.delta", id="x", name="web_search", arguments='"paris"}'),
        conversation("tool.execution.done", id="x", name="web_search"),
        conversation("message.output.delta", id="e", model="m-1", role="assistant", content={"type": "thinking", "thinking": [{"type": "text", "text": "Paris …"}]}),
        conversation("message.output.delta", id="e", model="m-1", role="assistant", content="18 "),
        conversation("message.output.delta", id="e", model="m-1", role="assistant", content={"type": "text", "text": "°C."}),
        conversation("function.call.delta", id="f", model="m-1", name="weather", tool_call_id="t", arguments='{"city": '),
        conversation("function.call.delta", id="f", model="m-1", name="weather", tool_call_id="t", arguments='"Paris"}'),
        conversation("conversation.response.done", usage=CONVERSATION_USAGE),
    ),
    Usage(100, None, None, 20, None, 120),
    [("assistant", "18 °C.", [("web_search", '{"query": "paris"}'), CALLED]), ("reasoning", "Paris …", [])],
    None, "m-1", "stop", "mistral_ai", streaming=True, details=CONNECTED,
    server_tools=[("web_search", None)], conversation="conv_1",
)  # fmt: skip
case(
    "mistral conversation, connectors inside the prompt", CONVERSATIONS, CONVERSE,
    plain(
        {
            "object": "conversation.response", "conversation_id": "c", "outputs": [entry("message.output", content="18")],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "connector_tokens": 10},
        }
    ),
    Usage(100, None, None, 20, None, 120), [("assistant", "18", [])], "mistral-medium-latest", "m-1", "stop", "mistral_ai",
    conversation="c",
)  # fmt: skip
case(
    "mistral conversation, failed in mid-stream", CONVERSATIONS, {**CONVERSE, "stream": True},
    sse(conversation("message.output.delta", id="e", content="1"), conversation("conversation.response.error", message="try again", code=500)),
    Usage(), [("assistant", "1", [])], "mistral-medium-latest", None, None, "mistral_ai", streaming=True, error="try again",
)  # fmt: skip
case(
    "mistral agent", "/v1/agents/completions", {"agent_id": "ag_1", "messages": [USER]},
    completion({"content": "18"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    Usage(5, None, None, 1, None, 6), [("assistant", "18", [])], None, "m-1", "stop", "mistral_ai", host="api.mistral.ai",
)  # fmt: skip

# --- OpenAI's images and audio ----------------------------------------------------------------

IMAGE = {"model": "gpt-image-1.5", "prompt": "How warm is it in Paris?", "n": 1, "size": "1024x1024"}
IMAGE_USAGE = {
    "input_tokens": 60, "input_tokens_details": {"text_tokens": 10, "image_tokens": 50}, "output_tokens": 300, "total_tokens": 360,
}  # fmt: skip
FORM = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\0\r\n--b--\r\n'

case(
    "openai image", "/v1/images/generations", IMAGE,
    plain({"created": 1, "data": [{"b64_json": "…"}], "usage": {**IMAGE_USAGE, "output_tokens_details": {"image_tokens": 290, "text_tokens": 10}}}),
    Usage(60, None, None, 300, None, 360), [], "gpt-image-1.5", None, "stop", "openai", host="api.openai.com", operation="image_generation",
    details={"input_image_tokens": 50, "output_image_tokens": 290},
)  # fmt: skip
case(
    "openai image, stream", "/v1/images/generations", {**IMAGE, "stream": True, "partial_images": 1},
    sse(
        ("image_generation.partial_image", {"type": "image_generation.partial_image", "b64_json": "…", "partial_image_index": 0}),
        ("image_generation.completed", {"type": "image_generation.completed", "b64_json": "…", "usage": IMAGE_USAGE}),
    ),
    Usage(60, None, None, 300, None, 360), [], "gpt-image-1.5", None, "stop", "openai", operation="image_generation", streaming=True,
    details={"input_image_tokens": 50, "output_image_tokens": 300},
)  # fmt: skip
case(
    "openai image, edited: a form", "/openai/deployments/draw/images/edits", FORM.replace(b"m\r\n--b\r", b"draw\r\n--b\r"),
    sse(("image_edit.completed", {"type": "image_edit.completed", "b64_json": "…", "usage": IMAGE_USAGE})),
    Usage(60, None, None, 300, None, 360), [], "draw", None, "stop", "azure.ai.openai", host="shop.openai.azure.com", streaming=True,
    operation="image_generation", details={"input_image_tokens": 50, "output_image_tokens": 300}, first=None,
)  # fmt: skip
case(
    "openai image, a drawing", "/v1/images/generations", IMAGE,
    plain({"created": 1, "data": [{}], "usage": {**IMAGE_USAGE, "output_tokens_details": {"image_tokens": 300}}, "svg_usage": {"model": "x", "input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}),
    Usage(60, None, None, 300, None, 360), [], "gpt-image-1.5", None, "stop", "openai", operation="image_generation",
    details={"input_image_tokens": 50, "output_image_tokens": 300, "svg_authoring_tokens": 7},
)  # fmt: skip
case(
    "openai image of an older model", "/v1/images/generations", {**IMAGE, "model": "dall-e-3"}, plain({"created": 1, "data": [{"url": "…"}]}),
    Usage(), [], "dall-e-3", None, "stop", "openai", operation="image_generation",
)  # fmt: skip
HEARD = {
    "type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10}, "output_tokens": 5, "total_tokens": 19,
}  # fmt: skip
case(
    "openai transcription", "/v1/audio/transcriptions", FORM, plain({"text": "18 °C.", "usage": HEARD}), Usage(14, None, None, 5, None, 19),
    [("assistant", "18 °C.", [])], "m", None, "stop", "openai", operation="transcription", details={"input_audio_tokens": 10}, first=None,
)  # fmt: skip
case(
    "openai transcription, stream", "/v1/audio/transcriptions", FORM,
    sse(
        {"type": "transcript.text.delta", "delta": "18 "}, {"type": "transcript.text.delta", "delta": "°C."},
        {"type": "transcript.text.done", "text": "18 °C.", "usage": HEARD},
    ),
    Usage(14, None, None, 5, None, 19), [("assistant", "18 °C.", [])], "m", None, "stop", "openai", operation="transcription",
    details={"input_audio_tokens": 10}, first=None, streaming=True,
)  # fmt: skip
case(
    "openai translation by the second", "/v1/audio/translations", FORM, plain({"text": "18", "usage": {"type": "duration", "seconds": 8.4}}), Usage(),
    [("assistant", "18", [])], "m", None, "stop", "openai", operation="transcription", details={"audio_seconds": 8}, first=None,
)  # fmt: skip
case(
    "mistral transcription", "/v1/audio/transcriptions", FORM,
    plain({"model": "voxtral-mini-transcribe-3-0", "text": "18", "usage": {"prompt_audio_seconds": 203, "prompt_tokens": 4, "completion_tokens": 635, "total_tokens": 3264}}),
    Usage(2629, None, None, 635, None, 3264), [("assistant", "18", [])], "m", "voxtral-mini-transcribe-3-0", "stop", "mistral_ai",
    host="api.mistral.ai", operation="transcription", details={"audio_seconds": 203}, first=None,
)  # fmt: skip
case(
    "openai speech", "/v1/audio/speech", {"model": "tts", "input": "How warm is it in Paris?", "voice": "x", "stream_format": "sse"},
    sse({"type": "speech.audio.delta", "audio": "…"}, {"type": "speech.audio.done", "usage": {"input_tokens": 6, "output_tokens": 40, "total_tokens": 46}}),
    Usage(6, None, None, 40, None, 46), [], "tts", None, "stop", "openai", operation="speech", streaming=True,
)  # fmt: skip
case(
    "openai speech as sound", "/v1/audio/speech", {"model": "tts-1", "input": "How warm is it in Paris?"}, b"\xff\xfb\x04\0{}\n data: {" + bytes(range(256)) * 4,
    Usage(), [], "tts-1", None, None, "openai", operation="speech",
)  # fmt: skip

# --- rerank, Voyage ---------------------------------------------------------------------------

RANK = {"model": "r", "query": "How warm is it in Paris?", "documents": ["a b", {"text": "c"}], "top_n": 1}
RANKED = [{"index": 1, "relevance_score": 0.9}]
case(
    "cohere rerank", "/v2/rerank", RANK, plain({"id": "i", "results": RANKED, "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 2}}}),
    Usage(), [], "r", None, None, "cohere", operation="rerank", details={"rerank_searches": 2},
)  # fmt: skip
case(
    "voyage rerank", "/v1/rerank", RANK, plain({"object": "list", "data": RANKED, "model": "rerank-2.5", "usage": {"total_tokens": 26}}),
    Usage(26, None, None, None, None, 26), [], "r", "rerank-2.5", None, "voyageai", operation="rerank", host="api.voyageai.com",
)  # fmt: skip
case(
    "jina rerank, at any base path", "/gateway/rerank", RANK, plain({"model": "m-1", "results": RANKED, "usage": {"prompt_tokens": 15, "total_tokens": 15}}),
    Usage(15, None, None, None, None, 15), [], "r", "m-1", None, "cohere", operation="rerank",
)  # fmt: skip
case(
    "voyage embeddings", "/v1/embeddings", {"model": "voyage-4", "input": ["a b"]},
    plain({"object": "list", "data": [{"embedding": [0.1]}], "model": "voyage-4", "usage": {"total_tokens": 10}}),
    Usage(10, None, None, None, None, 10), [], "voyage-4", "voyage-4", None, "voyageai", operation="embeddings", host="api.voyageai.com",
    first=("input", "a b"),
)  # fmt: skip
case(
    "voyage embeddings of chunks", "/v1/contextualizedembeddings", {"model": "voyage-context-4", "inputs": [["a b", "c"], ["d"]]},
    plain({"object": "list", "data": [{"data": [{"embedding": [0.1]}]}], "model": "voyage-context-4", "usage": {"total_tokens": 4}}),
    Usage(4, None, None, None, None, 4), [], "voyage-context-4", "voyage-context-4", None, "voyageai", operation="embeddings",
    host="api.voyageai.com", first=("input", "a b"),
)  # fmt: skip
case(
    "voyage embeddings of images", "/v1/multimodalembeddings",
    {"model": "voyage-multimodal-3.5", "inputs": [{"content": [{"type": "text", "text": "a b"}, {"type": "image_url", "image_url": "…"}]}]},
    plain({"object": "list", "data": [{"embedding": [0.1]}], "model": "voyage-multimodal-3.5", "usage": {"text_tokens": 5, "image_pixels": 2000000, "total_tokens": 3576}}),
    Usage(3576, None, None, None, None, 3576), [], "voyage-multimodal-3.5", "voyage-multimodal-3.5", None, "voyageai", operation="embeddings",
    host="api.voyageai.com", details={"input_pixels": 2000000}, first=("input", "a b"),
)  # fmt: skip

# --- LM Studio --------------------------------------------------------------------------------

STUDIO = {"model": "openai/gpt-oss-20b", "system_prompt": "Be brief.", "input": "How warm is it in Paris?", "integrations": ["mcp/weather", {"type": "ephemeral_mcp", "server_label": "hub"}]}
STUDIO_RESULT = {
    "model_instance_id": "openai/gpt-oss-20b:2",
    "output": [
        {"type": "reasoning", "content": "Paris …"},
        {"type": "tool_call", "tool": "weather", "arguments": {"city": "Paris"}, "output": "18", "provider_info": {"type": "plugin", "plugin_id": "mcp/weather"}},
        {"type": "message", "content": "18 °C."},
    ],
    "stats": {"input_tokens": 359, "total_output_tokens": 218, "reasoning_output_tokens": 24, "tokens_per_second": 41.1},
}  # fmt: skip
STUDIO_SAID = [("reasoning", "Paris …", []), ("assistant", "18 °C.", [CALLED])]
case(
    "lm studio", "/api/v1/chat", STUDIO, plain(STUDIO_RESULT), Usage(359, None, None, 218, 24), STUDIO_SAID, "openai/gpt-oss-20b",
    "openai/gpt-oss-20b:2", "stop", "lmstudio", host="localhost", tools=["mcp/weather", "hub"], first=("system", "Be brief."),
)  # fmt: skip
case(
    "lm studio, stream", "/api/v1/chat", {**STUDIO, "stream": True, "input": [{"type": "message", "content": "How warm?"}, {"type": "image", "data_url": "…"}]},
    sse(
        ("chat.start", {"type": "chat.start", "model_instance_id": "openai/gpt-oss-20b:2"}),
        ("prompt_processing.progress", {"type": "prompt_processing.progress", "progress": 0.5}),
        ("reasoning.delta", {"type": "reasoning.delta", "content": "Paris …"}),
        ("tool_call.start", {"type": "tool_call.start", "tool": "weather"}),
        ("tool_call.arguments", {"type": "tool_call.arguments", "tool": "weather", "arguments": {"city": "Paris"}}),
        ("tool_call.success", {"type": "tool_call.success", "tool": "weather", "arguments": {"city": "Paris"}, "output": "18"}),
        ("message.delta", {"type": "message.delta", "content": "18 "}), ("message.delta", {"type": "message.delta", "content": "°C."}),
        ("chat.end", {"type": "chat.end", "result": STUDIO_RESULT}),
    ),
    Usage(359, None, None, 218, 24), STUDIO_SAID, "openai/gpt-oss-20b", "openai/gpt-oss-20b:2", "stop", "lmstudio", streaming=True,
    tools=["mcp/weather", "hub"], first=("system", "Be brief."),
)  # fmt: skip

# --- responses and completions below any path ---------------------------------------------------

case(
    "responses below a path of a gateway's own", "/serving-endpoints/responses", {"model": "m", "input": "How warm is it in Paris?"},
    plain({"object": "response", "status": "completed", "model": "m-1", "output": [], "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}),
    Usage(10, None, None, 2, None, 12), [], "m", "m-1", "completed", "openai", host="adb-1.azuredatabricks.net", operation="responses",
)  # fmt: skip
case(
    "completions below a path of a gateway's own", "/llm/completions", {"model": "m", "prompt": "How warm is it in Paris?"},
    plain({"object": "text_completion", "model": "m-1", "choices": [{"index": 0, "text": "18", "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}),
    Usage(5, None, None, 1, None, 6), [("assistant", "18", [])], "m", "m-1", "stop", "openai", operation="text_completion",
)  # fmt: skip

# --- Ollama ---------------------------------------------------------------------------------


def line(message, done=False, **more):
    return {"model": "m-1", "created_at": "…", "message": {"role": "assistant", **message}, "done": done, **more}


case(
    "ollama chat", "/api/chat", ASK,
    lines(
        line({"content": "", "thinking": "Paris …"}), line({"content": "1"}), line({"content": "8"}),
        line({"content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]}),
        line({"content": ""}, True, done_reason="stop", prompt_eval_count=26, eval_count=29, total_duration=5),
    ),
    Usage(26, None, None, 29), [("reasoning", "Paris …", []), ("assistant", "18", [CALLED])], "m", "m-1", "stop", "ollama", streaming=True,
)  # fmt: skip
case(
    "ollama chat, the prompt in its cache", "/api/chat", {**ASK, "stream": False},
    plain(line({"content": "18"}, True, done_reason="length", eval_count=2)), Usage(None, None, None, 2), [("assistant", "18", [])],
    "m", "m-1", "length", "ollama",
)  # fmt: skip
case(
    "ollama generate", "/api/generate", {"model": "m", "prompt": "How warm is it in Paris?"},
    lines({"model": "m-1", "response": "18", "done": False}, {"model": "m-1", "response": "", "done": True, "prompt_eval_count": 3, "eval_count": 0}),
    Usage(3, None, None, 0), [("assistant", "18", [])], "m", "m-1", "stop", "ollama", operation="text_completion", streaming=True,
)  # fmt: skip
case(
    "ollama embed", "/api/embed", {"model": "e", "input": ["a b"]}, plain({"model": "e", "embeddings": [[0.1]], "prompt_eval_count": 2}),
    Usage(2), [], "e", "e", None, "ollama", operation="embeddings", first=("input", "a b"),
)  # fmt: skip
case(
    "ollama, failed in mid-stream", "/api/chat", ASK, lines(line({"content": "1"}), {"error": "model runner stopped"}), Usage(),
    [("assistant", "1", [])], "m", "m-1", None, "ollama", streaming=True, error="model runner stopped",
)  # fmt: skip

# --- Hugging Face ---------------------------------------------------------------------------

case(
    "tgi", "/generate", {"inputs": "How warm is it in Paris?", "parameters": {"details": True}},
    plain({"generated_text": "18", "details": {"finish_reason": "length", "generated_tokens": 2, "prefill": [{"id": 1}, {"id": 2}, {"id": 3}], "tokens": []}}),
    Usage(3, None, None, 2), [("assistant", "18", [])], None, None, "length", "huggingface", operation="text_completion",
)  # fmt: skip
case(
    "tgi without details", "/", {"inputs": "How warm is it in Paris?"}, plain([{"generated_text": "18"}]), Usage(), [("assistant", "18", [])],
    None, None, None, "huggingface", operation="text_completion", host="x.us-east-1.aws.endpoints.huggingface.cloud",
)  # fmt: skip
case(
    "tgi stream", "/hf-inference/models/org/m", {"inputs": "How warm is it in Paris?", "stream": True},
    sse(
        {"index": 1, "token": {"id": 1, "text": "18", "special": False}, "generated_text": None, "details": None},
        {"index": 2, "token": {"id": 2, "text": "</s>", "special": True}, "generated_text": "18",
         "details": {"finish_reason": "eos_token", "generated_tokens": 2, "input_length": 6}},
    ),
    Usage(6, None, None, 2), [("assistant", "18", [])], "org/m", None, "eos_token", "huggingface", operation="text_completion",
    streaming=True, host="router.huggingface.co",
)  # fmt: skip
case(
    "hugging face chat", CHAT, ASK, completion({"content": "18"}, usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    Usage(5, None, None, 1, None, 6), [("assistant", "18", [])], "m", "m-1", "stop", "huggingface", host="router.huggingface.co",
)  # fmt: skip

# --- batches and videos, whose usage a GET tells ----------------------------------------------

case(
    "openai batch", "/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    plain({"id": "batch_1", "object": "batch", "status": "validating", "output_file_id": None, "error_file_id": None}),
    Usage(), [], None, None, None, "openai", operation="batch", tier="batch", first=None,
)  # fmt: skip
case(
    "openai batch with a usage", "/v1/batches", {"input_file_id": "file-1"},
    plain({"id": "batch_1", "object": "batch", "status": "completed", "model": "m-1", "output_file_id": "file-2", "usage": {
        "input_tokens": 50, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 12}, "total_tokens": 80}}),
    Usage(50, 20, None, 30, 12, 80), [], None, "m-1", "completed", "openai", operation="batch", tier="batch", first=None,
)  # fmt: skip
case(
    "anthropic batch", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": ASK}]},
    plain({"id": "msgbatch_1", "type": "message_batch", "processing_status": "in_progress", "request_counts": {"processing": 1}, "results_url": None}),
    Usage(), [], "m", None, None, "anthropic", operation="batch", tier="batch", first=None,
)  # fmt: skip
case(
    "openai video", "/v1/videos", {"model": "m", "prompt": "a cat", "seconds": "8"},
    plain({"id": "video_1", "object": "video", "model": "m-1", "status": "queued", "seconds": "8", "size": "720x1280"}),
    Usage(), [], "m", "m-1", None, "openai", operation="video", first=None,
)  # fmt: skip
case(
    "gemini video", "/v1beta/models/m:predictLongRunning", {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 8}},
    plain({"name": "models/m/operations/o"}), Usage(), [], "m", None, None, "gcp.gemini", operation="video", first=("user", "a cat"),
)  # fmt: skip
