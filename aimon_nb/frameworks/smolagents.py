"""smolagents: agents, their tools and the code that they run. It has no hook around them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aimon_nb.frameworks.framework import Framework, is_librarys
from aimon_nb.frameworks.step import StepInfo, agent, tool

MODULES = ("smolagents",)
_FINAL_ANSWER = "final_answer"
_WITH_ANSWER = frozenset({"RunResult", "FinalAnswerStep"})


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what runs an agent, calls a tool and executes the code of a `CodeAgent`."""
    framework.wrap(getattr(module, "MultiStepAgent", None), "run", _agent, _answer)
    framework.wrap(getattr(module, "Tool", None), "__call__", _tool)
    framework.wrap(getattr(module, "LocalPythonExecutor", None), "__call__", _code)
    remote = getattr(module, "remote_executors", None)
    framework.wrap(getattr(remote, "RemotePythonExecutor", None), "__call__", _code)


def _agent(self: Any, task: Any = None, stream: Any = False, *_: Any, **__: Any) -> StepInfo:  # noqa: FBT002
    step = agent(getattr(self, "name", None) or type(self).__name__, {"task": task})
    return step._replace(is_stream=stream is True)


def _answer(result: Any) -> Any:
    """Return the answer alone: of a stream that is in the last item, of a full result inside."""
    kind = type(result)
    has_answer = kind.__name__ in _WITH_ANSWER and is_librarys(kind, "smolagents")
    return result.output if has_answer else result


def _tool(self: Any, /, *args: Any, **kwargs: Any) -> StepInfo | None:
    if self.name == _FINAL_ANSWER and is_librarys(type(self), "smolagents"):
        return None  # how an agent says that it is done
    arguments = {**dict(zip(self.inputs, args, strict=False)), **kwargs}
    if len(args) == 1 and type(args[0]) is dict and args[0].keys() <= self.inputs.keys():
        arguments = dict(args[0])
    arguments.pop("sanitize_inputs_outputs", None)
    return tool(self.name, arguments)


def _code(_self: Any, code: Any = None, *_: Any, **__: Any) -> StepInfo:
    return tool("python_interpreter", {"code": code})  # as smolagents names these calls
