"""The hooks of its lifecycles are put on the installed SDK, if it is as we know it."""

from __future__ import annotations

from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry import span_streaming
from aimon_nb.sentry.compat_check import ProbeTracker, verify_hooks
from aimon_nb.sentry.compat_fallback import describe_differences
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS, MissingClass
from aimon_nb.sentry.span_tracker import SpanTracker


def install(tracker: SpanTracker, patches: Patches) -> None:
    """Track the spans of the installed SDK; of one that has changed, their ends only."""
    tracker.patches = patches
    tracker.changed = sdk_difference()
    if tracker.changed is not None:
        tracker.fallback.install(patches)
    else:
        _put_on(tracker, patches)


def sdk_difference() -> str | None:
    """Return a line that says how the SDK differs from what we know; None: it does not.

    The hooks are tried with a tracker of their own, which sees the spans of this thread
    alone, and taken off again.
    """
    probe, patches = ProbeTracker(), Patches()
    probe.patches = patches
    try:
        differences = _put_on(probe, patches) or verify_hooks(probe)
    finally:
        patches.undo()
    return describe_differences(differences) if differences else None


def _put_on(tracker: SpanTracker, patches: Patches) -> list[str]:
    """Put the hooks on; returns what there is no more."""
    hooks = span_streaming.hooks(tracker)
    if HAS_TRANSACTIONS:
        from aimon_nb.sentry import span_static

        hooks = [*span_static.hooks(tracker), *hooks]
    return [
        f"no {cls or module.__name__}.{name}"
        for module, cls, name, make in hooks
        if not patches.wrap(getattr(module, cls, MissingClass) if cls else module, name, make)
    ]
