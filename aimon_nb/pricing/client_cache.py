"""Calls that a library's own cache answered: they cross no wire and cost nothing.

LangChain, LiteLLM and DSPy replay the stored answer with its old usage, and the
span of a replay looks like that of a call. But a call over gRPC or to a model in
this process has no request either, and a silent $0 for one of those is the worst
figure there is. So no request is not enough; it takes a sign of a cache as well:
the same library's calls to the same provider were heard on the wire in this run,
or the answer came faster than any model writes.
"""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.pricing.model_names import provider_id
from aimon_nb.providers import framework_of

_FASTEST = 5_000  # tokens a second; hosted models stay well below
_ROUND_TRIP = 0.02  # seconds that a call over the network takes at least


def client_cache_hits(run: Run, bearing: list[Span]) -> list[Span]:
    """The spans of an ended run that a local cache answered."""
    possible = [span for span in bearing if _could_be(span)]
    if not possible:
        return []
    heard = {
        way
        for span in list(run.spans.values())
        if span.call is not None or span.is_duplicate
        for way in _route_keys(span)
    }
    outer = _parents(run, bearing)
    return [
        span
        for span in possible
        if span.span_id not in outer
        and (not heard.isdisjoint(_route_keys(span)) or _faster_than_network(span))
    ]


def _could_be(span: Span) -> bool:
    answered = span.usage.input is not None or span.usage.output is not None
    alone = span.call is None and span.is_call and framework_of(span.origin) is not None
    return alone and answered and span.status == "ok"


def _parents(run: Run, bearing: list[Span]) -> set[str]:
    """Every span above one that has usage or is a call."""
    above: set[str] = set()
    for span in bearing:
        parent_id = span.parent_id
        while parent_id is not None and parent_id not in above:
            above.add(parent_id)
            parent = run.spans.get(parent_id)
            parent_id = parent.parent_id if parent is not None else None
    return above


def _route_keys(span: Span) -> set[tuple[str, str, str]]:
    """Calls of one library to one model, or one provider, take the same way out."""
    library = framework_of(span.origin)
    if library is None:
        return set()
    asked = span.request_model or span.model
    provider = provider_id(span.provider)
    return {(library, span.op, name) for name in (asked, provider) if name}


def _faster_than_network(span: Span) -> bool:
    if span.duration is None:
        return False
    return span.duration < _ROUND_TRIP + (span.usage.output or 0) / _FASTEST
