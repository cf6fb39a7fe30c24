"""An SDK that is not as we know it is found when we load, said once in the tree, and its spans are recorded still.

Each change in a process of its own, made before anything of ours is imported.
"""

import json
import subprocess
import sys

import pytest
import sentry_sdk

from aimon_nb.sentry.sdk import NOOP_SPAN, START_STREAMED, STREAMED_SPAN
from tests.parts import sdk
from tests.parts.places import ROOT

CASE = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
import sentry_sdk
from sentry_sdk import scope, traces
def rename(owner, name):
    setattr(owner, name + "_new", owner.__dict__[name])
    delattr(owner, name)
{change}
from aimon_nb.app import monitor
from aimon_nb.testing import truth_server
from aimon_nb.views.static import text
import openai
monitor.install()
sentry_sdk.init(traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False, **{options!r})
def start(name):
    return traces.start_span(name, {{"sentry.op": "step"}}) if {stream} else sentry_sdk.start_span(op="step", name=name)
with truth_server() as server:
    client = openai.OpenAI(base_url=server.url, api_key="none")
    opened = monitor.open("run", "none")
    with start("outer"):
        with start("inner"): pass
        try:
            with start("failing"): raise ValueError("no")
        except ValueError: pass
        client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content="hi")])
    open_one = start("left open").__enter__()
    with start("below"): pass
    opened.end(None)
    run, [call] = opened.run, server.settled()
spans = run.spans
print(json.dumps({{
    "notes": run.notes, "faults": run.faults, "status": run.status, "shown": text.tree(run) if hasattr(text, "tree") else "",
    "spans": {{s.name: [spans[s.parent_id].name if s.parent_id in spans else s.parent_id, s.op, s.status, s.duration] for s in spans.values()}},
    "walked": [s.name for _, s in run.walk()],
    "totals": [run.totals.calls, run.totals.usage.input], "served": [1, call.input],
}}))
"""
CHANGES = {
    "an end has another name": f"rename(traces.{STREAMED_SPAN}, '_end'); traces.{STREAMED_SPAN}.end = lambda self, *a: self._end_new(*a); traces.{STREAMED_SPAN}.__exit__ = lambda self, *a: self._end_new()",
    "a class is gone": f"del traces.{NOOP_SPAN}",
    "a method has moved": "rename(scope.Scope, 'start_span'); sentry_sdk.start_span = lambda **k: sentry_sdk.get_current_scope().start_span_new(**k)",
    "attributes stand elsewhere": "from sentry_sdk import tracing; tracing.Span._data = property(lambda self: {}, lambda self, value: None)",
    "a start is elsewhere": f"rename(scope.Scope, {START_STREAMED!r}); traces.start_span = lambda name, a=None, *m: sentry_sdk.get_current_scope().{START_STREAMED}_new(name, a, m[0] if m else traces._DEFAULT_PARENT_SPAN, True)",
}
OF_SERIES_2 = ("a method has moved", "attributes stand elsewhere")
NONE = "pass"
pytestmark = pytest.mark.matrix


def run(change, lifecycle):
    options = {"trace_lifecycle": "stream"} if lifecycle == "stream" else {}
    code = CASE.format(change=change, options=options, stream=lifecycle == "stream")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    *said, last = done.stdout.splitlines()
    assert said == []
    return json.loads(last)


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
@pytest.mark.parametrize("change", [pytest.param(change, marks=sdk.transactions if change in OF_SERIES_2 else ()) for change in CHANGES])
def test_a_changed_sdk(change, lifecycle):
    """One line says what differs; spans have name, op, status and time; calls are counted as ever."""
    got = run(CHANGES[change], lifecycle)
    [note] = got["notes"]
    assert note.startswith(f"sentry-sdk {sentry_sdk.VERSION} ") and "is not as aimon_nb knows it (" in note
    assert got["faults"] == 0 and got["status"] == "ok", got
    assert got["totals"] == got["served"], got
    if change == "a class is gone" and lifecycle == "stream" and sdk.HAS_TRANSACTIONS:
        return  # the SDK itself cannot make spans then
    assert set(got["spans"]) >= {"run", "outer", "inner", "failing", "below"}, got
    assert set(got["walked"]) >= {"outer", "inner", "failing", "below"}, got
    parents = {name: told[0] for name, told in got["spans"].items()}
    assert parents["inner"] == parents["failing"] == "outer" and parents["outer"] == "run", parents
    assert got["spans"]["failing"][2] == "error"
    if change != "attributes stand elsewhere" or lifecycle == "static":
        assert got["spans"]["inner"][1] == "step"


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_the_sdk_as_it_is(lifecycle):
    """Nothing is said of the SDK that we know."""
    got = run(NONE, lifecycle)
    assert got["notes"] == [] and got["faults"] == 0
    assert got["spans"]["below"][0] == "left open" and got["spans"]["chat gpt-4o"][0] == "outer"
