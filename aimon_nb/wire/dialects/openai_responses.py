"""OpenAI's responses.

https://platform.openai.com/docs/api-reference/responses
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    index_of,
    json_of,
    scalar_parameters,
    text_of,
)
from aimon_nb.wire.dialects.media_parts import media_of
from aimon_nb.wire.dialects.openai_form import OpenAIForm
from aimon_nb.wire.dialects.parts import text_of_content

_PARAMETERS = (
    "temperature",
    "top_p",
    "max_output_tokens",
    "max_tool_calls",
    "service_tier",
    "truncation",
    "background",
    "store",
)
# The events of a stream that bring a piece: of the text, the reasoning, a tool's arguments.
_TEXT_EVENTS = {"response.output_text.delta", "response.refusal.delta"}
_REASONING_EVENTS = {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}
_ARGUMENT_EVENTS = {
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
}
# Tools that the server runs, and bills a call: those with a price, and others.
_BILLED = {
    "web_search_call": "web_searches",
    "x_search_call": "x_searches",
    "file_search_call": "storage_searches",
    "code_interpreter_call": "code_interpreter_calls",
    "image_generation_call": "image_generations",
}
# Kinds of calls that the caller's own code answers; all others the server runs.
_RUN_BY_CALLER = {
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
}
_FINAL_STATUSES = {"completed", "incomplete", "failed", "cancelled"}


class OpenAIResponses(OpenAIForm):
    """`POST …/responses`, plain and streamed, and `…/responses/compact`.

    Gateways have it below any path, and answers to a survey may be posted to such a path,
    too: where neither path nor host is a model's, the request must hold a model and what is
    asked of it.
    """

    operation = "responses"
    path_suffixes = frozenset({"responses", "compact"})
    body_markers = (b'"input"', b'"prompt"')
    path_pattern = re.compile(r"/responses(?:/compact)?$")
    usual_path = re.compile(r"(?:^|/v\d+|/openai|/codex)/responses(?:/compact)?$")

    def holds_markers(self, body: bytes) -> bool:
        """Return whether a body names a model and holds what is asked of it."""
        return b'"model"' in body and super().holds_markers(body)

    def may_be_deferred(self, body: bytes | None) -> bool:
        """Return whether it may be answered in the background."""
        return body is None or b'"background"' in body

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, instructions, items of input, tools and parameters."""
        super().request(call, body)
        call.conversation = _conversation(body)
        instructions, items = text_of(body.get("instructions")), body.get("input")
        call.input = [Message("system", instructions)] if instructions else []
        if isinstance(items, str):
            call.input.append(Message("user", items))
        told = dicts_of(items)
        names = {text_of(one.get("call_id")): _tool(one) for one in told if _is_call(one)}
        for item in told:
            turn = _input_message(item)
            if turn.role == "tool":
                turn.tools = names.get(text_of(item.get("call_id")), "")
            call.input.append(turn)
        call.tools = [
            text_of(tool.get("name")) or text_of(tool.get("type"))
            for tool in dicts_of(body.get("tools"))
        ]
        call.parameters = scalar_parameters(body, _PARAMETERS)
        effort = dict_of(body.get("reasoning")).get("effort")
        if effort:
            call.parameters["reasoning_effort"] = text_of(effort)

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A response, or one `response.…` event of its stream."""
        kind = text_of(event.get("type"))
        if event.get("object") in ("response", "response.compaction"):
            self._response(call, event)
        elif isinstance(event.get("response"), dict):
            self._response(call, event["response"])
        elif kind == "response.output_item.added":
            self._start_item(call, dict_of(event.get("item")), index_of(event.get("output_index")))
        elif kind == "response.output_item.done":
            self._server_tool(call, dict_of(event.get("item")), index_of(event.get("output_index")))
        elif kind in _ARGUMENT_EVENTS:
            at = index_of(event.get("output_index"))
            self.turns.add_tool_call(call, "", text_of(event.get("delta")), at)
        elif kind in _TEXT_EVENTS:
            self.turns.add_text(call, text_of(event.get("delta")))
        elif kind in _REASONING_EVENTS:
            self.turns.add_reasoning(call, text_of(event.get("delta")))
        elif kind == "error":
            call.error = text_of(event.get("message")) or call.error or "error"

    def _start_item(self, call: ModelCall, item: dict[str, Any], at: int) -> None:
        if "arguments" in item or text_of(item.get("type")).endswith("_call"):
            self.turns.add_tool_call(call, _tool(item), json_of(item.get("arguments")), at)

    def _server_tool(self, call: ModelCall, item: dict[str, Any], at: int) -> None:
        kind, error = text_of(item.get("type")), item.get("error")
        if kind.endswith("_call") and kind not in _RUN_BY_CALLER:
            said = text_of(dict_of(error).get("message")) or text_of(error)
            if item.get("status") == "failed" or error:
                said = said or "failed"
            self.server_tools.add(call, _tool(item), at, said)

    def _response(self, call: ModelCall, response: dict[str, Any]) -> None:
        super().answer(call, response)
        call.conversation = _conversation(response) or call.conversation
        status = text_of(response.get("status"))
        if status not in _FINAL_STATUSES and response.get("object") != "response.compaction":
            self._await(call, response)
            return
        self.awaited, call.untold = None, None
        self.turns.reset(call)
        self.server_tools.reset(call)
        for at, item in enumerate(dicts_of(response.get("output"))):
            self._item(call, item)
            self._server_tool(call, item, at)
        reason = text_of(dict_of(response.get("incomplete_details")).get("reason"))
        call.finish_reason = reason or status or call.finish_reason
        if isinstance(response.get("error"), dict):
            call.error = text_of(response["error"].get("message")) or status
        raw = response.get("usage")
        if isinstance(raw, dict):
            self.take_usage(call, raw, usage(raw), known_usage.RESPONSES)
            call.details = details(dicts_of(response.get("output")))

    def _await(self, call: ModelCall, response: dict[str, Any]) -> None:
        """Of one that runs in the background the usage comes with a GET."""
        in_background = response.get("background") is True or call.parameters.get("background")
        if in_background or response.get("status") == "queued":
            self.await_usage(call, [text_of(response.get("id"))], f"{self.path}/…")

    def _item(self, call: ModelCall, item: dict[str, Any]) -> None:
        kind = text_of(item.get("type"))
        if kind == "message":
            for part in dicts_of(item.get("content")):
                self.turns.add_text(call, text_of(part.get("text")) or text_of(part.get("refusal")))
        elif kind == "reasoning":
            parts = dicts_of(item.get("summary")) + dicts_of(item.get("content"))
            self.turns.add_reasoning(call, text_of_content(parts))
        elif kind.endswith("_call"):
            self.turns.add_tool_call(call, _tool(item), _arguments(item))
            if kind == "image_generation_call":
                self.turns.add_media(call, media_of(text_of(item.get("result"))))


def _conversation(told: dict[str, Any]) -> str | None:
    """Return the id of the conversation that a request or an answer names."""
    named = told.get("conversation")
    return text_of(named) or text_of(dict_of(named).get("id")) or None


def _tool(item: dict[str, Any]) -> str:
    """Return a function's name, or the kind of a tool that the server runs: `web_search`."""
    return text_of(item.get("name")) or text_of(item.get("type")).removesuffix("_call")


