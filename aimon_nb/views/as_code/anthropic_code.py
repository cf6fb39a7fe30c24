"""Messages by Anthropic's client, at any host that speaks them."""

from __future__ import annotations

from typing import Any

from aimon_nb.views.as_code.keys import key_of
from aimon_nb.views.as_code.layout import client_line, layout
from aimon_nb.views.as_code.literal import call
from aimon_nb.views.as_code.media import MediaFiles
from aimon_nb.views.as_code.openai_code import split
from aimon_nb.views.as_code.request import Request

_OWN = "https://api.anthropic.com"
_PATH = "/v1/messages"
_BETA = "anthropic-beta"
# Without a time of its own the client sends nothing for which an answer may take ten minutes.
_LONG_ANSWER = 8_192
_TIMEOUT = 600
# Parameters of the client's method that it has had for long; it sends all else as `extra_body`.
MESSAGES = frozenset(
    (
        *("max_tokens", "messages", "metadata", "model", "service_tier", "stop_sequences"),
        *("stream", "system", "thinking", "tool_choice", "tools"),
    )
)
_STREAM = """for event in stream:
    if event.type == "content_block_delta" and event.delta.type == "text_delta":
        print(event.delta.text, end="")"""


def messages(request: Request) -> str | None:
    """Return a request for a message as code; None for any other request."""
    body = request.content
    needed = ("messages", "model", "max_tokens")
    if not request.path.endswith(_PATH) or not request.is_object:
        return None
    if not all(name in body for name in needed):
        return None
    media = MediaFiles()
    arguments = split(media.taken_out(body), MESSAGES)
    query, headers = dict(request.query), dict(request.headers)
    is_beta = query.pop("beta", None) == "true"
    headers.pop("anthropic-version", None)  # the client's own
    betas = headers.pop(_BETA, None)
    if is_beta and betas:
        arguments["betas"] = [one.strip() for one in betas.split(",")]
    elif betas:
        arguments["extra_headers"] = {_BETA: betas}
    is_stream, longest = bool(body.get("stream")), body["max_tokens"]
    if not is_stream and isinstance(longest, int) and longest > _LONG_ANSWER:
        arguments["timeout"] = _TIMEOUT
    create = f"client.{'beta.' * is_beta}messages.create"
    name = "stream" if is_stream else "message"
    made = f"{name} = {call(create, arguments, before=len(name) + 3)}"
    read = _STREAM if is_stream else "print(message.content)"
    client = _client(request, query, headers)
    return layout("from anthropic import Anthropic", media, [client, "", made, read])


def _client(request: Request, query: dict[str, str], headers: dict[str, str]) -> str:
    base = request.address.removesuffix(_PATH)
    options: dict[str, Any] = {}
    if base != _OWN:
        options |= {"base_url": base, "api_key": key_of(request)}
    if query:
        options["default_query"] = query
    if headers:
        options["default_headers"] = headers
    return client_line("Anthropic", options, "ANTHROPIC_API_KEY")
