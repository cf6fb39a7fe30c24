"""Where spans go: the client that SENTRY_DSN opens, and the user's own, which is respected."""

import warnings

import pytest
import sentry_sdk

from aimon_nb import ai_track, install, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor, sending
from aimon_nb.capture.hooks import Patches
from aimon_nb.sentry.integrations import FRAMEWORKS
from aimon_nb.views.present import detail, rows
from aimon_nb.views.static import html, text
from aimon_nb.views.static.sending import SendingView
from tests.parts import sdk



@pytest.fixture(autouse=True)
def taken_off():
    """Each test puts the hooks on itself: that is when a client is opened."""
    monitor.uninstall()
    yield
    monitor.uninstall()


@pytest.fixture
def dsn(receiver, monkeypatch):
    """SENTRY_DSN is set, and nobody has opened a client."""
    monkeypatch.setenv("SENTRY_DSN", receiver.dsn)
    return receiver.dsn


def roots(receiver):
    return [span["name"] for span in receiver.spans() if span["parent_span_id"] is None]


def test_the_client_of_a_dsn(dsn):
    """Putting the hooks on opens it: traces on, in the environment `notebook`, with no private data, variable or source."""
    install()
    options = sentry_sdk.get_client().options
    assert (dsn, "notebook", 1.0) == tuple(options[name] for name in ("dsn", "environment", "traces_sample_rate"))
    if sdk.HAS_TRANSACTIONS:  # of the same in series 3 `test_series_3` has the whole
        assert [False] * 2 == [options[name] for name in ("include_local_variables", "include_source_context")]
        assert not sentry_sdk.get_client().should_send_default_pii()
    assert {"dedupe", "threading"} == {*sentry_sdk.get_client().integrations}
    assert sentry_sdk.get_client().integrations["threading"].propagate_scope


def test_it_warns_nobody(dsn):
    """Where a warning is an error, it is opened without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        install()
        with track("cell"):
            pass
    assert sentry_sdk.get_client().is_active()


@pytest.mark.parametrize("around", ["{}", "  {}\n"])
@pytest.mark.parametrize("prefix", ["", "/a/prefix"])
def test_a_dsn_as_it_was_copied(dsn, receiver, monkeypatch, prefix, around):
    """Blanks around it are no part of it; a prefix of its path is, and is told where spans go."""
    address, _, project = dsn.rpartition("/")
    monkeypatch.setenv("SENTRY_DSN", around.format(f"{address}{prefix}/{project}"))
    install()
    with track("cell"):
        pass
    host = address.rpartition("@")[2]
    assert ["cell"] == roots(receiver) and f"http://{host}{prefix}, project {project}" == sending.status(None).address


def test_its_environment_may_be_named(dsn, monkeypatch):
    """SENTRY_ENVIRONMENT is what it says."""
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "staging")
    install()
    assert "staging" == sentry_sdk.get_client().options["environment"]


@pytest.mark.parametrize("blank", ["", "  "])
def test_no_dsn_no_client(receiver, monkeypatch, blank):
    """Without a DSN none is opened, at the load and at a run; a blank one is none."""
    monkeypatch.setenv("SENTRY_DSN", blank)
    install()
    with track("cell") as run:
        pass
    assert not sentry_sdk.get_client().is_active() and "local" == run._run.destination


@pytest.mark.parametrize("has_client", [False, True])
def test_local_is_no_word(receiver, has_client):
    """Without a client nothing is said of Sentry; with one that has no DSN every form says that the run was not sent, and why."""
    if has_client:
        sentry_sdk.init(traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False)
    with track("cell") as run:
        pass
    one, words = run._run, "not sent to Sentry: the client has no DSN" if has_client else ""
    assert (words, None) == (rows.header(one)["destination"], rows.header(one)["trace"])
    for said in (text.tree(one), text.summary(one), html.static(one), html.summary(one)):
        assert "local" not in said and ("Sentry" in said) == has_client
        assert words in said
    assert "local" not in str(detail.detail(next(iter(one.spans.values()))))


def test_a_dsn_that_is_none(monkeypatch):
    """The load is not disturbed; each run says it in one line, without the key in it, and so does `%ai_sentry`, until it is mended."""
    monkeypatch.setenv("SENTRY_DSN", "htp://secretkey@sentry.test/1")
    install()
    with track("cell") as run:
        pass
    [line] = run._run.notes[:1]
    assert line.startswith("SENTRY_DSN cannot be used") and "secretkey" not in line and "\n" not in line
    assert "local" == run._run.destination
    said = "SENTRY_DSN cannot be used: Unsupported scheme 'htp'"
    assert f"nothing was sent: {said}" == sending.send_one(1) and f"spans go to  nowhere: {said}" in repr(SendingView(sending.status(None)))
    monkeypatch.setenv("SENTRY_DSN", "")
    with track("cell") as run:
        pass
    assert ["no span and no model call was heard in this cell"] == run._run.notes and "set SENTRY_DSN" in sending.send_one(1)


@sdk.EACH_LIFECYCLE
def test_the_users_client_made_before(dsn, receiver, options):
    """It is left as it is, and the run goes where it sends."""
    receiver.init(environment="theirs", **options)
    client = sentry_sdk.get_client()
    install()
    with track("cell"):
        pass
    assert sentry_sdk.get_client() is client and ["cell"] == roots(receiver)


@sdk.EACH_LIFECYCLE
def test_the_users_client_made_after(dsn, receiver, options):
    """It replaces ours, also where the user first asks whether there is one."""
    install()
    assert not sentry_sdk.is_initialized()
    receiver.init(environment="theirs", **options)
    assert sentry_sdk.is_initialized()
    with track("cell"):
        pass
    assert "theirs" == sentry_sdk.get_client().options["environment"] and ["cell"] == roots(receiver)


@sdk.transactions
def test_before_send_transaction_wins(receiver):
    """What the user's hook changes arrives as he has it; what he drops does not arrive."""
    receiver.init(before_send_transaction=lambda event, _: None if event["transaction"] == "drop" else {**event, "release": "mine"})
    for name in ("drop", "keep"):
        with track(name):
            pass
    assert [("keep", "mine")] == [(event["transaction"], event["release"]) for event in receiver.of("transaction")]


