"""What pydantic-ai's integration gives to agents, taken back at its undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors


@contextmanager
def finding_hooks(module: Any, patches: Patches) -> Iterator[None]:
    """Have the hooks that the integration makes in this block do nothing from the undo on.

    Each agent gets them and outlives the undo: its spans would be at Sentry, where nobody
    chose them.
    """

    def wrap(original: Any) -> Any:
        def register_hooks(hooks: Any) -> None:
            original(hooks)
            with internal_errors.suppress("finding the hooks of agents"):
                patches.register_external(hooks, "_registry", hooks._registry, {})

        return register_hooks

    meanwhile = Patches()
    meanwhile.wrap(module, "register_hooks", wrap)
    try:
        yield
    finally:
        meanwhile.undo()
