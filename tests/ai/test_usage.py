"""`record_token_usage`: what is written, where, and what is refused."""

import inspect

import numpy as np
import pytest
import sentry_sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentry_conventions.attributes import ATTRIBUTE_METADATA

from aimon_nb import SPANDATA, ai_track, record_token_usage, set_ai_pipeline_name
from aimon_nb.ai.consts import TODAY
from tests.parts import sdk
from tests.tiers import covering

# How fast a machine is decides nothing.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

NAMES = ["input_tokens", "input_tokens_cached", "output_tokens", "output_tokens_reasoning", "total_tokens", "input_tokens_cache_write"]
KEYS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "input_tokens_cached": "gen_ai.usage.input_tokens.cached",
    "output_tokens": "gen_ai.usage.output_tokens",
    "output_tokens_reasoning": "gen_ai.usage.output_tokens.reasoning",
    "total_tokens": "gen_ai.usage.total_tokens",
    "input_tokens_cache_write": "gen_ai.usage.input_tokens.cache_write",
}
counts = st.none() | st.integers(0, 2**40)


class Span:
    def __init__(self):
        self.data = {}

    def set_data(self, key, value):
        self.data[key] = value


def recorded(*args, **kwargs):
    span = Span()
    record_token_usage(span, *args, **kwargs)
    return span.data


def test_the_documented_order():
    """The positional order is the page's; input_tokens_cache_write is keyword-only."""
    parameters = inspect.signature(record_token_usage).parameters
    assert ["span", *NAMES] == list(parameters)
    assert inspect.Parameter.KEYWORD_ONLY == parameters["input_tokens_cache_write"].kind
    data = recorded(1, 2, 3, 4, 5)
    assert [1, 2, 3, 4, 5] == [data[KEYS[name]] for name in NAMES[:5]]


def test_constants():
    """SPANDATA has the documented constants with the values that Sentry's SDK sends."""
    from sentry_sdk.consts import SPANDATA as THEIRS

    ours = {name: value for name, value in vars(SPANDATA).items() if name.startswith("GEN_AI_")}
    assert set(ours.values()) == {*KEYS.values(), "gen_ai.pipeline.name"}
    assert ours == {name: getattr(THEIRS, name) for name in ours}


def test_todays_names_are_what_sentrys_conventions_say():
    """Where the conventions replaced a documented name, the replacement is written beside it; else nothing is."""
    replaced = {}
    for name, value in vars(SPANDATA).items():
        if name.startswith("GEN_AI_") and ATTRIBUTE_METADATA[value].deprecation:
            replaced[value] = ATTRIBUTE_METADATA[value].deprecation.replacement
    assert replaced == TODAY


@UNTIMED
@given(st.fixed_dictionaries({name: counts for name in NAMES}))
def test_arithmetic(given_counts):
    """What was given is written as given, None is not, total is the sum where both parts are known."""
    data = recorded(**given_counts)
    expected = {name: count for name, count in given_counts.items() if count is not None}
    if "total_tokens" not in expected and {"input_tokens", "output_tokens"} <= set(expected):
        expected["total_tokens"] = expected["input_tokens"] + expected["output_tokens"]
    written = {KEYS[name]: count for name, count in expected.items()}
    written |= {TODAY[key]: written[key] for key in TODAY if key in written}
    assert written == data


def test_zero_is_a_count_and_half_a_total_is_none():
    """0 is kept; total is not made up from one part."""
    assert {"gen_ai.usage.input_tokens": 0} == recorded(0)
    assert 0 == recorded(0, output_tokens=0)["gen_ai.usage.total_tokens"]
    assert "gen_ai.usage.total_tokens" not in recorded(output_tokens=3)
    assert 9 == recorded(1, output_tokens=3, total_tokens=9)["gen_ai.usage.total_tokens"]
    assert {} == recorded()


@pytest.mark.parametrize("number", [np.int64(7), np.uint8(7), np.int32(7), np.array(7)])
def test_numpy_integers_become_ints(number):
    """numpy's integers leave as plain ints."""
    data = recorded(number, output_tokens=number)
    assert {int} == {type(value) for value in data.values()}
    assert 14 == data["gen_ai.usage.total_tokens"]


@covering()
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, True, False, "12", float("nan"), 3.0, np.float64(3), np.bool_(True), b"1", [1], np.int64(-1), object()])
def test_what_is_no_count_is_refused_and_nothing_is_written(name, value):
    """A negative, a bool, a text, NaN …: an error that names the argument; the other counts are not written."""
    span = Span()
    others = {other: 1 for other in NAMES if other != name}
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must "):
        record_token_usage(span, **others, **{name: value})
    assert {} == span.data


