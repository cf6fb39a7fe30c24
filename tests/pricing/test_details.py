"""What a price depends on beside tokens: it is priced, or the cost is a lower bound and says why."""

import warnings
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from genai_prices.data_units import unit_data

from aimon_nb import pricing
from aimon_nb.model import ModelCall
from aimon_nb.pricing import price
from aimon_nb.pricing.price_list import _usage_key
from aimon_nb.pricing.model_names import provider_at
from aimon_nb.wire.dialects import find
from tests.pricing.making import call, tokens

NOVEMBER = datetime(2026, 11, 1, tzinfo=timezone.utc)
SONNET, GEMINI = "claude-sonnet-4-5", "generativelanguage.googleapis.com"


def heard(host, path, asked, answer):
    """The cost of an exchange as its dialect reads it."""
    dialect = find(host, path.encode())
    made = ModelCall(provider=dialect.provider, host=host, operation=dialect.operation)
    dialect.request(made, asked)
    dialect.answer(made, answer)
    one = call(made.request_model, made.usage, host, provider=made.provider, at=NOVEMBER, details=made.details)
    one.call, one.model = made, made.response_model or made.request_model
    return price(one)


def response(*items, model="gpt-5"):
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    answer = {"object": "response", "status": "completed", "model": model, "usage": usage, "output": list(items)}
    return heard("api.openai.com", "/v1/responses", {"model": model}, answer)


