"""smolagents: agents, their tools and the code that they run. It has no hook around them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.frameworks.adapter import Framework, StepInfo, agent, is_librarys, tool

MODULES = ("smolagents",)
_FINAL_ANSWER = "final_answer"


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what runs an agent, calls a tool and executes the code of a `CodeAgent`."""
    framework.wrap(getattr(module, "MultiStepAgent", None), "run", _agent)
    framework.wrap(getattr(module, "Tool", None), "__call__", _tool)
    framework.wrap(getattr(module, "LocalPythonExecutor", None), "__call__", _code)
    remote = getattr(module, "remote_executors", None)
    framework.wrap(getattr(remote, "RemotePythonExecutor", None), "__call__", _code)


def _agent(self: Any, *_: Any, **__: Any) -> StepInfo:
    return agent(getattr(self, "name", None) or type(self).__name__)


def _tool(self: Any, *_: Any, **__: Any) -> StepInfo | None:
    if self.name == _FINAL_ANSWER and is_librarys(type(self), "smolagents"):
        return None  # how an agent says that it is done
    return tool(self.name)


def _code(_self: Any, *_: Any, **__: Any) -> StepInfo:
    return tool("python_interpreter")  # as smolagents names these calls
