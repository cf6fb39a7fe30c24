"""What sentry-sdk 3 does with spans of AI integrations, put right while ours are set up."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from sentry_sdk import client as sentry_client
from sentry_sdk import traces

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.content import is_content

IsUnasked = Callable[[Any], bool]


def install(patches: Patches, is_unasked: IsUnasked) -> None:
    """Put them right.

    Args:
        patches: What undoes it.
        is_unasked: Whether spans of an origin are of an integration that we set up, and that
            the client in use did not choose.

    """
    patches.wrap(sentry_client._Client, "_capture_span", partial(_without_content, is_unasked))
    context = getattr(traces, "_AgentFrameworkChatGenerationContext", None)
    if context is not None:
        patches.wrap(context, "__exit__", _exit_without_scope)


def _without_content(is_unasked: IsUnasked, original: Any) -> Any:
    """Wrap what sends a span: series 3 collects prompts and answers unless it is told not to.

    Sentry gets a copy without them: our record reads the span itself.
    """

    def _capture_span(client: Any, span: Any, scope: Any) -> Any:
        try:
            attributes = getattr(span, "_attributes", None) or {}
            if is_unasked(attributes.get("sentry.origin")) and any(map(is_content, attributes)):
                span = copy.copy(span)
                span._attributes = {k: v for k, v in attributes.items() if not is_content(k)}
        except Exception:
            internal_errors.record("leaving content out of a span")
            return None
        return original(client, span, scope)

    return _capture_span


def _exit_without_scope(original: Any) -> Any:
    """Wrap the end of a chat: of a no-op without a scope 3.0.0b2 raises in the user's code."""

    def __exit__(context: Any, ty: Any, value: Any, tb: Any) -> Any:
        span = context._span
        if getattr(span, "_scope", None) is None:
            return span.__exit__(ty, value, tb)
        return original(context, ty, value, tb)

    return __exit__
