"""Usage that comes by another request: responses in the background, batches, videos."""

import asyncio
import gc
import gzip
import json
import threading
import weakref
from decimal import Decimal

import httpx
import pytest

from aimon_nb import pricing
from aimon_nb.app import monitor
from aimon_nb.app.run_view import RunView
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.present import formatting
from aimon_nb.views.present.detail import detail
from aimon_nb.views.present.row_names import label, name, remark
from aimon_nb.wire import admission
from aimon_nb.wire.deferred import deferred
from tests.parts import sdk
from tests.pricing.making import todays_list
from tests.wire.conftest import calls

# One worker imports the clients.
pytestmark = pytest.mark.xdist_group("clients")

OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta"


@pytest.fixture(autouse=True)
def no_faults():
    """Nothing of ours fails; each test is a kernel of its own, as far as ids are concerned."""
    deferred.__init__()
    before = internal_errors.count
    yield
    assert internal_errors.count == before
    monitor.recorder.restart()
    deferred.forget_old()
    assert not deferred._expected


def response(name, status="completed", usage=None, **more):
    said = [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "hello", "annotations": []}]}]
    whole = {"id": name, "object": "response", "created_at": 1, "status": status, "background": True, "model": "gpt-4o-2024-08-06", "output": said if status == "completed" else [], "usage": usage, "error": None}
    return whole | more


USED = {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 200, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1200}


def batch(name, status="validating", **more):
    return {"id": name, "object": "batch", "status": status, "endpoint": "/v1/chat/completions", "output_file_id": None, "error_file_id": None, "errors": None} | more


def chat_line(number, model="gpt-4o", into=100, out=20, **more):
    usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
    body = {"id": "c", "object": "chat.completion", "model": model, "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "secret answer"}}], "usage": usage}
    return {"id": f"batch_req_{number}", "custom_id": f"request-{number}", "response": {"status_code": 200, "request_id": "r", "body": body | more}, "error": None}


def message_line(number, model="claude-sonnet-4-5", into=100, out=20, **usage):
    told = {"input_tokens": into, "output_tokens": out, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "service_tier": "batch"} | usage
    message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [{"type": "text", "text": "secret answer"}], "stop_reason": "end_turn", "usage": told}
    return {"custom_id": f"request-{number}", "result": {"type": "succeeded", "message": message}}


def jsonl(*lines):
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


class Api:
    """An HTTP client whose server answers by (method, path): a value, or one after the other from a list."""

    def __init__(self, answers, base=OPENAI):
        self.answers, self.seen = answers, []
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer), base_url=base)

    def _answer(self, request):
        path = request.url.path.partition("/v1beta")[2] or request.url.path.partition("/v1")[2]
        self.seen.append((request.method, path))
        told = self.answers.get((request.method, path))
        if isinstance(told, list):
            told = told.pop(0) if len(told) > 1 else told[0]
        if callable(told):
            return told(request)
        if told is None:
            return httpx.Response(404, json={"error": {"message": f"no {path}"}})
        return httpx.Response(200, content=told if isinstance(told, bytes) else json.dumps(told).encode())

    def post(self, path, body):
        return self.client.post(path.lstrip("/"), json=body).json()

    def get(self, path):
        return self.client.get(path.lstrip("/"))


def in_background(name, *states):
    return Api({("POST", "/responses"): response(name, "queued"), ("GET", f"/responses/{name}"): list(states)})


ASK = {"model": "gpt-4o", "input": "hi", "background": True}


def told(span):
    return span.usage.input, span.usage.output


# -- responses in the background, by their real client and by plain ones -----------------------------


def openai_sync(truth):
    import openai

    with openai.OpenAI(base_url=truth.url, api_key="k", max_retries=0) as client:
        answer = client.responses.create(model="gpt-4o", input="two words", background=True)
        while answer.status in ("queued", "in_progress"):
            answer = client.responses.retrieve(answer.id)
        client.responses.retrieve(answer.id)
        return answer.usage.input_tokens, answer.usage.output_tokens


def openai_async(truth):
    import openai

    async def ask():
        async with openai.AsyncOpenAI(base_url=truth.url, api_key="k", max_retries=0) as client:
            answer = await client.responses.create(model="gpt-4o", input="two words", background=True)
            while answer.status in ("queued", "in_progress"):
                answer = await client.responses.retrieve(answer.id)
            both = await asyncio.gather(*(client.responses.retrieve(answer.id) for _ in range(3)))
            return both[0].usage.input_tokens, both[0].usage.output_tokens

    return asyncio.run(ask())


def openai_stream(truth):
    """The stream of the POST is left at its first event; that of the GET is read."""
    import openai

    with openai.OpenAI(base_url=truth.url, api_key="k", max_retries=0) as client:
        with client.responses.create(model="gpt-4o", input="two words", background=True, stream=True) as stream:
            begun = next(iter(stream))
        with client.responses.retrieve(begun.response.id, stream=True) as stream:
            *_, last = stream
        return last.response.usage.input_tokens, last.response.usage.output_tokens


def with_requests(truth):
    import requests

    with requests.Session() as session:
        answer = session.post(f"{truth.url}/responses", json={**ASK, "input": "two words"}).json()
        while answer["status"] in ("queued", "in_progress"):
            answer = session.get(f"{truth.url}/responses/{answer['id']}").json()
        return answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]


def with_requests_streamed(truth):
    import requests

    with requests.Session() as session:
        answer = session.post(f"{truth.url}/responses", json={**ASK, "input": "two words"}).json()
        session.get(f"{truth.url}/responses/{answer['id']}")
        with session.get(f"{truth.url}/responses/{answer['id']}", stream=True) as got:
            answer = json.loads(b"".join(got.iter_content(17)))
        return answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]


def with_urllib3(truth):
    import urllib3

    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", f"{truth.url}/responses", json={**ASK, "input": "two words"}).json()
        while answer["status"] in ("queued", "in_progress"):
            answer = pool.request("GET", f"{truth.url}/responses/{answer['id']}").json()
        return answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]


def with_aiohttp(truth):
    import aiohttp

    async def ask():
        async with aiohttp.ClientSession(base_url=truth.root) as session:
            async with session.post("/v1/responses", json={**ASK, "input": "two words"}) as got:
                answer = await got.json()
            while answer["status"] in ("queued", "in_progress"):
                async with session.get(f"/v1/responses/{answer['id']}") as got:
                    answer = await got.json()
            return answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]

    return asyncio.run(ask())


