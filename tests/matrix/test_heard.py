"""Frameworks that Sentry's integrations hear: the tree says who asked, however they are run.

Real libraries against the model server, in an environment that has them all; the ways and
their trees are in `tests/matrix/heard/`, a process a library and a world.
"""

import functools
import importlib
import json
import subprocess

import pytest

from tests.matrix import environments
from tests.matrix.heard.running import expected
from tests.parts import sdk
from tests.parts.receiver import receiving

LIBRARIES = ("langgraph", "openai_agents", "pydantic_ai", "google_genai", "mcp", "provider_tools")
STATIC = pytest.param("static", marks=sdk.transactions)
WORLDS = ("local", STATIC, "stream")
# What is raised in the user's code, and passes our hooks.
RAISE = {
    "langgraph": {"failed": "ZeroDivisionError", "tool_failed": "ValueError"},
    "openai_agents": {"tool_failed_and_raised": "UserError"},
    "pydantic_ai": {"tool_failed": "KeyError"},
}
CONVERSATIONS = {
    "langgraph": {"interrupted": ["thread-7"], "interrupted_in_a_tool": ["thread-8"]},
    "openai_agents": {"tool_in_a_session": ["session-5"]},
    "pydantic_ai": {"conversation": ["talk-3"]},
    "provider_tools": {"openai_conversation": ["conv_9"], "openai_plain": []},
}
# What went in and came out, as `snapshot` keeps it: of the way `tool`.
CONTENT = {
    "openai_agents": ("tool", {"invoke_agent helper": ["use the tool", "In short"], "execute_tool look": ['{"word": "word"}', "found word"]}),
    "pydantic_ai": ("run", {"invoke_agent clerk": ["use the tool", "In short"], "execute_tool look": ["{'word': 'text'}", "found text"]}),
    "google_genai": ("async_function", {"execute_tool look": ["{'word': 'text'}", "found text"]}),
    "mcp": ("by_hand", {"execute_tool look": ["{'word': 'plain'}", "In short: plain"]}),
    "langgraph": ("prebuilt_stream", {"invoke_agent LangGraph": ["use the tool", "In short"], "execute_tool look": ["{'word': 'text'}", "found text"]}),
}
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


@functools.cache
def run(library, world):
    """({way: what it told}, what was left after unloading, the ids of spans at Sentry with their parents)."""
    with receiving() as receiver:
        asked = {"library": library, "world": world, "dsn": receiver.dsn}
        done = subprocess.run(
            [environments.make("A" if sdk.HAS_TRANSACTIONS else "here"), "-W", "ignore", "-m", "tests.matrix.heard.running"],
            input=json.dumps(asked), capture_output=True, text=True, timeout=300, cwd=environments.ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout.splitlines()[-1])
        return told["ways"], told["left"], [(s["span_id"], s["parent_span_id"]) for s in receiver.spans()]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_tree_of_each_way(library, world):
    """Agents, tools, nodes and calls stand under what asked for them, in both lifecycles and without a client; each token once; no hook is left."""
    got, left, _ = run(library, world)
    ways = importlib.import_module(f"tests.matrix.heard.{library}").ways
    assert list(got) == list(ways)
    assert {name: expected(use) for name, use in ways.items()} == {name: one["tree"] for name, one in got.items()}
    for name, one in got.items():
        assert one["totals"] == one["served"], (name, one)
        assert one["faults"] == 0 and one["notes"] == [], (name, one)
    raised = {name: one["raised"].partition(":")[0] for name, one in got.items() if one["raised"]}
    assert RAISE.get(library, {}) == raised
    assert [] == left


@pytest.mark.parametrize("world", [STATIC, "stream"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_sentry_gets_the_same_tree(library, world):
    """Each span that was sent is there once, below the same parent."""
    got, _, sent = run(library, world)
    ours = {span: parent for one in got.values() for span, parent, how in one["spans"] if how == "yes"}
    assert len(sent) == len({span for span, _ in sent})
    assert ours == dict(sent)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_tool_says_its_own(library):
    """No tool carries a model's name, and one that failed says how."""
    for name, one in run(library, "local")[0].items():
        assert one["models of tools"] == [], name
        failed = {row.split("tool ")[1].split(" [")[0] for row in one["tree"] if "tool " in row and "[error" in row}
        assert failed <= {said.removeprefix("execute_tool ") for said in one["errors"]}, (name, one)


@pytest.mark.parametrize("library", CONVERSATIONS)
def test_the_conversation(library):
    """A row says the conversation that its framework names."""
    got = run(library, "local")[0]
    assert CONVERSATIONS[library] == {name: got[name]["conversations"] for name in CONVERSATIONS[library]}


@pytest.mark.parametrize("library", CONTENT)
def test_what_went_in_and_came_out(library):
    """Of a tool its arguments and result, of an agent what it was asked and said; of a failed one nothing came out."""
    way, wanted = CONTENT[library]
    told = run(library, "local")[0][way]["content"]
    for name, (put_in, came_out) in wanted.items():
        assert put_in in told[name][0] and came_out in told[name][1], told[name]
