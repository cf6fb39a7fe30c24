"""Gemini's interactions, plain and streamed, in the shapes of both revisions.

https://ai.google.dev/api/interactions-api
https://ai.google.dev/gemini-api/docs/interactions/streaming

The first revision answers with `outputs` and streams `content.…` events, the later one
with `steps` and `step.…`. Thoughts are counted beside the output and what a server tool
found beside the input, as in `generateContent`; zeros may be left out.
"""

from __future__ import annotations

import re
from typing import Any

from aimon_nb.model import Message, ModelCall, Usage
from aimon_nb.model.call import Media
from aimon_nb.wire.dialects import known_usage
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import (
    count_of,
    dict_of,
    dicts_of,
    index_of,
    json_of,
    scalar_parameters,
    sum_of,
    text_of,
)
from aimon_nb.wire.dialects.parts import text_of_content

_PARAMETERS = (
    "temperature",
    "top_p",
    "seed",
    "max_output_tokens",
    "thinking_level",
    "thinking_summaries",
)
_MOST = 16  # kinds of tools with a count; what is beyond it is nonsense
# What a single turn is made of.
_CONTENTS = frozenset({"text", "image", "audio", "document", "video"})
# An interaction in one of these goes on: its counts may still grow.
_UNDER_WAY = frozenset({"", "in_progress", "queued", "idle"})
# Kinds of tokens that may cost more or less than text.
_BY_MODALITY = {
    "input_audio_tokens": ("input", "audio"),
    "cache_audio_read_tokens": ("cached", "audio"),
    "output_audio_tokens": ("output", "audio"),
    "output_image_tokens": ("output", "image"),
    "output_video_tokens": ("output", "video"),
}


class GeminiInteractions(Dialect):
    """`POST …/v1/interactions`, `…/v1beta/…` and `…/v1alpha/…`, at AI Studio and on Vertex.

    Interactions may be clicks, too: the request must hold a model or an agent and what it is
    asked.
    """

    provider = "gcp.gemini"
    operation = "generate_content"
    path_suffixes = frozenset({"interactions"})
    body_markers = (b'"input"', b'"continuation_token"')
    path_pattern = re.compile(
        r"/v1(?:(?:alpha|beta)\d*)?/(?:projects/[^/]+/locations/[^/]+/)?interactions$"
    )

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        if "/projects/" in path:
            self.provider = "gcp.vertex_ai"
        # The places in the stream whose pieces are thoughts; those of calls with a name, and
        # with their arguments.
        self._thoughts: set[int] = set()
        self._named: set[int] = set()
        self._complete: set[int] = set()

    def matches_body(self, body: bytes | None) -> bool:
        """Return whether a request asks a model; one of unknown body does at Google's hosts."""
        if body is None:
            return self._is_known
        asks = any(marker in body for marker in self.body_markers)
        return asks and (b'"model"' in body or b'"agent"' in body)

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model or agent, the turns or contents of the input, tools and parameters."""
        call.request_model = text_of(body.get("model")) or text_of(body.get("agent")) or None
        call.streaming = body.get("stream") is True
        system = text_of(body.get("system_instruction"))
        call.input = [Message("system", system)] if system else []
        call.input += _turns(body.get("input"))
        call.tools = [
            text_of(tool.get("name")) or text_of(tool.get("type"))
            for tool in dicts_of(body.get("tools"))
        ]
        config = dict_of(body.get("generation_config"))
        call.parameters = scalar_parameters(config, _PARAMETERS)
        call.parameters |= scalar_parameters(body, ("service_tier", "background", "store"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """An interaction, or one event of its stream."""
        kind = text_of(event.get("event_type"))
        at = index_of(event.get("index"))
        if not kind:
            self._interaction(call, event)
        elif isinstance(event.get("interaction"), dict):
            self._interaction(call, event["interaction"])
        elif kind in ("step.start", "content.start"):
            self._item(call, dict_of(event.get("step") or event.get("content")), at)
        elif kind in ("step.delta", "content.delta"):
            self._delta(call, dict_of(event.get("delta")), at)
        elif kind == "step.stop":
            self._take(call, event, is_final=False)

    def _take(self, call: ModelCall, told: dict[str, Any], *, is_final: bool) -> None:
        """Take the usage of an interaction, or of what it has used so far."""
        raw = dict_of(told.get("usage"))
        if raw:
            self.take_usage(call, raw, usage(raw), known_usage.INTERACTIONS, is_final=is_final)
            call.details = _details(raw, call.request_model or call.response_model or "")

    def _interaction(self, call: ModelCall, interaction: dict[str, Any]) -> None:
        model = text_of(interaction.get("model")) or text_of(interaction.get("agent"))
        call.response_model = model or call.response_model
        call.service_tier = text_of(interaction.get("service_tier")) or call.service_tier
        status = text_of(interaction.get("status"))
        self._take(call, interaction, is_final=status not in _UNDER_WAY)
        if status in _UNDER_WAY:
            return
        items = dicts_of(interaction.get("steps") or interaction.get("outputs"))
        if items:
            # The end of a stream may hold everything once more, or nothing of it.
            self.turns.reset(call)
            self.server_tools.reset(call)
            self._named.clear()
        for at, item in enumerate(items):
            self._item(call, item, at)
        call.finish_reason = status
        if status == "failed":
            errors = dicts_of(interaction.get("errors"))
            call.error = text_of(errors[0].get("message")) if errors else ""
            call.error = call.error or status

    def _item(self, call: ModelCall, item: dict[str, Any], at: int) -> None:
        """Read a step, or a content of the first revision: whole, or as it starts."""
        kind = text_of(item.get("type"))
        if kind == "thought":
            self._thoughts.add(at)
            self.turns.add_reasoning(call, text_of_content(item.get("summary")))
        elif kind in ("model_output", "text"):
            for part in dicts_of(item.get("content")) or [item]:
                self.turns.add_text(call, text_of(part.get("text")))
        elif kind.endswith("_call"):
            self._call(call, item, at)

    def _delta(self, call: ModelCall, delta: dict[str, Any], at: int) -> None:
        kind = text_of(delta.get("type"))
        if kind == "text":
            add = self.turns.add_reasoning if at in self._thoughts else self.turns.add_text
            add(call, text_of(delta.get("text")))
        elif kind == "thought_summary":
            self.turns.add_reasoning(call, text_of(dict_of(delta.get("content")).get("text")))
        elif kind == "arguments_delta":
            self.turns.add_tool_call(call, "", text_of(delta.get("arguments")), at)
        elif kind.endswith("_call") and at not in self._complete:
            self._call(call, delta, at)

    def _call(self, call: ModelCall, item: dict[str, Any], at: int) -> None:
        """Add a call, or to it: its start may name it alone, or hold all of it."""
        if item.get("type") != "function_call":
            self.server_tools.add(call, _tool(item), at)
        name, arguments = "" if at in self._named else _tool(item), item.get("arguments")
        self._named.add(at)
        if arguments:
            self._complete.add(at)
        self.turns.add_tool_call(call, name, json_of(arguments) if arguments else "", at)


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts in the `usage` of an interaction."""
    thoughts = raw.get("total_thought_tokens", raw.get("total_reasoning_tokens"))
    output = raw.get("total_output_tokens")
    # Zeros may be left out: an answer of thoughts alone has no other tokens.
    output_tokens = 0 if output is None and thoughts is not None else count_of(output)
    return Usage(
        input=sum_of(count_of(raw.get("total_input_tokens")), raw.get("total_tool_use_tokens")),
        cached=count_of(raw.get("total_cached_tokens")),
        output=sum_of(output_tokens, thoughts),
        reasoning=count_of(thoughts),
        total=count_of(raw.get("total_tokens")),
    )


