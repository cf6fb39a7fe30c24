"""What the SDK's integrations of frameworks must do differently for parents to be right."""

from __future__ import annotations

from types import ModuleType

from aimon_nb.recording.patches import Patches


def install(patches: Patches) -> None:
    """Put it right as soon as an integration is imported."""
    patches.on_import("sentry_sdk.integrations.langchain", lambda module: _inline(module, patches))


def _inline(module: ModuleType, patches: Patches) -> None:
    """LangChain calls back in the caller's own task: its span and the request then meet.

    Otherwise it opens the span of an async call in a worker thread, and of eight
    calls below one parent nobody knows which is whose.
    """
    patches.put(module.SentryLangchainCallback, "run_inline", value=True)
