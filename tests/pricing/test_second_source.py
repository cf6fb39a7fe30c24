"""A second price list beside ours: where the two differ, and why.

The file holds USD per million tokens (input, output, cached input) of models that
both lists know, at the lowest tier. A difference that no reason here explains is a
failure: somebody must look at the provider's page and write the reason down.
"""

import json
import re
from datetime import datetime
from pathlib import Path

from aimon_nb.pricing import price_list, price
from aimon_nb.pricing.model_names import provider_at
from aimon_nb.pricing.rates import Tiers
from tests.pricing.making import call, todays_list, tokens

pytestmark = todays_list
DATA = json.loads((Path(__file__).parent / "second_source.json").read_text("utf-8"))
AT = datetime.fromisoformat(DATA["at"])
# provider, model pattern → why the lists differ. docs/cost.md says what a reader sees then.
REASONS = {
    ("aws", r"(eu|apac|jp|us-gov)\."): "ours has one price for all regions; said at the cost",
    ("aws", r"(anthropic\.|openai\.|claude-)"): "ours takes a bare id for a regional one (10 % more), the other for the global one",
    ("azure", r"(gpt-4-turbo|ada$|text-embedding)"): "the other list is 10 % higher; ours lends OpenAI's own prices",
    ("deepseek", r"deepseek-(chat|reasoner|v3\.2)$"): "ours has prices by the hour that DeepSeek ended in September 2025",
    ("deepseek", r"deepseek-(v4|flash)"): "ours is half the other list's; not checked with the provider",
    ("google", r"gemini-3\.8-flash-cyber$"): "a variant that ours takes for its family",
    ("mistral", r".*(-latest|medium|nemo)$"): "the alias names another model in each list; `-latest` is said at the cost",
    ("mistral", r"mistral-large-4"): "2 % apart: rounded, or another day's exchange rate",
    ("x-ai", r"grok-code-fast"): "the lists name different prices; not checked with the provider",
    ("groq", r"openai/gpt-oss-safeguard"): "rounded",
}  # fmt: skip


# The same for the step of a long input.
STEP_REASONS = {
    ("aws", r".*claude-sonnet-4"): "ours has no step: a lower bound above 200,000",
    ("aws", r".*(claude-haiku-5-5|openai\.gpt-6)"): "ours takes a bare id for a regional one, as for short inputs",
    ("google", r"gemini-3-pro-image"): "ours has no step: a lower bound above 200,000",
    ("anthropic", r"claude-sonnet-4-5"): "the other list dropped the step; not checked with the provider",
    ("openai", r"gpt-5\.6-cyber"): "ours has no step: a lower bound above 272,000",
    ("x-ai", r"grok-code-fast"): "ours has no step: a lower bound above 200,000",
    ("x-ai", r"grok-(4\.|build)"): "a step at 200,000 begins there in ours, one token later in the other",
}  # fmt: skip


def ours(provider, model):
    rates = price_list.find(provider, [model]).at(AT)
    prices = (rates.input, rates.output, rates.cached)
    return [None if p is None else float(p.base if isinstance(p, Tiers) else p) for p in prices]


def differing():
    for provider, model, *theirs in DATA["prices"]:
        pairs = [(a, b) for a, b in zip(ours(provider, model), theirs, strict=True) if a is not None and b is not None]
        if any(abs(a - b) > 0.001 * max(a, b) for a, b in pairs):
            yield provider, model


def test_every_difference_has_a_reason():
    """Where the lists differ, somebody looked and wrote down why; nothing else is listed."""
    used = set()
    unexplained = []
    for provider, model in differing():
        reasons = [key for key in REASONS if key[0] == provider and re.match(key[1], model)]
        used.update(reasons[:1])
        unexplained += [] if reasons else [(provider, model)]
    assert [] == unexplained
    assert set(REASONS) == used


def test_most_prices_agree():
    """At least nine in ten prices are the same in both lists; OpenAI, Anthropic and Gemini wholly."""
    assert len(DATA["prices"]) > 300
    apart = list(differing())
    assert len(apart) < 0.2 * len(DATA["prices"])
    assert {"aws", "azure", "deepseek", "google", "mistral", "x-ai", "groq"} == {provider for provider, _ in apart}


def our_steps(provider, model):
    rates = price_list.find(provider, [model]).at(AT)
    return [[[at, float(p)] for at, p in price.steps] if isinstance(price, Tiers) else [] for price in (rates.input, rates.output)]


def test_every_difference_of_long_inputs_has_a_reason():
    """So it is for the dearer step of a long input; where only the other list has one, ours is a lower bound there."""
    apart = [(p, m, theirs) for p, m, *theirs in DATA["steps"] if our_steps(p, m) != theirs]
    used = {next((k for k in STEP_REASONS if k[0] == p and re.match(k[1], m)), (p, m)) for p, m, _ in apart}
    assert set(STEP_REASONS) == used
    for provider, model, theirs in apart:
        if not any(our_steps(provider, model)):
            host = next(h for h in HOSTS if provider_at(h) == provider)
            cost = price(call(model, tokens(theirs[0][0][0] + 1, 10), host, provider=provider, at=AT))
            assert "partial" == cost.state, (provider, model, cost)


HOSTS = ("bedrock-runtime.us-east-1.amazonaws.com", "generativelanguage.googleapis.com", "api.openai.com", "api.x.ai")
