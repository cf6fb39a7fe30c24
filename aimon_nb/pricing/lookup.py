"""The price of one call: whose rates hold, and what is assumed thereby.

The user's own word goes first, then the host of the request, then what the SDK
says of the provider; response model before request model (pricing rule C).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from decimal import Decimal

from aimon_nb.model import Cost, Span, Usage
from aimon_nb.pricing import listed
from aimon_nb.pricing.book import Context, Entry, book
from aimon_nb.pricing.names import candidates, is_local, provider_at, provider_id
from aimon_nb.pricing.rates import Rates, charge
from aimon_nb.pricing.usage import fault, is_estimated, normalised, unexplained

_NO_USAGE = "no usage reported"
_STREAM_HINT = 'no usage reported; ask for it with stream_options={"include_usage": True}'
_LEFT = ("abandoned", "interrupted", "cancelled")
# Integrations of libraries that call a client on behalf of the user.
FRAMEWORKS = ("langchain", "langgraph", "litellm", "dspy", "pydantic_ai", "openai_agents")


@dataclass(frozen=True, slots=True)
class Found:
    """Rates, or the reason why there are none; and what was assumed on the way."""

    rates: Rates | None
    reason: str | None = None
    assumptions: tuple[str, ...] = ()
    free: bool = False


def price(span: Span) -> Cost:
    """What a call cost at the time it started.

    Never raises: what cannot be priced is `unpriced` or `no_usage` with the reason.
    """
    if not span.usage.known:
        return _no_usage(span)
    wrong = fault(span.usage)
    if wrong is not None:
        return _unpriced(wrong, ())
    found = rates_of(span)
    said = (*found.assumptions, *_doubts(span))
    if found.free:
        return _free(listed.source(), said)
    if found.rates is None:
        return _unpriced(found.reason, said)
    details = tuple(sorted(span.call.details.items())) if span.call is not None else ()
    usage = normalised(span.usage)
    cost = _at_least(charge(found.rates, usage, details, said), found.rates.label, usage)
    return _weighed(cost, span)


def rates_of(span: Span) -> Found:
    """Whose rates hold for a call."""
    host = span.call.host if span.call is not None else None
    place = _place(host, span.provider, _word_on(host))
    names = _names(span.model, span.request_model, place.provider)
    provider = place.provider or _plain(span.provider, local=place.local)
    context = _context(span)
    own = _yours(names, provider, place, span, context)
    if own is not None:
        return own
    if place.free:
        return Found(book.rates(place.free))
    said = (place.assumption,) if place.assumption else ()
    if place.provider is None:
        return Found(None, place.reason)
    listing = listed.find(place.provider, names) if names else None
    if listing is None:
        unknown = names[0][:100] if names else "a call without a model name"
        return Found(None, f"no price is known for {unknown} at {place.provider}", said)
    rates = listing.at(span.start, context)
    said = (*said, *_stand_ins(place.provider, names[0], host, listing.name))
    said = (*said, *_in_its_place(place.provider, span.model, span.request_model))
    return Found(rates, None, said, free=listing.is_free and not rates.priced)


@functools.lru_cache(maxsize=1024)
def _unpriced(reason: str | None, said: tuple[str, ...]) -> Cost:
    return Cost("unpriced", reason=reason, assumptions=said)


@functools.lru_cache(maxsize=1024)
def _names(model: str | None, asked: str | None, provider: str | None) -> tuple[str, ...]:
    """What the model of a call may be listed as, the likeliest first."""
    return tuple(name for one in (model, asked) if one for name in candidates(one, provider))


@functools.lru_cache(maxsize=1024)
def _stand_ins(provider: str, model: str, host: str | None, listed_as: str) -> tuple[str, ...]:
    """Where the list has one price for what providers bill apart."""
    said = []
    if _takes_for_another(model, listed_as.partition(" ")[2]):
        said.append(f"{model} is priced as {listed_as}")
    if provider == "aws" and (_ELSEWHERE.match(model) or _ABROAD.search(host or "")):
        said.append("priced as in a US region of Bedrock: others can cost more")
    if _REGIONAL.search(host or "") and (provider == "openai" or "claude" in model):
        said.append("priced without what a region of your choice can cost more")
    return tuple(said)


def _takes_for_another(model: str, name: str) -> bool:
    """Whether a name without a version is what the list takes for today's: `…-latest`."""
    if name.startswith(model):
        return _VERSION.match(name, len(model)) is not None
    return model.endswith("-latest")


