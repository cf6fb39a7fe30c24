"""An answer of LangChain's own cache says so to the callbacks: its span gets `cache.hit`.

It crosses no wire, and its span tells the tokens of the call that it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model.span import CACHE_HIT


def install(patches: Patches, is_in_run: Callable[[], bool]) -> None:
    """Watch what the SDK's integration of LangChain is told of an answer."""
    then = partial(_wrap, patches, is_in_run)
    patches.on_import("sentry_sdk.integrations.langchain", then)


def _wrap(patches: Patches, is_in_run: Callable[[], bool], module: ModuleType) -> None:
    def make(original: Any) -> Any:
        def record_token_usage(span: Any, response: Any) -> Any:
            if is_in_run():
                with internal_errors.suppress("reading an answer of LangChain's"):
                    if _is_hit(response):
                        set_attribute = getattr(span, "set_attribute", None) or span.set_data
                        set_attribute(CACHE_HIT, True)  # noqa: FBT003  the SDK's signature
            return original(span, response)

        return record_token_usage

    patches.wrap(module, "_record_token_usage", make)


def _is_hit(response: Any) -> bool:
    """Whether its cache answered: it then writes a cost of 0 beside the tokens, and only then."""
    for generations in getattr(response, "generations", None) or ():
        for generation in generations:
            usage = getattr(getattr(generation, "message", None), "usage_metadata", None)
            return isinstance(usage, Mapping) and usage.get("total_cost") == 0
    return False
