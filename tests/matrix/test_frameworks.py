"""Frameworks give structure without a word from the user, whatever client of Sentry's there is.

Each of the five against the model server, in an environment that has them all.
"""

import json
import os
import subprocess

import pytest

from tests.matrix import environments
from tests.parts import sdk
from tests.parts.receiver import receiving

CHAT, TOOL, AGENT = "gen_ai.chat", "gen_ai.execute_tool", "gen_ai.invoke_agent"
TREES = {
    "langchain": [(0, CHAT, "chat gpt-4o"), (0, TOOL, "execute_tool look"), (1, CHAT, "chat gpt-4o"), (0, CHAT, "chat gpt-4o")],
    "langgraph": [
        (0, AGENT, "invoke_agent LangGraph"),
        (1, CHAT, "chat gpt-4o"),
        (1, TOOL, "execute_tool look"),
        (1, CHAT, "chat gpt-4o"),
    ],
    "openai_agents": [
        (0, AGENT, "invoke_agent helper"),
        (1, CHAT, "chat gpt-4o"),
        (1, TOOL, "execute_tool look"),
        (1, CHAT, "chat gpt-4o"),
    ],
    "pydantic_ai": [(0, AGENT, "invoke_agent agent"), (1, CHAT, "chat gpt-4o"), (1, TOOL, "execute_tool look"), (1, CHAT, "chat gpt-4o")],
    "mcp": [(0, TOOL, "execute_tool look"), (1, CHAT, "chat gpt-4o")],
}
ORDERS = ("load first", "import first")
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def python():
    # Whoever runs these tests with series 3 does so in an environment that has the frameworks (`test_sdk3`).
    return environments.make("A" if sdk.HAS_TRANSACTIONS else "here")


def run(python, framework, order, client, dsn=None, telemetry="off"):
    asked = {"framework": framework, "order": order, "client": client, "dsn": dsn}
    done = subprocess.run(
        [python, "-m", "tests.sentry.framework"], input=json.dumps(asked), capture_output=True, text=True, timeout=300, cwd=environments.ROOT,
        env={**os.environ, "TESTS_TELEMETRY": telemetry},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(got, framework):
    # LangGraph's `create_agent` is a span in the static lifecycle only
    tree = [tuple(line) for line in got["tree"] if line[1] != "gen_ai.create_agent"]
    assert tree == TREES[framework], got["tree"]
    assert got["totals"] == got["served"], got
    assert got["faults"] == 0 and got["notes"] == [] and got["uncounted"] == {}, got
    assert got["left"] == [] and got["after"], got


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("framework", TREES)
def test_without_a_client(python, framework, order):
    """Agent, tool and call in each other, each token once, the SDK not initialised, all undone at unload."""
    got = run(python, framework, order, "none")
    check(got, framework)
    assert got["initialized"] is False
    assert got["imported by loading"] == [], got
    assert {sent for *_, sent in got["spans"]} == {"no: local"}


@pytest.mark.parametrize("framework", TREES)
def test_with_its_own_telemetry(python, framework):
    """What a framework tells its maker asks no model: no alarm, and each token once."""
    got = run(python, framework, "import first", "none", telemetry="on")
    check(got, framework)
    if framework in ("langchain", "langgraph", "openai_agents"):
        assert got["telemetry"], "nothing was told"


@pytest.mark.parametrize("client", ["dsn", pytest.param("init", marks=sdk.transactions), "stream", "bare"])
@pytest.mark.parametrize("framework", TREES)
def test_with_a_client(python, framework, client):
    """With any kind of client Sentry gets each span of the run once, below the same parent, and (but for a bare client) nothing else."""
    with receiving() as receiver:
        got = run(python, framework, "load first", client, receiver.dsn)
        check(got, framework)
        sent = receiver.spans()
    ours = {span_id: parent for span_id, parent, *_ in got["spans"]}
    theirs = {s["span_id"]: s["parent_span_id"] for s in sent if s["span_id"] in ours}
    assert theirs == ours and len(ours) >= len(got["tree"]) > 0
    assert len([s for s in sent if s["span_id"] in ours]) == len(ours)
    if client != "bare":  # there the user's own client hears what is outside a run
        assert {s["span_id"] for s in sent} == set(ours), [s["name"] for s in sent]
    assert got["initialized"] is (client != "dsn")


@pytest.mark.parametrize("framework", TREES)
def test_loaded_after_the_users_client(python, framework):
    """A client that was there first changes nothing: it keeps the integrations it chose, the run has its structure."""
    with receiving() as receiver:
        check(run(python, framework, "load last", "init", receiver.dsn), framework)


@pytest.mark.parametrize("framework", ["langgraph", "pydantic_ai"])
def test_what_the_user_disabled_stays_off(python, framework):
    """`disabled_integrations` of his own client: calls as ever, no agent, nothing twice."""
    with receiving() as receiver:
        got = run(python, framework, "load first", "refused", receiver.dsn)
        sent = receiver.spans()
    ops = [op for _, op, _ in got["tree"]]
    assert ops.count(CHAT) == 2 and AGENT not in ops, got
    assert got["totals"] == got["served"] and got["faults"] == 0, got
    assert {s["span_id"] for s in sent} == {span_id for span_id, *_ in got["spans"]} and len(sent) == len(got["spans"])


@pytest.mark.parametrize("framework", ["openai_agents", "langgraph"])
def test_what_the_user_chose_counts_once(python, framework):
    """An integration that his client names is set up once, is his at unload, and is heard as ours is."""
    with receiving() as receiver:
        got = run(python, framework, "import first", "chosen", receiver.dsn)
        sent = [s["span_id"] for s in receiver.spans()]
    check({**got, "left": []}, framework)
    assert len(sent) == len(set(sent))


OUTLIVES = """
import json, sys
import sentry_sdk
from aimon_nb.app import monitor
from aimon_nb.testing import truth_server
from tests.matrix.heard.pydantic_ai import with_look
from tests.matrix.heard.running import row
from tests.matrix.modes import in_loop
from tests.parts import sdk

sentry_sdk.init(sys.argv[1], traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False)
with truth_server(latency=0.0, chunk_latency=0.0) as server:
    earlier = with_look(server)
    monitor.install()
    clerk = with_look(server)
    opened = monitor.open("run", "none")
    for one in (earlier, clerk):
        in_loop(one.run("use the tool"))
    opened.end(None)
    monitor.uninstall()
    with sdk.start_root("x", "theirs"):
        in_loop(clerk.run("use the tool"))
    sentry_sdk.flush(5)
print(json.dumps([[row(depth, span) for depth, span in opened.run.walk()], [*opened.run.spans], opened.run.faults]))
"""


def test_an_agent_outlives_the_extension(python):
    """An agent of pydantic-ai that was made before the load has its rows; of one that goes on after the unload Sentry gets none."""
    with receiving() as receiver:
        done = subprocess.run([python, "-c", OUTLIVES, receiver.dsn], capture_output=True, text=True, timeout=300, cwd=environments.ROOT)
        assert done.returncode == 0, done.stderr[-3000:]
        rows, ours, faults = json.loads(done.stdout.splitlines()[-1])
        sent = {span["span_id"]: span["name"] for span in receiver.spans()}
    assert (0, ["agent agent", "  chat", "  tool look", "  chat"] * 2) == (faults, rows)
    assert ["theirs"] == [name for span_id, name in sent.items() if span_id not in ours]
