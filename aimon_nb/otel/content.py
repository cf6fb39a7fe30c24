"""Which attributes of OpenTelemetry's spans are content: prompts, answers, arguments, results.

They are shown where ours are, in the live view, and nowhere else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aimon_nb.capture.step_content import is_secret
from aimon_nb.model import content

# Names that begin so are one of the conventions': of these only what is listed is no content.
_THEIRS = (
    "agent.",
    "all_messages",
    "crewai.",
    "document.",
    "embedding.",
    "event.",
    "final_result",
    "gcp.vertex.agent.",
    "gen_ai.",
    "haystack.",
    "input",
    "langfuse.",
    "llm.",
    "logfire.",
    "message",
    "metadata",
    "openinference.",
    "output",
    "prompt.",
    "pydantic_ai.",
    "request_data",
    "reranker.",
    "response_data",
    "retrieval.",
    "sk.",
    "tool",
    "traceloop.",
)
_NO_CONTENT = (
    "gen_ai.agent.id",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.operation.name",
    "gen_ai.output.type",
    "gen_ai.provider.name",
    "gen_ai.request.",
    "gen_ai.response.",
    "gen_ai.server.",
    "gen_ai.system",
    "gen_ai.token.",
    "gen_ai.tool.call.id",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
    "gen_ai.usage.",
    "openinference.span.kind",
    "traceloop.span.kind",
    "traceloop.workflow.name",
    "traceloop.entity.name",
    "langfuse.observation.type",
    "langfuse.observation.level",
    "llm.finish_reason",
    "llm.is_streaming",
)
# Where a file of the user's is on his disk.
_PATHS = frozenset({"code.filepath", "code.file.path"})
_HEADERS = re.compile(r"\.(header|headers|metadata)\.|headers?$")
_BUT_CONTENT = ("gen_ai.system_instructions",)
# Anybody's, by a word in the name: who puts a question on a span of his own means content too.
_WORDS = frozenset(
    {
        "answer",
        "argument",
        "args",
        "body",
        "completion",
        "content",
        "document",
        "history",
        "input",
        "instruction",
        "kwargs",
        "message",
        "output",
        "prompt",
        "queries",
        "query",
        "question",
        "replies",
        "reply",
        "response",
        "result",
        "sql",
        "stacktrace",
        "statement",
        "text",
        "transcript",
    }
)
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")  # of `user_question`, `mlflow.spanInputs`
_INPUT, _OUTPUT = "input", "output"
_LONGEST_JSON = 100_000
# What a span's input and output are, where it says so in one: the first that is there.
_WHOLE: dict[str, tuple[str, ...]] = {
    _INPUT: (
        "gen_ai.tool.call.arguments",
        "gcp.vertex.agent.tool_call_args",
        "input.value",
        "traceloop.entity.input",
        "langfuse.observation.input",
        "gen_ai.input.messages",
        "tool.parameters",
        "tool_arguments",
        "request_data",
    ),
    _OUTPUT: (
        "gen_ai.tool.call.result",
        "gcp.vertex.agent.tool_response",
        "output.value",
        "traceloop.entity.output",
        "langfuse.observation.output",
        "gen_ai.output.messages",
        "tool_response",
        "final_result",
        "response_data",
    ),
}


@dataclass(slots=True)
class Told:
    """What a span says of itself: attributes in our names without content, and the content."""

    attributes: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)

    @property
    def step_input(self) -> Any:
        """What went in, else None."""
        return self._whole(_INPUT)

    @property
    def step_output(self) -> Any:
        """What came out, else None."""
        return self._whole(_OUTPUT)

    def _whole(self, side: str) -> Any:
        return next((self.content[key] for key in _WHOLE[side] if key in self.content), None)


def of_events(events: list[Any]) -> Told:
    """Return what went in and came out by events: the first message that came, and the choice."""
    told = Told()
    for event in events:
        name, attributes = event.name, event.attributes or {}
        if name == "gen_ai.choice":
            told.content.setdefault("gen_ai.output.messages", attributes.get("message"))
        elif name == "gen_ai.client.inference.operation.details":
            for key in ("gen_ai.input.messages", "gen_ai.output.messages"):
                if key in attributes:
                    told.content.setdefault(key, attributes[key])
        elif name.startswith("gen_ai.") and name.endswith(".message"):
            told.content.setdefault("gen_ai.input.messages", attributes.get("content"))
    return told


def unpacked(value: Any) -> Any:
    """Return a value that stands there as JSON's text as what it is, if it is not too long."""
    if type(value) is not str or len(value) > _LONGEST_JSON or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


@lru_cache(maxsize=4096)
def is_content(key: str) -> bool:
    """Whether an attribute of this name is shown only where prompts and answers are.

    Headers and what is called as a password is are so too, and are no step's input or output.
    """
    if key in _PATHS or _HEADERS.search(key) or is_secret(key.rpartition(".")[2]):
        return True
    if content.is_content(key):
        return True
    if key.startswith(_THEIRS):
        return key.startswith(_BUT_CONTENT) or not key.startswith(_NO_CONTENT)
    words = {word.lower() for word in _WORD.findall(key)}
    return not _WORDS.isdisjoint(words | {word.removesuffix("s") for word in words})