@functools.lru_cache(maxsize=1024)
def _in_its_place(provider: str, answered: str | None, asked: str | None) -> tuple[str, ...]:
    """Where the list knows the model that was asked for, but not the one that answered."""
    if not answered or not asked or answered == asked:
        return ()
    if listed.find(provider, candidates(answered, provider)) is not None:
        return ()
    return (f"no price is known for {answered[:100]}: priced as {asked[:100]}, as was asked for",)


_VERSION = re.compile(r"-(?!v\d)\w")  # Bedrock's `-v1:0` says nothing
_ELSEWHERE = re.compile(r"(eu|apac|jp|au|us-gov)\.")
_ABROAD = re.compile(r"\.(?!us-(east|west)-)[a-z]{2}(-[a-z]+)+-\d\.(amazonaws|api)\.")
# OpenAI's and Vertex's hosts for data that must stay somewhere.
_REGIONAL = re.compile(r"^[a-z]{2}\.api\.openai\.com|^[a-z]+-[a-z]+\d+-aiplatform\.")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call went: the list's provider, or why there is none."""

    provider: str | None = None
    assumption: str | None = None
    reason: str | None = None
    local: bool = False
    free: Entry | None = None


def _word_on(host: str | None) -> Entry | None:
    return book.host(host) if host is not None else None


def forget() -> None:
    """The list is another now: what was found in the one before does not hold."""
    _place.cache_clear()
    _in_its_place.cache_clear()


@functools.lru_cache(maxsize=1024)
def _place(host: str | None, said: str | None, word: Entry | None) -> _Place:
    if word is not None:
        return _Place(word.provider, free=word if word.kind == "free host" else None)
    if host is not None:
        known = provider_at(host) or (None if is_local(host) else listed.provider_at(host))
        if known is not None:
            return _Place(known)
        if is_local(host):
            hint = f'pricing.free(host="{host}") or pricing.host("{host}", provider=…) tells'
            return _Place(reason=f"{host} is a server on this machine; {hint}", local=True)
    known = provider_id(said) or (listed.provider_named(said) if said else None)
    if known is None:
        hint = f'; pricing.free(host="{host}") or pricing.set(…) tells' if host else ""
        return _Place(reason=f"no prices are known for provider {said or 'unknown'}{hint}")
    return _Place(known, f"{host} is priced as {known}" if host is not None else None)


def _plain(provider: str | None, *, local: bool) -> str | None:
    """A provider of whom the list knows nothing, such as `ollama`, may be yours.

    A server on this machine is none of those it knows, whatever dialect it speaks.
    """
    known = provider_id(provider)
    return None if known and local else known or (provider.lower() if provider else None)


def _yours(
    names: tuple[str, ...], provider: str | None, place: _Place, span: Span, context: Context
) -> Found | None:
    """The user's own rates, or those of the model that he named instead."""
    entry = book.model(names, provider, span.start)
    said: tuple[str, ...] = ()
    at = place.provider
    passed: list[Entry] = []
    while entry is not None and entry.kind == "alias" and entry.target is not None:
        if entry in passed:  # of two kernels that saved one each
            way_out = f"pricing.unset({entry.name!r}) ends that"
            return Found(None, f"{entry.name} would be priced as itself; {way_out}")
        passed.append(entry)
        at, target = entry.provider or at, entry.target
        said = (f"{passed[0].name} is priced as {f'{at} ' if at else ''}{target} (yours)",)
        entry = book.model((target,), at or provider, span.start)
        if entry is None:
            return _listed_alias(at, target, said, span, context)
    return Found(book.rates(entry), None, said) if entry is not None else None


def _listed_alias(
    at: str | None, target: str, said: tuple[str, ...], span: Span, context: Context
) -> Found:
    listing = listed.find(at, candidates(target, at)) if at is not None else None
    if listing is None:
        whose = "" if at else "; pricing.alias(…, provider=…) tells whose price holds"
        return Found(None, f"no price is known for {target} at {at or 'this host'}{whose}", said)
    rates = listing.at(span.start, context)
    return Found(rates, None, said, free=listing.is_free and not rates.priced)


