"""LangGraph: an agent's row however a graph is run, and the names of its nodes.

The SDK's integration makes the agent of `invoke` and `ainvoke` alone, which run by `stream`
and `astream`; of the others it is made here. A node is a row by the callback of its start,
but for one that says nothing:

- code of LangChain's or LangGraph's own (`create_agent`'s `model` and `tools`, a `ToolNode`)
  holds one call, or tools that have rows;
- a graph that is a node has its agent's row, named by the node where the graph has no name;
- the one node of a function under `entrypoint` has the name of its graph.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from aimon_nb.capture import context
from aimon_nb.capture.exceptions import no_errors
from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.kept_content import take_input, take_output
from aimon_nb.capture.state import OpenSpan
from aimon_nb.sentry.adapters import attribute
from aimon_nb.sentry.heard.followed import FollowedStep, follow, follow_async
from aimon_nb.sentry.open_agents import AGENT_OP
from aimon_nb.sentry.steps import Steps

ORIGIN = "auto.ai.langgraph"
_CONVERSATION = "gen_ai.conversation.id"
_UNNAMED = "LangGraph"
_HIDDEN_TAG = "langsmith:hidden"
_LIBRARIES = ("langchain", "langchain_core", "langchain_classic", "langgraph")


class LangGraph:
    """The graphs that run, and their open nodes."""

    def __init__(self, steps: Steps, is_enabled: Callable[[], bool]) -> None:
        self._steps, self._is_enabled = steps, is_enabled
        self._graphs: weakref.WeakKeyDictionary[OpenSpan, Any] = weakref.WeakKeyDictionary()
        self._unstarted: weakref.WeakSet[OpenSpan] = weakref.WeakSet()
        # By the id of their run. Weak: of one that is left early nothing may be told.
        self._agents: weakref.WeakValueDictionary[Any, OpenSpan] = weakref.WeakValueDictionary()
        self._open: dict[Any, tuple[OpenSpan, str]] = {}  # nodes by the id of their run

    def install(self, patches: Patches) -> None:
        """Follow all graphs."""
        patches.on_import("langgraph.pregel.main", lambda main: self._install(patches, main))

    def _install(self, patches: Patches, main: Any) -> None:
        # It waits for a resume, or is on its way to the graph above.
        no_errors.add(sys.modules["langgraph.errors"].GraphBubbleUp)
        patches.wrap(main.Pregel, "stream", lambda original: self._wrap(original, follow))
        patches.wrap(main.Pregel, "astream", lambda original: self._wrap(original, follow_async))

    def _wrap(self, original: Any, follow: Any) -> Any:
        def stream(graph: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            inner = original(graph, *args, **kwargs)
            step = None
            with internal_errors.suppress("following a graph"):
                step = self._step(graph, args[1] if len(args) > 1 else kwargs.get("config"))
            return inner if step is None else follow(inner, step)

        return stream

    def _step(self, graph: Any, config: Any) -> FollowedStep | None:
        """Return the step of a graph that is to run; None if it has one, or nobody wants it."""
        if self._steps.run_state() is None or not self._is_enabled():
            return None
        agent = context.nearest_open(context.current_span.get())
        if agent is not None and self._is_of_invoke(agent):
            self._begin(agent, graph, config)
            return None
        name = _name(graph)

        def begin() -> OpenSpan | None:
            told = {"gen_ai.operation.name": "invoke_agent"}
            agent = self._steps.start(
                AGENT_OP, f"invoke_agent {name}", origin=ORIGIN, attributes=told
            )
            if agent is not None:
                self._begin(agent, graph, config)
            return agent

        return FollowedStep(self._steps, begin)

    def _is_of_invoke(self, agent: OpenSpan) -> bool:
        """Return whether the SDK made this agent, and `invoke` has just begun below it."""
        return (
            agent.t1 is None
            and agent not in self._graphs
            and attribute(agent, "sentry.op") == AGENT_OP
            and attribute(agent, "sentry.origin") == ORIGIN
        )

    def _begin(self, agent: OpenSpan, graph: Any, config: Any) -> None:
        self._graphs[agent] = graph
        self._unstarted.add(agent)
        told: dict[str, Any] = {}
        config = config if isinstance(config, dict) else {}
        thread_id = (config.get("configurable") or {}).get("thread_id")
        if isinstance(thread_id, (str, int)):
            told[_CONVERSATION] = str(thread_id)
        node = (config.get("metadata") or {}).get("langgraph_node")
        outer = self._graphs.get(agent.parent) if agent.parent is not None else None
        name = _name(graph)
        if outer is not None and name == _UNNAMED and _bound(outer, node) is graph:
            name = str(node)
        told["gen_ai.agent.name"] = name
        agent.adapter.write(agent, told, f"invoke_agent {name}")

    def start(self, run_id: Any, inputs: Any, told: Mapping[str, Any]) -> None:
        """Something of LangChain's begins: of a node that has a row, start it.

        What runs in a node has its name in the metadata, and the node itself as its own name.
        The first that begins in a graph is the graph.
        """
        name, above = told.get("name"), context.nearest_open(context.current_span.get())
        if above is not None and above in self._unstarted:
            self._unstarted.discard(above)
            self._agents[run_id] = above
            take_input(above, inputs)
            return
        if not isinstance(name, str) or (told.get("metadata") or {}).get("langgraph_node") != name:
            return
        graph = self._graph_above(above)
        if graph is None or _HIDDEN_TAG in (told.get("tags") or ()) or _is_folded(graph, name):
            return
        if (above, name) in self._open.values():
            return  # of the node's name, and in it
        step = self._steps.start("function", name, origin=ORIGIN, step_input=inputs)
        if step is not None:
            self._open[run_id] = step, name

    def _graph_above(self, above: OpenSpan | None) -> Any:
        while above is not None and above not in self._graphs:
            above = above.parent
        return None if above is None else self._graphs[above]

    def end(self, run_id: Any, outputs: Any, error: BaseException | None = None) -> None:
        """End the row of a node, if it is one that has one; of a graph note what came out."""
        agent = self._agents.pop(run_id, None)
        if agent is not None and error is None:
            take_output(agent, outputs)
        step, _ = self._open.pop(run_id, (None, ""))
        self._steps.end(step, error, outputs)


def _name(graph: Any) -> str:
    name = getattr(graph, "name", None)
    if isinstance(name, str) and name not in ("", _UNNAMED):
        return name
    # That of a function under `entrypoint` has its name at its only node.
    nodes = list(graph.nodes) if type(graph).__name__ == "Pregel" else []
    return nodes[0] if len(nodes) == 1 else _UNNAMED


def _bound(graph: Any, node: Any) -> Any:
    """Return what a node of a graph runs; None if it has no such node."""
    return getattr(graph.nodes.get(node), "bound", None)


def _is_folded(graph: Any, node: str) -> bool:
    bound = _bound(graph, node)
    if node.startswith("__") or node == _name(graph):
        return True
    code = getattr(bound, "func", None) or getattr(bound, "afunc", None) or bound
    module = getattr(code, "__module__", None) or type(code).__module__
    return str(module).partition(".")[0] in _LIBRARIES
