"""Estimated tokens: asked for, marked, beside the exact sums, and never from the network."""

import base64
import hashlib
import json
import subprocess
import sys
from types import FunctionType

import httpx
import pytest
from sentry_sdk.transport import Transport

from aimon_nb import app, pricing
from aimon_nb.pricing.counted import add_up
from aimon_nb.views.tables import frames
from aimon_nb.views.present import detail, formatting, rows, run_sums
from aimon_nb.views.static import text
from aimon_nb.views.static.html import static
from aimon_nb.wire import token_estimate as estimate_module
from aimon_nb.wire.token_estimate import estimates
from tests.wire.conftest import calls
from tests.parts import sdk

URL = "http://model.test/v1/chat/completions"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "how warm is it today"}], "stream": True}
PIECES = ["quite ", "warm ", "here"]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


def answer(request):
    asked = json.loads(request.content)
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "yes"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return httpx.Response(200, json={"model": "gpt-4o", "choices": [choice], "usage": USAGE})
    told = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in PIECES]
    told[-1]["finish_reason"] = "stop"
    events = (b"data: " + json.dumps({"model": "gpt-4o", "choices": [one]}).encode() + b"\n\n" for one in told)
    return httpx.Response(200, content=events)


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """Ask a model that tells no usage of streams, without any encoding on the disk."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    estimate_module._encoding_on_disk.cache_clear()
    pricing.host("model.test", provider="openai")
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield lambda **more: client.post(URL, json=ASKED | more)
    pricing.unset("model.test")


def test_off_unless_asked_for(ask, track):
    """Without the setting a call without usage has none."""
    with track() as run:
        ask()
    [call] = calls(run)
    assert (call.usage.known, call.cost.state, run.totals.no_usage) == (False, "no_usage", 1)


def test_a_token_for_four_characters(ask, track):
    """20 characters asked and 15 said are 5 and 4 tokens, marked wherever they are shown."""
    with track() as run:
        app.install(estimate=True)
        ask()
    [call] = calls(run)
    assert (call.usage.input, call.usage.output, call.usage.total) == (5, 4, None)
    assert call.call.usage.known is False  # what the provider told stays apart
    row = rows.row_dict(call, run)
    assert (row["tokens"], row["cost"]) == ("~5 → 4", "~$0.000052")
    shown = detail.detail(call)
    assert ["input", "~5"] in shown["usage"]
    assert "tokens estimated from the text: characters / 4" in shown["cost"]["assumptions"]
    assert "~$" in str(pricing.explain(call.span_id))


def test_out_of_exact_sums(ask, track):
    """Of an exact call and an estimated one, tokens and cost are the exact call's alone, the cost a lower bound (≥); what was estimated stands beside them, in the header, the tree, the saved form and the tables."""
    with track() as run:
        app.install(estimate=True)
        ask(stream=False)
        ask(messages=[{"role": "user", "content": "word " * 4000}])
    exact, guessed = calls(run)
    totals = run.totals
    assert (totals.calls, totals.usage.input, totals.usage.output) == (2, 1000, 100)
    assert (totals.cost, totals.lower_bound, totals.estimates) == (exact.cost.total, True, 1)
    assert (totals.estimate.input, totals.estimate_cost) == (5000, guessed.cost.total)
    header = rows.header(run)
    assert header["tokens"] == "1,000 → 100"
    assert header["cost"].startswith("≥ $0.0035")
    assert header["cost_note"] == "~5,000 → 4 tokens estimated, ~$0.0125"
    for form in (text.tree(run), static(run)):
        assert "~5,000 → 4 tokens estimated, ~$0.0125" in form
        assert "~5,000 → 4" in form
    table = frames.spans([run])
    assert table["estimated"].fillna(False).tolist() == [False, False, True]
    [row] = frames.usage([run]).to_dict("records")
    assert (row["input_tokens"], row["cost_is_lower_bound"], row["estimated"]) == (1000, True, True)


def test_rows_above_are_lower_bounds(ask, track):
    """A step over an exact call and an estimate shows the exact sum as a lower bound."""
    import sentry_sdk

    with track() as run:
        app.install(estimate=True)
        with sdk.start_span(op="step", name="both"):
            ask(stream=False)
            ask()
    line = next(one for one in text.tree(run).splitlines() if "both" in one)
    assert "1,000 → 100" in line
    assert "≥ $0.0035" in line
    sums = [rows.row_dict(call, run) for call in calls(run)]
    assert [one["input"] for one in sums] == [1000, None]
    assert sums[1]["cost_state"] == "no_usage"


def test_an_estimate_alone(ask, track):
    """Where nothing is exact the cost is `~`, never a bare figure, and the table has none."""
    with track() as run:
        app.install(estimate=True)
        ask(messages=[{"role": "user", "content": "word " * 4000}])
    assert run_sums.total_cost(run.totals) == ("~$0.0125", "~5,000 → 4 tokens estimated")
    assert (run.totals.cost, run.totals.usage.known) == (None, False)
    assert frames.usage([run])["cost_usd"].isna().all()


def test_what_is_free_is_free_for_any_count(ask, track):
    """An estimate at a free host costs exactly nothing."""
    pricing.free(host="model.test")
    with track() as run:
        app.install(estimate=True)
        ask()
    assert (run.totals.cost, run.totals.lower_bound, run.totals.estimates) == (0, False, 1)


