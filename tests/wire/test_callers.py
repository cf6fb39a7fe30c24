"""Who asked: real clients in a cell's code, and the functions of it that name the rows."""

import asyncio
import functools
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import callers
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.present import detail, rows
from aimon_nb.views.static import html, text
from aimon_nb.views.tables import frames

pytestmark = pytest.mark.xdist_group("clients")

# The example of the requirement: a function that asks, and one that has it ask twice.
TICKETS = """
def ask(p):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": p}])
def route(p):
    ask("which? " + p)
    return ask("answer " + p)
for t in ("a", "b"):
    route(t)
"""
ASK = TICKETS.partition("def route")[0]


@pytest.fixture
def cell(truth):
    """Run source as a cell's code in a tracked run; return the run."""
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{truth.root}/v1", api_key="k", max_retries=0)
    opened = []

    def cell(source, **names):
        tracked = monitor.open("cell", "none")
        opened.append(tracked)
        code = compile(textwrap.dedent(source), "<ipython-input-3-cell>", "exec")
        try:
            exec(code, {"client": client, "__name__": "__main__", **names})
        finally:
            tracked.end(None)
        return tracked.run

    return cell


def calls(run):
    return [s for s in run.spans.values() if s.is_call and not s.is_duplicate]


def asked(run):
    return [(s.caller, s.caller_line) for s in calls(run)]


def shown(run):
    """Name and label of each row."""
    return [(row["name"], row["label"]) for s in calls(run) for row in [rows.row_dict(s, run)]]


class TestPlainCode:
    def test_the_two_nearest_functions_and_the_line_that_differs(self, cell):
        """A helper that two lines of one function call: its rows differ by that line."""
        run = cell(TICKETS)
        assert asked(run) == [("route > ask", 5), ("route > ask", 6)] * 2
        assert shown(run) == [("route › ask", "gpt-4o-mini · line 5"), ("route › ask", "gpt-4o-mini · line 6")] * 2
        assert {s.name for s in calls(run)} == {"chat gpt-4o-mini"}
        assert calls(run)[0].caller_lines == "line 5"
        assert dict(detail.detail(calls(run)[0])["facts"])["called from"] == "ask(), line 3, called by route(), line 5"

    def test_a_function_that_asks_at_two_lines(self, cell):
        """Where the nearest function asks at several lines, these tell the rows apart."""
        run = cell(
            """
            def draft(p):
                client.chat.completions.create(model="gpt-4o", messages=[])
                client.chat.completions.create(model="gpt-4o", messages=[])
            draft("a")
            """
        )
        assert asked(run) == [("draft", 3), ("draft", 4)]
        assert [label for _, label in shown(run)] == ["gpt-4o · line 3", "gpt-4o · line 4"]
