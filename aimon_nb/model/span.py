"""One timed operation inside a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from aimon_nb.model import plain_form
from aimon_nb.model.call import ModelCall
from aimon_nb.model.cost import Cost
from aimon_nb.model.item import Item
from aimon_nb.model.kept import packable
from aimon_nb.model.usage import NOTHING, Usage

SpanStatus = Literal["running", "ok", "error", "interrupted", "cancelled", "abandoned", "lost"]
# provider: read from its answer; recorded: from the span's attributes, by an integration or
# by hand; estimate: counted here from the text.
# What the provider told; what was recorded on the span; what an SDK's integration or we counted.
UsageSource = Literal["provider", "recorded", "sdk_estimate", "estimate"]
# What became of a call that was tried again: the last attempt was answered, or not (yet).
Retried = Literal["repaired", "unrepaired"]
SpanKind = Literal["model", "embedding", "agent", "tool", "retrieval", "other"]

# Ops of a single model call (rule A in docs/cost.md); the rest that carries
# usage is an aggregate over calls below it.
CALL_OPS = frozenset(
    {
        "gen_ai.chat",
        "gen_ai.responses",
        "gen_ai.text_completion",
        "gen_ai.generate_content",
        "gen_ai.embeddings",
        "gen_ai.rerank",
        "gen_ai.image_generation",
        "gen_ai.transcription",
        "gen_ai.speech",
        "gen_ai.evaluate",
        "ai.chat_completions.create.cohere",
        "ai.embeddings.create.cohere",
    }
)
# What `gen_ai.operation.name` has for a call, under an op that we do not know.
CALL_OPERATIONS = frozenset(
    {
        "chat",
        "responses",
        "text_completion",
        "generate_content",
        "embeddings",
        "rerank",
        "image_generation",
        "transcription",
        "speech",
        "evaluate",
    }
)
# By this attribute, Sentry's own, a span says that a cache answered.
CACHE_HIT = "cache.hit"
# Ops whose name alone is enough, whatever the operation.
_KNOWN_OPS = ("gen_ai.", "ai.pipeline", "ai.run")
# Plumbing below a call, and agents that are only made: in every table, folded in views.
NOISE_OPS = frozenset(
    {
        "gen_ai.create_agent",
        "http.client",
        "subprocess",
        "subprocess.wait",
        "subprocess.communicate",
        "socket.dns",
        "socket.connection",
    }
)


class Frame(NamedTuple):
    """One frame of a traceback, without its locals."""

    file: str
    line: int
    function: str


@packable(input=None, output=None)
@dataclass(slots=True)
class StepContent:
    """What went into a step and came out: of a function by its arguments' names; plain data.

    Content, as prompts are: it is in the live view and in memory only. `None` is a value, so
    `has_input` and `has_output` tell whether there is any.
    """

    has_input: bool = False
    input: Any = None
    has_output: bool = False
    output: Any = None


@dataclass(slots=True)
class Span:
    """A span as it was tracked; mutable while it runs, left alone afterwards.

    `since` is when its run started (UTC), `offset` seconds from there to its own
    start and `duration` seconds (None while running), from our own monotonic clock.
    `error` quotes no prompt; where it did, the whole is content: `error_in_full`.
    `frames` are those that an error came through, the innermost last.
    `step` is what went in and came out of one that is no call, where that was looked at.
    `content_gone` says in words why its prompts and answers, or what went in and came out, are
    not here; None where they are.
    `conversation` is the id of the thread or session that it belongs to, as the provider or the
    framework names it.
    `call` is the model call that crossed the wire for it, if one did; a span
    that `is_duplicate` of a call made below it is folded in views and counts
    nothing, nor does one that `is_part` of a batch, whose sums stand in the row above it;
    one that `is_alias` says again what the row above or below it says, and has no row;
    one that is `folded` came after the cap on spans: it counts and has no
    row. With `has_unread_request` one that nobody else can read crossed the wire for it: its
    own counts stand for that. `ttft` are seconds to the first token of a stream. `sent` is
    whether Sentry got it, or why not (None while running).
    With `not_sent` a budget or an interrupt refused its request: it is no call.
    What a span reports that `repeats` (an agent's own total, a call in a call) stands in the
    counts of others: it is in no sum. `caller` are the user's
    nearest functions that asked (`route > ask`), `caller_line` the line that tells its calls
    apart: the nearest function's, or where that is always the same, the line that called it;
    `caller_lines` says it in words (`line 3`) where the calls of one caller differ, and
    `called_from` tells the whole place. The attempts at one request share a `retry_group`,
    which is None where the first was answered; all but the last are `retried`.
    """

    span_id: str
    parent_id: str | None
    run_id: str
    since: datetime
    offset: float
    op: str = ""
    name: str = ""
    caller: str | None = None
    caller_line: int | None = None
    caller_lines: str | None = None
    called_from: str | None = None
    trace_id: str | None = None
    pipeline: str | None = None
    status: SpanStatus = "running"
    error_type: str | None = None
    error: str | None = None
    error_in_full: str | None = None
    frames: tuple[Frame, ...] = ()
    duration: float | None = None
    provider: str | None = None
    model: str | None = None
    request_model: str | None = None
    operation: str | None = None
    agent: str | None = None
    tool: str | None = None
    conversation: str | None = None
    finish_reason: str | None = None
    usage: Usage = NOTHING
    # None while there is no usage.
    usage_source: UsageSource | None = None
    cost: Cost | None = None
    streaming: bool | None = None
    ttft: float | None = None
    thread: str | None = None
    item: Item | None = None
    attempt: int | None = None
    retry_group: int | None = None
    retried: Retried | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    step: StepContent | None = None
    content_gone: str | None = None
    origin: str | None = None
    call: ModelCall | None = None
    is_duplicate: bool = False
    repeats: bool = False
    is_part: bool = False
    is_alias: bool = False
    has_unread_request: bool = False
    cached_locally: bool = False
    late: bool = False
    not_sent: bool = False
    folded: bool = False
    sent: str | None = None

    def to_dict(self, *, content: bool = False) -> dict[str, Any]:
        """Return it as what JSON can hold; prompts, answers and arguments only with `content`."""
        return plain_form.to_dict(self, content=content)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Span:
        """Return the span that `to_dict` was called on; ValueError for a later version's."""
        return plain_form.from_dict(cls, data)

    @property
    def is_estimated(self) -> bool:
        """Whether its tokens were counted on this machine, not by the provider."""
        return self.usage_source in ("estimate", "sdk_estimate")

    @property
    def start(self) -> datetime:
        """When it started, UTC."""
        return self.since + timedelta(seconds=self.offset)

    @property
    def is_call(self) -> bool:
        """Whether this is one model call (not an agent, tool or step)."""
        if self.call is not None or self.op in CALL_OPS:
            return True
        return self.operation in CALL_OPERATIONS and not self.op.startswith(_KNOWN_OPS)

    @property
    def may_cost(self) -> bool:
        """Whether it may have a cost: it is a call, or reports usage."""
        return (self.is_call or self.usage.known) and not self.not_sent

    @property
    def is_noise(self) -> bool:
        """Whether this is plumbing (a subprocess, a bare HTTP request)."""
        return _is_noise(self.op)

    @property
    def kind(self) -> SpanKind:
        """The kind that its icon and colour show."""
        return _kind(self.op, is_call=self.is_call, is_tool=self.tool is not None)


@lru_cache(maxsize=1024)
def _is_noise(op: str) -> bool:
    return op in NOISE_OPS or op.startswith("subprocess")


@lru_cache(maxsize=1024)
def _kind(op: str, *, is_call: bool, is_tool: bool) -> SpanKind:
    if op.startswith(("gen_ai.embed", "ai.embed")):
        return "embedding"
    if is_call:
        return "model"
    if "agent" in op:
        return "agent"
    if "tool" in op:
        return "tool"
    if "retriev" in op or "search" in op:
        return "retrieval"
    return "tool" if is_tool else "other"