def _context(span: Span) -> Context:
    """What changes a price beside tokens: the user's word, and what the answer says."""
    held = book.context_at(span.start)
    if span.call is None:
        return held
    told = _tier(span.call.service_tier)
    speed = span.call.parameters.get("speed")
    if isinstance(speed, str):
        told["speed"] = speed
    return tuple(sorted((dict(held) | told).items())) if told else held


def in_words_of_the_list(values: dict[str, str]) -> Context:
    """What the user says of processing and tier, as the list puts it."""
    low = {key: value.strip().lower() for key, value in values.items()}
    return tuple(sorted((_tier(low.pop("service_tier", None)) | low).items()))


def _tier(name: str | None) -> dict[str, str]:
    """A provider's word for its tier, in the words of the price list."""
    tier = (name or "").lower()
    if "batch" in tier:
        return {"processing": "batch"}
    for known in ("flex", "priority", "fast"):
        if known in tier:
            return {"service_tier": known}
    return {"service_tier": tier} if tier else {}


def _no_usage(span: Span) -> Cost:
    if span.status in _LEFT:
        return Cost("no_usage", reason="left before the usage came")
    if span.status == "error":
        return Cost("no_usage", reason="failed before the usage came")
    streamed = span.streaming or span.attributes.get("gen_ai.response.streaming") is True
    return Cost("no_usage", reason=_STREAM_HINT if streamed and _has_option(span) else _NO_USAGE)


def _has_option(span: Span) -> bool:
    """Whether the hint's option is one that this client has."""
    provider = provider_id(span.provider) or span.provider
    if span.op == "gen_ai.text_completion":
        return provider in ("openai", "azure")
    return span.op == "gen_ai.chat" and provider not in _WITHOUT_OPTION


_WITHOUT_OPTION = ("anthropic", "google", "aws", "cohere", "mistral", "ollama")


def _at_least(cost: Cost, label: str, usage: Usage) -> Cost:
    """A lower bound where a long input costs more than the list says."""
    if cost.state == "priced" and (usage.input or 0) > _SHORTEST_STEP:
        step = _step(label)
        if step is not None and (usage.input or 0) > step:
            reason = f"inputs above {step:,} tokens cost more, the list does not say how much"
            return replace(cost, state="partial", reason=reason)
    return cost


@functools.lru_cache(maxsize=1024)
def _step(label: str) -> int | None:
    return next((tokens for model, tokens in _STEPS if model.search(label)), None)


# Models with a dearer step for long inputs, as another list has it, which ours lacks.
_STEPS = (
    (re.compile(r"^aws .*anthropic\.claude-sonnet-4-(5-)?20"), 200_000),
    (re.compile(r"^google gemini-3-pro-image"), 200_000),
    (re.compile(r"^openai gpt-5\.6-cyber"), 272_000),
    (re.compile(r"^x-ai grok-code-fast"), 200_000),
)
_SHORTEST_STEP = min(tokens for _, tokens in _STEPS)


def _free(source: str, said: tuple[str, ...]) -> Cost:
    return Cost("free", Decimal(0), (), source, None, said)


def _doubts(span: Span) -> tuple[str, ...]:
    """What the span itself leaves open."""
    said = [book.trouble] if book.trouble else []
    if span.call is None and framework(span.origin) is not None:
        said.append("its request was not heard: had a local cache answered, it would cost nothing")
    if span.call is None and span.origin == "auto.ai.litellm" and span.usage.cached is None:
        said.append("LiteLLM does not report cached input: at most this")
    if span.call is not None and span.usage is span.call.estimate and span.usage.known:
        said.append(f"tokens estimated from the text: {span.call.estimated_by}")
    if not span.is_call:
        said.append("a sum that the span reports for what is below it")
    return tuple(said)


@functools.lru_cache(maxsize=1024)
def framework(origin: str | None) -> str | None:
    """The framework whose integration made a span, by the span's origin."""
    return next((name for name in FRAMEWORKS if name in (origin or "")), None)


def _weighed(cost: Cost, span: Span) -> Cost:
    """A cost, less sure where the counts are."""
    if is_estimated(span):
        cost = replace(cost, estimated=True)
    if cost.state != "priced":
        return cost
    if span.status in _LEFT and span.finish_reason is None:
        return replace(cost, state="partial", reason="left before its end: the tokens so far")
    rest = unexplained(span.usage)
    if rest:
        reason = f"{rest:,} tokens of the reported total are neither input nor output"
        return replace(cost, state="partial", reason=reason)
    return cost
