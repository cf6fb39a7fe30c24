"""What an OpenTelemetry span says of itself, in the words of five conventions, in ours.

GenAI (OpenTelemetry's own), OpenInference, Traceloop, Langfuse and Logfire. What they say
once more in text (prompts, answers, arguments, results) is content, and set apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from aimon_nb.capture.redact import redact_secrets
from aimon_nb.model.span import CALL_OPS
from aimon_nb.model.usage import MAX_TOKENS
from aimon_nb.otel.content import Told, is_content

STEP, AGENT, TOOL, CHAT = "function", "gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.chat"
EMBEDDINGS, RETRIEVAL, NOISE = "gen_ai.embeddings", "gen_ai.retrieval", "http.client"
WORKFLOW = "gen_ai.invoke_workflow"  # the whole that agents are parts of
# No rows: an agent is made, and does nothing yet; a line of a log; what moves messages.
_MADE, _LINE, _QUEUE = "gen_ai.create_agent", "log", "queue.process"
WITHOUT_ROW = frozenset({_MADE, _LINE, _QUEUE})

# The attribute that names a span's kind → op by that kind, in any case; of any other a step.
_KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "openinference.span.kind",
        {
            "llm": CHAT,
            "embedding": EMBEDDINGS,
            "agent": AGENT,
            "tool": TOOL,
            "retriever": RETRIEVAL,
            "reranker": "gen_ai.rerank",
        },
    ),
    (
        "gen_ai.operation.name",
        {
            "chat": CHAT,
            "text_completion": CHAT,
            "generate_content": CHAT,
            "responses": CHAT,
            "embeddings": EMBEDDINGS,
            "invoke_agent": AGENT,
            "invoke_workflow": WORKFLOW,
            "create_agent": _MADE,
            "execute_tool": TOOL,
            "retrieval": RETRIEVAL,
        },
    ),
    (
        "langfuse.observation.type",
        {
            "generation": CHAT,
            "embedding": EMBEDDINGS,
            "agent": AGENT,
            "tool": TOOL,
            "retriever": RETRIEVAL,
        },
    ),
    ("traceloop.span.kind", {"agent": AGENT, "tool": TOOL}),
    (
        "llm.request.type",
        {"chat": CHAT, "completion": CHAT, "embedding": EMBEDDINGS, "rerank": "gen_ai.rerank"},
    ),
)
_LOG = "logfire.span_type"  # that is "span", or else what happened in no time
_HTTP = ("http.request.method", "http.method")
_MESSAGING = ("messaging.operation", "messaging.operation.type")
# Only one of these says that a span is no plain step.
KINDS = frozenset({*(key for key, _ in _KINDS), *_HTTP, *_MESSAGING, _LOG, "gen_ai.request.model"})
# What Google's ADK calls a span that says again what those of its tools say; and Strands each
# round of an agent, whose call and tools are the agent's.
_AGAIN = frozenset({"execute_tool (merged tools)", "execute_event_loop_cycle"})

# Our name of an attribute ← theirs, the first that is there.
_P = "gen_ai.usage."
_NAMES: dict[str, tuple[str, ...]] = {
    "gen_ai.request.model": (
        "llm.request.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "langfuse.observation.model.name",
    ),
    "gen_ai.response.model": ("llm.response.model_name", "llm.model_name"),
    "gen_ai.provider.name": ("llm.provider", "llm.system"),
    "gen_ai.agent.name": ("agent.name", "agent_name"),
    "gen_ai.tool.name": ("tool.name",),
    "gen_ai.conversation.id": ("session.id",),
    _P + "input_tokens": (_P + "prompt_tokens", "llm.token_count.prompt"),
    _P + "output_tokens": (_P + "completion_tokens", "llm.token_count.completion"),
    _P + "total_tokens": ("llm.usage.total_tokens", "llm.token_count.total"),
    _P + "input_tokens.cached": (
        _P + "cache_read.input_tokens",
        _P + "cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    _P + "input_tokens.cache_write": (
        _P + "cache_creation.input_tokens",
        _P + "cache_creation_input_tokens",
        _P + "cache_write_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    _P + "output_tokens.reasoning": (
        _P + "reasoning.output_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
_OURS = {theirs: ours for ours, names in _NAMES.items() for theirs in names}
USAGE = frozenset({one for ours in _NAMES if ours.startswith(_P) for one in (ours, *_NAMES[ours])})
_LANGFUSE_USAGE = "langfuse.observation.usage_details"
_LANGFUSE_KINDS = {"input": "input_tokens", "output": "output_tokens", "total": "total_tokens"}


def op_of(get: Callable[[str], Any]) -> str:
    """Return the op of a span by its attributes; of one that says nothing it is a step."""
    if get(_LOG) in ("log", "pending_span"):
        return _LINE
    for key, ops in _KINDS:
        kind = get(key)
        if type(kind) is str:
            return ops.get(kind.lower(), STEP)
    if any(get(key) is not None for key in _HTTP):
        return NOISE
    if any(get(key) is not None for key in _MESSAGING):
        return _QUEUE
    return CHAT if type(get("gen_ai.request.model")) is str else STEP


def model_of(get: Callable[[str], Any]) -> Any:
    """Return the model that a span asks, else None."""
    for key in ("gen_ai.request.model", *_NAMES["gen_ai.request.model"], "llm.model_name"):
        model = get(key)
        if model is not None:
            return model
    return None


def read(raw: Mapping[str, Any], *, is_logfire: bool = False) -> Told:
    """Return what attributes say; of Logfire's own spans each unknown one is an argument."""
    told = Told()
    for key, value in raw.items():
        if is_content_key(key) or (is_logfire and "." not in key):
            told.content[key] = value
        else:
            told.attributes[key] = _without_query(value)
    for ours, names in _NAMES.items():
        if ours not in told.attributes:
            value = next((raw[name] for name in names if name in raw), None)
            if value is not None:
                told.attributes[ours] = value
    for theirs in _OURS.keys() & told.attributes.keys() - _NAMES.keys():
        del told.attributes[theirs]
    _read_langfuse_usage(raw.get(_LANGFUSE_USAGE), told.attributes)
    return told


