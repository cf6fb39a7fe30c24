"""Usages in unusual shapes: what they sum up to is exact, or said to be a lower bound."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimon_nb.model import Usage
from aimon_nb.pricing import explain, price
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.wire.dialects.charges import OWN_KEY
from aimon_nb.wire.dialects.known_usage import NOT_FINAL
from tests.pricing.making import AT, todays_list
from tests.wire.model_requests import heard_call, plain, sse

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
U = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def chunk(text=None, finish=None, usage=None, **more):
    delta = {} if text is None else {"content": text}
    told = {} if usage is None else {"usage": usage}
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **told, **more}


def end(usage):
    return {"model": "m", "choices": [], "usage": usage}


def priced(call, status="ok"):
    """The cost of a call that was read."""
    from aimon_nb.model import Span

    model = call.response_model or call.request_model
    return price(
        Span("s", None, "r", AT, 0.0, op="gen_ai.chat", status=status, duration=1.0, provider=call.provider, model=model,
             request_model=call.request_model or model, usage=call.usage, call=call, finish_reason=call.finish_reason)
    )  # fmt: skip


def chat(usage, model="gpt-4o", host="api.openai.com", **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    return heard_call(CHAT, {"model": model}, plain({"model": model, "choices": [choice], "usage": usage, **more}), host)


def claude(usage, model="claude-opus-4-6", **more):
    return heard_call(MESSAGES, {"model": model, **more}, plain({"type": "message", "model": model, "stop_reason": "end_turn", "usage": usage}), "api.anthropic.com")


class TestCountsNeverGoDown:
    ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

    @pytest.mark.parametrize("last", [ZEROS, {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}, None])
    def test_in_a_chat(self, last):
        """What a stream told once was used: zeros, less or nothing at its end take none of it away."""
        call = heard_call(CHAT, {"stream": True}, sse(chunk("a"), chunk(None, "stop", U), end(last), "[DONE]"))
        assert (call.usage, call.shortfalls) == (Usage(100, None, None, 20, None, 120), [])

    def test_in_messages(self):
        """A proxy that tells the input at the start and a zero at the end."""
        start = {"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 100, "output_tokens": 1}}}
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 0, "output_tokens": 20}}
        assert heard_call(MESSAGES, {"stream": True}, sse(start, delta)).usage == Usage(100, None, None, 20)

    def test_in_gemini(self):
        """A last event with less."""
        def event(reason, **counts):
            return {"candidates": [{"index": 0, "finishReason": reason}], "usageMetadata": counts}

        told = [event("STOP", promptTokenCount=100, candidatesTokenCount=20, totalTokenCount=120), event("STOP", promptTokenCount=100, totalTokenCount=100)]
        assert heard_call(GEMINI, {}, sse(*told)).usage == Usage(100, None, None, 20, None, 120)

    def test_a_total_that_the_counts_contradict(self):
        """Counts of two events may have no total in common."""
        told = [chunk("a", None, {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}), chunk(None, "stop", {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70})]
        assert heard_call(CHAT, {"stream": True}, sse(*told)).usage == Usage(100, None, None, 20)


class TestBeforeTheEnd:
    @pytest.mark.parametrize(
        "events",
        [
            [chunk("a", None, U), chunk(None, "stop"), "[DONE]"],
            [chunk("a"), chunk(""), end(U), "[DONE]"],
            [chunk("a"), chunk("", None, U), "[DONE]"],
        ],
    )
    def test_it_is_kept(self, events):
        """A usage before the finish, or without one, counts, and its cost is a lower bound that says so."""
        call = heard_call(CHAT, {"model": "gpt-4o", "stream": True}, sse(*events), "api.openai.com")
        assert ((call.usage.input, call.usage.output), call.shortfalls) == ((100, 20), [NOT_FINAL])
        cost = priced(call)
        assert ("partial", True) == (cost.state, NOT_FINAL in cost.reason)

    def test_a_stream_that_was_left(self):
        """What was told so far is what it costs at least."""
        call = heard_call(CHAT, {"stream": True}, sse(chunk("a", None, {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101})), left=True)
        assert (call.usage.input, call.usage.output, call.shortfalls) == (100, 1, [NOT_FINAL])

    def test_the_final_one_ends_the_doubt(self):
        """Counts that grew to their end are exact."""
        growing = [chunk("a", None, {"prompt_tokens": 100, "completion_tokens": n, "total_tokens": 100 + n}) for n in (1, 2)]
        call = heard_call(CHAT, {"stream": True}, sse(*growing, chunk(None, "stop", U), "[DONE]"))
        assert (call.usage.output, call.shortfalls) == (20, [])


class TestIterations:
    TOP = {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 5}

    def part(self, kind, into=100, out=10, **more):
        return {"type": kind, "input_tokens": into, "output_tokens": out, **more}

    def test_a_compaction_is_billed(self):
        """Billed is the sum of the iterations, the cache's among them."""
        parts = [self.part("compaction", 1000, 50, cache_creation_input_tokens=7), self.part("message", cache_read_input_tokens=5)]
        call = claude({**self.TOP, "iterations": parts})
        assert (call.usage, call.shortfalls) == (Usage(1112, 5, 7, 60), [])

    def test_in_a_stream(self):
        """They come with the last event."""
        start = {"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 100, "output_tokens": 1}}}
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 10, "iterations": [self.part("compaction", 1000, 50), self.part("message")]}}
        assert heard_call(MESSAGES, {"stream": True}, sse(start, delta)).usage == Usage(1100, None, None, 60)

    def test_a_model_that_declined_is_free(self):
        """Where another model served, what the first one read costs nothing."""
        parts = [self.part("message", 900, 9, model="claude-opus-4-6"), self.part("message", 50, 5, model="claude-sonnet-4-6"), self.part("fallback_message", model="claude-sonnet-4-6")]
        call = claude({"input_tokens": 150, "output_tokens": 15, "iterations": parts}, "claude-sonnet-4-6")
        assert (call.usage.input, call.usage.output, call.shortfalls) == (150, 15, [])

    @pytest.mark.parametrize("kind", ["advisor_message", "a kind of tomorrow"])
    def test_what_has_prices_of_its_own_is_said(self, kind):
        """Another model's tokens are in no sum, and the cost is a lower bound that names them."""
        call = claude({**self.TOP, "iterations": [self.part("message", cache_read_input_tokens=5), self.part(kind, 700, 70, model="claude-x")]})
        assert (call.usage.input, call.usage.output) == (105, 10)
        assert ("partial", True) == (priced(call).state, "700 → 70 tokens of" in priced(call).reason)

    @pytest.mark.parametrize("junk", [[], {}, "x", [None], [{"type": "message"}], [{"type": "message", "input_tokens": -5, "output_tokens": 10**400}]])
    def test_junk(self, junk):
        """What makes no sense takes nothing away."""
        call = claude({**self.TOP, "iterations": junk})
        assert (call.usage.input, call.usage.output) == (105, 10)


