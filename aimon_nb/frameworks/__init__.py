"""Agents, tools and steps of frameworks that tell nobody of them: an adapter each.

It is set up at the framework's own import, and does nothing outside of runs.
"""

from __future__ import annotations

from functools import partial

from aimon_nb.capture.hooks import Patches
from aimon_nb.frameworks import crewai, dspy, haystack, llama_index, smolagents
from aimon_nb.frameworks.adapter import Framework
from aimon_nb.sentry.steps import Steps

_ADAPTERS = {
    "crewai": crewai,
    "dspy": dspy,
    "haystack": haystack,
    "llama_index": llama_index,
    "smolagents": smolagents,
}


def install(steps: Steps, patches: Patches) -> None:
    """Set up the adapters of what is loaded, and the others at their first import."""
    for name, adapter in _ADAPTERS.items():
        framework = Framework(name, steps, patches)
        for module in adapter.MODULES:
            patches.on_import(module, partial(adapter.install, framework))