def _without_query(value: Any) -> Any:
    """Return an attribute; of one that is a URL its query and user, often a key, are left out."""
    is_url = type(value) is str and ("://" in value or (value[:1] == "/" and "?" in value))
    return redact_secrets(value) if is_url else value


def is_content_key(key: str) -> bool:
    """Whether an attribute of this name is content, whatever else we take of it."""
    return key not in _OURS and key not in _NAMES and is_content(key)


def has_usage(attributes: Mapping[str, Any]) -> bool:
    """Whether a span reports tokens."""
    return not USAGE.isdisjoint(attributes) or _LANGFUSE_USAGE in attributes


def _read_langfuse_usage(text: Any, attributes: dict[str, Any]) -> None:
    if type(text) is not str:
        return
    try:
        counts = json.loads(text)
    except ValueError:
        return
    if not isinstance(counts, dict):
        return
    for kind, ours in _LANGFUSE_KINDS.items():
        count = counts.get(kind)
        if type(count) is int and 0 <= count < MAX_TOKENS:
            attributes.setdefault(_P + ours, count)


def has_row(op: str, name: str) -> bool:
    """Whether a span tells something that no other does, by the op and the name of its row."""
    return op not in WITHOUT_ROW and name not in _AGAIN


def is_same(workflow: str, agent: str) -> bool:
    """Whether a workflow and the agent in it are one, by the names of their rows."""
    return workflow.removeprefix("invoke_workflow ") == agent.removeprefix("invoke_agent ")


def name_of(op: str, name: str, attributes: dict[str, Any]) -> str:
    """Return the name of a span's row, and complete the name of its agent or tool."""
    if op == AGENT:
        return _named("invoke_agent", "gen_ai.agent.name", name, attributes)
    if op == TOOL:
        return _named("execute_tool", "gen_ai.tool.name", name, attributes)
    if op in CALL_OPS:
        model = attributes.get("gen_ai.request.model") or attributes.get("gen_ai.response.model")
        operation = op.removeprefix("gen_ai.")
        return f"{operation} {model}" if type(model) is str else name
    return attributes["traceloop.entity.name"] if _is_entity(attributes) else name


def _is_entity(attributes: dict[str, Any]) -> bool:
    return type(attributes.get("traceloop.entity.name")) is str


def _named(verb: str, key: str, name: str, attributes: dict[str, Any]) -> str:
    known = attributes.get(key)
    if type(known) is not str or not known:
        entity = attributes.get("traceloop.entity.name")
        known = entity if type(entity) is str and entity else _without_verb(name, verb)
        attributes[key] = known
    return f"{verb} {known}"


def _without_verb(name: str, verb: str) -> str:
    """The name of an agent or tool by its span's: `Ann.run` and `invoke_agent Ann` are Ann."""
    owner, _, method = name.removeprefix(f"{verb} ").rpartition(".")
    return owner if owner and method in _METHODS else name.removeprefix(f"{verb} ")


_METHODS = frozenset({"run", "arun", "invoke", "ainvoke", "stream", "astream", "__call__"})


@lru_cache(maxsize=1024)
def framework_of_scope(scope: str) -> str | None:
    """Return the framework that an instrumentation scope stands for: `openai_agents`, say.

    OpenInference, Traceloop and Logfire name it last, a framework itself by its own name.
    """
    parts = scope.lower().replace("-", "_").removesuffix("_python_sdk").split(".")  # MCP's own
    return next((part for part in reversed(parts) if part in _FRAMEWORKS), None)


_FRAMEWORKS = frozenset(
    {
        "autogen",
        "crewai",
        "dspy",
        "haystack",
        "langchain",
        "langgraph",
        "llama_index",
        "llamaindex",
        "mcp",
        "openai_agents",
        "pydantic_ai",
        "smolagents",
    }
)
