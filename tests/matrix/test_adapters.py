"""Frameworks that emit nothing give their trees: real libraries against the model server, a process a framework."""

import functools
import json
import os
import subprocess

import pytest

from tests.matrix import environments
from tests.parts.receiver import receiving

FRAMEWORKS = ("crewai", "dspy", "haystack", "llama_index", "smolagents")
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]


def run(framework, order, **more):
    """{way: what is told of it}."""
    asked = {"framework": framework, "order": order, **more}
    done = subprocess.run(
        [environments.make("crewai" if framework == "crewai" else "structure_openai_2"), "-W", "ignore", "-m", "tests.matrix.adapters"], input=json.dumps(asked), capture_output=True, text=True,
        timeout=300, cwd=environments.ROOT, env={**os.environ, "PYTHONPATH": str(environments.ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"way": ')]
    return {line["way"]: line for line in lines}


both_orders = functools.cache(run)


@pytest.mark.parametrize("order", ["load first", "import first"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_trees(framework, order):
    """Agents, tools and steps stand where they run, each call once, no error of ours, in whichever order the two are imported."""
    told = both_orders(framework, order)
    wrong = {way: f"{got['wrong']}\n{got['tree']}\n{got['totals']} served {got['served']} {got['result'][:300]}" for way, got in told.items() if got.get("wrong")}
    assert len(told) > 5 and not wrong, "\n\n".join(f"{way}: {text}" for way, text in wrong.items())


@pytest.mark.parametrize("order", ["load first", "import first"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_unloaded(framework, order):
    """Nothing of ours is left in the library, which works as before."""
    told = both_orders(framework, order)
    assert told["unloaded"]["left"] == []
    assert told["unloaded"]["result"] == next(iter(told.values()))["result"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_users_own(framework):
    """What the user's own tracer, callback or handler is told is the same with us and without."""
    told = both_orders(framework, "import first")["his own"]
    assert told["plain"] and told["heard"] == told["plain"]


@pytest.mark.parametrize("lifecycle", ["static", "stream"])
def test_at_sentry(lifecycle):
    """With a client of the user's each step is a span of the same tree at Sentry, once."""
    with receiving() as receiver:
        told = run("smolagents", "load first", names=["nested", "a tool fails"], dsn=receiver.dsn, lifecycle=lifecycle)
        sent = receiver.spans()
    for way in ("nested", "a tool fails"):
        ours = told[way]["spans"]
        theirs = {span["span_id"]: span["parent_span_id"] for span in sent if span["span_id"] in ours}
        assert told[way]["wrong"] == [] and theirs == {span_id: parent for span_id, (parent, *_) in ours.items()}
    assert len(sent) == len({span["span_id"] for span in sent})


def test_where_openinference_speaks():
    """Its package alone changes nothing; once it is switched on the adapter says nothing more."""
    told = run("smolagents", "load first", names=["nested"], instrument=["openinference.instrumentation.smolagents", "SmolagentsInstrumentor"])
    assert [told["nested"]["totals"], told["nested"]["served"]] == [told["nested"]["totals"]] * 2
    names = [name for _, _, name in told["nested"]["spans"].values()]
    assert "execute_tool python_interpreter" not in names
