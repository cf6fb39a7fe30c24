"""What a request sets beside its messages, and the tools that it offers: one rule for every API.

All that an API knows is taken by its own name, so that a new parameter shows as soon as
somebody sends it. What is left out is what stands elsewhere: the model, messages, prompts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from aimon_nb.capture.redact import FILTERED
from aimon_nb.capture.step_content import is_secret
from aimon_nb.model import ModelCall
from aimon_nb.model.call import ToolDefinition
from aimon_nb.wire.dialects.json_values import dict_of, dicts_of, text_of
from aimon_nb.wire.json_secrets import without_secrets

# Shown elsewhere: as messages, as tools, or as the row's own model and streaming.
_ELSEWHERE = frozenset(
    {
        *("model", "modelId", "agent", "stream", "messages", "message", "chat_history", "preamble"),
        *("input", "inputs", "inputText", "texts", "prompt", "suffix", "query", "contents"),
        *("content", "system", "system_prompt", "systemInstruction", "system_instruction"),
        *("instructions", "instances", "tools", "functions", "integrations", "requests"),
    }
)
# Objects whose members are settings of the request.
_BLOCKS = frozenset(
    {
        *("generationConfig", "generation_config", "inferenceConfig", "textGenerationConfig"),
        *("options", "parameters", "completion_args", "additionalModelRequestFields"),
    }
)
# Bedrock's Converse has tools and the choice among them in one object.
_CONVERSE = "toolConfig"
_SCHEMAS = (
    *("parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema"),
    *("inputSchema", "parameter_definitions", "schema"),
)
_MOST = 1_000  # settings, and tools, of one request
_LONGEST = 100_000  # characters of one of them
_SHARED = 512  # texts that are kept for the calls that send them again


def read_settings(call: ModelCall, body: Mapping[str, Any]) -> None:
    """Set the call's `settings` and `definitions` by the request's body, whatever its API.

    What is no single value is there as JSON text.
    """
    call.settings = {
        name: FILTERED if is_secret(name) and type(value) is str else _plain(value)
        for name, value in islice(_settings(body), _MOST)
    }
    call.definitions = list(islice(_definitions(body), _MOST))


def _settings(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name in _BLOCKS and isinstance(value, dict):
            yield from value.items()
        elif name == _CONVERSE and isinstance(value, dict):
            yield from ((one, each) for one, each in value.items() if one != "tools")
        elif name not in _ELSEWHERE and value is not None:
            yield name, value


def _definitions(body: Mapping[str, Any]) -> Iterator[ToolDefinition]:
    tools = body.get("tools") or body.get("functions") or dict_of(body.get(_CONVERSE)).get("tools")
    for tool in dicts_of(tools):
        declared = tool.get("functionDeclarations", tool.get("function_declarations"))
        for one in dicts_of(declared) or [tool]:
            yield _definition(one)


def _definition(tool: dict[str, Any]) -> ToolDefinition:
    """Read a function's name, description and schema; of a tool of the server's all it says."""
    told = dict_of(tool.get("function") or tool.get("toolSpec") or tool.get("custom")) or tool
    schema = next((told[key] for key in _SCHEMAS if told.get(key) is not None), None)
    if schema is None:
        schema = {k: v for k, v in told.items() if k not in ("name", "description", "type")}
    # Converse has the schema in a field of its own.
    if isinstance(schema, dict) and list(schema) == ["json"]:
        schema = schema["json"]
    name = text_of(told.get("name")) or text_of(told.get("type")) or next(iter(told), "")
    description = text_of(told.get("description"))
    return ToolDefinition(name, _shared(description), _plain(schema) if schema else "")


def _plain(value: Any) -> Any:
    """Return one value as it is, a list or an object as JSON."""
    if isinstance(value, str):
        return _shared(value)
    if isinstance(value, (list, dict)):
        return _shared(without_secrets(json.dumps(value, ensure_ascii=False)))
    return value


def _shared(text: str) -> str:
    """Return a text, the very same for equal ones: an agent sends its tools with each call."""
    left = len(text) - _LONGEST
    return _same(text if left <= 0 else f"{text[:_LONGEST]}… {left:,} more characters")


@lru_cache(maxsize=_SHARED)
def _same(text: str) -> str:
    return text
