"""Agents, tools and steps of frameworks that tell nobody of them: hooks on each, a file each.

They are put on at the framework's own import, and do nothing outside of runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from aimon_nb.capture.hooks import Patches
from aimon_nb.frameworks import crewai, dspy, haystack, llama_index, smolagents
from aimon_nb.frameworks.framework import Framework
from aimon_nb.sentry.steps import Steps

_FRAMEWORKS = {
    "crewai": crewai,
    "dspy": dspy,
    "haystack": haystack,
    "llama_index": llama_index,
    "smolagents": smolagents,
}


def install(steps: Steps, patches: Patches, is_told: Callable[[str], bool]) -> None:
    """Put the hooks on what is loaded, and on the others at their first import.

    Whether somebody else tells of a framework already, `is_told` says when a step begins.
    """
    for name, hooks in _FRAMEWORKS.items():
        framework = Framework(name, steps, patches, is_told)
        for module in hooks.MODULES:
            patches.on_import(module, partial(hooks.install, framework))
