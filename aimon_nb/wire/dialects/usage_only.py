"""Any JSON answer that tells its usage in a known form: an API of tomorrow has a bill today."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from aimon_nb.model import ModelCall, Usage
from aimon_nb.wire.dialects import (
    anthropic_usage,
    bedrock_converse,
    cohere,
    gemini,
    known_usage,
    openai_form,
    openai_responses,
)
from aimon_nb.wire.dialects.dialect import Dialect
from aimon_nb.wire.dialects.json_values import dict_of, dicts_of, scalar_parameters, text_of


class _Form(NamedTuple):
    """A form of usage: one of its `marks` is in it, and `read` returns its counts.

    `details` returns those with prices of their own, `shortfalls` in words what neither holds.
    """

    marks: frozenset[str]
    known: frozenset[str]
    read: Callable[[dict[str, Any]], Usage]
    details: Callable[[dict[str, Any]], dict[str, int]] = lambda _: {}
    shortfalls: Callable[[dict[str, Any]], list[str]] = lambda _: []


# The first whose mark is there; Anthropic's differs from OpenAI's second by its cache.
_FORMS = (
    _Form(
        frozenset({"cache_read_input_tokens", "cache_creation_input_tokens", "iterations"}),
        known_usage.ANTHROPIC,
        lambda raw: anthropic_usage.usage(anthropic_usage.billed(raw)[0]),
        lambda raw: anthropic_usage.details(anthropic_usage.billed(raw)[0]),
        lambda raw: anthropic_usage.billed(raw)[1],
    ),
    _Form(
        frozenset({"prompt_tokens", "completion_tokens"}),
        known_usage.CHAT,
        openai_form.usage,
        openai_form.details,
    ),
    _Form(
        frozenset({"input_tokens", "output_tokens"}),
        known_usage.RESPONSES - {"input_tokens_details.image_tokens"},
        openai_responses.usage,
    ),
    _Form(
        frozenset({"promptTokenCount", "candidatesTokenCount", "totalTokenCount"}),
        known_usage.GEMINI,
        gemini.usage,
        gemini.details,
    ),
    _Form(
        frozenset({"inputTokens", "outputTokens"}),
        known_usage.BEDROCK,
        bedrock_converse.usage,
        bedrock_converse.details,
    ),
    _Form(frozenset({"billed_units"}), known_usage.COHERE, cohere.usage),
    _Form(frozenset({"total_tokens"}), known_usage.CHAT, openai_form.usage),
)
_DEEPEST, _MOST = 3, 200
_MOST_EVENTS = 100_000  # no model's stream has so many: these are somebody's records
_MODELS = ("model", "modelVersion", "model_id", "modelId")
_MODEL_IN_PATH = re.compile(r"/(?:models|deployments|serving-endpoints|endpoints)/([^/:]+)[/:]")
_KINDS = ("type", "event", "event_type")
_TIERS = ("service_tier", "serviceTier", "trafficType")
_REASONS = ("finish_reason", "stop_reason", "finishReason", "stopReason")
_END = re.compile(r"(?:^|[._-])(?:completed?|done|stop|end|finished)$")
# Pieces of an answer, which end before it does.
_PIECE = re.compile(r"step|block|content|item|part|tool|text|reasoning|thought|audio|argument|call")
# What a path says that it does → the operation.
_OPERATIONS = (
    (re.compile(r"embed", re.IGNORECASE), "embeddings"),
    (re.compile(r"responses$", re.IGNORECASE), "responses"),
    (re.compile(r"(?<!chat/)completions?$", re.IGNORECASE), "text_completion"),
)


class UsageOnly(Dialect):
    """Reads the usage in an answer of whatever API, and the model where it is named."""

    path_pattern = re.compile("")

    def __init__(self, host: str, path: str) -> None:
        super().__init__(host, path)
        found = (name for pattern, name in _OPERATIONS if pattern.search(path))
        self.operation = next(found, "chat")
        self._said: dict[str, Any] = {}
        self._tools: dict[str, int] = {}
        self._events = 0

    def request(self, call: ModelCall, body: dict[str, Any]) -> None:
        """Model, and whether the answer is streamed."""
        call.from_usage_alone = True
        in_path = unquote(self.in_path(_MODEL_IN_PATH))
        call.request_model = text_of(body.get("model")) or in_path or None
        call.streaming = body.get("stream") is True
        call.parameters = scalar_parameters(body, ("service_tier", "speed"))

    def answer(self, call: ModelCall, event: dict[str, Any]) -> None:
        """An answer, or one event of a stream."""
        usages: list[tuple[dict[str, Any], _Form]] = []
        self._events += 1
        self.has_given_up = self._events >= _MOST_EVENTS
        for part in _parts(event):
            form = _form_of(part)
            if form is not None:
                usages.append((part, form))
            model = next((text_of(part[key]) for key in _MODELS if part.get(key)), "")
            call.response_model = call.response_model or model or None
            reason = next((text_of(part[key]) for key in _REASONS if part.get(key)), "")
            call.finish_reason = reason or call.finish_reason
            tier = next((_word(part[key]) for key in _TIERS if part.get(key)), "")
            call.service_tier = tier or call.service_tier
            self._tools |= openai_responses.details(dicts_of(part.get("output")))
        kind = next((text_of(event[key]) for key in _KINDS if event.get(key)), "")
        if _END.search(kind) and not _PIECE.search(kind):
            call.finish_reason = call.finish_reason or "stop"
        # A stream tells its end; what comes in one piece is over with it.
        is_stream = call.streaming or self._events > 1
        self._is_final = call.finish_reason is not None or not is_stream
        if usages:
            self._take(call, usages)
        rest = [one for one in call.shortfalls if one != known_usage.NOT_FINAL]
        is_told = call.usage.known and not self._is_final
        call.shortfalls = [known_usage.NOT_FINAL, *rest] if is_told else rest

    def _take(self, call: ModelCall, usages: list[tuple[dict[str, Any], _Form]]) -> None:
        raw, form = usages[0]
        # Some tell a part of it at the start of a stream and the rest at its end.
        self._said |= {key: value for key, value in raw.items() if value is not None}
        form = _form_of(self._said) or form
        counts = form.read(self._said)
        if self.operation == "embeddings":
            counts = openai_form.as_input(counts)
        self.take_usage(call, self._said, counts, form.known, is_final=self._is_final)
        call.details = form.details(self._said) | self._tools
        call.speed = text_of(self._said.get("speed")) or call.speed
        call.shortfalls += form.shortfalls(self._said)
        if len(usages) > 1:
            call.shortfalls.append("the answer tells more than one usage: the first one counts")


def _word(value: Any) -> str:
    return text_of(value) or text_of(dict_of(value).get("type"))


def _form_of(part: dict[str, Any]) -> _Form | None:
    return next((form for form in _FORMS if not form.marks.isdisjoint(part)), None)


def _parts(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects of an answer, the outer ones first; of a very large one only some."""
    level: list[Any] = [event]
    seen = 0
    for _ in range(_DEEPEST + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                seen += 1
                yield value
                if _form_of(value) is None:
                    below += value.values()
            elif isinstance(value, list):
                below += value[:_MOST]
            if seen > _MOST:
                return
        level = [value for value in below if isinstance(value, (dict, list))]