WAYS = [openai_sync, openai_async, openai_stream, with_requests, with_requests_streamed, with_urllib3, with_aiohttp]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_response_in_the_background_has_its_usage_once(way, truth, track):
    """Each client polls as often as it likes: one call, with the tokens that the server counted."""
    with track() as run:
        reported = way(truth)
    (served,) = truth.settled()
    (call,) = calls(run)
    assert told(call) == reported == (served.input, served.output)
    assert (call.status, call.finish_reason, run.unread) == ("ok", "completed", {})
    assert run.totals.calls == 1
    assert not deferred.pending


def test_the_asking_row_has_its_cost_and_its_answer(track):
    """The row of the POST gets tokens, price and answer when a GET tells them, however often it does."""
    api = in_background("resp_a", response("resp_a", "in_progress"), response("resp_a", usage=USED))
    with track() as run:
        api.post("/responses", ASK)
        for _ in range(4):
            api.get("/responses/resp_a")
    (call,) = calls(run)
    assert (told(call), call.cost.total, call.cost.state) == ((1000, 200), Decimal("0.0045"), "priced")
    assert [turn.text for turn in call.call.output] == ["hello"]
    assert (run.totals.cost, run.totals.lower_bound) == (Decimal("0.0045"), False)


def test_what_is_unknown_meanwhile_is_said(track):
    """Before a GET tells it the row says where the usage will come from, and the sum is a lower bound."""
    api = in_background("resp_b", response("resp_b", "in_progress"))
    with track() as run:
        api.post("/responses", ASK)
        api.get("/responses/resp_b")
    (call,) = calls(run)
    assert (call.cost.state, call.cost.reason) == ("no_usage", "usage not told yet: GET /v1/responses/…")
    assert run.totals.lower_bound and run.totals.no_usage == 1
    assert (label(call), remark(call)) == ("gpt-4o-2024-08-06", "usage not told yet: GET /v1/responses/…")


def test_an_estimate_does_not_stand_for_what_is_still_to_come(track, monkeypatch):
    """With estimates on, a call whose usage will be told has none."""
    from aimon_nb.wire.token_estimate import estimates

    api = in_background("resp_e", response("resp_e", usage=USED))
    with track() as run:
        monkeypatch.setattr(estimates, "on", True)
        api.post("/responses", ASK)
        monitor.recorder.drain()
        assert not calls(run)[0].usage.known
        api.get("/responses/resp_e")
    assert told(calls(run)[0]) == (1000, 200) and calls(run)[0].usage_source == "provider"


@pytest.mark.parametrize("is_cached", [True, False])
def test_an_id_that_is_answered_twice(is_cached, track):
    """The bill is the first one's: a cache answered the second, or the server knew the request again."""
    extensions = {"hishel_from_cache": True} if is_cached else {}

    def again(_request):
        return httpx.Response(200, json=response("resp_1", "queued"), extensions=extensions)

    api = Api({("POST", "/responses"): [response("resp_1", "queued"), again], ("GET", "/responses/resp_1"): response("resp_1", usage=USED)})
    with track() as run:
        for _ in range(2):
            api.post("/responses", {"model": "gpt-4o", "input": "x", "background": True})
            monitor.recorder.drain()
        for _ in range(2):
            api.client.get("responses/resp_1")
    first, second = calls(run)
    assert (first.usage.input, first.cached_locally, second.usage.input, second.cached_locally) == (1000, False, None, is_cached)
    assert (run.totals.usage.input, run.totals.saved, run.totals.lower_bound) == (1000, None, not is_cached)
    assert not deferred.pending and not deferred._askers


def test_a_later_cell_tells_the_first_ones_usage(track):
    """A GET in a later run changes the row of the run that asked, which is priced and shown anew."""
    api = in_background("resp_c", response("resp_c", usage=USED))
    with track("asks") as first:
        api.post("/responses", ASK)
    assert first.totals.cost is None
    shown = []
    with track("waits") as second:
        remove = monitor.recorder.on_event(lambda run_state, changed: shown.append((run_state.run.name, set(changed))))
        api.get("/responses/resp_c")
        api.get("/responses/resp_c")
    remove()
    (call,) = calls(first)
    assert (told(call), first.totals.cost, first.totals.lower_bound) == ((1000, 200), Decimal("0.0045"), False)
    assert ("asks", {call.span_id}) in shown
    assert (calls(second), second.totals.calls, second.unread) == ([], 0, {})
    assert second.notes == ["usage that was told here is in run asks, which asked for it"]
    assert not call.late


def test_what_nobody_asked_for_here_is_not_looked_at(track):
    """A GET of an id that no POST of this kernel was answered with has no row, at any host."""
    api = in_background("resp_d", response("resp_d", usage=USED))
    other = Api({("GET", "/responses/resp_d"): response("resp_d", usage=USED)}, "https://eu.api.openai.com/v1")
    with track() as run:
        api.get("/responses/resp_d")
        api.post("/responses", {**ASK, "background": False})
        monitor.recorder.drain()
        other.get("/responses/resp_d")
        api.get("/responses/resp_x")
    (call,) = calls(run)
    assert not call.usage.known


def test_nothing_is_looked_at_outside_of_runs(track):
    """A GET outside of runs tells nothing; the next one in a run does."""
    api = in_background("resp_o", response("resp_o", usage=USED))
    with track("asks") as first:
        api.post("/responses", ASK)
    api.get("/responses/resp_o")
    monitor.recorder.drain()
    assert not calls(first)[0].usage.known
    with track("waits"):
        api.get("/responses/resp_o")
    assert told(calls(first)[0]) == (1000, 200)


@pytest.mark.parametrize("status", [404, 429, 500, 302])
def test_a_poll_that_fails_changes_nothing(status, track):
    """An error that answers a GET is none of the call, and the next GET tells the usage."""
    api = in_background("resp_f", lambda _: httpx.Response(status, json={"error": {"message": "no"}}), response("resp_f", usage=USED))
    with track() as run:
        api.post("/responses", ASK)
        api.get("/responses/resp_f")
        monitor.recorder.drain()
        assert calls(run)[0].status == "ok"
        api.get("/responses/resp_f")
    (call,) = calls(run)
    assert (told(call), call.status, call.error, run.totals.errors) == ((1000, 200), "ok", None, 0)


