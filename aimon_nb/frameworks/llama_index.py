"""LlamaIndex: agents, workflows, tools, engines and retrievers, by the dispatcher of its spans.

Its methods are wrapped, so that no handler of ours stands among the user's.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.state import OpenSpan
from aimon_nb.frameworks.adapter import Framework
from aimon_nb.frameworks.step import FUNCTION, RETRIEVAL, StepInfo, agent, tool

MODULES = ("llama_index_instrumentation.dispatcher", "llama_index.core.instrumentation.dispatcher")
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
_NOT_THE_USERS = (_AGENT, _MANY_AGENTS, "run_jobs")


def install(framework: Framework, module: ModuleType) -> None:
    """Wrap what every span of its begins and ends by."""
    dispatcher, spans = getattr(module, "Dispatcher", None), _Spans(framework)
    for name, tell in (("enter", spans.begin), ("exit", spans.end), ("drop", spans.end)):
        framework.hook(dispatcher, f"span_{name}", partial(_telling, tell))


def _telling(tell: Any, original: Any) -> Any:
    def wrapper(self: Any, id_: str, bound_args: Any, instance: Any = None, **more: Any) -> Any:
        with internal_errors.suppress("hearing a span of llama_index"):
            tell(id_, bound_args, instance, **more)
        return original(self, id_, bound_args, instance, **more)

    return wrapper


class _Spans:
    """The steps that are open, by the ids of its spans."""

    def __init__(self, framework: Framework) -> None:
        self._framework = framework
        self._open: WeakValueDictionary[str, OpenSpan] = WeakValueDictionary()
        # Below a workflow of several agents: the one whose turn it is.
        self._turns: WeakKeyDictionary[OpenSpan, tuple[str, OpenSpan]] = WeakKeyDictionary()

    def begin(self, id_: str, bound_args: Any, instance: Any, **__: Any) -> None:
        if not self._framework.is_heard:
            return
        owner, _, method = id_.partition("-")[0].rpartition(".")
        arguments = dict(bound_args.arguments)
        if instance is None and owner == _MANY_AGENTS:
            self._take_turn(getattr(arguments.get("ev"), "current_agent_name", None), method)
            return
        info = _describe(owner, method, instance, arguments)
        open_span = None if info is None else self._framework.start(info)
        if open_span is not None:
            self._open[id_] = open_span

    def end(self, id_: str, *_: Any, result: Any = None, err: Any = None, **__: Any) -> None:
        open_span = self._open.pop(id_, None)
        if open_span is not None:
            self._framework.end(self._turns.pop(open_span, (None, None))[1], err)
            self._framework.end(open_span, err, _came_out(result))

    def _take_turn(self, name: str | None, method: str) -> None:
        """What one agent of several asks and calls, each in a task of its own, is below it."""
        workflow = context.current_span.get()
        if workflow is None:
            return
        turn = self._turns.get(workflow)
        if method == "run_agent_step" and name and (turn is None or turn[0] != name):
            self._framework.end(turn and turn[1])
            step = self._framework.start(agent(name)._replace(is_current=False), workflow)
            turn = (name, step) if step is not None else None
            if turn is not None:
                self._turns[workflow] = turn
        if turn is not None:
            context.current_span.set(turn[1])


def _describe(owner: str, method: str, instance: Any, arguments: dict[str, Any]) -> StepInfo | None:
    """What has no instance is a step of a workflow, or a function that the user has put in."""
    if instance is None:
        arguments.pop("ctx", None)
        is_users = f"{owner}.{method}".strip(".").partition(".")[0] not in _NOT_THE_USERS
        return StepInfo(FUNCTION, method, None, arguments) if is_users else None
    name = type(instance).__name__
    kinds = {one.__name__ for one in type(instance).__mro__}
    kind = next((kind for kind in _METHODS if kind in kinds), None)
    if kind is None or method not in _METHODS[kind]:
        return None
    if kind == _AGENT:
        own = instance.name
        return agent(name if own == "Agent" else own, arguments.get("start_event"))
    if kind == _TOOL:
        return (
            None
            if name.endswith("Adapter")
            else tool(instance.metadata.name, arguments.get("kwargs") or arguments)
        )
    return StepInfo(RETRIEVAL if kind == _RETRIEVER else FUNCTION, name, None, arguments)


def _came_out(result: Any) -> Any:
    kinds = {one.__name__ for one in type(result).__mro__}
    return (
        result.result
        if "StopEvent" in kinds
        else result.raw_output
        if "ToolOutput" in kinds
        else result
    )