@todays_list
class TestWords:
    CLAUDE = {"input_tokens": 10_000, "output_tokens": 1000}

    @pytest.mark.parametrize("geo", ["global", "not_available", None, ""])
    def test_the_ordinary_ones(self, geo):
        """Calls without a region of their own have an exact price."""
        assert "priced" == priced(claude({**self.CLAUDE, "inference_geo": geo, "service_tier": "standard", "speed": "standard"})).state

    @pytest.mark.parametrize(
        ("call", "word"),
        [
            (claude({**CLAUDE, "inference_geo": "us"}), 'inference_geo "us"'),
            (claude({**CLAUDE, "server_tool_use": {"code_execution_requests": 2}}), "server_tool_use.code_execution_requests (2)"),
            (chat({**U, "prompt_tokens_details": {"hologram_tokens": 7}}), "prompt_tokens_details.hologram_tokens (7)"),
            (chat({**U, "region": "eu-premium"}), 'region "eu-premium"'),
            (chat({**U, "extra": [{"tool_units": "3"}]}), 'extra.tool_units "3"'),
        ],
    )
    def test_what_nobody_knows_is_a_lower_bound(self, call, word):
        """An unknown count or word may be billed apart: the cost says which."""
        cost = priced(call)
        assert ("partial", True) == (cost.state, f"no price is known for {word}" in cost.reason)

    def test_what_is_no_count(self):
        """Times, speeds, zeros, truth values and empty things are ordinary."""
        ordinary = {"queue_time": 0.3, "total_latency": 2, "completion_tokens_per_sec": 90.5, "x": 0, "y": None, "z": {}, "ok": True, "currency": "USD"}
        assert "priced" == priced(chat({**U, **ordinary})).state

    def test_the_answer_goes_before_the_request(self):
        """A speed that was asked for and not given is not paid."""
        slow = claude({**self.CLAUDE, "speed": "standard"}, speed="fast")
        fast = claude({**self.CLAUDE, "speed": "fast"}, speed="fast")
        assert priced(slow).total == priced(claude(self.CLAUDE)).total
        assert priced(fast).state == "partial" or priced(fast).total > priced(slow).total

    def test_very_many(self):
        """A usage full of nonsense is named in a few words."""
        call = chat({**U, **{f"k{n}": n + 1 for n in range(5000)}})
        assert len(call.shortfalls) == 1 and len(call.shortfalls[0]) < 300 and call.shortfalls[0].endswith("more")


