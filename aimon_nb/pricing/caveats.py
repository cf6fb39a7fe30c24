"""Why a cost may be other than it looks: another model, another region, a dearer step."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from aimon_nb.model import Cost, Span, Usage
from aimon_nb.pricing import price_list
from aimon_nb.pricing.model_names import candidates
from aimon_nb.pricing.normalise import is_estimated, unattributed_tokens
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.providers import framework_of

LEFT_EARLY = ("abandoned", "interrupted", "cancelled")


@functools.lru_cache(maxsize=1024)
def list_caveats(provider: str, model: str, host: str | None, listed_as: str) -> tuple[str, ...]:
    """Where the list has one price for what providers bill apart."""
    said = []
    if _is_substituted(model, listed_as.partition(" ")[2]):
        said.append(f"{model} is priced as {listed_as}")
    if provider == "aws" and (_ELSEWHERE.match(model) or _ABROAD.search(host or "")):
        said.append("priced as in a US region of Bedrock: others can cost more")
    if _REGIONAL.search(host or "") and (provider == "openai" or "claude" in model):
        said.append("priced without what a region of your choice can cost more")
    return tuple(said)


def _is_substituted(model: str, name: str) -> bool:
    """Whether a name without a version is what the list takes for today's: `…-latest`."""
    if name.startswith(model):
        return _VERSION.match(name, len(model)) is not None
    return model.endswith("-latest")


@functools.lru_cache(maxsize=1024)
def model_substitution(provider: str, answered: str | None, asked: str | None) -> tuple[str, ...]:
    """Where the list knows the model that was asked for, but not the one that answered."""
    if not answered or not asked or answered == asked:
        return ()
    if price_list.find(provider, candidates(answered, provider)) is not None:
        return ()
    return (f"no price is known for {answered[:100]}: priced as {asked[:100]}, as was asked for",)


_VERSION = re.compile(r"-(?!v\d)\w")  # Bedrock's `-v1:0` says nothing


_ELSEWHERE = re.compile(r"(eu|apac|jp|au|us-gov)\.")


_ABROAD = re.compile(r"\.(?!us-(east|west)-)[a-z]{2}(-[a-z]+)+-\d\.(amazonaws|api)\.")


# OpenAI's and Vertex's hosts for data that must stay somewhere.
_REGIONAL = re.compile(r"^[a-z]{2}\.api\.openai\.com|^[a-z]+-[a-z]+\d+-aiplatform\.")


def lower_bound_of_step(cost: Cost, label: str, usage: Usage) -> Cost:
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


def request_caveats(span: Span) -> tuple[str, ...]:
    """What the span itself leaves open."""
    said = [user_prices.trouble] if user_prices.trouble else []
    if span.call is None and framework_of(span.origin) is not None:
        said.append("its request was not heard: had a local cache answered, it would cost nothing")
    if span.call is None and span.origin == "auto.ai.litellm" and span.usage.cached is None:
        said.append("LiteLLM does not report cached input: at most this")
    if span.call is not None and span.usage_source == "estimate":
        said.append(f"tokens estimated from the text: {span.call.estimated_by}")
    if not span.is_call:
        said.append("a sum that the span reports for what is below it")
    return tuple(said)


def apply_confidence(cost: Cost, span: Span) -> Cost:
    """A cost, less sure where the counts are."""
    if is_estimated(span):
        cost = replace(cost, estimated=True)
    if cost.state != "priced":
        return cost
    if span.status in LEFT_EARLY and span.finish_reason is None:
        return replace(cost, state="partial", reason="left before its end: the tokens so far")
    rest = unattributed_tokens(span.usage)
    if rest:
        reason = f"{rest:,} tokens of the reported total are neither input nor output"
        return replace(cost, state="partial", reason=reason)
    return cost
