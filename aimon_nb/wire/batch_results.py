"""The results of a batch, line by line: what was used, by model, and what failed.

https://platform.openai.com/docs/guides/batch
https://docs.anthropic.com/en/docs/build-with-claude/batch-processing
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model import ModelCall, Usage
from aimon_nb.model.call import CallPart
from aimon_nb.model.usage import MAX_TOKENS, NOTHING
from aimon_nb.wire.dialects import Dialect
from aimon_nb.wire.dialects.anthropic import Anthropic
from aimon_nb.wire.dialects.json_values import count_of, dict_of, text_of
from aimon_nb.wire.dialects.openai_chat import OpenAIChat
from aimon_nb.wire.dialects.openai_completions import OpenAICompletions
from aimon_nb.wire.dialects.openai_embeddings import OpenAIEmbeddings
from aimon_nb.wire.dialects.openai_responses import OpenAIResponses
from aimon_nb.wire.dialects.usage_only import UsageOnly
from aimon_nb.wire.json_events import LARGEST
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.response_reader import ResponseReader

_Details = tuple[tuple[str, int], ...]
# What an answer calls itself → who reads it.
_READERS: dict[str, type[Dialect]] = {
    "chat.completion": OpenAIChat,
    "text_completion": OpenAICompletions,
    "response": OpenAIResponses,
    "list": OpenAIEmbeddings,
    "message": Anthropic,
}
_FAILED = frozenset({"errored", "canceled", "expired"})
_FOREIGN = 100  # lines that tell of no request: then the file is somebody's own
_SHORTFALLS = 5  # kinds of them that are named
_MOST_MODELS = 20


class Line(NamedTuple):
    """One request of a batch, as it is shown; `error` is its type and message."""

    custom_id: str
    model: str | None
    usage: Usage
    error: tuple[str, str] | None = None


@dataclass(slots=True)
class ModelSum:
    """What all requests to one model used; `parts` are the different ones, and how many."""

    provider: str = ""
    total: int = 0
    parts: dict[tuple[Usage, _Details], int] = field(default_factory=dict)
    shortfalls: dict[str, None] = field(default_factory=dict)

    def add_to(self, call: ModelCall) -> None:
        """Add what was used to a call."""
        call.parts += [CallPart(*part, times) for part, times in self.parts.items()]
        for reason in self.shortfalls:
            if reason not in call.shortfalls:
                call.shortfalls.append(reason)


@dataclass(slots=True)
class BatchSums:
    """The sums over a file of results: by model, in the order in which they appear.

    `lines` are the first of them, as many as may be shown. `junk` counts lines that nobody can
    read, `untold` answers without a usage; `is_whole` says that the file was read to its end.
    """

    room: int
    by_model: dict[str, ModelSum] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    answered: int = 0
    failed: int = 0
    junk: int = 0
    untold: int = 0
    is_whole: bool = False

    @property
    def count(self) -> int:
        """How many requests it tells of."""
        return self.answered + self.failed

    def shortfalls(self) -> Iterator[str]:
        """Yield in words what makes the sums lower bounds."""
        if self.untold:
            yield f"{_many(self.untold, 'answer')} of the batch without a usage"
        if self.junk:
            yield f"{_many(self.junk, 'line')} of the batch could not be read"
        if not self.is_whole:
            yield "the results of the batch were not read to their end"

    def add(self, line: Any, host: str) -> bool:
        """Add a line of the file; False if it tells of no request."""
        if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
            return False
        result = line.get("result")
        if isinstance(result, dict):
            kind, body = text_of(result.get("type")), dict_of(result.get("message"))
            error: Any = result.get("error") or kind if kind in _FAILED else None
            status: int | None = None
        else:
            response = dict_of(line.get("response"))
            status, body = count_of(response.get("status_code")), dict_of(response.get("body"))
            error = line.get("error") or body.get("error")
            if (status or 0) >= 400:
                error = error or f"HTTP {status}"
        if error:
            self.failed += 1
            self._show(Line(line["custom_id"], None, NOTHING, _in_words(error, status)))
            return True
        return bool(body) and self._add_answer(line["custom_id"], body, host)

    def _add_answer(self, custom_id: str, body: dict[str, Any], host: str) -> bool:
        kind = _READERS.get(text_of(body.get("object")) or text_of(body.get("type")), UsageOnly)
        dialect = kind(host, "")
        call = ModelCall()
        dialect.answer(call, body)
        model = call.response_model or ""
        if not call.usage.known:
            self.untold += 1
        elif _is_impossible(call.usage):
            return False
        else:
            if model not in self.by_model and len(self.by_model) >= _MOST_MODELS:
                return False
            one = self.by_model.setdefault(model, ModelSum(dialect.provider))
            used = sum(n for n in (call.usage.input, call.usage.output, call.usage.total) if n)
            # No batch has so many: what tells of them makes no sense.
            if one.total + used >= MAX_TOKENS:
                return False
            one.total += used
            part = call.usage, tuple(sorted(call.details.items()))
            one.parts[part] = one.parts.get(part, 0) + 1
            if call.usage.input is None or (call.usage.output is None and kind != OpenAIEmbeddings):
                call.shortfalls.append("an answer of the batch told a part of its tokens alone")
            for reason in call.shortfalls:
                if len(one.shortfalls) < _SHORTFALLS:
                    one.shortfalls[reason] = None
        self.answered += 1
        self._show(Line(custom_id, model or None, call.usage))
        return True

    def _show(self, line: Line) -> None:
        if len(self.lines) < self.room:
            self.lines.append(line)


class BatchReader(ResponseReader):
    """Reads a file of results as it comes, one line in memory at a time."""

    def __init__(self, model_request: ModelRequest, room: int, *, is_known: bool) -> None:
        super().__init__(model_request)
        self.sums = BatchSums(room)
        self.is_foreign = False  # no results of a batch: nothing more of it is kept
        self._is_known = is_known
        self._is_unseen = True  # nothing of it has come
        self._rest: list[bytes] = []
        self._size = 0

    def _feed(self) -> None:
        request = self.model_request
        for _ in range(len(request.chunks)):
            data = request.chunks.popleft()
            request.bytes_read += len(data)
            if not self.is_foreign:
                self._split(self._decoded(data))

    def _split(self, data: bytes) -> None:
        if self._is_unseen and data.strip():
            self._is_unseen = False
            if not self._is_known and data.lstrip()[:1] != b"{":
                self.is_foreign = self.model_request.truncated = True
                return
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._keep(data[begin:end])
            self._end_line()
            begin = end + 1
        self._keep(data[begin:])

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= LARGEST:
            self._rest.append(data)
        else:
            self._rest.clear()

    def _end_line(self) -> None:
        line, size = b"".join(self._rest).strip(), self._size
        self._rest.clear()
        self._size = 0
        if not line and size <= LARGEST:
            return
        try:
            is_result = self.sums.add(json.loads(line), self.model_request.call.host or "")
        except (ValueError, RecursionError):
            is_result = False
        except Exception:
            internal_errors.record("reading a line of a batch")
            is_result = False
        self.sums.junk += not is_result
        if not (self._is_known or self.sums.count) and self.sums.junk >= _FOREIGN:
            self.is_foreign = self.model_request.truncated = True

    def _finish(self) -> None:
        request = self.model_request
        self._end_line()
        is_part = request.status == 206  # of a file that was asked for in pieces
        self.sums.is_whole = not (
            is_part or request.left_early or request.failure is not None or request.is_cut
        )


def _is_impossible(usage: Usage) -> bool:
    """Return whether a count is larger than the one that it is a part of."""
    cache, reasoning = (usage.cached or 0) + (usage.cache_write or 0), usage.reasoning or 0
    is_more = usage.input is not None and cache > usage.input
    return is_more or (usage.output is not None and reasoning > usage.output)


def _in_words(error: Any, status: int | None) -> tuple[str, str]:
    inner = dict_of(error).get("error")
    error = inner if isinstance(inner, dict) else error
    message = text_of(dict_of(error).get("message")) or text_of(error) or "failed"
    kind = text_of(dict_of(error).get("type")) or text_of(dict_of(error).get("code"))
    name = f"HTTP {status}" if status else kind[:60] or "failed"
    return name, redact_secrets(message[:2000])[:500]


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
