"""What a client tries again: which attempts are errors of the run, and which were repaired."""

import contextlib
import threading

import httpx
import pytest

from aimon_nb.views.present import rows
from aimon_nb.views.tables import frames
from tests.wire.clients import BODY
from tests.wire.conftest import calls
from tests.wire.shapes import WHOLE


class _Broken(httpx.SyncByteStream):
    def __iter__(self):
        yield WHOLE[:40]
        raise httpx.ReadError("broke off")

@pytest.fixture
def client(truth):
    openai = pytest.importorskip("openai")

    def client(**options):
        return openai.OpenAI(base_url=truth.url, api_key="none", **options)

    return client


def ask(client, text):
    return client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])


def told(run):
    """(errors, retries) of the run, which its table, its header and its rows say too."""
    usage, header = frames.usage([run]), rows.header(run)
    told = run.totals.errors, run.totals.retries
    assert told == (usage["errors"].sum(), usage["retries"].sum()) == (header["errors"], header["retries"])
    data = frames.spans([run])
    last = data["retried"].isna()
    assert told == (((data["status"] == "error") & last & (data["op"] == "gen_ai.chat")).sum(), (data["retried"] == "repaired").sum())
    return told


def test_a_repaired_call_is_no_error(client, track):
    """A 429 that the client's own retry repairs is a retry."""
    with track() as run:
        ask(client(max_retries=2), "once [busy once]")
    assert told(run) == (0, 1)
    assert [(c.attempt, c.status, c.retried) for c in calls(run)] == [(1, "error", "repaired"), (2, "ok", None)]


def test_a_call_that_stays_refused_is_one_error(client, track, monkeypatch):
    """However often the client tries, one call failed."""
    openai = pytest.importorskip("openai")
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0)
    with track() as run, pytest.raises(openai.InternalServerError):
        ask(client(max_retries=2), "never [status 500]")
    assert told(run) == (1, 0)
    assert [c.retried for c in calls(run)] == ["unrepaired", "unrepaired", None]


def test_the_same_model_asked_for_something_else(client, track):
    """Of two calls that fail at once, the one that is tried again is repaired, and the other is the error."""
    openai = pytest.importorskip("openai")
    with track() as run:
        with pytest.raises(openai.RateLimitError):
            ask(client(max_retries=0), "left [busy once] alone")
        ask(client(max_retries=1), "again [busy once] please")
    assert told(run) == (1, 1)
    assert [c.retried for c in calls(run)] == [None, "repaired", None]


def test_an_answer_that_broke_off(track, shapes):
    """What is sent again because its answer broke off after a good head is a retry, repaired or not."""
    with track() as run:
        for cut in (True, False):
            transport = httpx.MockTransport(lambda _, cut=cut: httpx.Response(200, stream=_Broken() if cut else None, content=None if cut else WHOLE))
            with contextlib.suppress(httpx.ReadError), httpx.Client(transport=transport) as http:
                http.post(shapes.url("whole"), json=BODY).read()
    assert [(c.attempt, c.status, c.retried) for c in calls(run)] == [(1, "error", "repaired"), (2, "ok", None)]
    assert told(run) == (0, 1)


def test_amid_threads(client, track):
    """Of eight calls at once that are each refused once, all are repaired."""
    asking = client(max_retries=2)
    with track() as run:
        threads = [threading.Thread(target=ask, args=(asking, f"thread {i} [busy once]")) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert told(run) == (0, 8)


def test_a_try_of_the_users_own(client, track):
    """A request that the user's own code sends again is a retry as well."""
    openai = pytest.importorskip("openai")
    with track() as run:
        for _ in range(2):
            try:
                ask(client(max_retries=0), "mine [busy once]")
            except openai.RateLimitError:
                continue
    assert told(run) == (0, 1)
