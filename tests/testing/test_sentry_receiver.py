"""The receiver that users have: what it shows of what was sent is what the tests' own receiver has."""

import pytest
import sentry_sdk

from aimon_nb import ai_track, track
from aimon_nb.app import monitor
from aimon_nb.testing import sentry_receiver
from tests.parts import sdk

WAYS = {**sdk.OPTIONS, "one item": {"stream_gen_ai_spans": False}}
LIFECYCLES = [*sdk.LIFECYCLES, pytest.param("one item", marks=sdk.transactions)]


@pytest.fixture
def sentry():
    with sentry_receiver() as running:
        yield running
    monitor.uninstall()
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)


def send(sentry, **options):
    """A failed run with an agent, a tool and two steps beside each other."""
    sentry_sdk.init(sentry.dsn, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **options)
    tool = ai_track("look", op="gen_ai.execute_tool", data={"gen_ai.tool.name": "look"})(lambda: None)
    agent = ai_track("clerk", op="gen_ai.invoke_agent")(lambda: [tool(), ai_track("rank")(tool)()])
    with pytest.raises(ValueError), track("shop", view="none", tags={"team": "search"}, data={"n": 3}):
        agent()
        raise ValueError("no luck")
    sentry_sdk.flush(5)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_spans_and_errors(sentry, lifecycle):
    """The tree of a run, its root with tags and data, and its error, however they were sent."""
    send(sentry, **WAYS[lifecycle])
    assert sentry.tree().splitlines() == [
        "ai.pipeline                shop",
        "  gen_ai.invoke_agent      clerk",
        "    gen_ai.execute_tool    look",
        "    ai.run                 rank",
        "      gen_ai.execute_tool  look",
    ]
    root, agent, tool, *_ = sentry.spans()
    assert (root.is_root, agent.is_root, agent.parent_id, tool.parent_id) == (True, False, root.span_id, agent.span_id)
    assert "search" == (root.tags or root.data)["team"] and 3 == root.data["n"] and "look" == tool.data["gen_ai.tool.name"]
    [error] = sentry.errors()
    assert "no luck" == error["exception"]["values"][-1]["value"] and root.trace_id == error["contexts"]["trace"]["trace_id"]
    sentry.clear()
    assert ([], [], "") == (sentry.spans(), sentry.errors(), sentry.tree())


def test_each_way_of_packing():
    """An envelope is read however its client packs it."""
    import gzip
    import zlib

    import brotli

    from aimon_nb.testing.sentry_receiver import decoded

    for encoding, pack in ((None, bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)):
        assert b"an envelope" == decoded(pack(b"an envelope"), encoding)


def test_it_says_that_it_does_not_run():
    """Without `start` there is no address."""
    with pytest.raises(RuntimeError, match="call start"):
        sentry_receiver().dsn
