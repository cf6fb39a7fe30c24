"""Chat completions and responses by OpenAI's client, at any host that speaks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimon_nb.views.as_code.keys import key_of, variable_of
from aimon_nb.views.as_code.layout import client_line, layout
from aimon_nb.views.as_code.literal import call
from aimon_nb.views.as_code.media import MediaFiles
from aimon_nb.views.as_code.request import Request

_OWN = "https://api.openai.com/v1"
_AZURE = "/openai/deployments/"
# Parameters of the client's methods since 2.0; it sends all else as `extra_body`.
_SHARED = (
    *("metadata", "model", "parallel_tool_calls", "prompt_cache_key", "safety_identifier"),
    *("service_tier", "store", "stream", "stream_options", "temperature", "tool_choice", "tools"),
    *("top_logprobs", "top_p", "user"),
)
CHAT = frozenset(
    (
        *_SHARED,
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "modalities", "n", "prediction"),
        *("presence_penalty", "reasoning_effort", "response_format", "seed", "stop", "verbosity"),
        "web_search_options",
    )
)
RESPONSES = frozenset(
    (
        *_SHARED,
        *("background", "conversation", "include", "input", "instructions", "max_output_tokens"),
        *("max_tool_calls", "previous_response_id", "prompt", "reasoning", "text", "truncation"),
    )
)
_CHAT_STREAM = """for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")"""
_RESPONSES_STREAM = """for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="")"""


def chat(request: Request) -> str | None:
    """Return a chat completion as code; None for any other request."""
    if not request.path.endswith("/chat/completions") or not _has(request, "messages", "model"):
        return None
    message = "response.choices[0].message"
    answer = message if request.content.get("tools") else f"{message}.content"
    return _code(request, "chat.completions", CHAT, _CHAT_STREAM, answer)


def responses(request: Request) -> str | None:
    """Return a response as code; None for any other request."""
    if not request.path.endswith("/responses") or not _has(request, "model"):
        return None
    answer = "response.output" if request.content.get("tools") else "response.output_text"
    return _code(request, "responses", RESPONSES, _RESPONSES_STREAM, answer)


def _has(request: Request, *names: str) -> bool:
    return request.is_object and all(name in request.content for name in names)


def _code(request: Request, api: str, known: frozenset[str], stream: str, answer: str) -> str:
    media = MediaFiles()
    arguments = split(media.taken_out(request.content), known)
    kind, client = _client(request, f"/{api.replace('.', '/')}")
    create = f"client.{api}.create"
    if request.content.get("stream"):
        name, read = "stream", stream
    else:
        name, read = "response", f"print({answer})"
    made = f"{name} = {call(create, arguments, before=len(name) + 3)}"
    return layout(f"from openai import {kind}", media, [client, "", made, read])


def split(body: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the arguments for a body; what the client has no parameter for is `extra_body`."""
    arguments = {name: value for name, value in body.items() if name in known}
    further = {name: value for name, value in body.items() if name not in known}
    return arguments | ({"extra_body": further} if further else {})


def _client(request: Request, suffix: str) -> tuple[str, str]:
    """Return the client's class, and the line that makes it."""
    base, query = request.address.removesuffix(suffix), dict(request.query)
    kind, variable = "OpenAI", variable_of(request)
    options: dict[str, Any] = {}
    root, _, deployment = base.partition(_AZURE)
    if deployment and "/" not in deployment and "api-version" in query:
        kind, variable = "AzureOpenAI", "AZURE_OPENAI_API_KEY"
        options |= {"azure_endpoint": root, "api_version": query.pop("api-version")}
        if deployment != request.content["model"]:
            options["azure_deployment"] = deployment
    elif base != _OWN:
        options |= {"base_url": base, "api_key": key_of(request)}
    if query:
        options["default_query"] = query
    if request.headers:
        options["default_headers"] = dict(request.headers)
    return kind, client_line(kind, options, variable)
