"""The one place that knows which series of sentry-sdk is installed, and what it names otherwise.

Series 2 has two lifecycles: transactions, and spans that are streamed. Series 3 has the
second alone, under shorter names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import sentry_sdk
from sentry_sdk import traces

# Where it is False, nothing of `span_static`, `adapters_static` and `own_spans_static` is imported.
HAS_TRANSACTIONS = find_spec("sentry_sdk.tracing") is not None

# The names of the streamed spans' classes, of the method of `Scope` that starts one, and of
# the attribute of a scope that holds the one that code is in.
STREAMED_SPAN = "StreamedSpan" if HAS_TRANSACTIONS else "Span"
NOOP_SPAN = "NoOpStreamedSpan" if HAS_TRANSACTIONS else "NoOpSpan"
START_STREAMED = "start_streamed_span" if HAS_TRANSACTIONS else "start_span"
CURRENT_STREAMED = "streamed_span" if HAS_TRANSACTIONS else "span"

# Of a frame its place alone: variables and source of a notebook are its prompts and keys.
PLACES_ONLY = {"stack_frame_variables": False, "frame_context_lines": 0}


class MissingClass:
    """In the place of a class that the SDK has no more."""


class _NoSpan:
    """The base of a no-op where there is no such class of the SDK's."""


StreamedSpan: Any = getattr(traces, STREAMED_SPAN, MissingClass)
NoOpStreamedSpan: Any = getattr(traces, NOOP_SPAN, MissingClass)

if HAS_TRANSACTIONS:
    from sentry_sdk.tracing import NoOpSpan as _NoOpSpan
    from sentry_sdk.tracing_utils import has_span_streaming_enabled as _streams

    NoOpSpan: Any = _NoOpSpan
    # Options of `sentry_sdk.init` with which of a frame only its place is sent. Of prompts,
    # answers, requests and queries an integration sends nothing, for `send_default_pii` is False
    # unless it is given; who gives it is warned.
    PRIVATE_OPTIONS: dict[str, Any] = {
        "include_local_variables": False,
        "include_source_context": False,
    }
else:
    NoOpSpan = getattr(traces, NOOP_SPAN, _NoSpan)
    # What 2 collects by `send_default_pii=True` alone, 3 collects unless it is told not to.
    PRIVATE_OPTIONS = {
        "data_collection": {
            **PLACES_ONLY,
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "off"}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "graphql": {"document": False, "variables": False},
            "gen_ai": {"inputs": False, "outputs": False},
            "mcp": {"inputs": False, "outputs": False},
            "database_query_data": False,
            "queues": False,
        }
    }


NO_VARIABLES = (
    "include_local_variables=False"
    if HAS_TRANSACTIONS
    else 'data_collection={"stack_frame_variables": False}'
)


def sends_variables(options: Mapping[str, Any]) -> bool:
    """Whether error events that a client with these options makes hold local variables."""
    if HAS_TRANSACTIONS:
        return bool(options.get("include_local_variables"))
    collected = options.get("data_collection") or {}
    return not isinstance(collected, dict) or collected.get("stack_frame_variables", True)


def is_streaming() -> bool:
    """Whether the spans of the client in use are streamed, as all are in series 3."""
    return not HAS_TRANSACTIONS or bool(_streams(sentry_sdk.get_client().options))
