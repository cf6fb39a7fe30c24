"""DSPy: modules, tools and retrievers.

Not by its callbacks: ours in `settings` would be seen by the user, and his would replace it.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

from aimon_nb.frameworks.framework import Framework, is_librarys
from aimon_nb.frameworks.step import FUNCTION, RETRIEVAL, StepInfo, agent, tool

MODULES = ("dspy",)
_AGENTS = frozenset({"ReAct", "ReActV2", "CodeAct", "RLM", "Avatar"})


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what a module, a tool, a retriever and an evaluation is called by."""
    for name in ("__call__", "acall"):
        describe = partial(_module, framework)
        framework.wrap(getattr(module, "Module", None), name, describe, _values)
        framework.wrap(getattr(module, "Tool", None), name, _tool)
    framework.wrap(getattr(module, "Evaluate", None), "__call__", _evaluation)
    retrievers = getattr(module, "Retrieve", None), getattr(module, "Embeddings", None)
    for retriever in retrievers:
        framework.wrap(retriever, "__call__", _retriever, _values)


def _module(framework: Framework, self: Any, /, *_: Any, **inputs: Any) -> StepInfo | None:
    """The user's modules, agents, and what he gave a signature of his own.

    What a module of the library's is made of is its own matter.
    """
    kind = type(self)
    is_own = is_librarys(kind, "dspy")
    if is_own and framework.is_in_whole():
        return None
    if not _AGENTS.isdisjoint(one.__name__ for one in kind.__mro__ if is_librarys(one, "dspy")):
        return agent(kind.__name__, inputs, is_whole=is_own)
    name = kind.__name__
    if is_own and name == "Predict":
        signature = getattr(self, "signature", None)
        if not isinstance(signature, type) or is_librarys(signature, "dspy"):
            return None  # one call, as the row of the call says
        name = signature.__name__
    return StepInfo(FUNCTION, name, None, inputs, is_own)


def _tool(self: Any, /, *_: Any, **arguments: Any) -> StepInfo | None:
    if is_librarys(self.func, "dspy.predict"):
        return None  # how an agent says that it is done
    return tool(self.name, arguments)


def _evaluation(_self: Any, /, *_: Any, **__: Any) -> StepInfo:
    return StepInfo(FUNCTION, "Evaluate")


def _retriever(self: Any, /, query: Any = None, *_: Any, **__: Any) -> StepInfo:
    return StepInfo(RETRIEVAL, type(self).__name__, None, {"query": query})


def _values(result: Any) -> Any:
    """Return the values of a prediction by their names."""
    store = result.__dict__.get("_store") if is_librarys(type(result), "dspy") else None
    return result if store is None else store