def chat(host, model, **usage):
    told = {"prompt_tokens": 1000, "completion_tokens": 100, **usage}
    answer = {"model": model, "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}], "usage": told}
    return heard(host, "/v1/chat/completions", {"model": model}, answer)


def gemini(model, queries=(), **usage):
    told = {"promptTokenCount": 1000, "candidatesTokenCount": 100, **usage}
    candidate = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP", "groundingMetadata": {"webSearchQueries": list(queries)}}
    return heard(GEMINI, f"/v1beta/models/{model}:generateContent", {}, {"candidates": [candidate], "usageMetadata": told})


SEARCH = {"type": "web_search_call", "action": {"type": "search", "query": "a"}}
OPENED = {"type": "web_search_call", "action": {"type": "open_page", "url": "u"}}
# gpt-5: 1,000 x $1.25 + 100 x $10 = $0.00225; a search is $0.01, of files $0.0025.
GPT5 = Decimal("0.00225")


@pytest.mark.parametrize(
    ("items", "more"),
    [([SEARCH], "0.01"), ([SEARCH, SEARCH], "0.02"), ([OPENED], "0"), ([{"type": "file_search_call"}], "0.0025"), ([{"type": "function_call"}], "0")],
)
def test_tools_that_openai_bills(items, more):
    """A search is billed, a page that the model opened and the user's own functions are not."""
    cost = response(*items)
    assert ("priced", GPT5 + Decimal(more)) == (cost.state, cost.total)


@pytest.mark.parametrize("kind", ["code_interpreter_call", "image_generation_call", "x_search_call"])
def test_tools_without_a_price(kind):
    """A tool that is billed and has no price makes a lower bound, and is named."""
    cost = response({"type": kind})
    assert ("partial", GPT5) == (cost.state, cost.total)
    assert "no price for " + kind.removesuffix("_call").replace("_", " ") in cost.reason


def test_models_that_search_always():
    """A search model's own search has no price in the list: a lower bound."""
    cost = chat("api.openai.com", "gpt-4o-search-preview")
    assert ("partial", Decimal("0.0035")) == (cost.state, cost.total)
    assert "no price for web searches" in cost.reason


def test_grounding():
    """Before Gemini 3 a grounded answer is $0.035, since then each search is $0.014."""
    assert Decimal("0.00055") + Decimal("0.035") == gemini("gemini-2.5-flash", ["a", "b"]).total
    assert Decimal("0.0032") + Decimal("0.028") == gemini("gemini-3-pro-preview", ["a", "b"]).total
    assert Decimal("0.00055") == gemini("gemini-2.5-flash").total


def test_an_image_as_answer():
    """A drawn image costs twelve times what text does: 1,290 x $30 + 10 x $2.50 + 1,000 x $0.30."""
    cost = gemini("gemini-2.5-flash-image", candidatesTokenCount=1300, candidatesTokensDetails=[{"modality": "IMAGE", "tokenCount": 1290}])
    assert ("priced", Decimal("0.0387") + Decimal("0.000025") + Decimal("0.0003")) == (cost.state, cost.total)


def audio(count):
    return [{"modality": "AUDIO", "tokenCount": count}]


def test_cached_audio():
    """Audio in the cache has a price too: 400 x $0.30 + 500 x $0.10 + 100 x $0.03 + 100 x $2.50."""
    cost = gemini("gemini-2.5-flash", cachedContentTokenCount=600, promptTokensDetails=audio(500), cacheTokensDetails=audio(500))
    assert ("priced", Decimal("0.000423")) == (cost.state, cost.total)


def test_audio_that_cannot_be_taken_apart():
    """Where it is not told how much of the audio was cached, the cost is a lower bound."""
    cost = gemini("gemini-2.5-flash", cachedContentTokenCount=600, promptTokensDetails=audio(500))
    assert ("partial", Decimal("0.000388")) == (cost.state, cost.total)
    assert "input audio could not be priced apart" in cost.reason


def test_audio_at_the_price_of_text():
    """Google lists audio only where it is dearer; at others a missing price is a lower bound."""
    assert "priced" == gemini("gemini-2.5-pro", promptTokensDetails=audio(500)).state
    cost = chat("api.openai.com", "gpt-4o-audio-preview", prompt_tokens_details={"audio_tokens": 500})
    assert ("partial", Decimal("0.0035")) == (cost.state, cost.total)
    assert "no price for input audio of openai gpt-4o-audio-preview" == cost.reason


def test_perplexity():
    """Reasoning, citations and searches are told beside the answer, and each is billed.

    1,000 x $2 + 100 x $8 + 7,000 x $3 + 2,000 x $2 per million, 18 x $5 per thousand.
    """
    cost = chat("api.perplexity.ai", "sonar-deep-research", total_tokens=1100, citation_tokens=2000, num_search_queries=18, reasoning_tokens=7000)
    by_hand = Decimal("0.002") + Decimal("0.0008") + Decimal("0.021") + Decimal("0.004") + Decimal("0.09")
    assert ("priced", by_hand) == (cost.state, cost.total)
    assert cost.total == sum((part[3] for part in cost.lines), Decimal(0))


def test_less_for_what_is_cheaper():
    """A line of the arithmetic that takes away says so."""
    one = call("sonar-deep-research", tokens(0, 1000, reasoning=1000), "api.perplexity.ai")
    assert ("less for reasoning", Decimal("-0.005")) == (price(one).lines[-1][0], price(one).lines[-1][3])
    fee = price(call("sonar", tokens(1000, 1000), "api.perplexity.ai")).lines[-1]
    assert ("more for the request", Decimal("0.012")) == (fee[0], fee[3])


def test_sources_of_xai():
    """xAI bills the sources of a live search; nobody lists them."""
    cost = chat("api.x.ai", "grok-3", num_sources_used=5)
    assert ("partial", "no price for search sources of x-ai grok-3") == (cost.state, cost.reason)


def test_fetched_pages_are_free():
    """Anthropic bills searches, not fetched pages; nothing is warned of."""
    usage = {"input_tokens": 1000, "output_tokens": 100, "server_tool_use": {"web_fetch_requests": 3, "web_search_requests": 1}}
    answer = {"type": "message", "model": SONNET, "stop_reason": "end_turn", "usage": usage}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cost = heard("api.anthropic.com", "/v1/messages", {"model": SONNET}, answer)
    assert ("priced", Decimal("0.0145")) == (cost.state, cost.total)


def cached(details, model=SONNET, host="api.anthropic.com"):
    return price(call(model, tokens(10_000, 100, write=4000), host, provider="anthropic", at=NOVEMBER, details=details))


def test_how_long_a_cache_is_kept():
    """Five minutes are $3.75, an hour is $6; 6,000 x $3 + 100 x $15 beside them."""
    cost = cached({"cache_write_1h_tokens": 1000, "cache_write_5m_tokens": 3000})
    assert Decimal("0.0195") + Decimal("0.006") + Decimal("0.01125") == cost.total
    assert () == cost.caveats
    assert () == cached({"cache_write_5m_tokens": 4000}).caveats
    assert ("cache write priced as kept for 5 minutes",) == cached({}).caveats


def test_an_hour_without_a_price():
    """Where an hour has no price, and where the parts are more than the whole, it is a lower bound."""
    cost = cached({"cache_write_1h_tokens": 4000}, "anthropic/claude-sonnet-4.5", "openrouter.ai")
    assert ("partial", Decimal("0.0345")) == (cost.state, cost.total)
    assert "no price for cache write 1h" in cost.reason
    assert "partial" == cached({"cache_write_1h_tokens": 5000}).state


def test_prices_of_yours():
    """Your price for tokens means all of them; what is no token it does not cover."""
    pricing.set("gpt-4o", input_mtok=1, output_mtok=1)
    assert "priced" == price(call("gpt-4o", tokens(1000, 200), details={"input_audio_tokens": 5})).state
    cost = price(call("gpt-4o", tokens(1000, 200), details={"web_searches": 1}))
    assert ("partial", Decimal("0.0012"), "no price for web searches of gpt-4o (yours)") == (cost.state, cost.total, cost.reason)
    pricing.free("gpt-4o")
    assert "free" == price(call("gpt-4o", tokens(1000, 200), details={"web_searches": 1})).state


@pytest.mark.parametrize(("tier", "state"), [("priority", "partial"), ("flex", "priced"), ("scale", "partial")])
def test_tiers_without_a_price(tier, state):
    """A dearer or an unknown tier without a price makes a lower bound, a cheaper one is said."""
    cost = price(call("grok-3", tokens(1000, 100), "api.x.ai", tier=tier))
    assert (state, Decimal("0.0045")) == (cost.state, cost.total)
    assert f"no {tier} price is known" in " ".join([cost.reason or "", *cost.caveats])


def test_a_detail_nobody_knows():
    """A dialect of somebody else may tell of what no list has heard."""
    cost = price(call("gpt-4o", tokens(1000, 100), details={"moon_trips": 1}))
    assert ("partial", "no price for moon trips of openai gpt-4o") == (cost.state, cost.reason)


def test_names_of_kinds():
    """The list's names of prices and of counts go by one rule, where they count tokens or searches."""
    for name, unit in unit_data.items():
        if unit["price_key"].endswith(("_mtok", "_kcount")):
            assert name == _usage_key(unit["price_key"])


@pytest.mark.parametrize(
    ("host", "model", "provider"),
    [("eu.api.openai.com", "gpt-4o", "openai"), ("us-east5-aiplatform.googleapis.com", SONNET, "anthropic")],
)
def test_regions_that_cost_more(host, model, provider):
    """A host for one region can cost more than the list says; the global ones do not."""
    said = "priced without what a region of your choice can cost more"
    assert said in price(call(model, tokens(1000, 100), host, provider=provider)).caveats
    assert said not in price(call("gemini-2.5-pro", tokens(1, 1), "us-east5-aiplatform.googleapis.com", provider="gcp.vertex_ai")).caveats
    assert said not in price(call(SONNET, tokens(1, 1), "aiplatform.googleapis.com", provider="anthropic")).caveats
    assert said not in price(call("gpt-4o", tokens(1, 1))).caveats


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("x.openai.azure.us", "azure"), ("x.openai.azure.cn", "azure"), ("bedrock-runtime.us-east-1.api.aws", "aws"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "aws"), ("bedrock-mantle.eu-west-1.api.aws", "aws"),
    ],
)  # fmt: skip
def test_clouds_of_their_own(host, known):
    """Governments' and China's clouds, and Amazon's newer hosts."""
    assert known == provider_at(host)