def test_parallel_tool_calls_at_one_index():
    """A new id at a known index is a new tool call, whole or in pieces."""
    def piece(index, arguments, call_id=None, name=None):
        function = {"arguments": arguments, **({"name": name} if name else {})}
        return {"model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, **({"id": call_id} if call_id else {}), "function": function}]}, "finish_reason": None}]}

    told = [piece(0, '{"a":', "1", "one"), piece(0, "1}"), piece(0, "{}", "2", "two"), piece(1, "[]", "3", "three"), piece(0, "", "2"), chunk(None, "tool_calls")]
    call = heard_call(CHAT, {"stream": True}, sse(*told))
    assert [("one", '{"a":1}'), ("two", "{}"), ("three", "[]")] == call.output[0].tool_calls


@pytest.mark.parametrize("raw", [{"total_tokens": 9}, {"prompt_tokens": 9, "total_tokens": 9}, {"prompt_tokens": "9"}])
def test_all_that_an_embedding_counts_is_its_input(raw):
    """Some tell a total alone."""
    call = heard_call("/v1/embeddings", {"model": "e", "input": "x"}, plain({"usage": raw}))
    assert (9, None) == (call.usage.input, call.usage.output)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v2/embed", {"meta": {"billed_units": {"input_tokens": 9, "images": 3}}}),
        ("/v1beta/models/gemini-embedding-2:embedContent", {"usageMetadata": {"promptTokenCount": 90, "totalTokenCount": 90, "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 81}]}}),
        ("/v1beta/models/gemini-embedding-2:embedContent", {"usageMetadata": {"promptTokenCount": 90, "tomorrowTokenCount": 9}}),
        ("/v2/chat", {"usage": {"billed_units": {"input_tokens": 9, "output_tokens": 1, "search_units": 2}}}),
    ],
)  # fmt: skip
def test_what_is_billed_beside_the_text_is_said(path, answer):
    """An embedding of images, a search in a chat: exact by a price of their own, or a lower bound."""
    call = heard_call(path, {"model": "m"}, plain(answer))
    assert call.usage.known and (call.shortfalls or call.details.get("input_image_tokens") == 81)


@pytest.mark.parametrize("place", ["usage", "top"])
def test_the_tier_of_an_answer(place):
    """Wherever it stands, it goes before the request's."""
    told = chat({**U, "service_tier": "flex"}) if place == "usage" else chat(U, service_tier="flex")
    assert told.service_tier == "flex"


class TestCharges:
    @pytest.mark.parametrize(
        ("host", "told", "usd"),
        [
            ("openrouter.ai", {"cost": 0.0211}, "0.0211"),
            ("openrouter.ai", {"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, "0.021"),
            ("api.perplexity.ai", {"cost": {"input_tokens_cost": 0.1, "total_cost": 0.0061}}, "0.0061"),
            ("api.x.ai", {"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
            ("openrouter.ai", {"cost": 0}, "0"),
        ],
    )
    def test_what_was_charged_is_the_cost(self, host, told, usd):
        """It goes before any list, also for a model that no list has."""
        for model in ("gpt-4o", "z-new/model-of-yesterday"):
            cost = priced(chat({**U, **told}, model, host))
            assert (Decimal(usd), True, "priced" if float(usd) else "free") == (cost.total, cost.charged, cost.state)
            assert cost.reason.startswith(f"charged by {cost.source}")

    @todays_list
    def test_the_list_stands_beside_it(self):
        """Whoever looks sees both."""
        cost = priced(chat({**U, "cost": 0.0211}, "openai/gpt-4o", "openrouter.ai"))
        assert "genai-prices" in cost.reason and "$0.00045" in cost.reason

    def test_without_a_usage(self):
        """A charge alone is a cost."""
        cost = priced(chat({"cost": 0.5}, "m", "openrouter.ai"))
        assert ("priced", Decimal("0.5")) == (cost.state, cost.total)

    def test_the_users_own_key(self):
        """What goes through it and is not told makes a lower bound."""
        cost = priced(chat({**U, "cost": 0.001, "is_byok": True}, "m", "openrouter.ai"))
        assert ("partial", True) == (cost.state, OWN_KEY in cost.reason)

    @pytest.mark.parametrize("junk", [-1, float("nan"), float("inf"), 10**400, "0.1", True, None, [1], {"x": 1}, 1e9])
    def test_junk_was_not_charged(self, junk):
        """Then the list holds."""
        assert not priced(chat({**U, "cost": junk}, "openai/gpt-4o", "openrouter.ai")).charged

    def test_of_tokens_that_were_counted_here(self):
        """The charge is known, however many there were."""
        from aimon_nb.model import Cost, Span
        from aimon_nb.pricing.counted import CountedSpans, add_up
        from aimon_nb.views.tables.summands import summands

        cost = Cost("priced", Decimal("0.5"), source="openrouter", charged=True)
        span = Span("s", None, "r", AT, 0.0, op="gen_ai.chat", status="ok", usage=Usage(9, output=1), usage_source="estimate", cost=cost)
        totals = add_up([span])
        assert (totals.cost, totals.estimate_cost, totals.lower_bound, totals.estimates) == (Decimal("0.5"), None, False, 1)
        (row,) = summands([span], CountedSpans([span]))
        assert (row.cost, row.estimate_cost, row.estimate.input, row.usage.input) == (Decimal("0.5"), None, 9, None)

    @pytest.mark.parametrize("last", [{**U, "cost": 0}, {**U, "cost": 0.001}, U, None])
    def test_a_charge_never_goes_down(self, last):
        """What a stream told once was charged, whatever its end says of it."""
        told = sse(chunk("a"), chunk(None, "stop", {**U, "cost": 0.5}), end(last), "[DONE]")
        cost = priced(heard_call(CHAT, {"stream": True}, told, "openrouter.ai"))
        assert (cost.total, cost.state, cost.charged) == (Decimal("0.5"), "priced", True)

    @pytest.mark.parametrize("host", ["api.x.ai", "openrouter.ai"])
    def test_a_charge_before_the_end(self, host):
        """Of an answer that nobody read to its end it is what was charged so far."""
        usage = {**U, "cost": 0.25, "cost_in_usd_ticks": 2_500_000_000}
        call = heard_call(CHAT, {"stream": True}, sse(chunk("a", usage=usage)), host)
        for status in ("ok", "abandoned"):
            assert (priced(call, status).total, priced(call, status).state) == (Decimal("0.25"), "partial")
        call.charge_shortfall = None  # a reader that cannot tell where the end is
        assert (priced(call, "abandoned").state, priced(call, "abandoned").charged) == ("partial", True)
        assert priced(call, "ok").state == "priced"

    def test_nobody_elses_figure(self):
        """At other hosts a cost is somebody's estimate."""
        assert not priced(chat({**U, "cost": 0.5})).charged

    def test_a_price_of_yours_goes_first(self):
        """Whoever set one wants that one."""
        from aimon_nb import pricing

        call = chat({**U, "cost": 0.0211}, "m", "openrouter.ai")
        pricing.set("m", input_mtok=1, output_mtok=1)
        try:
            assert ("yours", Decimal("0.00012")) == (priced(call).source, priced(call).total)
        finally:
            pricing.unset("m")
        assert user_prices.rules == {}


@todays_list
class TestGateways:
    @pytest.mark.parametrize(
        ("host", "path", "model", "provider"),
        [
            ("gw.example.com", CHAT, "anthropic/claude-sonnet-4-5", "anthropic"),
            ("api.portkey.ai", CHAT, "@openai/gpt-4o", "openai"),
            ("gateway.ai.cloudflare.com", "/v1/acct/gw/compat/chat/completions", "openai/gpt-4o", "openai"),
            ("gateway.ai.cloudflare.com", "/v1/acct/gw/groq/chat/completions", "llama-3.3-70b-versatile", "groq"),
            ("gateway.ai.cloudflare.com", "/v1/acct/gw/anthropic/v1/messages", "claude-sonnet-4-5", "anthropic"),
            ("bedrock-mantle.us-east-1.api.aws", CHAT, "openai.gpt-oss-120b", "aws"),
        ],
    )
    def test_whose_price_holds(self, host, path, model, provider):
        """The name or the path says it, and the cost says what was assumed."""
        choice = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}
        body = {"type": "message", "model": model, "stop_reason": "end_turn", "usage": {"input_tokens": 100, "output_tokens": 20}} if path.endswith("messages") else {"model": model, "choices": [choice], "usage": U}
        cost = priced(heard_call(path, {"model": model}, plain(body), host))
        assert "priced" == cost.state, cost.reason
        assert provider == "aws" or any(f"is priced as {provider}" in one for one in cost.caveats)

    def test_a_server_on_this_machine(self):
        """A name is no sign there, for it may be a model's own; a gateway's header is one."""
        choice = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}
        body = plain({"model": "openai/gpt-4o", "choices": [choice], "usage": U})
        assert "unpriced" == priced(heard_call(CHAT, {"model": "openai/gpt-4o"}, body, "localhost:4000")).state
        by_gateway = heard_call(CHAT, {"model": "openai/gpt-4o"}, body, "localhost:4000", headers={"x-litellm-version": "1.80"})
        assert "priced" == priced(by_gateway).state

    def test_a_name_of_hugging_face_is_no_vendor(self):
        """`deepseek-ai/…` at a stranger's host has no price of DeepSeek's."""
        assert "unpriced" == priced(chat(U, "deepseek-ai/DeepSeek-V3", "gpu.example.com")).state


COUNT = st.one_of(st.integers(0, 10**6), st.integers(0, 10**6).map(str), st.integers(0, 10**6).map(float), st.none(), st.integers(-5, -1), st.just(10**400), st.just(float("nan")), st.text(max_size=3))
KEYS = st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "region", "new_tokens", "prompt_time"])
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens", "odd_tokens"]), COUNT, max_size=3)


@settings(max_examples=300, deadline=None)
@given(usage=st.dictionaries(KEYS, COUNT), prompt=DETAILS, completion=DETAILS)
def test_any_usage_is_exact_or_marked(usage, prompt, completion):
    """What is read of a usage is what stands there; what is not read is said, or the cost is no exact one."""
    raw = {**usage, "prompt_tokens_details": prompt, "completion_tokens_details": completion}
    call = chat(raw)
    cost = priced(call)
    strange = [value for key, value in usage.items() if key in ("new_tokens", "region")] + [one["odd_tokens"] for one in (prompt, completion) if "odd_tokens" in one]
    told = [v for v in strange if v and str(v).lower() not in ("none", "nan")]
    if told and cost.total:
        assert cost.state == "partial", (raw, cost)
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    if all(isinstance(c, int) and 0 <= c < 10**7 for c in counts) and usage.keys() <= {"prompt_tokens", "completion_tokens"} and not prompt and not completion:
        assert (call.usage.input, call.usage.output) == tuple(counts)
    for kind in ("input", "output", "cached", "reasoning", "total"):
        value = getattr(call.usage, kind)
        assert value is None or (isinstance(value, int) and value >= 0)
    json.dumps(call.shortfalls)
    if cost.total is not None:
        assert cost.total >= 0
        assert str(explain_of(call))


def explain_of(call):
    from aimon_nb.model import Span

    return explain(Span("s", None, "r", AT, 0.0, op="gen_ai.chat", status="ok", duration=1.0, provider=call.provider, model=call.response_model, usage=call.usage, call=call))


def _responses(raw):
    body = {"object": "response", "status": "completed", "model": "gpt-4o", "output": [], "usage": raw}
    return heard_call(RESPONSES, {"model": "gpt-4o", "input": "x"}, plain(body), "api.openai.com")


def _gemini(raw):
    body = {"candidates": [{"index": 0, "finishReason": "STOP"}], "modelVersion": "gemini-2.5-pro", "usageMetadata": raw}
    return heard_call(GEMINI, {}, sse(body), "generativelanguage.googleapis.com")


def _converse(raw):
    body = {"output": {"message": {"content": []}}, "stopReason": "end_turn", "usage": raw}
    return heard_call("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", {}, plain(body), "bedrock-runtime.us-east-1.amazonaws.com")


def _cohere(raw):
    body = {"message": {"content": []}, "finish_reason": "COMPLETE", "usage": {"billed_units": raw}}
    return heard_call("/v2/chat", {"model": "command-r-08-2024", "messages": []}, plain(body), "api.cohere.com")


# How a form is read, and the counts that make up (input, output).
FORMS = {
    "chat": (chat, (["prompt_tokens"], ["completion_tokens"])),
    "responses": (_responses, (["input_tokens"], ["output_tokens"])),
    "messages": (claude, (["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"], ["output_tokens"])),
    "gemini": (_gemini, (["promptTokenCount", "toolUsePromptTokenCount"], ["candidatesTokenCount", "thoughtsTokenCount"])),
    "converse": (_converse, (["inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"], ["outputTokens"])),
    "cohere": (_cohere, (["input_tokens"], ["output_tokens"])),
}
NUMBER = st.integers(1, 10**6)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_sum_of_every_form(form, data):
    """Input and output are the sums of what is billed; a count that nobody knows makes a lower bound that names it."""
    read, sides = FORMS[form]
    raw, sums = {}, []
    for first, *more in sides:
        chosen = [first, *data.draw(st.lists(st.sampled_from(more), unique=True))] if more else [first]
        side = {name: data.draw(NUMBER) for name in chosen}
        raw |= side
        sums.append(sum(side.values()))
    strange = data.draw(st.dictionaries(st.from_regex(r"new_[a-z]{3}_units", fullmatch=True), NUMBER, max_size=2))
    call = read(raw | strange)
    assert [call.usage.input, call.usage.output] == sums
    assert all(name in " ".join(call.shortfalls) for name in strange)
    cost = priced(call)
    assert cost.state == ("partial" if strange else "priced") or cost.state == "unpriced", cost
