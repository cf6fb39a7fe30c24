"""LlamaIndex: agents, workflows, tools, engines and retrievers, by the dispatcher of its spans.

Its methods are wrapped, so that no handler of ours stands among the user's.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.frameworks.framework import Framework
from aimon_nb.frameworks.step import FUNCTION, RETRIEVAL, StepInfo, agent, tool

MODULES = ("llama_index_instrumentation.dispatcher",)
_AGENT, _TOOL, _RETRIEVER, _RUN = "BaseWorkflowAgent", "BaseTool", "BaseRetriever", ("run", "arun")
# What has rows: objects by the name of a base class, and the methods that are one.
_METHODS = {
    _AGENT: _RUN,
    _TOOL: ("call", "acall", "__call__"),
    _RETRIEVER: ("retrieve", "aretrieve"),
    "BaseQueryEngine": ("query", "aquery"),
    "BaseChatEngine": ("chat", "achat", "stream_chat", "astream_chat"),
    "BaseNodePostprocessor": ("_postprocess_nodes", "_apostprocess_nodes"),
    "IngestionPipeline": _RUN,
    "Workflow": _RUN,
}
_MANY_AGENTS = "AgentWorkflow"
_LIBRARYS = (_AGENT, _MANY_AGENTS, "run_jobs")


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what each of its spans begins and ends by."""
    # Below a workflow of several agents: the one whose turn it is.
    turns: WeakKeyDictionary[OpenSpan, tuple[str, OpenSpan]] = WeakKeyDictionary()

    def begin(id_: str, bound_args: Any, instance: Any = None, *__: Any, **___: Any) -> None:
        owner, _, method = id_.partition("-")[0].rpartition(".")  # `FunctionTool.acall-UUID`
        arguments = dict(bound_args.arguments)
        if not framework.is_heard:
            return
        if instance is None and owner == _MANY_AGENTS:
            _take_turn(framework, turns, method, arguments.get("ev"))
        else:
            framework.start_as(id_, _describe(owner, method, instance, arguments))

    def end(id_: str, *_: Any, result: Any = None, err: Any = None, **__: Any) -> None:
        open_span = framework.pop(id_)
        if open_span is not None:
            framework.end(turns.pop(open_span, (None, None))[1], err)
            framework.end(open_span, err, _came_out(result))

    dispatcher = getattr(module, "Dispatcher", None)
    for name, tell in (("enter", begin), ("exit", end), ("drop", end)):
        framework.hook(dispatcher, f"span_{name}", partial(_telling, tell))


def _telling(tell: Any, original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        with internal_errors.suppress("hearing a span of llama_index"):
            tell(*args, **kwargs)
        return original(self, *args, **kwargs)

    return wrapper


def _take_turn(framework: Framework, turns: Any, method: str, event: Any) -> None:
    """What an agent of several asks and calls, each in a task of its own, is below it."""
    workflow = context.current_span.get()
    before = turns.get(workflow) if workflow is not None else None
    name = getattr(event, "current_agent_name", None) if method == "run_agent_step" else None
    if name is not None and (before is None or before[0] != name):
        framework.end(before and before[1])
        step = framework.start(agent(name)._replace(is_current=False), workflow)
        before = turns[workflow] = name, step
    if before is not None:
        context.current_span.set(before[1])


def _describe(owner: str, method: str, instance: Any, arguments: dict[str, Any]) -> StepInfo | None:
    """What has no instance is a step of a workflow, or a function that the user has put in."""
    if instance is None:
        arguments.pop("ctx", None)
        is_users = (owner or method).partition(".")[0] not in _LIBRARYS
        return StepInfo(FUNCTION, method, None, arguments) if is_users else None
    name, kinds = type(instance).__name__, _names(instance)
    kind = next((kind for kind in _METHODS if kind in kinds), None)
    if kind is None or method not in _METHODS[kind] or name.endswith("ToolAsyncAdapter"):
        return None
    if kind == _AGENT:
        return agent(name if instance.name == "Agent" else instance.name, arguments["start_event"])
    if kind == _TOOL:
        return tool(instance.metadata.name, arguments.get("kwargs") or arguments)
    return StepInfo(RETRIEVAL if kind == _RETRIEVER else FUNCTION, name, None, arguments)


def _came_out(result: Any) -> Any:
    kinds = _names(result)
    result = result.result if "StopEvent" in kinds else result
    return result.raw_output if "ToolOutput" in kinds else result


def _names(thing: Any) -> set[str]:
    return {one.__name__ for one in type(thing).__mro__}
