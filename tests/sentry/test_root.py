"""The root of a run at Sentry: one transaction or segment, in the right trace, sampled as asked."""

import pytest
import sentry_sdk

from aimon_nb import ai_track, track
from aimon_nb.app import monitor
from aimon_nb.views.present import formatting
from tests.parts import sdk

TRACE, PARENT = "a" * 32, "b" * 16


def roots(receiver, name="cell"):
    return [span for span in receiver.spans() if span["name"] == name]


@sdk.EACH_LIFECYCLE
def test_a_trace_a_run(receiver, options):
    """Each run is one transaction or segment, in a trace of its own."""
    receiver.init(**options)
    for _ in range(2):
        with track("cell", op="ai.demo"):
            pass
    first, second = roots(receiver)
    assert first["trace_id"] != second["trace_id"]
    assert first["parent_span_id"] is second["parent_span_id"] is None
    assert {"ai.demo"} == {first["op"], second["op"]}
    assert {"cell"} == {one["data"]["gen_ai.pipeline.name"] for one in (first, second)}
    assert 2 == len(receiver.of("span" if sdk.streams(options) else "transaction"))


@sdk.EACH_LIFECYCLE
def test_what_is_outside_keeps_its_trace(receiver, options):
    """A run changes nothing of the trace that code outside of it is in."""
    receiver.init(**options)
    before = sentry_sdk.get_traceparent()
    with track("cell"):
        assert sentry_sdk.get_traceparent() != before
    assert sentry_sdk.get_traceparent() == before


@sdk.EACH_LIFECYCLE
def test_a_surrounding_span_is_continued(receiver, options):
    """A run in a span of the user's is below it, in its trace."""
    receiver.init(**options)
    with sdk.start_root("x", "outer", options), track("cell") as run:
        pass
    [above], [root] = roots(receiver, "outer"), roots(receiver)
    assert (above["trace_id"], above["span_id"]) == (root["trace_id"], root["parent_span_id"])
    assert "Sentry" == run._run.destination


@sdk.EACH_LIFECYCLE
@pytest.mark.parametrize("sampled", ["-1", ""], ids=["sampled", "undecided"])
def test_a_continued_trace_is_continued(receiver, options, sampled):
    """So is a run in a trace that came from another process, by its headers."""
    receiver.init(**options)
    with sentry_sdk.isolation_scope():
        headers = {"sentry-trace": f"{TRACE}-{PARENT}{sampled}"}
        sdk.continue_trace(headers, options)
        with track("cell"):
            pass
    [root] = roots(receiver)
    assert (TRACE, PARENT) == (root["trace_id"], root["parent_span_id"])


@sdk.EACH_LIFECYCLE
def test_a_continued_trace_decides(receiver, options):
    """What is not sampled where it began is not sampled here, and the view says so."""
    receiver.init(**options)
    with sentry_sdk.isolation_scope():
        sdk.continue_trace({"sentry-trace": f"{TRACE}-{PARENT}-0"}, options)
        with track("cell") as run:
            pass
    assert [] == roots(receiver)
    assert "not sampled" == run._run.destination and "not sent to Sentry: not sampled" in run.tree().splitlines()[0]
    assert ["no: not sampled"] == [*run.spans()["sent"]]


@sdk.transactions
def test_a_rate_leaves_no_run_to_chance(receiver):
    """In the static lifecycle a run is sampled whatever the rate is, for its cell was tracked by name."""
    receiver.init(traces_sample_rate=1e-9)
    with track("cell"):
        pass
    assert 1 == len(roots(receiver))


@pytest.mark.parametrize("options", [{"traces_sample_rate": 0.0}, {"traces_sample_rate": None}, {**sdk.OPTIONS["stream"], "traces_sample_rate": 1e-9}],
                         ids=["rate 0", "no tracing", "stream"])  # fmt: skip
def test_what_the_client_decides(receiver, options):
    """A rate of 0, no tracing, and in the stream lifecycle any rate are the client's decision; the view says it."""
    receiver.init(**options)
    with track("cell") as run:
        pass
    assert [] == roots(receiver)
    assert "not sampled" in run.tree().splitlines()[0]