def test_not_for_failures_nor_without_text(track):
    """A refused call is not billed; without a text there is nothing to count, and that is not 0."""
    def refuse(request):
        if b"busy" in request.content:
            return httpx.Response(429, json={"error": {"message": "busy"}})
        return httpx.Response(200, json={"choices": []})

    with track() as run, httpx.Client(transport=httpx.MockTransport(refuse)) as client:
        app.install(estimate=True)
        client.post(URL, json={"model": "busy", "messages": ASKED["messages"]})
        client.post(URL, json={"model": "m", "messages": []})
        client.post(URL, content=iter([b"{}"]))
    assert [call.usage.known for call in calls(run)] == [False, False, False]


def test_never_sent(ask, track, monkeypatch):
    """Sentry gets no estimate as if it were a count."""
    import sentry_sdk

    sentry_sdk.init("http://a@127.0.0.1:9/1", traces_sample_rate=1.0, transport=_Kept, default_integrations=False, auto_enabling_integrations=False)
    _Kept.events.clear()
    with track():
        app.install(estimate=True)
        ask()
    sentry_sdk.flush(5)
    assert _Kept.events and "gen_ai.usage" not in json.dumps(_Kept.events, default=str)


class _Kept(Transport):
    events = []

    def capture_envelope(self, envelope):
        self.events.extend(item.payload.json for item in envelope.items)


class TestTiktoken:
    @pytest.fixture
    def on_disk(self, monkeypatch, tmp_path):
        """An encoding of one token a byte, kept where tiktoken keeps what it fetched."""
        described = pytest.importorskip("tiktoken_ext.openai_public")
        url = "https://encodings.test/o200k_base.tiktoken"
        data = b"\n".join(base64.b64encode(bytes([n])) + b" %d" % n for n in range(256))
        file = tmp_path / hashlib.sha1(url.encode()).hexdigest()
        file.write_bytes(data)

        def o200k_base():
            ranks = load_tiktoken_bpe(URL, expected_hash=HASH)  # noqa: F821
            return {"name": "o200k_base", "pat_str": r"[^ ]+| ", "mergeable_ranks": ranks, "special_tokens": {}}

        names = {"URL": url, "HASH": hashlib.sha256(data).hexdigest()}
        for name, value in names.items():
            monkeypatch.setattr(described, name, value, raising=False)
        made = FunctionType(o200k_base.__code__, vars(described), "o200k_base")
        made.__module__ = described.__name__
        monkeypatch.setattr(described, "o200k_base", made)
        yield file
        estimate_module._encoding_on_disk.cache_clear()

    def test_from_the_disk(self, ask, on_disk, track):
        """With the encoding on the disk tiktoken counts, and the call says so."""
        with track() as run:
            app.install(estimate=True)
            ask()
        [call] = calls(run)
        assert (call.usage.input, call.usage.output) == (20, 15)
        assert call.call.estimated_by == "tiktoken o200k_base"

    def test_a_wrong_file_is_left_alone(self, ask, on_disk, track):
        """A file that is not what tiktoken expects is neither used nor deleted."""
        on_disk.write_bytes(b"AA== 0")
        with track() as run:
            app.install(estimate=True)
            ask()
        assert calls(run)[0].call.estimated_by == "characters / 4"
        assert on_disk.read_bytes() == b"AA== 0"

    def test_other_models_are_not_counted_with_it(self, ask, on_disk, track, monkeypatch):
        """A model that tiktoken does not know is counted by characters."""
        estimates.on = True
        from aimon_nb.model import ModelCall, Message

        call = ModelCall(request_model="claude-haiku-4-5", input=[Message("user", "x" * 8)])
        estimates.make(call)
        estimates.on = False
        assert (call.estimate.input, call.estimated_by) == (2, "characters / 4")

    @pytest.mark.kernel
    def test_never_the_network(self, no_network, tmp_path):
        """Without the encoding nothing tries to reach a network, whatever the model."""
        code = (
            "import tiktoken, sys\n"
            "from aimon_nb.model import ModelCall, Message\n"
            "from aimon_nb.wire.token_estimate import estimates\n"
            "estimates.on = True\n"
            "for model in ('gpt-4o', 'gpt-4', 'gpt-oss-120b', 'davinci', 'text-davinci-003', 'gpt2', 'claude', None):\n"
            "    call = ModelCall(request_model=model, input=[Message('user', 'x' * 8)])\n"
            "    estimates.make(call)\n"
            "    assert call.estimate.input == 2 and call.estimated_by == 'characters / 4', call\n"
            "from aimon_nb.capture.internal_errors import internal_errors\n"
            "assert internal_errors.count == 0 and 'requests' not in sys.modules\n"
        )
        env = no_network.env | {"TIKTOKEN_CACHE_DIR": str(tmp_path), "PATH": ""}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr, no_network.attempts) == (0, "", [])


@pytest.mark.kernel
def test_the_setting(kernels, truth):
    """`%config AimonMagics.estimate = True` switches it on in a kernel; it is off at first."""
    pytest.importorskip("openai")
    kernel = kernels()
    ask = (
        "%%ai_track one --view none\nimport openai\n"
        f"client = openai.OpenAI(base_url={truth.url!r}, api_key='none')\n"
        "for _ in client.chat.completions.create(model='gpt-4o', stream=True,"
        " messages=[{'role': 'user', 'content': 'how warm is it'}]):\n    pass"
    )
    told = "from aimon_nb import last_run\nlast_run().spans()['estimated'].dropna().tolist(), last_run()._run.totals.no_usage"
    done = kernel.run(["%load_ext aimon_nb", ask, told, "%config AimonMagics.estimate = True", ask, told])
    assert [one.status for one in done] == ["ok"] * 6
    assert (done[2].data()[-1], done[5].data()[-1]) == ("([False], 1)", "([True], 0)")


def test_sums_of_nothing():
    """No call is no estimate."""
    assert add_up([]).estimates == 0
