"""LiteLLM's own cache: its answers cross no wire, and are read as if they had.

Each has the form of OpenAI's API, whoever was asked, with the usage of the call that it repeats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from aimon_nb import providers
from aimon_nb.capture.context import current_run, is_of_another_cell
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.sentry.span_tracker import SpanTracker
from aimon_nb.wire.dialects import find
from aimon_nb.wire.model_request import ModelRequest
from aimon_nb.wire.span_matching import attach_span

_NAME = "LiteLLM's cache"
# By what holds the answer's content.
_PATHS = {"choices": b"/v1/chat/completions", "output": b"/v1/responses", "data": b"/v1/embeddings"}
_ASKED = ("messages", "input", "tools", "temperature", "max_tokens")


def install(module: ModuleType, tracker: SpanTracker, patches: Patches) -> None:
    """Wrap the one method that every stored answer passes before the user gets it."""

    def make(original: Any) -> Any:
        def convert(handler: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if patches.live:
                with internal_errors.suppress("reading an answer of LiteLLM's cache"):
                    _note(tracker, **kwargs)
            return original(handler, *args, **kwargs)

        return convert

    patches.wrap(module.LLMCachingHandler, "_convert_cached_result_to_model_response", make)


def _note(
    tracker: SpanTracker,
    cached_result: Any = None,
    kwargs: Any = None,
    model: Any = None,
    custom_llm_provider: Any = None,
    **_: Any,
) -> None:
    """Make a call of a stored answer, and of what was asked (`kwargs`)."""
    run_state = current_run.get() or tracker.recorder.sole
    if run_state is not None and is_of_another_cell(run_state):
        return  # of no run, and nobody bills it
    if run_state is None or tracker.recorder.forked or not isinstance(cached_result, Mapping):
        return
    path = next((path for key, path in _PATHS.items() if key in cached_result), None)
    base = str(kwargs.get("api_base") or kwargs.get("base_url") or "")
    host = base.partition("://")[2].partition("/")[0].rpartition("@")[2]
    dialect = find(host, path) if path is not None else None
    if dialect is None:
        return
    # Without a provider before it, LiteLLM takes the model's maker: what its name tells.
    prefix, _slash, name = str(model).rpartition("/")
    provider = providers.called(str(custom_llm_provider or prefix or name))
    dialect.provider = provider.name if provider is not None else dialect.provider
    asked = {key: kwargs[key] for key in _ASKED if key in kwargs} | {"model": name}
    body = json.dumps(asked, default=repr).encode()
    model_request = ModelRequest(dialect, host, dialect.path, body)
    model_request.call.host = host or None
    model_request.call.cached_by = _NAME
    if attach_span(model_request, tracker, run_state):
        model_request.on_response_head(200, {})
        model_request.on_chunk(json.dumps(cached_result, default=repr).encode())
        model_request.on_done()