@sdk.EACH_LIFECYCLE
def test_this_very_run_may_say_no(receiver, options):
    """`sampled=False` of `track` holds for its run, and for what begins in it; the view says so."""
    receiver.init(**options)
    with track("cell", sampled=False) as run, sdk.start_in(options, "inner"):
        pass
    assert [] == receiver.spans()
    assert "not sent to Sentry: not sampled" in run.tree().splitlines()[0] and {"no: not sampled"} == {*run.spans()["sent"]}


@sdk.transactions
def test_over_the_limit_of_a_transaction(receiver):
    """Spans that a transaction does not take are said, with what to do."""
    receiver.init(_experiments={"max_spans": 10})
    with track("cell") as run:
        for _ in range(20):
            with sentry_sdk.start_span(op="x", name="x"):
                pass
    [line] = [note for note in run._run.notes if "over its limit" in note]
    assert line.startswith("10 spans not sent to Sentry") or line.startswith("11 spans not sent to Sentry")
    assert 'trace_lifecycle="stream"' in line


def opened(**facts):
    session = monitor.open("cell", "none", quiet=True, **facts)
    session.begin()
    return session


@sdk.EACH_LIFECYCLE
@pytest.mark.parametrize("with_error", [False, True])
def test_auto_is_not_sent(receiver, options, with_error):
    """Of a run that `auto` opened Sentry gets nothing, spans of the user's included; the tree has all of it."""
    receiver.init(**options)
    session = opened()
    with sdk.start_in(options, "inner", "gen_ai.chat"):
        pass
    session.run_state.quiet = False  # as its first call makes it
    session.end(ValueError("x") if with_error else None)
    assert [] == receiver.spans() == receiver.of("event")
    assert {"cell", "inner"} == {span.name for span in session.run.spans.values()}
    assert "local" == session.run.destination
    assert "not sent to Sentry: %ai_auto sends none (AimonMagics.sentry_auto)" == formatting.destination(session.run)


@sdk.EACH_LIFECYCLE
def test_an_error_in_auto_is_not_sent(receiver, options):
    """The error of a tracked function in such a run is no event either; without a run it is one."""

    @ai_track("step")
    def step():
        raise ValueError("x")

    receiver.init(**options)
    session = opened()
    with pytest.raises(ValueError, match="x"):
        step()
    session.end(None)
    assert [] == receiver.of("event")
    with pytest.raises(ValueError, match="x"):
        step()
    assert 1 == len(receiver.of("event"))


@sdk.EACH_LIFECYCLE
def test_auto_is_sent_if_asked_for(receiver, options):
    """With `sentry_auto` it is sent as any other."""
    receiver.init(**options)
    monitor.configure(sentry_auto=True)
    try:
        session = opened()
        session.run_state.quiet = False
        session.end(ValueError("x"))
    finally:
        monitor.configure(sentry_auto=None)
    assert 1 == len(roots(receiver)) == len(receiver.of("event"))


FACTS = {"cell_id": "ab-12", "execution_count": 7}


@sdk.EACH_LIFECYCLE
def test_what_the_root_tells(receiver, options, monkeypatch):
    """The root has its pipeline, the cell's number and id, the notebook's file name, and tags and data; those of this run win."""
    monkeypatch.setattr("aimon_nb.app.monitoring.notebook_name", lambda _: "report.ipynb")
    receiver.init(**options)
    monitor.configure(tags={"team": "search", "stage": "dev"})
    try:
        given = {"tags": {"stage": "test"}, "data": {"questions": 12}}
        session = monitor.open("cell", "none", options=given, pipeline="nightly", **FACTS)
        session.end(None)
    finally:
        monitor.configure(tags=None)
    [root] = roots(receiver)
    told = {"notebook.name": "report.ipynb", "notebook.cell.number": 7, "notebook.cell.id": "ab-12", "questions": 12}
    assert {**told, "gen_ai.pipeline.name": "nightly"}.items() <= root["data"].items()
    tags = root["data"] if sdk.streams(options) else receiver.of("transaction")[0]["tags"]
    assert {"team": "search", "stage": "test"}.items() <= tags.items()
    assert "team=search, stage=test" == session.run.tags


def test_tags_in_the_table():
    """The column `tags` has those of the run; NA where there are none."""
    with track("cell", tags={"team": "search", "stage": "dev"}) as run:
        pass
    with track("cell") as other:
        pass
    assert ["team=search, stage=dev"] == [*run.spans()["tags"]]
    assert other.spans()["tags"].isna().all()
