"""Gemini, at AI Studio and on Vertex: generateContent and its stream.

https://ai.google.dev/api/generate-content
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference

Thoughts are counted beside the candidates and what a server tool found beside
the prompt: output and input are the sums. Its JSON leaves zeros out, and only
the last event's counts are final, the prompt's among them:
https://github.com/google-gemini-php/client/issues/72
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

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
    list_of,
    scalar_parameters,
    sum_of,
    text_of,
)
from aimon_nb.wire.dialects.media_parts import media_of
from aimon_nb.wire.dialects.parts import text_of_part

MODEL = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:]+):")
_PARAMETERS = (
    "temperature",
    "topP",
    "topK",
    "maxOutputTokens",
    "candidateCount",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseMimeType",
)


class Gemini(Dialect):
    """`POST …/MODEL:generateContent` and `:streamGenerateContent`."""

    provider = "gcp.gemini"
    path_suffixes = frozenset({"generateContent", "streamGenerateContent"})
    path_pattern = re.compile(
        r"/(?:models|tunedModels|endpoints)/[^/:]+:(?:generateContent|streamGenerateContent)$"
    )

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        if "/publishers/" in path or "/endpoints/" in path:
            self.provider = "gcp.vertex_ai"
        # By the candidate's index, whether it has its finish reason.
        self._finished: dict[int, bool] = {}
        self._searches: set[str] = set()
        self._programs = 0

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Contents, tools and parameters; model and streaming stand in the path."""
        call.request_model = unquote(self.in_path(MODEL)) or None
        call.streaming = self.path.endswith(":streamGenerateContent")
        system = _either(body, "systemInstruction", "system_instruction")
        value = body.get("contents")
        contents = dicts_of(value if isinstance(value, list) else [value])
        call.input = [turn("system", system)] if isinstance(system, dict) else []
        call.input += [turn(text_of(c.get("role")) or "user", c) for c in contents]
        call.tools = [name for tool in dicts_of(body.get("tools")) for name in _tools(tool)]
        config = dict_of(_either(body, "generationConfig", "generation_config"))
        call.parameters = scalar_parameters(config, _PARAMETERS)
        thinking = dict_of(config.get("thinkingConfig"))
        call.parameters |= scalar_parameters(thinking, ("thinkingBudget", "thinkingLevel"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """A response, or one of a stream."""
        call.response_model = text_of(event.get("modelVersion")) or call.response_model
        candidates = dicts_of(event.get("candidates"))
        for candidate in candidates:
            self._candidate(call, candidate)
        blocked = text_of(dict_of(event.get("promptFeedback")).get("blockReason"))
        call.finish_reason = blocked or call.finish_reason
        raw = dict_of(event.get("usageMetadata"))
        tier = text_of(raw.get("serviceTier")) or text_of(raw.get("trafficType"))
        call.service_tier = tier or call.service_tier
        if raw:
            is_final = bool(call.finish_reason) and all(self._finished.values())
            self.take_usage(call, raw, usage(raw), known_usage.GEMINI, is_final=is_final)
            call.details = details(raw)
            if self._searches:
                call.details["web_searches"] = self._billed_searches(call)

    def _billed_searches(self, call: ModelCall) -> int:
        """Return how many searches Google bills: each since Gemini 3, before that one an answer."""
        is_old = (call.request_model or "").startswith(("gemini-1", "gemini-2"))
        return 1 if is_old else len(self._searches)

    def _candidate(self, call: ModelCall, candidate: dict[str, Any]) -> None:
        index = index_of(candidate.get("index"))
        queries = list_of(dict_of(candidate.get("groundingMetadata")).get("webSearchQueries"))
        self._searches |= {text_of(query) for query in queries}
        for query in queries:
            self.server_tools.add(call, "google_search", f"search {text_of(query)}")
        if dicts_of(dict_of(candidate.get("urlContextMetadata")).get("urlMetadata")):
            self.server_tools.add(call, "url_context", "urls")
        for part in dicts_of(dict_of(candidate.get("content")).get("parts")):
            text = text_of(part.get("text"))
            if part.get("thought") is True:
                self.turns.add_reasoning(call, text, index)
            else:
                self.turns.add_text(call, text, index)
            made = dict_of(part.get("inlineData"))
            if made:
                mime = text_of(made.get("mimeType"))
                self.turns.add_media(call, media_of(text_of(made.get("data")), mime), index)
            if isinstance(part.get("executableCode"), dict):
                self._programs += 1
                self.server_tools.add(call, "code_execution", self._programs)
            elif isinstance(part.get("codeExecutionResult"), dict):
                self.server_tools.fail(call, self._programs, _outcome(part["codeExecutionResult"]))
            if isinstance(part.get("functionCall"), dict):
                self.turns.add_tool_call(call, *_function_call(part["functionCall"]), index=index)
        if candidate.get("finishReason"):
            call.finish_reason = text_of(candidate["finishReason"]) or call.finish_reason
            self._finished[index] = True
        else:
            self._finished.setdefault(index, False)


def _outcome(result: dict[str, Any]) -> str:
    """Return in words how a program that the server ran failed; "" where it did not."""
    outcome = text_of(result.get("outcome"))
    return "" if outcome in ("", "OUTCOME_OK") else outcome.removeprefix("OUTCOME_").lower()


def turn(role: str, content: dict[str, Any]) -> Message:
    """Return a content of the request as a message: its parts' text, and calls of functions."""
    parts = dicts_of(content.get("parts"))
    calls = [
        _function_call(p["functionCall"]) for p in parts if isinstance(p.get("functionCall"), dict)
    ]
    media: list[Media] = []
    texts = [_text(part, media) for part in parts if "functionCall" not in part]
    results = (text_of(dict_of(part.get("functionResponse")).get("name")) for part in parts)
    return Message(role, "\n".join(texts), calls, media, ", ".join(filter(None, results)))


def usage(raw: dict[str, Any]) -> Usage:
    """Return the counts in the `usageMetadata` of a finished answer."""
    thoughts, candidates = raw.get("thoughtsTokenCount"), raw.get("candidatesTokenCount")
    # Its JSON leaves zeros out: an answer that has thoughts alone has no candidates' tokens.
    text_tokens = 0 if candidates is None and thoughts is not None else count_of(candidates)
    return Usage(
        input=sum_of(count_of(raw.get("promptTokenCount")), raw.get("toolUsePromptTokenCount")),
        cached=count_of(raw.get("cachedContentTokenCount")),
        output=sum_of(text_tokens, thoughts),
        reasoning=count_of(thoughts),
        total=count_of(raw.get("totalTokenCount")),
    )


def details(raw: dict[str, Any]) -> dict[str, int]:
    """Return the counts that have prices of their own."""
    counts: dict[str, int] = {}
    for name, (side, modality) in _DETAILS.items():
        for part in dicts_of(raw.get(f"{side}TokensDetails")):
            count = count_of(part.get("tokenCount"))
            if part.get("modality") == modality and count:
                counts[name] = count
    return counts


_DETAILS = {
    "input_audio_tokens": ("prompt", "AUDIO"),
    "cache_audio_read_tokens": ("cache", "AUDIO"),
    "output_audio_tokens": ("candidates", "AUDIO"),
    "output_image_tokens": ("candidates", "IMAGE"),
}


def _either(body: dict[str, Any], camel: str, snake: str) -> Any:
    return body[camel] if camel in body else body.get(snake)


def _tools(tool: dict[str, Any]) -> list[str]:
    """Return the names of functions, or of a tool that the server runs: `googleSearch`."""
    functions = dicts_of(_either(tool, "functionDeclarations", "function_declarations"))
    return [text_of(f.get("name")) for f in functions] or list(tool)


def _function_call(function: dict[str, Any]) -> tuple[str, str]:
    return text_of(function.get("name")), json_of(function.get("args"))


def _text(part: dict[str, Any], media: list[Media]) -> str:
    if isinstance(part.get("functionResponse"), dict):
        return json_of(part["functionResponse"].get("response"))
    return text_of_part(part, media)
