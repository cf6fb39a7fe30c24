"""A request meets its span.

The nearest open model-call span above the request takes it, through plumbing and
through calls already answered, never through a tool, an agent or a step of the
user's. One answered request a span; only an error frees it for a retry. A
framework's call spans directly above cover the same request. A framework may
have opened its span in another task: then parent and model find it. Else the
wire makes a span of its own, below our parent, never entered.
"""

from __future__ import annotations

import json

from aimon_nb.model.span import CALL_OPS, NOISE_OPS
from aimon_nb.recording import context
from aimon_nb.recording.context import Node
from aimon_nb.recording.recorder import ASK
from aimon_nb.recording.records import Recording
from aimon_nb.sentry.observe import Observer
from aimon_nb.sentry.reading import read
from aimon_nb.wire.exchange import ORIGIN, Exchange

# Integrations that may open their span in another task than the request's. The
# clients' own open theirs in the caller's context, and are never taken this way.
FRAMEWORKS = ("langchain", "langgraph", "litellm", "pydantic_ai", "openai_agents")


def join(exchange: Exchange, observer: Observer, recording: Recording) -> None:
    """Find or make the span of a request that is about to be sent."""
    node, parent = _nearest()
    framework = None
    if node is None:
        node = framework = _elsewhere(exchange, parent, observer)
    if node is None:
        parent = parent or recording.root
        if parent is None:
            return
        op = "gen_ai.embeddings" if exchange.call.operation == "embeddings" else "gen_ai.chat"
        node = observer.make(parent, op, exchange.call.operation, ORIGIN)
    _take(node, exchange, observer, search=framework is None and not node.made)
    observer.recorder.log.append((ASK, exchange))


def _nearest() -> tuple[Node | None, Node | None]:
    """(the call span that takes the request, else None; the parent it stopped at)."""
    node = context.current.get()
    while node is not None:
        if node.t1 is not None:
            node = node.up
            continue
        op = read(node).op
        if op in NOISE_OPS:
            node = node.parent
        elif op not in CALL_OPS:
            return None, node
        elif node.takes:
            return node, node.parent
        else:
            node = node.parent
    return None, None


def _take(node: Node, exchange: Exchange, observer: Observer, *, search: bool) -> None:
    before = node.exchange
    if isinstance(before, Exchange):
        exchange.attempt = before.attempt + 1
    node.exchange, exchange.node, exchange.observer = exchange, node, observer
    above, covered = _cover_above(node, exchange)
    if search and not covered and not _framework(node):
        cover = _elsewhere(exchange, above, observer)
        if cover is not None:
            cover.exchange, cover.covers = exchange, True


def _cover_above(node: Node, exchange: Exchange) -> tuple[Node | None, bool]:
    """Open call spans directly above stand for the same request: they fold."""
    above, covered = node.parent, False
    while above is not None and above.t1 is None:
        op = read(above).op
        if op in CALL_OPS:
            above.exchange, above.covers, covered = exchange, True, True
        elif op not in NOISE_OPS:
            break
        above = above.parent
    return above, covered


def _elsewhere(exchange: Exchange, parent: Node | None, observer: Observer) -> Node | None:
    """A framework's open call span without a request, opened in another task or thread."""
    here = context.home()
    for node in list(observer.open.values()):
        if node.home is None or node.home == here or node.exchange is not None:
            continue
        if node.t1 is None and node.parent is parent and _framework(node):
            facts = read(node)
            model = facts.data.get("gen_ai.request.model")
            if facts.op in CALL_OPS and model in (None, _model(exchange) or model):
                return node
    return None


def _framework(node: Node) -> bool:
    origin = read(node).origin or ""
    return any(name in origin for name in FRAMEWORKS)


def _model(exchange: Exchange) -> str | None:
    try:
        model = json.loads(exchange.body or b"{}").get("model")
    except (ValueError, AttributeError):
        return None
    return model if isinstance(model, str) else None
