"""Who asked: real clients in a cell's code, and the functions of it that name the rows."""

import asyncio
import sys
import textwrap
import types

import pytest
import sentry_sdk

from aimon_nb.app import monitor
from aimon_nb.capture import callers
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.views.present import detail, rows
from aimon_nb.views.static import html, text
from aimon_nb.views.tables import frames

pytestmark = pytest.mark.xdist_group("clients")

# The example of the requirement: a helper that asks, and a function that has it ask twice.
ASK = """
def ask(p):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": p}])
"""
TICKETS = f"""{ASK}
def route(p):
    ask("which? " + p)
    return ask("answer " + p)
for t in ("a", "b"):
    route(t)
"""
ASYNC_ASK = """
import asyncio
async def ask(p):
    return await aclient.chat.completions.create(model="gpt-4o-mini", messages=[])
"""


@pytest.fixture
def cell(truth):
    """Run source as a cell's code in a tracked run; return the run."""
    openai = pytest.importorskip("openai")
    kwargs = {"base_url": f"{truth.root}/v1", "api_key": "k", "max_retries": 0}
    names = {"client": openai.OpenAI(**kwargs), "aclient": openai.AsyncOpenAI(**kwargs), "__name__": "__main__"}

    def cell(source, file="<ipython-input-3-cell>", **more):
        tracked = monitor.open("cell", "none")
        try:
            exec(compile(textwrap.dedent(source), file, "exec"), names | more)
        finally:
            tracked.end(None)
        assert internal_errors.count == 0
        return tracked.run

    return cell


def calls(run):
    return [s for s in run.spans.values() if s.is_call and not s.is_duplicate]


def asked(run):
    return [(s.caller, s.caller_line) for s in calls(run)]


def callers_of(run):
    return [s.caller for s in calls(run)]


def shown(run):
    """Name and label of each call's row."""
    return [(row["name"], row["label"]) for s in calls(run) for row in [rows.row_dict(s, run)]]