def _arguments(item: dict[str, Any]) -> str:
    values = (item.get(key) for key in ("arguments", "input", "action", "code", "queries"))
    return json_of(next((value for value in values if value is not None), None))


def _is_call(item: dict[str, Any]) -> bool:
    return text_of(item.get("type")).endswith("_call")


def _input_message(item: dict[str, Any]) -> Message:
    kind, media = text_of(item.get("type")), list[Media]()
    if _is_call(item):
        return Message("assistant", "", [(_tool(item), _arguments(item))])
    if kind.endswith("_output"):
        output = item.get("output")
        # A screenshot stands alone, all else in a list.
        parts = [output] if isinstance(output, dict) and "image_url" in output else output
        text = text_of_content(parts, media) or ("" if output is None else json_of(output))
        return Message("tool", text, [], media)
    if kind == "reasoning":
        return Message("reasoning", text_of_content(item.get("summary")))
    text = text_of_content(item.get("content"), media)
    return Message(text_of(item.get("role")) or "user", text, [], media)


def details(output: list[dict[str, Any]]) -> dict[str, int]:
    """Count the server's tools; of the steps of a web search only `search` is billed."""
    counts: dict[str, int] = {}
    for item in output:
        billed = _BILLED.get(text_of(item.get("type")))
        if billed and text_of(dict_of(item.get("action")).get("type")) in ("", "search"):
            counts[billed] = counts.get(billed, 0) + 1
    return counts


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts in a response's `usage`."""
    input_details = dict_of(raw.get("input_tokens_details"))
    output_details = dict_of(raw.get("output_tokens_details"))
    return Usage(
        input=count_of(raw.get("input_tokens")),
        cached=count_of(input_details.get("cached_tokens")),
        cache_write=count_of(input_details.get("cache_write_tokens")),
        output=count_of(raw.get("output_tokens")),
        reasoning=count_of(output_details.get("reasoning_tokens")),
        total=count_of(raw.get("total_tokens")),
    )