def test_before_send_span_wins(receiver):
    """So does what he changes of each span that is streamed, the root and our own among them."""

    def change(span, _):
        span["attributes"] = {**span["attributes"], "gen_ai.pipeline.name": "theirs"}
        return {**span, "name": f"{span['name']}!"}

    receiver.init(before_send_span=change, **sdk.OPTIONS["stream"])
    with track("cell"):
        ai_track("step")(int)()
    assert {("cell!", "theirs"), ("step!", "theirs")} == {(span["name"], span["data"]["gen_ai.pipeline.name"]) for span in receiver.spans()}


@sdk.EACH_LIFECYCLE
def test_before_send_wins(receiver, options):
    """So does what he does with errors."""
    receiver.init(before_send=lambda event, _: None, **options)
    with pytest.raises(ValueError), track("cell"):
        raise ValueError
    assert [] == receiver.of("event") and ["cell"] == roots(receiver)


@sdk.EACH_LIFECYCLE
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_traces_sampler_wins(receiver, options, rate):
    """The user's sampler is asked with the run's name, and what it says is done; the view says what it said."""
    asked = []

    def sampler(about):
        asked.append(about["transaction_context"]["name"])
        return rate

    receiver.init(traces_sampler=sampler, **options)
    with track("cell") as run:
        pass
    assert ["cell"] == asked
    assert (["cell"] if rate else []) == roots(receiver)
    assert ("Sentry" if rate else "not sampled") == run._run.destination


def test_what_the_sdk_refuses(receiver):
    """Where a framework's integration is set up, a wrong argument of the user's is refused by the SDK, in its words."""

    def refusal():
        with pytest.raises(Exception) as refused:
            sentry_sdk.traces.start_span("a", 5)
        return refused.type, str(refused.value)

    receiver.init(**sdk.OPTIONS["stream"])
    plain = refusal()
    install()
    integrations = instrumentation.integrations
    integrations._patches["langchain"] = Patches()
    integrations._turn_on(FRAMEWORKS[0], None)
    assert plain == refusal()


def test_ignored_spans_win(receiver):
    """What the user ignores is not sent, and is in the tree all the same."""
    receiver.init(ignore_spans=["quiet"], **sdk.OPTIONS["stream"])
    with track("cell") as run, warnings.catch_warnings():
        for name in ("quiet", "loud"):
            with sentry_sdk.traces.start_span(name):
                pass
    assert {"cell", "loud"} == {span["name"] for span in receiver.spans()}
    assert {"cell", "loud", "quiet"} == {*run.spans()["name"]}
