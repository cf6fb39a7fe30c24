"""Calls that are billed by images, sound, seconds and searches, from the request to the sums."""

import pytest

from aimon_nb import pricing
from aimon_nb.views.static import text
from tests.pricing.making import todays_list, usd
from tests.wire.conftest import calls
from tests.wire.model_requests import heard_call, plain

SPENT = {"input_tokens": 60, "input_tokens_details": {"text_tokens": 10, "image_tokens": 50}, "output_tokens": 300, "total_tokens": 360}
ANSWERS = {
    "/v1/audio/transcriptions": {"text": "hi", "usage": {"type": "duration", "seconds": 8.0}},
    "/v2/rerank": {"results": [], "meta": {"billed_units": {"search_units": 1}}},
    "/v1/images/generations": {"data": [{}], "usage": SPENT},
    "/v1/images/edits": {"data": [{}], "usage": SPENT},
    "/v1/audio/speech": b"\xff\xfb123",
}
SEARCH = ("https://api.cohere.com/v2/rerank", {"model": "rerank-v3.5", "query": "q", "documents": ["a"]})
SECONDS = ("https://api.openai.com/v1/audio/transcriptions", {"model": "whisper-1"})
IMAGE = ("https://api.openai.com/v1/images/generations", {"model": "gpt-image-1.5", "prompt": "a cat"})
SOUND = ("https://api.openai.com/v1/audio/speech", {"model": "gpt-4o-mini-tts", "input": "a cat"})


def answer(request):
    import httpx

    told = ANSWERS[request.url.path]
    return httpx.Response(200, content=told) if isinstance(told, bytes) else httpx.Response(200, json=told)


@pytest.fixture
def run_of(track):
    """The run of requests to canned answers."""
    import httpx

    def run_of(*asked):
        with track() as run, httpx.Client(transport=httpx.MockTransport(answer)) as client:
            for url, body in asked:
                client.post(url, json=body)
        assert run.faults == 0
        return run

    return run_of


@todays_list
def test_each_at_its_price(run_of):
    """Seconds and images are in the sum at their own prices, to the last digit, and the sum is exact."""
    run = run_of(SECONDS, IMAGE)
    # 8 s at 0.36 an hour; 10 x 5 + 50 x 8 in, 300 x 32 out
    assert ([usd("0.0008"), usd("0.01005")], usd("0.01085")) == ([c.cost.total for c in calls(run)], run.totals.cost)
    assert (False, 0, 0, 60, 300) == (
        run.totals.lower_bound, run.totals.no_usage, run.totals.unpriced, run.totals.usage.input, run.totals.usage.output
    )  # fmt: skip


@todays_list
def test_what_is_sent_as_a_form(track):
    """A form says what a JSON body would: the model, so that it has its price, the prompt, and what else was set."""
    import httpx
    import openai

    with track() as run, httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = openai.OpenAI(api_key="none", http_client=http)
        client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"x" * 3_000_000), language="en", timestamp_granularities=["word", "segment"])
        client.images.edit(model="gpt-image-1.5", prompt="more\nlight", image=("a.png", b"--b\r\n\r\npng"))
    sound, image = calls(run)
    assert (["whisper-1", "gpt-image-1.5"], run.faults) == ([sound.model, image.model], 0)
    assert (usd("0.0008"), usd("0.01005"), usd("0.01085"), False) == (sound.cost.total, image.cost.total, run.totals.cost, run.totals.lower_bound)
    assert {"language": "en", "timestamp_granularities[]": '["word", "segment"]'} == sound.call.settings
    assert ["more\nlight"] == [message.text for message in image.call.input] and not sound.call.input


def test_what_is_not_known_is_said(run_of):
    """A search without a price is unpriced, and sound as an answer has no usage: the sum is a lower bound of both."""
    run = run_of(SEARCH, SOUND)
    assert ["unpriced", "no_usage"] == [call.cost.state for call in calls(run)]
    assert (1, 1, True) == (run.totals.unpriced, run.totals.no_usage, run.totals.lower_bound)
    assert "no price is known for rerank-v3.5 at cohere" in str(pricing.explain(calls(run)[0]))
    assert "1 unpriced · 1 without usage" in text.tree(run)


def test_each_has_its_operation(run_of):
    """The row and the span's op name what was asked for."""
    run = run_of(SECONDS, SEARCH, IMAGE, SOUND)
    ops = ["gen_ai.transcription", "gen_ai.rerank", "gen_ai.image_generation", "gen_ai.speech"]
    assert ops == [call.op for call in calls(run)]
    assert {"model"} == {call.kind for call in calls(run)}


def test_what_is_no_text_is_not_estimated(run_of, monkeypatch):
    """With estimates on there is none of images, sound and searches: their text is not what is billed."""
    from aimon_nb.wire.token_estimate import estimates

    monkeypatch.setattr(estimates, "on", True)
    run = run_of(SECONDS, SEARCH, SOUND)
    assert not any(call.is_estimated or call.usage.known for call in calls(run))
    assert 0 == run.totals.estimates


@pytest.mark.parametrize(
    ("path", "answer", "usage"),
    [
        ("/v1beta/interactions", {"status": "completed", "steps": []}, {"total_input_tokens": 1, "total_output_tokens": 1}),
        ("/v1/conversations", {"outputs": []}, {"prompt_tokens": 1, "completion_tokens": 1}),
        ("/v1/images/generations", {"data": []}, {"input_tokens": 1, "output_tokens": 1}),
        ("/v1/audio/transcriptions", {"text": ""}, {"type": "tokens", "input_tokens": 1, "output_tokens": 1}),
        ("/v1/rerank", {"results": []}, {"total_tokens": 1}),
        ("/v1/embeddings", {"data": []}, {"total_tokens": 1}),
    ],
)
def test_an_unknown_count_is_said(path, answer, usage):
    """A count in a usage that nobody knows makes the cost a lower bound that names it; without one nothing is said."""
    assert [] == heard_call(path, {}, plain({**answer, "usage": usage})).shortfalls
    odd = heard_call(path, {}, plain({**answer, "usage": {**usage, "odd_tokens": 7}}))
    assert ["no price is known for odd_tokens (7)"] == odd.shortfalls
    assert odd.usage.input == 1


def test_a_count_that_goes_down():
    """An image's stream whose later usage is smaller, or zero, keeps what was told."""
    from tests.wire.model_requests import sse

    events = [{"type": "image_generation.completed", "usage": {"input_tokens": n, "output_tokens": n, "total_tokens": 2 * n}} for n in (9, 0)]
    call = heard_call("/v1/images/generations", {}, sse(*events))
    assert (9, 9, 18, {"output_image_tokens": 9}) == (call.usage.input, call.usage.output, call.usage.total, call.details)
