"""Attributes of spans → token counts (rule B)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimon_nb.model import Usage
from aimon_nb.pricing.normalise import is_estimated, normalise, reported
from tests.pricing.making import call, span, tokens

# How fast a machine is decides nothing.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

G = "gen_ai.usage."
SPELLINGS = {
    "documented": {G + "input_tokens": 10, G + "input_tokens.cached": 4, G + "input_tokens.cache_write": 2,
                   G + "output_tokens": 5, G + "output_tokens.reasoning": 3, G + "total_tokens": 15},
    "current (LangChain)": {G + "input_tokens": 10, G + "cache_read.input_tokens": 4, G + "cache_creation.input_tokens": 2,
                            G + "output_tokens": 5, G + "reasoning.output_tokens": 3, G + "total_tokens": 15},
    "both": {G + "input_tokens": 10, G + "input_tokens.cached": 4, G + "cache_read.input_tokens": 4,
             G + "input_tokens.cache_write": 2, G + "cache_creation.input_tokens": 2, G + "output_tokens": 5,
             G + "output_tokens.reasoning": 3, G + "reasoning.output_tokens": 3, G + "total_tokens": 15},
}  # fmt: skip


@pytest.mark.parametrize("attributes", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings(attributes):
    """Every spelling of the SDK's integrations is read."""
    assert Usage(10, 4, 2, 5, 3, 15) == reported(attributes)


@pytest.mark.parametrize(("prompt", "completion"), [(G + "prompt_tokens", G + "completion_tokens"), ("ai.prompt_tokens.used", "ai.completion_tokens.used")])
def test_old_spellings(prompt, completion):
    """Old names, cohere's among them, are read too."""
    assert tokens(10, 5) == reported({prompt: 10, completion: 5})


def test_zero_is_not_missing():
    """A reported zero stays a zero, a missing count stays unknown."""
    assert tokens(0, None, cached=0) == reported({G + "input_tokens": 0, G + "input_tokens.cached": 0})


@pytest.mark.parametrize("value", ["12", True, None, float("nan"), float("inf"), [1], 1e300, 10**30, -(10**30)])
def test_what_is_no_count_is_unknown(value):
    """Text, truth, infinity and what no table can hold are no token counts."""
    assert reported({G + "input_tokens": value}).input is None


@pytest.mark.parametrize(
    ("usage", "whole"),
    [
        (tokens(1000, 200, cached=400, total=1200), (1000, 200)),  # inside: the total says so
        (tokens(1000, 200, cached=400), (1000, 200)),  # inside: nothing says otherwise
        (tokens(100, 200, cached=400), (500, 200)),  # on top: a part is larger than its whole
        (tokens(1000, 200, cached=400, total=1600), (1400, 200)),  # on top: the total says so
        (tokens(1000, 200, cached=300, write=100, total=1600), (1400, 200)),
        (tokens(1000, 100, reasoning=400), (1000, 500)),
        (tokens(1000, 500, reasoning=400, total=1900), (1000, 900)),
        (tokens(1000, 100, cached=600, reasoning=400, total=2100), (1600, 500)),  # both on top
        (tokens(50, 100, cached=600, reasoning=400, total=1150), (650, 500)),
        (tokens(1000, total=1000), (1000, 0)),  # a dropped zero
        (tokens(1000), (1000, None)),
    ],
)
def test_on_top_or_inside(usage, whole):
    """Arithmetic tells whether cache and reasoning are inside or on top."""
    found = normalise(usage).usage
    assert whole == (found.input, found.output)


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (tokens(-1, 2), "negative"),
        (tokens(1, 2, cached=-3), "negative"),
        (tokens(total=9), "only a total"),
        (tokens(None, 5, cached=3), "without the input"),
        (tokens(100, 50, total=20), "less than"),
    ],
)
def test_impossible(usage, words):
    """Impossible counts are named."""
    assert words in normalise(usage).inconsistency


counts = st.one_of(st.none(), st.integers(0, 10**7))


@UNTIMED
@given(st.builds(Usage, counts, counts, counts, counts, counts, counts))
def test_whole_is_never_less_than_its_parts(usage):
    """Whatever is reported: what is priced has its parts inside."""
    found = normalise(usage).usage
    if normalise(usage).inconsistency is None:
        if found.input is not None:
            assert (found.cached or 0) + (found.cache_write or 0) <= found.input
        if found.output is not None:
            assert (found.reasoning or 0) <= found.output


def test_estimates():
    """Streams that LiteLLM or tiktoken counted here are estimates; what crossed the wire never is."""
    streamed = {"attributes": {"gen_ai.response.streaming": True}}
    assert is_estimated(span("a", usage=tokens(9, 3, total=12), origin="auto.ai.litellm", **streamed))
    assert is_estimated(span("a", usage=tokens(9, 3, total=12), origin="auto.ai.openai", **streamed))
    assert not is_estimated(span("a", usage=tokens(9, 3, cached=0), origin="auto.ai.openai", **streamed))
    assert not is_estimated(span("a", usage=tokens(9, 3), origin="auto.ai.litellm"))
    assert not is_estimated(call("gpt-4o", tokens(9, 3), origin="auto.ai.litellm", **streamed))
    # An SDK's own count stays one where the wire told none for the same call.
    joined = call("gpt-4o", tokens(), origin="auto.ai.openai", **streamed)
    joined.usage = tokens(9, 3, total=12)
    assert is_estimated(joined)
