"""Calls that a cache on this machine answered: they never left it and cost nothing.

Caches of HTTP clients mark their answers (`wire.cached_answers`), and so does LiteLLM's
(`wire.litellm_cache`); LangChain's span of a stored answer says so (`sentry.cache_hits`). Where
nobody says so, as of DSPy's, the span of a replay has the old usage and looks like that of a
call. But a call over gRPC or to a model in this process has no request either, and a silent $0
for one of those is the worst figure there is. So a missing request is not enough; it takes a
sign of a cache as well: in this run the same library's calls to the same provider crossed the
wire, or the answer came faster than any model writes.
"""

from __future__ import annotations

from aimon_nb.model import Run, Span
from aimon_nb.model.span import CACHE_HIT
from aimon_nb.model.tree import ancestor_ids
from aimon_nb.pricing.model_names import provider_id
from aimon_nb.providers import framework_of

_FASTEST = 5_000  # tokens a second; hosted models stay well below
_ROUND_TRIP = 0.02  # seconds that a call over the network takes at least


def client_cache_hits(run: Run, with_usage: list[Span]) -> list[Span]:
    """Return the spans that a cache answered; where nobody says so, once the run has ended."""
    marked = [span for span in with_usage if span.call is not None and span.call.cached_by]
    possible = [span for span in with_usage if _could_be_hit(span)]
    if run.running:
        possible = [span for span in possible if _says_so(span)]
    if not possible:
        return marked
    outer = ancestor_ids(with_usage, run.spans)
    inner = [span for span in possible if span.span_id not in outer]
    on_the_wire = {
        key
        for span in list(run.spans.values())
        if span.is_duplicate or (span.call is not None and span.call.cached_by is None)
        for key in _route_keys(span)
    }
    return marked + [
        span
        for span in inner
        if _says_so(span)
        or not on_the_wire.isdisjoint(_route_keys(span))
        or _faster_than_network(span)
    ]


def _could_be_hit(span: Span) -> bool:
    """Return whether it is an answered call of a framework whose request was not captured."""
    has_tokens = span.usage.input is not None or span.usage.output is not None
    no_request = span.call is None and span.is_call and not span.has_unread_request
    no_request = no_request and framework_of(span.origin) is not None
    return no_request and has_tokens and span.status == "ok"


def _says_so(span: Span) -> bool:
    return span.attributes.get(CACHE_HIT) is True


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
