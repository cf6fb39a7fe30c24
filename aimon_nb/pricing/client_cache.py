"""Calls that a cache on this machine answered: they leave it by no wire and cost nothing.

A cache below the HTTP client marks its answers (`wire.cached_answers`), and that is known
at once. LangChain, LiteLLM and DSPy replay the stored answer with its old usage, and the
span of a replay looks like that of a call. But a call over gRPC or to a model in
this process has no request either, and a silent $0 for one of those is the worst
figure there is. So a missing request is not enough; it takes a sign of a cache as well:
in this run the same library's calls to the same provider crossed the wire, or the answer
came faster than any model writes.
"""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.model.tree import ancestor_ids
from aimon_nb.pricing.model_names import provider_id
from aimon_nb.providers import framework_of

_FASTEST = 5_000  # tokens a second; hosted models stay well below
_ROUND_TRIP = 0.02  # seconds that a call over the network takes at least


def client_cache_hits(run: Run, with_usage: list[Span]) -> list[Span]:
    """Return the spans that a local cache answered; those without a request once the run ended."""
    marked = [span for span in with_usage if span.call is not None and span.call.cached_by]
    return marked if run.running else marked + _hits_without_request(run, with_usage)


def _hits_without_request(run: Run, with_usage: list[Span]) -> list[Span]:
    possible = [span for span in with_usage if _could_be_hit(span)]
    if not possible:
        return []
    on_the_wire = {
        key
        for span in list(run.spans.values())
        if span.call is not None or span.is_duplicate
        for key in _route_keys(span)
    }
    outer = ancestor_ids(with_usage, run.spans)
    return [
        span
        for span in possible
        if span.span_id not in outer
        and (not on_the_wire.isdisjoint(_route_keys(span)) or _faster_than_network(span))
    ]


def _could_be_hit(span: Span) -> bool:
    """Return whether it is an answered call of a framework whose request was not captured."""
    has_tokens = span.usage.input is not None or span.usage.output is not None
    no_request = span.call is None and span.is_call and framework_of(span.origin) is not None
    return no_request and has_tokens and span.status == "ok"


def _route_keys(span: Span) -> set[tuple[str, str, str]]:
    """Return (library, op, model or provider): calls with one in common take the same way out."""
    library = framework_of(span.origin)
    if library is None:
        return set()
    names = (span.request_model or span.model, provider_id(span.provider))
    return {(library, span.op, name) for name in names if name}


def _faster_than_network(span: Span) -> bool:
    if span.duration is None:
        return False
    return span.duration < _ROUND_TRIP + (span.usage.output or 0) / _FASTEST
