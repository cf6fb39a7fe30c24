"""What is billed by another kind than text: images, sound, seconds, searches."""

import pytest

from aimon_nb import pricing
from aimon_nb.model import Usage
from aimon_nb.pricing import explain, price, price_run
from tests.pricing.making import call, run_of, todays_list, tokens, usd

IMAGES = {"input_image_tokens": 50, "output_image_tokens": 290}


@todays_list
@pytest.mark.parametrize(
    ("model", "usage", "details", "total"),
    [
        # 10 x 5 + 50 x 8 in, 10 x 10 + 290 x 32 out
        ("gpt-image-1.5", tokens(60, 300, total=360), IMAGES, "0.00983"),
        # 60 x 5 in, all of the output is an image: its price is the output's
        ("gpt-image-1", tokens(60, 300, total=360), {"output_image_tokens": 300}, "0.0123"),
        # 4 x 2.5 + 10 x 6 in, 5 x 10 out
        ("gpt-4o-transcribe", tokens(14, 5, total=19), {"input_audio_tokens": 10}, "0.00012"),
        ("gpt-4o-mini-tts", tokens(6, 40, total=46), {}, "0.0004836"),
        ("whisper-1", Usage(), {"audio_seconds": 8}, "0.0008"),  # 0.36 an hour
    ],
)
def test_each_kind_at_its_price(model, usage, details, total):
    """Images, sound and seconds cost what the list has for them, to the last digit."""
    cost = price(call(model, usage, details=details))
    assert ("priced", usd(total)) == (cost.state, cost.total)


@todays_list
def test_billed_by_the_second_alone():
    """Tokens that are told beside seconds cost nothing where the list has a price for seconds alone."""
    one = call("voxtral-mini-transcribe-3-0", tokens(2629, 635, total=3264), "api.mistral.ai", provider="mistral_ai", details={"audio_seconds": 3600})
    assert ("priced", usd("0.21"), None) == (price(one).state, price(one).total, price(one).reason)


@todays_list
@pytest.mark.parametrize(
    ("model", "details", "reason"),
    [
        ("gpt-4o", {"output_image_tokens": 30}, "no price for output image of openai gpt-4o"),
        ("gpt-image-1.5", {"svg_authoring_tokens": 7, "output_image_tokens": 40}, "no price for svg authoring of openai gpt-image-1.5"),
        ("gpt-4o", {"document_library_calls": 2}, "no price for document library calls of openai gpt-4o"),
    ],
)
def test_a_kind_without_a_price_is_a_lower_bound(model, details, reason):
    """A kind that the list has no price for is never priced as text and said to be exact."""
    cost = price(call(model, tokens(60, 40), details=details))
    assert ("partial", reason) == (cost.state, cost.reason)


@todays_list
def test_an_image_in_the_cache_is_a_lower_bound():
    """Where it is not told what of the cache is image the sum says that it is a lower bound, and is one."""
    cost = price(call("gpt-image-1.5", tokens(60, 300, cached=20), details=IMAGES))
    assert "partial" == cost.state
    assert cost.total < usd("0.00983")


class TestSearches:
    """What is billed by the search has no tokens: it is unpriced, with the reason, and no call without usage."""

    def one(self):
        return call("rerank-v3.5", Usage(), "api.cohere.com", provider="cohere", op="gen_ai.rerank", details={"rerank_searches": 2})

    def test_without_a_price(self):
        """The list has none for Cohere's: unpriced, and the sum is a lower bound."""
        cost = price(self.one())
        assert ("unpriced", None, "no price is known for rerank-v3.5 at cohere") == (cost.state, cost.total, cost.reason)
        run = run_of(self.one())
        price_run(run, set(run.spans))
        assert (1, 0, True) == (run.totals.unpriced, run.totals.no_usage, run.totals.lower_bound)
        assert "no price is known for rerank-v3.5" in str(explain(self.one()))

    def test_with_a_price_per_token(self):
        """A price of yours per token is none per search."""
        pricing.set("rerank-v3.5", input_mtok=2, output_mtok=2)
        try:
            cost = price(self.one())
        finally:
            pricing.unset("rerank-v3.5")
        assert cost.state in ("partial", "unpriced")
        assert "no price for rerank searches" in cost.reason


def test_nothing_told_is_no_usage():
    """Sound as the answer tells nothing of its tokens: no usage, not $0."""
    run = run_of(call("tts-1", Usage(), op="gen_ai.speech"))
    price_run(run, set(run.spans))
    assert (1, True, None) == (run.totals.no_usage, run.totals.lower_bound, run.totals.cost)