def test_the_messages():
    """They say what was wrong with what."""
    with pytest.raises(ValueError, match="^input_tokens must not be negative, but is -1$"):
        record_token_usage(Span(), -1)
    with pytest.raises(TypeError, match="^total_tokens must be a whole number of tokens or None, not '12'$"):
        record_token_usage(Span(), total_tokens="12")
    with pytest.raises(TypeError) as caught:
        record_token_usage(Span(), "x" * 10**6)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("span", [12, "span", object(), [1]])
def test_a_span_that_is_none(span):
    """Something that is no span is named, where a count was given in its place, say."""
    with pytest.raises(TypeError, match="^span must be a span of Sentry or None, not "):
        record_token_usage(span, 7)


def test_in_every_place(place, run):
    """On sampled spans it reaches Sentry, documented names and today's; on every span our view shows it."""
    with place.span("chat", op="gen_ai.chat") as span:
        record_token_usage(span, 10, 4, 5, 2, input_tokens_cache_write=1)
    usage = run.spans()["chat"].usage
    assert (10, 4, 1, 5, 2, 15) == (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning, usage.total)
    assert "cell" == run.spans()["chat"].pipeline


def test_at_sentry(place):
    """Static and streamed, inside a transaction and in a `span` item."""

    @ai_track("work")
    def work():
        with place.span("chat", op="gen_ai.chat") as span:
            record_token_usage(span, 10, 4, 5, 2, input_tokens_cache_write=1)

    work()
    if place.sends:
        data = place.spans()["chat"]["data"]
        told = {key: value for key, value in data.items() if key.startswith("gen_ai.usage.")}
        assert {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.input_tokens.cached": 4,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.input_tokens.cache_write": 1,
            "gen_ai.usage.cache_creation.input_tokens": 1,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.output_tokens.reasoning": 2,
            "gen_ai.usage.reasoning.output_tokens": 2,
            "gen_ai.usage.total_tokens": 15,
        } == told
        for key in told:
            assert key in ATTRIBUTE_METADATA, key


def test_none_is_the_current_span(place, run):
    """span=None is the span that code is in, in every place."""

    @ai_track("work")
    def work():
        record_token_usage(None, 1)
        with place.span("inner"):
            record_token_usage(None, 2)
            with place.span("innermost"):
                pass
            record_token_usage(None, output_tokens=3)

    work()
    spans = run.spans()
    assert (1, None) == (spans["work"].usage.input, spans["work"].usage.output)
    assert (2, 3) == (spans["inner"].usage.input, spans["inner"].usage.output)
    assert not spans["innermost"].usage.known


def test_none_is_the_current_span_outside_a_run(place):
    """It is so without a run of ours, for what Sentry gets."""
    ai_track("work")(lambda: record_token_usage(None, 1))()
    if place.sends:
        assert 1 == place.spans()["work"]["data"]["gen_ai.usage.input_tokens"]


def test_nothing_is_current(place):
    """Where there is no current span nothing is recorded and nothing raised."""
    record_token_usage(None, 1)
    with pytest.raises(ValueError):
        record_token_usage(None, -1)


def test_the_pipeline_is_written_too(static):
    """The span says the pipeline that its tokens were used in, however old it is."""
    with static.root("t") as span:
        set_ai_pipeline_name("later")
        record_token_usage(span, 1)
    assert "later" == static.spans()["t"]["data"]["gen_ai.pipeline.name"]


@sdk.transactions
def test_the_static_api_in_the_stream_lifecycle(receiver, run):
    """sentry_sdk.start_span is the SDK's no-op there: heard, with name, op and tokens, marked not sent, with the hint."""
    from aimon_nb import track

    receiver.init(trace_lifecycle="stream")
    with track("stream cell") as view, pytest.warns(DeprecationWarning):
        for _ in range(2):
            with sentry_sdk.start_span(op="ai.chat.completions", name="completion") as span:
                record_token_usage(span, 7)
    view.spans()
    shown = [span for span in view._run.spans.values() if span.name == "completion"]
    assert [("ai.chat.completions", 7, "no: static API")] * 2 == [(s.op, s.usage.input, s.sent) for s in shown]
    assert 1 == sum("use sentry_sdk.traces.start_span" in note for note in view._run.notes)
    assert ["stream cell"] == [span["name"] for span in receiver.spans()]