class TestPlainCode:
    def test_the_two_nearest_functions_and_the_line_that_differs(self, cell):
        """A helper that two lines of one function call: its rows differ by that line; `name` stays the call's."""
        run = cell(TICKETS)
        assert asked(run) == [("route > ask", 6), ("route > ask", 7)] * 2
        assert shown(run) == [("route › ask", "gpt-4o-mini · line 6"), ("route › ask", "gpt-4o-mini · line 7")] * 2
        assert {s.name for s in calls(run)} == {"chat gpt-4o-mini"}
        assert dict(detail.detail(calls(run)[0])["facts"])["called from"] == "ask(), line 3, called by route(), line 6"

    def test_a_function_that_asks_at_two_lines(self, cell):
        """Where the nearest function asks at several lines, these tell its rows apart."""
        run = cell(f"{ASK}    # the end\ndef draft():\n    c = client.chat.completions\n    c.create(model='m', messages=[])\n    c.create(model='m', messages=[])\ndraft()")
        assert asked(run) == [("draft", 7), ("draft", 8)]
        assert [label for _, label in shown(run)] == ["m · line 7", "m · line 8"]

    def test_both_lines_where_both_differ(self, cell):
        """A function that asks at two lines, called at two lines: the row says both, as the names stand."""
        run = cell("def two():\n c = client.chat.completions\n c.create(model='m', messages=[])\n c.create(model='m', messages=[])\ntwo()\ntwo()")
        assert [label for _, label in shown(run)] == [f"m · line {outer} › {inner}" for outer in (5, 6) for inner in (3, 4)]
        assert asked(run) == [("two", 3), ("two", 4)] * 2

    def test_one_line_is_not_said(self, cell):
        """A function that always asks at one line, called at one: its name is enough."""
        assert shown(cell(f"{ASK}\nfor p in 'abc': ask(p)")) == [("ask", "gpt-4o-mini")] * 3

    def test_the_top_of_a_cell_has_no_name(self, cell):
        """A call outside of functions keeps its own name; its line is said where lines differ."""
        line = "client.chat.completions.create(model='m', messages=[])\n"
        one, two = cell(line), cell(line * 2)
        assert (asked(one), shown(one)) == ([(None, 1)], [("chat", "m")])
        assert shown(two) == [("chat", "m · line 1"), ("chat", "m · line 2")]
        assert dict(detail.detail(calls(one)[0])["facts"])["called from"] == "line 1"

    @pytest.mark.parametrize(
        "use",
        [
            "def go(): return [ask(p) for p in 'a']",
            "def go(): return list(ask(p) for p in 'a')",
            "def go(): return {p: ask(p) for p in 'a'}",
            "def go(): return (lambda p: ask(p))('a')",
            "def go(): return list(map(lambda p: ask(p), 'a'))",
            "import functools\ndef go(): return functools.partial(ask, 'a')()",
            "import functools\ndef go(): return functools.reduce(lambda _, p: ask(p), 'a', None)",
            "def go(): return sorted('a', key=ask)",
        ],
    )
    def test_comprehensions_lambdas_and_the_standard_library_are_passed_over(self, cell, use):
        """Code without a name of its own, and Python's, stand between two functions unseen."""
        assert callers_of(cell(f"{ASK}{use}\ngo()")) == ["go > ask"]

    @pytest.mark.parametrize("head", ["@functools.wraps(f)\n  def wrapper(*args, **kwargs)", "def timed(*args)", "def inner(p)"])
    def test_the_wrapper_of_a_decorator_is_passed_over(self, cell, head):
        """A decorator of the user's stands in no caller."""
        call = "f(p)" if "(p)" in head else "f(*args)"
        made = head.rpartition("def ")[2].partition("(")[0]
        source = f"import functools\ndef deco(f):\n  {head}: return {call}\n  return {made}\n@deco{ASK}\n@deco\ndef go(p): return ask(p)\ngo('a')"
        assert callers_of(cell(source)) == ["go > ask"]

    def test_a_closure_that_asks_by_itself(self, cell):
        """The nearest function is the one that asks, whatever it looks like."""
        source = "def make(c):\n  def ask(*args):\n    return c.chat.completions.create(model='m', messages=[])\n  return ask\nmake(client)()"
        assert callers_of(cell(source)) == ["ask"]

    def test_methods_and_recursion(self, cell):
        """A method has its name; one that Python calls has its class's, where Python knows it."""
        run = cell(f"{ASK}\nclass Bot:\n  def __call__(self): return ask('a')\n  def run(self): return ask('b')\nBot()(); Bot().run()")
        named = "Bot.__call__" if sys.version_info >= (3, 11) else "__call__"
        assert callers_of(run) == [f"{named} > ask", "run > ask"]
        assert callers_of(cell(f"{ASK}\ndef deep(n): return deep(n - 1) if n else ask('a')\ndeep(300)")) == ["deep > ask"]

    def test_a_users_file_is_as_a_cell_is(self, cell, tmp_path, monkeypatch):
        """Functions of a file beside the notebook are the user's; its folder is said nowhere."""
        file = tmp_path / "helpers_of_mine.py"
        file.write_text("def helper(ask):\n    return ask('a')\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        run = cell(f"{ASK}\nimport helpers_of_mine\nhelpers_of_mine.helper(ask)")
        assert callers_of(run) == ["helper > ask"]
        facts = dict(detail.detail(calls(run)[0])["facts"])
        assert facts["called from"] == "ask(), line 3, called by helper(), helpers_of_mine.py line 2"
        assert str(tmp_path) not in str(run.to_dict())

    def test_a_library_is_passed_over(self, cell):
        """A function of an installed package is none of the user's."""
        library = types.ModuleType("library")
        exec(compile("def helper(ask): return ask('a')", "/x/lib/python3/site-packages/library.py", "exec"), library.__dict__)
        assert callers_of(cell(f"{ASK}\ndef mine(): return helper(ask)\nmine()", helper=library.helper)) == ["mine > ask"]

    def test_a_call_left_alone_by_frameworks(self, cell):
        """A framework's frames between a function and its request are passed over."""
        langchain = pytest.importorskip("langchain_openai")
        run = cell("def mine(): return chat.invoke('x')\nmine()", chat=langchain)
        assert callers_of(run) == ["mine"]


class TestThreadsAndTasks:
    @pytest.mark.parametrize(
        "fan",
        [
            "import concurrent.futures as f\n  with f.ThreadPoolExecutor(2) as pool: list(pool.map(ask, 'ab'))",
            "import concurrent.futures as f\n  with f.ThreadPoolExecutor(2) as pool: [pool.submit(ask, p) for p in 'ab']",
            "import concurrent.futures as f\n  with f.ThreadPoolExecutor(2) as pool: [pool.submit(lambda: ask(p)) for p in 'ab']",
            "import threading\n  t = [threading.Thread(target=ask, args=(p,)) for p in 'ab']\n  [x.start() for x in t]; [x.join() for x in t]",
            "import multiprocessing.pool as m\n  with m.ThreadPool(2) as pool: pool.map(ask, 'ab')",
            "import asyncio\n  async def both(): await asyncio.gather(*(asyncio.to_thread(ask, p) for p in 'ab'))\n  return asyncio.run(both())",
        ],
    )
    def test_threads(self, cell, fan):
        """In a thread or a pool's job the function that began it stands over the one that asks."""
        above = "both" if "both" in fan else "fan"
        assert callers_of(cell(f"{ASK}def fan():\n  {fan}\nfan()")) == [f"{above} > ask"] * 2

    @pytest.mark.parametrize(
        "fan",
        [
            "await asyncio.gather(ask('a'), ask('b'))",
            "tasks = [asyncio.create_task(ask(p)) for p in 'ab']\n  [await t for t in tasks]",
            "await asyncio.wait_for(ask('a'), 60); await ask('b')",
        ],
    )
    def test_tasks(self, cell, fan):
        """In a task the function that made it stands over the one that asks, as where it is awaited."""
        assert callers_of(cell(f"{ASYNC_ASK}async def fan():\n  {fan}\nasyncio.run(fan())")) == ["fan > ask"] * 2

    def test_a_job_without_a_name(self, cell):
        """A lambda that asks in a pool is of the functions that sent it there."""
        source = "import concurrent.futures as f\ndef fan():\n  with f.ThreadPoolExecutor() as pool: pool.submit(lambda: client.chat.completions.create(model='m', messages=[]))\ndef go(): fan()\ngo()"
        assert callers_of(cell(source)) == ["go > fan"]

    def test_where_a_thread_was_begun_is_unknown(self, cell, monkeypatch):
        """A loop that is not ours to hook: the nearest function alone."""
        source = f"{ASYNC_ASK}def go():\n  loop = asyncio.new_event_loop()\n  loop.run_until_complete(asyncio.Task(ask('a'), loop=loop)); loop.close()\ngo()"
        assert callers_of(cell(source)) == ["ask"]

    def test_nothing_outside_of_runs(self, monkeypatch):
        """Without a run a submit looks for nobody."""
        monkeypatch.setattr("aimon_nb.capture.propagation.find_caller", lambda: 1 / 0)
        monitor.install()
        try:
            assert asyncio.run(asyncio.wait_for(asyncio.to_thread(int), 60)) == 0
        finally:
            monitor.uninstall()