def test_a_response_that_fails_later_is_an_error(track):
    """A response that the GET tells to have failed is an error, with what it used until then."""
    failed = response("resp_g", "failed", usage=USED, error={"code": "server_error", "message": "it broke"})
    api = in_background("resp_g", failed)
    with track() as run:
        api.post("/responses", ASK)
        api.get("/responses/resp_g")
    (call,) = calls(run)
    assert (call.status, call.error, told(call)) == ("error", "it broke", (1000, 200))
    assert not deferred.pending


def test_a_cancelled_response_is_awaited_no_more(track):
    """One that ends without a usage says that none was reported."""
    api = in_background("resp_h", response("resp_h", "cancelled"))
    with track() as run:
        api.post("/responses", ASK)
        api.get("/responses/resp_h")
    (call,) = calls(run)
    assert (call.cost.state, call.cost.reason) == ("no_usage", "no usage reported")
    assert not deferred.pending


def test_polls_from_threads_bill_once(track):
    """Many threads that poll at once, and many responses: each has its own tokens, once."""
    names = [f"resp_t{number}" for number in range(8)]
    answers = {("GET", f"/responses/{name}"): response(name, usage=USED | {"input_tokens": 1000 + at, "total_tokens": 1200 + at}) for at, name in enumerate(names)}
    api = Api({("POST", "/responses"): [response(name, "queued") for name in names], **answers})

    def poll(offset):
        for at in range(len(names)):
            api.get(f"/responses/{names[(at + offset) % len(names)]}")

    with track() as run:
        for _ in names:
            api.post("/responses", ASK)
        threads = [threading.Thread(target=poll, args=(at,)) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [told(call) for call in calls(run)] == [(1000 + at, 200) for at in range(8)]
    assert run.totals.usage.input == sum(range(1000, 1008))
    assert not deferred.pending


def test_an_answer_that_is_overtaken_takes_nothing_back(track):
    """A poll that was sent before another one and is answered after it changes nothing any more."""
    api = in_background("resp_q", response("resp_q", usage=USED))
    slow = json.dumps(response("resp_q", "in_progress")).encode()
    with track() as run:
        api.post("/responses", ASK)
        api.answers["GET", "/responses/resp_q"] = [lambda _: httpx.Response(200, stream=Pieces(slow, 20)), response("resp_q", usage=USED)]
        with api.client.stream("GET", "responses/resp_q") as first:
            pieces = first.iter_bytes()
            next(pieces)
            monitor.recorder.drain()
            api.get("/responses/resp_q")
            monitor.recorder.drain()
            assert len(list(pieces)) > 3
    (call,) = calls(run)
    assert (told(call), call.call.untold) == ((1000, 200), None)
    assert not deferred.pending


def test_a_fault_of_ours_in_a_line_costs_that_line(track, monkeypatch):
    """A line on which our own code breaks is one that could not be read; the others count."""
    from aimon_nb.wire.batch_results import BatchSums

    add = BatchSums.add

    def breaks(sums, line, host):
        if line["custom_id"] == "request-2":
            raise KeyError("ours")
        return add(sums, line, host)

    monkeypatch.setattr(BatchSums, "add", breaks)
    with track() as run:
        fetch(openai_batch(jsonl(*(chat_line(n) for n in range(4)))))
    (call,) = calls(run)
    assert (told(call), call.cost.state, run.faults) == ((300, 60), "partial", 1)
    internal_errors.count -= 1


def test_a_run_that_is_no_longer_in_memory_lets_go(track, monkeypatch):
    """What waits for a usage keeps no run in memory; the usage has a row where it comes, once."""
    from aimon_nb.capture.limits import Limits

    api = in_background("resp_m", response("resp_m", "in_progress"), response("resp_m", usage=USED))
    with track("asks") as run:
        api.post("/responses", ASK)
        root = weakref.ref(monitor.recorder.run_states[run.run_id].root)
    monkeypatch.setattr(monitor.recorder, "limits", Limits(runs=1))
    for name in ("second", "third"):
        with track(name):
            pass
    assert run.run_id not in monitor.recorder.run_states
    with track("waits") as last:
        for _ in range(4):
            api.get("/responses/resp_m")
    (call,) = calls(last)
    assert (told(call), call.cost.total, call.request_model) == ((1000, 200), Decimal("0.0045"), "gpt-4o")
    assert call.name.startswith("responses asked in a run that is no longer in memory")
    assert not deferred.pending and not calls(run)[0].usage.known
    del run
    gc.collect()
    assert root() is None


def test_an_interrupted_run_still_hears_its_polls(track):
    """After an interrupt no model is asked, but a poll costs nothing: it is sent, and read."""
    api = in_background("resp_i", response("resp_i", usage=USED))
    refused = []
    with track() as run:
        api.post("/responses", ASK)
        admission.policies.append(refused.append)
        try:
            monitor.recorder.sole.stop = True
            assert api.get("/responses/resp_i").status_code == 200
        finally:
            admission.policies.remove(refused.append)
    assert told(calls(run)[0]) == (1000, 200) and not refused


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"nonsense", b"{", b'{"object": "response"}', b'{"object": "response", "status": "completed", "usage": 5}', b"[" * 5000, b'{"a":' * 5000, b"\x00\xff" * 50, b'{"object":"response","status":"completed","usage":{"input_tokens":-5,"output_tokens":1e400}}'],
)
def test_hostile_answers_to_a_poll(body, track):
    """What answers a GET may be anything: no fault, and no number that nobody told."""
    api = in_background("resp_y", body)
    with track() as run:
        api.post("/responses", ASK)
        api.get("/responses/resp_y")
    (call,) = calls(run)
    assert not call.usage.known and run.faults == 0
    assert run.totals.lower_bound


@pytest.mark.parametrize("name", ["", 5, None, "x" * 1000, {"a": 1}])
def test_hostile_ids(name, track):
    """An id that is none is awaited by nobody."""
    api = Api({("POST", "/responses"): response(name, "queued")})
    with track() as run:
        api.post("/responses", ASK)
    assert calls(run)[0].cost.reason == "usage not told yet: GET /v1/responses/…"
    assert not deferred.pending


# -- batches -----------------------------------------------------------------------------------------


def openai_batch(output, failures=None, name="batch_1", **over):
    files = {"output_file_id": f"file-out-{name}" if output is not None else None, "error_file_id": f"file-err-{name}" if failures is not None else None}
    done = batch(name, over.pop("status", "completed"), **files) | over
    answers = {("POST", "/batches"): batch(name), ("GET", f"/batches/{name}"): [batch(name, "in_progress"), done]}
    if output is not None:
        answers["GET", f"/files/{files['output_file_id']}/content"] = output
    if failures is not None:
        answers["GET", f"/files/{files['error_file_id']}/content"] = failures
    return Api(answers)


