"""A request meets its span.

The nearest open model-call span above the request takes it, through plumbing and
through calls already answered, never through a tool, an agent or a step of the
user's. One answered request a span; only an error frees it for a retry. A
framework's call spans directly above cover the same request. A framework may
have opened its span in another task, and a client's may never have been entered:
then parent and model find it. Else the wire makes a span of its own, below our
parent, never entered.
"""

from __future__ import annotations

import threading

from aimon_nb.model.span import CALL_OPS, NOISE_OPS
from aimon_nb.recording import context
from aimon_nb.recording.context import Node
from aimon_nb.recording.records import Recording
from aimon_nb.sentry.observe import Observer
from aimon_nb.sentry.reading import told
from aimon_nb.wire.exchange import ORIGIN, Exchange
from aimon_nb.wire.retries import retries

# Integrations that may open their span in another task than the request's. The
# clients' own open theirs in the caller's context, and are never taken this way.
FRAMEWORKS = ("langchain", "langgraph", "litellm", "pydantic_ai", "openai_agents")

# Two threads may send below one span: it takes one of the two requests.
_joining = threading.RLock()


def join(exchange: Exchange, observer: Observer, recording: Recording) -> bool:
    """Find or make the span of a request that is about to be sent; False if there is none."""
    with _joining:
        node, parent = _nearest()
        if node is not None:
            _take(node, exchange, observer)
            if not exchange.covers and not _is_framework(node):
                _cover_elsewhere(node, exchange, observer)
        else:
            parent = parent or recording.root
            node = _elsewhere(exchange, parent, observer, here=True)
            node = node or _made(exchange, parent, observer)
            if node is None:
                return False
            _take(node, exchange, observer)
    observer.recorder.ask(exchange)
    return True


def _nearest() -> tuple[Node | None, Node | None]:
    """(the call span that takes the request, else None; the parent it stopped at)."""
    node = context.current.get()
    while node is not None:
        if node.t1 is not None:
            node = node.up
            continue
        op = told(node, "sentry.op")
        if op in CALL_OPS:
            if node.takes:
                return node, None
        elif op not in NOISE_OPS:
            return None, node
        node = node.parent
    return None, None


def _made(exchange: Exchange, parent: Node | None, observer: Observer) -> Node | None:
    if parent is None:
        return None
    operation = exchange.call.operation
    return observer.make(parent, _op(operation), operation, ORIGIN)


def _op(operation: str) -> str:
    op = f"gen_ai.{operation}"
    return op if op in CALL_OPS else "gen_ai.chat"


def _take(node: Node, exchange: Exchange, observer: Observer) -> None:
    failed, exchange.node, exchange.observer = node.exchange, node, observer
    exchange.attempt = retries.attempt(exchange)
    node.exchange = exchange
    _cover_above(node, exchange)
    if isinstance(failed, Exchange):
        _set_apart(failed, node, observer)


def _set_apart(failed: Exchange, node: Node, observer: Observer) -> None:
    """The try before this one stands beside it, so that both are seen."""
    parent = node.parent or node.recording.root
    if failed.node is not node or parent is None:
        return
    failed.done()
    operation = failed.call.operation
    t0 = int(failed.t0 * 1e9)
    failed.move(observer.bare(parent, _op(operation), operation, ORIGIN, t0))
    observer.recorder.ask(failed)


def _cover_above(node: Node, exchange: Exchange) -> None:
    """Open call spans directly above stand for the same request: they fold."""
    above = node.parent
    while above is not None and above.t1 is None:
        op = told(above, "sentry.op")
        if op in CALL_OPS:
            _cover(above, exchange)
        elif op not in NOISE_OPS:
            break
        above = above.parent


def _cover_elsewhere(node: Node, exchange: Exchange, observer: Observer) -> None:
    """A framework's span for the same request may stand in another task."""
    parent = node.parent
    while parent is not None and told(parent, "sentry.op") in NOISE_OPS:
        parent = parent.parent
    cover = _elsewhere(exchange, parent, observer)
    if cover is not None:
        _cover(cover, exchange)


def _cover(node: Node, exchange: Exchange) -> None:
    node.exchange, node.covers = exchange, True
    exchange.covers.append(node)


def _elsewhere(
    exchange: Exchange, parent: Node | None, observer: Observer, *, here: bool = False
) -> Node | None:
    """An open call span that takes the request although it is not above it.

    A framework's, opened in another task or thread; where asked for, any that was
    opened `here` and never entered: its integration put it on Sentry's scope by hand.
    """
    if not observer.waiting:
        return None
    home = context.home()
    for node in list(observer.waiting):
        if not _is_waiting(node):
            observer.waiting.pop(node, None)
        elif node.takes and node.parent is parent:
            fits = not node.entered and here if node.home == home else _is_framework(node)
            model = told(node, "gen_ai.request.model") if fits else None
            if fits and (model is None or exchange.ask() in (None, model)):
                return node
    return None


def _is_waiting(node: Node) -> bool:
    if node.t1 is not None or node.spent or told(node, "sentry.op") not in CALL_OPS:
        return False
    return not node.entered or _is_framework(node)


def _is_framework(node: Node) -> bool:
    origin = str(told(node, "sentry.origin"))
    return any(name in origin for name in FRAMEWORKS)