def _details(raw: dict[str, Any], model: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, (side, modality) in _BY_MODALITY.items():
        for part in dicts_of(raw.get(f"{side}_tokens_by_modality")):
            count = count_of(part.get("tokens"))
            if text_of(part.get("modality")).lower() == modality and count:
                counts[name] = count
    for part in dicts_of(raw.get("grounding_tool_count"))[:_MOST]:
        kind, count = text_of(part.get("type")), count_of(part.get("count"))
        if kind == "google_search" and count:
            # Since Gemini 3 each search is billed, before that one an answer.
            counts["web_searches"] = 1 if model.startswith(("gemini-1", "gemini-2")) else count
        elif kind and count:
            counts[f"{kind[:40]}_calls"] = count
    return counts


def _turns(value: Any) -> list[Message]:
    """Return the input as messages: a text, contents of one turn, or turns and steps."""
    if isinstance(value, str):
        return [Message("user", value)]
    items = dicts_of(value if isinstance(value, list) else [value])
    if all(text_of(item.get("type")) in _CONTENTS for item in items):
        return [_said("user", items)] if items else []
    calls = [item for item in items if text_of(item.get("type")).endswith("_call")]
    names = {text_of(item.get("id")): _tool(item) for item in calls}
    return [_turn(item, names) for item in items]


def _turn(item: dict[str, Any], names: dict[str, str]) -> Message:
    """Return a turn or a step as a message; `names` are those of tool calls by their ids."""
    kind = text_of(item.get("type"))
    if kind.endswith("_call"):
        return Message("model", "", [(_tool(item), json_of(item.get("arguments")))])
    if kind.endswith("_result"):
        result = item.get("result")
        name = text_of(item.get("name")) or names.get(text_of(item.get("call_id")), "")
        return Message("tool", text_of_content(result) or json_of(result), tools=name)
    if kind == "thought":
        return Message("reasoning", text_of_content(item.get("summary")))
    role = text_of(item.get("role")) or ("model" if kind == "model_output" else "user")
    return _said(role, item.get("content", [item]))


def _said(role: str, content: Any) -> Message:
    media: list[Media] = []
    return Message(role, text_of_content(content, media), [], media)


def _tool(item: dict[str, Any]) -> str:
    """Return a function's name, or the kind of a tool that the server runs: `google_search`."""
    return text_of(item.get("name")) or text_of(item.get("type")).removesuffix("_call")