BEGIN = {"input_file_id": "file-in", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def fetch(api, name="batch_1", *, begin=True):
    """Begin an OpenAI batch, poll it, read its files."""
    if begin:
        api.post("/batches", BEGIN)
    api.get(f"/batches/{name}")
    done = api.get(f"/batches/{name}").json()
    for key in ("output_file_id", "error_file_id"):
        if done[key]:
            api.get(f"/files/{done[key]}/content")


def lines_of(run):
    return [span for span in run.spans.values() if span.is_part]


@todays_list
def test_a_batch_is_one_row_at_the_batch_price(track):
    """The row of the POST has the exact sums of its file at half the price; each line is a row below it that adds nothing."""
    output = jsonl(*(chat_line(n, into=1000 + n, out=100) for n in range(10)))
    failure = {"status_code": 400, "request_id": "r", "body": {"error": {"message": "bad request", "type": "invalid_request_error"}}}
    errors = jsonl({"id": "batch_req_x", "custom_id": "wrong", "response": failure, "error": None})
    with track() as run:
        fetch(openai_batch(output, errors))
    (call,) = calls(run)
    assert (told(call), call.model, call.call.service_tier) == ((10_045, 1000), "gpt-4o", "batch")
    # Whoever began the batch asked for each of its requests.
    assert call.caller is not None and {line.caller for line in lines_of(run)} == {call.caller}
    # gpt-4o: $2.5 and $10 a million, half of it in a batch.
    assert (call.cost.total, call.cost.state) == ((10_045 * Decimal("1.25") + 1000 * 5) / 1_000_000, "priced")
    assert (run.totals.calls, run.totals.errors, run.totals.lower_bound) == (1, 1, False)
    assert (run.totals.usage.input, run.totals.cost, run.unread) == (10_045, call.cost.total, {})
    lines = lines_of(run)
    assert [line.name for line in lines] == [*(f"request-{n}" for n in range(10)), "wrong"]
    assert {line.parent_id for line in lines} == {call.span_id} and not any(line.cost for line in lines)
    assert [told(line) for line in lines] == [*((1000 + n, 100) for n in range(10)), (None, None)]
    assert (lines[-1].status, lines[-1].error_type, lines[-1].error) == ("error", "HTTP 400", "bad request")
    assert "secret answer" not in str(run.to_dict(content=True))


def test_what_a_batch_waits_for_is_said(track):
    """From the POST to the file the row says what tells its usage."""
    api = openai_batch(jsonl(chat_line(1)))
    with track() as run:
        api.post("/batches", BEGIN)
        for path in ("/v1/batches/…", "/v1/batches/…", "/v1/files/…/content"):
            monitor.recorder.drain()
            assert calls(run)[0].call.untold == f"usage not told yet: GET {path}"
            api.get("/batches/batch_1")
    (call,) = calls(run)
    assert (call.cost.state, call.cost.reason) == ("no_usage", "usage not told yet: GET /v1/files/…/content")
    assert run.totals.lower_bound and not run.unread


@todays_list
def test_a_batch_tells_its_sums_before_its_file_is_read(track):
    """OpenAI's newer batches have a usage and a model of their own; the file then replaces it."""
    usage = {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 120}
    api = openai_batch(jsonl(chat_line(1)), usage=usage, model="gpt-4o-2024-08-06")
    with track() as run:
        api.post("/batches", BEGIN)
        api.get("/batches/batch_1")
        api.get("/batches/batch_1")
        monitor.recorder.drain()
        (call,) = calls(run)
        assert (told(call), call.call.parts) == ((100, 20), [])
        api.get("/files/file-out-batch_1/content")
    assert (told(call), call.cost.total, call.cost.state) == ((100, 20), Decimal("0.000225"), "priced")
    assert len(lines_of(run)) == 1


def test_a_file_is_billed_once(track):
    """However often a file is fetched, in this run and in others, by threads at once: one bill."""
    api = openai_batch(jsonl(chat_line(1), chat_line(2)))
    with track() as run:
        fetch(api)
        threads = [threading.Thread(target=api.get, args=("/files/file-out-batch_1/content",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with track("again") as second:
        fetch(api, begin=False)
    assert told(calls(run)[0]) == (200, 40) and len(lines_of(run)) == 2
    assert not calls(second) and not lines_of(second)
    assert not deferred.pending


@todays_list
def test_a_batch_of_a_kernel_before_has_a_row_that_says_so(track):
    """Results that no POST of this kernel asked for are billed in the run that reads them, once."""
    api = openai_batch(jsonl(chat_line(1), chat_line(2)), name="batch_old")
    with track("first") as run:
        fetch(api, "batch_old", begin=False)
    with track("second") as second:
        fetch(api, "batch_old", begin=False)
    (call,) = calls(run)
    assert "asked before this kernel started" in call.name
    # On the row it stands on a line of its own, beside no model's name.
    assert (name(call), label(call), remark(call)) == ("batch", "gpt-4o", "asked before this kernel started, or in no run")
    assert (told(call), call.cost.total, call.provider) == ((200, 40), Decimal("0.00045"), "openai")
    assert len(lines_of(run)) == 2 and not second.totals.calls
    # The requests say whose tokens theirs are.
    frame = RunView(run).spans()
    words = frame[frame.op == "gen_ai.batch_request"]["reported"].tolist()
    assert words == ["100 → 20 tokens, of the batch above it"] * 2
    line = lines_of(run)[0]
    assert detail(line)["facts"][0] == ["not counted", "the batch above it has its tokens"]
    assert "the batch above it has its tokens" in str(pricing.explain(line.span_id))


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n" * 1000,
        jsonl(*({"custom_id": f"{n}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o"}} for n in range(200))),
        jsonl(*({"messages": [{"role": "user", "content": "x"}], "usage": USED} for _ in range(200))),
        b"",
        json.dumps(response("resp_1", usage=USED)).encode(),
        b"x" * 2**20,
    ],
    ids=["image", "requests", "training", "empty", "json", "one line"],
)
def test_other_files_have_no_row(content, track):
    """A file that is no result of a batch is nobody's bill."""
    api = Api({("GET", "/files/file-other/content"): content, ("GET", "/results"): content})
    with track() as run:
        api.get("/files/file-other/content")
        api.get("/results")
    assert (calls(run), run.unread, run.totals.calls) == ([], {}, 0)


def test_lines_that_nobody_can_read_make_a_lower_bound(track):
    """Junk is passed over and said; what is impossible is no count."""
    deep = b'{"custom_id": "d", "response": ' + b'{"a":' * 3000 + b"1" + b"}" * 3001
    bad = [b"nonsense", b"{", deep, b"[1, 2]", b'{"custom_id": "e", "response": null, "error": null}', b'{"custom_id": 5, "response": {}}', b"\xff\xfe"]
    huge = chat_line(3, into=2**52, out=2**52)
    beyond = chat_line(4, into=10**400)
    negative = chat_line(5, into=-100)
    cache = message_line(6, model="gpt-4o", into=0, cache_read_input_tokens=-5)
    output = jsonl(chat_line(1), *bad, huge, beyond, negative, cache, b"", chat_line(2))
    with track() as run:
        fetch(openai_batch(output))
    (call,) = calls(run)
    assert call.usage.output == 20 + 20 + 20 + 20 + 20 and call.cost.state == "partial"
    assert "lines of the batch could not be read" in call.cost.reason
    assert run.totals.lower_bound and run.faults == 0


def test_an_answer_without_a_usage_makes_a_lower_bound(track):
    """Of an answered request whose tokens nobody tells the row says so."""
    with track() as run:
        fetch(openai_batch(jsonl(chat_line(1), chat_line(2, usage=None))))
    (call,) = calls(run)
    assert (told(call), call.cost.state, call.cost.reason) == ((100, 20), "partial", "1 answer of the batch without a usage")


def test_a_file_that_is_not_read_to_its_end_is_a_lower_bound_until_it_is(track):
    """What was read counts; a later fetch of all of it takes its place."""
    whole = jsonl(*(chat_line(n) for n in range(2000)))
    api = openai_batch(lambda _: httpx.Response(200, stream=Pieces(whole)))
    with track() as run:
        api.post("/batches", BEGIN)
        api.get("/batches/batch_1")
        api.get("/batches/batch_1")
        with api.client.stream("GET", "files/file-out-batch_1/content") as got:
            pieces = got.iter_bytes()
            next(pieces)
            next(pieces)
        monitor.recorder.drain()
        (call,) = calls(run)
        assert 0 < call.usage.input < 200_000
        assert call.call.shortfalls == ["1 line of the batch could not be read", "the results of the batch were not read to their end"]
        with api.client.stream("GET", "files/file-out-batch_1/content") as got:
            assert sum(map(len, got.iter_bytes())) == len(whole)
    assert (told(call), call.cost.state, len(lines_of(run))) == ((200_000, 40_000), "priced", 2000)
    assert len({line.name for line in lines_of(run)}) == 2000


class Pieces(httpx.SyncByteStream):
    def __init__(self, data, size=10_007):
        self.data, self.size = data, size

    def __iter__(self):
        for at in range(0, len(self.data), self.size):
            yield self.data[at : at + self.size]


def test_a_file_in_pieces_is_a_lower_bound_until_it_is_read_whole(track):
    """A part that was asked for is the end of no file."""
    part, whole = jsonl(chat_line(1)), jsonl(chat_line(1), chat_line(2))
    api = Api({("GET", "/files/file-1/content"): [lambda _: httpx.Response(206, content=part), whole]})
    with track() as run:
        api.client.get("files/file-1/content", headers={"range": f"bytes=0-{len(part)}"})
        monitor.recorder.drain()
        assert (told(calls(run)[0]), run.totals.lower_bound) == ((100, 20), True)
        api.client.get("files/file-1/content")
    (call,) = calls(run)
    assert (told(call), call.cost.state) == ((200, 40), "priced")


def test_of_what_is_no_text_nothing_is_kept(track, monkeypatch):
    """A picture or a table may be a file, too: its first byte tells."""
    from aimon_nb.wire.batch_results import BatchReader

    kept = []
    keep = BatchReader._keep
    monkeypatch.setattr(BatchReader, "_keep", lambda reader, data: (kept.append(len(data)), keep(reader, data)))
    api = Api({("GET", "/files/file-1/content"): lambda _: httpx.Response(200, stream=Pieces(b"\x89PNG" + b"x" * 500_000))})
    with track() as run, api.client.stream("GET", "files/file-1/content") as got:
        for _ in got.iter_bytes():
            monitor.recorder.drain()
    assert (sum(kept), calls(run)) == (0, [])


def test_a_large_file_is_read_line_by_line(track, monkeypatch):
    """Of a file that is larger than what may wait, read as a stream, nothing is lost and one line is in memory."""
    from aimon_nb.wire import model_request
    from aimon_nb.wire.batch_results import BatchReader

    kept, whole = [], jsonl(*(chat_line(n) for n in range(3000)))
    end_line = BatchReader._end_line
    monkeypatch.setattr(BatchReader, "_end_line", lambda reader: (kept.append(reader._size), end_line(reader))[1])
    monkeypatch.setattr(model_request, "BODY_LIMIT", len(whole) // 4)
    api = openai_batch(lambda _: httpx.Response(200, stream=Pieces(whole)))
    with track() as run:
        api.post("/batches", BEGIN)
        api.get("/batches/batch_1")
        api.get("/batches/batch_1")
        with api.client.stream("GET", "files/file-out-batch_1/content") as got:
            for _ in got.iter_bytes():
                monitor.recorder.drain()
    (call,) = calls(run)
    assert (told(call), call.cost.state) == ((300_000, 60_000), "priced")
    assert max(kept) < 1000


def test_what_comes_faster_than_it_is_read_is_a_lower_bound(track, monkeypatch):
    """Beyond what may wait nothing is kept: the sum says that it is not all."""
    from aimon_nb.wire import model_request

    whole = jsonl(*(chat_line(n) for n in range(3000)))
    monkeypatch.setattr(model_request, "BODY_LIMIT", len(whole) // 4)
    api = openai_batch(lambda _: httpx.Response(200, stream=Pieces(whole)))
    with track() as run:
        api.post("/batches", BEGIN)
        api.get("/batches/batch_1")
        api.get("/batches/batch_1")
        with monitor.recorder.processor.lock, api.client.stream("GET", "files/file-out-batch_1/content") as got:
            got.read()
    (call,) = calls(run)
    assert 0 < call.usage.input < 300_000 and call.cost.state == "partial"
    assert "not read to their end" in call.cost.reason


def test_a_compressed_file_is_read(track):
    """Bytes that are compressed, and read raw, are decoded."""
    output = gzip.compress(jsonl(chat_line(1), chat_line(2)))
    api = openai_batch(lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces(output, 50)))
    with track() as run:
        api.post("/batches", BEGIN)
        api.get("/batches/batch_1")
        api.get("/batches/batch_1")
        with api.client.stream("GET", "files/file-out-batch_1/content") as got:
            assert b"".join(got.iter_raw()) == output
    assert told(calls(run)[0]) == (200, 40)


def test_lines_beyond_the_cap_have_no_row_and_count(track, monkeypatch):
    """A batch has as many rows as the cap on spans leaves; the sums have all lines, and a line says so."""
    from aimon_nb.capture.limits import Limits

    monkeypatch.setattr(monitor.recorder, "limits", Limits(spans=6))
    with track() as run:
        fetch(openai_batch(jsonl(*(chat_line(n) for n in range(50)))))
    (call,) = calls(run)
    assert (told(call), len(run.spans)) == ((5000, 1000), 6)
    assert list(run.caps.values()) == ["46 requests of a batch have no row: over max_spans = 6; its sums have all of them"]


def test_a_batch_without_results_costs_nothing(track):
    """One that failed as a whole, or whose requests all did, is an error that is not billed."""
    failed = openai_batch(None, status="failed", errors={"data": [{"code": "c", "message": "the file is empty"}]})
    failure = {"status_code": 400, "request_id": "r", "body": {"error": {"message": "bad"}}}
    wrong = openai_batch(None, jsonl({"id": "b", "custom_id": "x", "response": failure, "error": None}), name="batch_2")
    with track() as run:
        fetch(failed)
        fetch(wrong, "batch_2")
    assert [(call.status, call.cost) for call in calls(run)] == [("error", None)] * 2
    assert calls(run)[0].error == "the file is empty"
    assert (run.totals.cost, run.totals.lower_bound, run.totals.errors) == (0, False, 2)


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"object": "batch"}', b'{"object": "batch", "status": 5, "id": []}', b'{"object":"batch","status":"completed","output_file_id":{"a":1},"usage":[1]}'])
def test_hostile_batches(answer, track):
    """What answers for a batch may be anything."""
    api = Api({("POST", "/batches"): answer, ("GET", "/batches/batch_1"): answer})
    with track() as run:
        api.post("/batches", BEGIN) if answer else api.client.post("batches", json=BEGIN)
        api.get("/batches/batch_1")
    assert run.faults == 0 and len(calls(run)) == 1


def anthropic_batch(results, name="msgbatch_1", url="", **counts):
    begun = {"id": name, "type": "message_batch", "processing_status": "in_progress", "results_url": None, "request_counts": {"processing": 1, "succeeded": 0}}
    done = begun | {"processing_status": "ended", "results_url": url or f"{ANTHROPIC}/messages/batches/{name}/results", "request_counts": counts or {"processing": 0, "succeeded": 1}}
    path = f"/messages/batches/{name}"
    return Api({("POST", "/messages/batches"): begun, ("GET", path): [begun, done], ("GET", f"{path}/results"): results}, ANTHROPIC)


def fetch_messages(api, name="msgbatch_1", model="claude-sonnet-4-5"):
    api.post("/messages/batches", {"requests": [{"custom_id": "a", "params": {"model": model, "messages": []}}]})
    for path in ("", "", "/results"):
        api.get(f"/messages/batches/{name}{path}")


def test_two_files_share_the_room(track, monkeypatch):
    """What failed is in a file of its own, and has rows as far as the first file left room."""
    from aimon_nb.capture.limits import Limits

    monkeypatch.setattr(monitor.recorder, "limits", Limits(spans=12))
    failure = {"status_code": 400, "request_id": "r", "body": {"error": {"message": "bad"}}}
    wrong = [{"id": "b", "custom_id": f"wrong-{n}", "response": failure, "error": None} for n in range(5)]
    with track() as run:
        fetch(openai_batch(jsonl(*(chat_line(n) for n in range(8))), jsonl(*wrong)))
    assert [line.name for line in lines_of(run)] == [*(f"request-{n}" for n in range(8)), "wrong-0", "wrong-1"]
    assert (len(run.spans), run.totals.errors) == (12, 5)
    assert [note.partition(":")[0] for note in run.caps.values()] == ["3 requests of a batch have no row"]


@pytest.mark.parametrize(
    "more",
    [{"results_url": "http://[::1"}, {"results_url": 5}, {"id": None}, {"id": ["x"]}, {"processing_status": {}}, {"request_counts": "many"}, {"request_counts": {"succeeded": -1}}, {"type": 5}],
    ids=str,
)
def test_hostile_batches_of_anthropic(more, track):
    """What answers for a batch may be anything."""
    answer = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended", "results_url": "https://x/y"} | more
    api = Api({("POST", "/messages/batches"): answer, ("GET", "/messages/batches/msgbatch_1"): answer}, ANTHROPIC)
    with track() as run:
        api.post("/messages/batches", {"requests": [5, {"params": 5}, {}]})
        api.get("/messages/batches/msgbatch_1")
    assert run.faults == 0 and len(calls(run)) == 1


@todays_list
def test_anthropics_batch_is_one_row_with_its_errors(track):
    """Its lines tell what succeeded, errored, was cancelled or expired: what failed costs nothing and is an error."""
    failed = [{"custom_id": kind, "result": {"type": kind, **({"error": {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}} if kind == "errored" else {})}} for kind in ("errored", "canceled", "expired")]
    with track() as run:
        fetch_messages(anthropic_batch(jsonl(message_line(1), *failed, message_line(2))))
    (call,) = calls(run)
    # claude-sonnet-4-5: $3 and $15 a million, half of it in a batch.
    assert (told(call), call.cost.total, call.cost.state) == ((200, 40), Decimal("0.0006"), "priced")
    assert (run.totals.errors, run.totals.calls, run.unread) == (3, 1, {})
    assert [(line.status, line.error_type, line.error) for line in lines_of(run)[1:4]] == [("error", "invalid_request_error", "bad"), ("error", "failed", "canceled"), ("error", "failed", "expired")]
    assert not deferred.pending


@todays_list
def test_each_request_of_a_batch_has_the_price_of_its_own_size(track):
    """Many small requests are no large one; a large one among them costs what large ones cost."""
    small = [message_line(n, into=1000, out=10) for n in range(300)]
    with track() as run:
        fetch_messages(anthropic_batch(jsonl(*small)))
        fetch_messages(anthropic_batch(jsonl(*small, message_line(300, into=250_000, out=10)), "msgbatch_2"), "msgbatch_2")
    first, second = calls(run)
    assert (first.cost.total, first.cost.state) == ((300_000 * 3 + 3000 * 15) / Decimal(2_000_000), "priced")
    # Above 200,000 tokens $6 and $22.5.
    assert second.cost.total == first.cost.total + (250_000 * 6 + 10 * Decimal("22.5")) / 2_000_000
    assert sum(line.usd for line in second.cost.lines) == second.cost.total
    assert sum(line.tokens for line in second.cost.lines) == 550_000 + 3010


@todays_list
def test_a_batch_to_several_models_has_a_row_for_each(track):
    """The sums by model are exact, each at its own price, and so is their total."""
    lines = [message_line(1), message_line(2, "claude-haiku-4-5", 1000, 100), message_line(3)]
    with track() as run:
        fetch_messages(anthropic_batch(jsonl(*lines)))
    assert {call.model: (told(call), call.cost.total) for call in calls(run)} == {
        "claude-sonnet-4-5": ((200, 40), Decimal("0.0006")),
        # $1 and $5 a million, half of it.
        "claude-haiku-4-5": ((1000, 100), Decimal("0.00075")),
    }
    assert run.totals.cost == Decimal("0.00135") and not run.totals.lower_bound
    # Each request is below the row whose sums have it.
    assert [(line.name, run.spans[line.parent_id].model) for line in lines_of(run)] == [
        ("request-1", "claude-sonnet-4-5"), ("request-2", "claude-haiku-4-5"), ("request-3", "claude-sonnet-4-5"),
    ]  # fmt: skip


def test_results_at_another_host_are_the_batchs(track):
    """Behind a gateway the results may be at the provider's own host: the answer names it."""
    api = anthropic_batch(jsonl(message_line(1)))
    api.client = httpx.Client(transport=httpx.MockTransport(api._answer), base_url="https://gateway.example.com/v1")
    with track() as run:
        api.post("/messages/batches", {"requests": [{"custom_id": "a", "params": {"model": "claude-sonnet-4-5", "messages": []}}]})
        for _ in range(2):
            done = api.get("/messages/batches/msgbatch_1").json()
        api.client.get(done["results_url"])
        api.client.get(done["results_url"])
    (call,) = calls(run)
    assert told(call) == (100, 20) and not deferred.pending


@todays_list
def test_a_batch_that_a_later_cell_reads_is_the_first_ones(track):
    """Results that come in a later run change the run that asked; its rows below come late."""
    api = openai_batch(jsonl(chat_line(1), chat_line(2)))
    with track("asks") as first:
        api.post("/batches", BEGIN)
    with track("waits") as second:
        fetch(api, begin=False)
    assert told(calls(first)[0]) == (200, 40) and first.totals.cost == Decimal("0.00045")
    assert len(lines_of(first)) == 2 and not second.totals.calls and not lines_of(second)


def test_the_row_of_the_post_has_ended_while_it_waits(track):
    """What waits for its usage is not shown as running, and what is sent meanwhile stands beside it."""
    api = in_background("resp_w", response("resp_w", "in_progress"))
    api.answers["POST", "/chat/completions"] = chat_line(1)["response"]["body"]
    with track() as run:
        api.post("/responses", ASK)
        monitor.recorder.drain()
        (call,) = calls(run)
        assert (call.status, call.duration is None) == ("ok", False)
        api.post("/chat/completions", {"model": "gpt-4o", "messages": []})
    assert [one.parent_id for one in calls(run)] == [run.root_id] * 2


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_sentry_gets_the_call_and_not_its_parts(lifecycle, track):
    """Rows that came when Sentry's span had ended say that they are held back, and nothing is over a limit."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Drop(Transport):
        def capture_envelope(self, envelope):
            pass

    options = {"_experiments": {"trace_lifecycle": "stream"}} if lifecycle == "stream" else {}
    sentry_sdk.init("http://k@127.0.0.1:9/1", traces_sample_rate=1.0, transport=Drop(), default_integrations=False, auto_enabling_integrations=False, **options)
    lines = jsonl(message_line(1), message_line(2, "claude-haiku-4-5"))
    with track() as run:
        fetch_messages(anthropic_batch(lines))
    first, second = calls(run)
    assert (first.sent, second.sent, {line.sent for line in lines_of(run)}) == ("yes", "no: held back", {"no: held back"})
    assert not any("not sent" in note for note in formatting.all_notes(run))


def test_the_columns_of_the_tables_add_up(track):
    """The plain sum of each column of spans is the run's: a batch's requests stand in none."""
    from aimon_nb.views.tables import frames

    lines = [message_line(n, "claude-haiku-4-5" if n % 2 else "claude-sonnet-4-5", 100 + n, 10) for n in range(7)]
    with track() as run:
        fetch_messages(anthropic_batch(jsonl(*lines)))
    spans, usage = frames.spans([run]), frames.usage([run])
    for column in ("input_tokens", "output_tokens", "cost_usd"):
        assert spans[column].sum() == pytest.approx(usage[column].sum(), abs=1e-12)
    assert spans["input_tokens"].sum() == run.totals.usage.input == sum(range(100, 107))
    assert spans["cost_usd"].sum() == pytest.approx(float(run.totals.cost), abs=1e-12)
    assert set(usage["model"]) == {"claude-haiku-4-5", "claude-sonnet-4-5"}
    assert len(spans) == 1 + 2 + 7


def test_the_openai_client_with_batches(truth, track):
    """Upload, begin, poll, read the files: the sums are those that the server counted."""
    import openai

    asked = [{"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": model, "messages": [{"role": "user", "content": "word " * n}]}} for n, model in enumerate(("gpt-4o", "gpt-4o", "no-such-model"), 1)]
    with track() as run, openai.OpenAI(base_url=truth.url, api_key="k", max_retries=0) as client:
        file = client.files.create(file=("in.jsonl", jsonl(*asked)), purpose="batch")
        begun = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        while begun.status != "completed":
            begun = client.batches.retrieve(begun.id)
        assert len(client.files.content(begun.output_file_id).text.splitlines()) == 2
        with client.files.with_streaming_response.content(begun.error_file_id) as got:
            assert len(list(got.iter_lines())) == 1
    (served,) = truth.settled()
    (call,) = calls(run)
    assert told(call) == (served.input, served.output) == (3, call.usage.output)
    assert (run.totals.errors, run.totals.calls, run.unread, len(lines_of(run))) == (1, 1, {}, 3)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_anthropic_client_with_batches(is_async, truth, track):
    """Begin, poll, read the results: the sums are those that the server counted."""
    import anthropic

    requests = [{"custom_id": f"r{n}", "params": {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "word " * n}]}} for n in range(1, 4)]

    def ask():
        with anthropic.Anthropic(base_url=truth.root, api_key="k", max_retries=0) as client:
            begun = client.messages.batches.create(requests=requests)
            while begun.processing_status != "ended":
                begun = client.messages.batches.retrieve(begun.id)
            return [one.custom_id for one in client.messages.batches.results(begun.id)]

    async def ask_async():
        async with anthropic.AsyncAnthropic(base_url=truth.root, api_key="k", max_retries=0) as client:
            begun = await client.messages.batches.create(requests=requests)
            while begun.processing_status != "ended":
                begun = await client.messages.batches.retrieve(begun.id)
            return [one.custom_id async for one in await client.messages.batches.results(begun.id)]

    with track() as run:
        assert (asyncio.run(ask_async()) if is_async else ask()) == ["r1", "r2", "r3"]
    (served,) = truth.settled()
    (call,) = calls(run)
    assert told(call) == (served.input, served.output) == (6, call.usage.output)
    assert (run.totals.calls, run.totals.errors, run.unread, len(lines_of(run))) == (1, 0, {}, 3)


# -- videos ------------------------------------------------------------------------------------------


def test_openais_video_says_what_is_known(track):
    """No tokens are told of a video: its row says how long and how large it is, and that there is no price."""
    begun = {"id": "video_1", "object": "video", "model": "sora-2", "status": "queued", "seconds": "8", "size": "720x1280", "error": None}
    api = Api({("POST", "/videos"): begun, ("GET", "/videos/video_1"): [begun, begun | {"status": "completed"}], ("GET", "/videos/video_1/content"): b"\x00" * 1000})
    with track() as run:
        api.post("/videos", {"model": "sora-2", "prompt": "a cat", "seconds": "8"})
        monitor.recorder.drain()
        assert calls(run)[0].call.untold == "usage not told yet: GET /v1/videos/…"
        for _ in range(3):
            api.get("/videos/video_1")
        api.get("/videos/video_1/content")
    (call,) = calls(run)
    assert (call.model, call.operation, call.cost.state) == ("sora-2", "video", "no_usage")
    assert call.cost.reason == "no tokens are told of a video: 8 s, 720x1280"
    assert run.totals.lower_bound and not run.unread and not deferred.pending


def test_a_video_that_failed_costs_nothing(track):
    """A video that the GET tells to have failed is an error, and not billed."""
    begun = {"id": "video_1", "object": "video", "model": "sora-2", "status": "queued", "error": None}
    api = Api({("POST", "/videos"): begun, ("GET", "/videos/video_1"): begun | {"status": "failed", "error": {"code": "moderation", "message": "blocked"}}})
    with track() as run:
        api.post("/videos", {"model": "sora-2", "prompt": "a cat"})
        api.get("/videos/video_1")
    (call,) = calls(run)
    assert (call.status, call.error, call.cost, run.totals.cost) == ("error", "blocked", None, 0)


def test_geminis_video_says_what_is_known(track):
    """The operation of a video tells no tokens either; what was asked for is known."""
    name = "models/veo-3.0-generate-001/operations/abc"
    done = {"name": name, "done": True, "response": {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "u"}}]}}}
    api = Api({("POST", "/models/veo-3.0-generate-001:predictLongRunning"): {"name": name}, ("GET", f"/{name}"): [{"name": name}, done]}, GEMINI)
    with track() as run:
        api.post("/models/veo-3.0-generate-001:predictLongRunning", {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 8, "resolution": "720p"}})
        monitor.recorder.drain()
        assert calls(run)[0].call.untold == "usage not told yet: GET /v1beta/models/veo-3.0-generate-001/operations/…"
        api.get(f"/{name}")
        api.get(f"/{name}")
    (call,) = calls(run)
    assert (call.model, call.cost.state, call.cost.reason) == ("veo-3.0-generate-001", "no_usage", "no tokens are told of a video: 8 s, 720p")
    assert not run.unread and not deferred.pending


def test_azures_paths(track):
    """Azure's paths end in a query, and its results are known by their path too."""
    azure = "https://mine.openai.azure.com/openai"
    done = batch("batch_1", "completed", output_file_id="file-1")
    told_by = {"/openai/responses": response("resp_z", "queued"), "/openai/responses/resp_z": response("resp_z", usage=USED), "/openai/batches": batch("batch_1"), "/openai/batches/batch_1": done}
    old, new = jsonl(chat_line(1)), jsonl(chat_line(2), chat_line(3))

    def answer(request):
        assert request.url.query == b"api-version=2026-01-01"
        path = request.url.path
        content = {"/openai/files/file-1/content": new, "/openai/files/file-0/content": old}.get(path) or json.dumps(told_by[path]).encode()
        return httpx.Response(200, content=content)

    client = httpx.Client(transport=httpx.MockTransport(answer), params={"api-version": "2026-01-01"}, base_url=azure)
    with track() as run:
        client.post("/responses", json=ASK)
        client.get("/responses/resp_z")
        client.get("/files/file-0/content")
        client.post("/batches", json=BEGIN)
        client.get("/batches/batch_1")
        client.get("/files/file-1/content")
    assert sorted((call.operation, told(call), call.provider) for call in calls(run)) == [
        ("batch", (100, 20), "azure.ai.openai"),
        ("batch", (200, 40), "azure.ai.openai"),
        ("responses", (1000, 200), "azure.ai.openai"),
    ]
    assert not run.unread and not deferred.pending


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://livy.example.com/batches", {"file": "job.jar"}),
        ("https://videos.example.com/v1/videos", {"title": "a cat"}),
        ("https://api.mux.com/video/v1/videos", {"input": "https://x/y.mp4"}),
    ],
)
def test_other_apis_with_such_paths_ask_no_model(url, body, track):
    """Anybody's server may have batches and videos: no row, no alarm."""
    api = Api({})
    with track() as run:
        api.client.post(url, json=body)
    assert (calls(run), run.unread) == ([], {})
