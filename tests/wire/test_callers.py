"""Who asked: real clients in a cell's code, and the functions of it that name the rows."""

import asyncio
import sys
import textwrap
import types

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import callers
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model import ModelCall
from aimon_nb.model.caller import Place
from aimon_nb.sentry.call_attributes import call_attributes
from aimon_nb.views.present import detail, rows
from aimon_nb.views.present.outline import build_outline
from aimon_nb.views.static import html, text
from aimon_nb.views.tables import frames
from tests.pricing.making import call, run_of, span, tokens
from tests.parts import sdk

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
        tracked, before = monitor.open("cell", "none"), internal_errors.count
        try:
            exec(compile(textwrap.dedent(source), file, "exec"), names | more)
        finally:
            tracked.end(None)
        assert internal_errors.count == before
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

    def test_a_worker_that_outlives_its_first_job(self, cell):
        """A library's worker thread that runs each job in its sender's context: who sent it stands there, not who came first."""
        library = types.ModuleType("library")
        work = "def work(jobs):\n  while (job := jobs.get()) is not None:\n    context, ask, loop, future = job\n    loop.call_soon_threadsafe(future.set_result, context.run(ask, 'a'))"
        exec(compile(work, "/x/site-packages/library.py", "exec"), library.__dict__)
        source = f"""import asyncio, contextvars, queue, threading{ASK}
jobs = queue.Queue()
async def send():
  loop = asyncio.get_running_loop(); future = loop.create_future()
  jobs.put((contextvars.copy_context(), ask, loop, future)); await future
def first():
  worker = threading.Thread(target=work, args=(jobs,)); worker.start(); return worker
async def second(): await asyncio.create_task(send())
worker = first()
asyncio.run(second())
jobs.put(None); worker.join()
"""
        assert callers_of(cell(source, work=library.work)) == ["second > ask"]

    def test_where_a_thread_was_begun_is_unknown(self, cell, monkeypatch):
        """A loop that is not ours to hook: the nearest function alone."""
        source = f"{ASYNC_ASK}def go():\n  loop = asyncio.new_event_loop()\n  loop.run_until_complete(asyncio.Task(ask('a'), loop=loop)); loop.close()\ngo()"
        assert callers_of(cell(source)) == ["ask"]

    def test_trio(self, cell):
        """A task of trio's is not of whoever runs the loop: the nearest function alone."""
        pytest.importorskip("trio")
        source = ASYNC_ASK.replace("asyncio", "trio") + "async def fan():\n  async with trio.open_nursery() as n: n.start_soon(ask, 'a')\ndef go(): trio.run(fan)\ngo()"
        assert callers_of(cell(source)) == ["ask"]

    def test_where_a_task_was_made(self, cell):
        """In a loop's debug mode a task says the user's line that made it, and no frame of ours."""
        made = []
        cell("import asyncio\nasync def go():\n  task = asyncio.create_task(asyncio.sleep(0))\n  made.extend(task._source_traceback); await task\nasyncio.run(go(), debug=True)", made=made)
        assert [frame.filename for frame in made if "aimon_nb/" in frame.filename] == []
        assert made[-1].name == "create_task" and made[-2].name == "go"

    def test_nothing_outside_of_runs(self, monkeypatch):
        """Without a run a submit looks for nobody."""
        monkeypatch.setattr("aimon_nb.capture.propagation.find_beginner", lambda: 1 / 0)
        monitor.install()
        try:
            assert asyncio.run(asyncio.wait_for(asyncio.to_thread(int), 60)) == 0
        finally:
            monitor.uninstall()


class TestWithoutRequest:
    """Calls that never cross HTTP: an integration of the SDK's over gRPC or a model in this process, usage recorded by hand."""

    SPAN = """
from tests.parts import sdk
def answer(p):
    with sdk.start_span(op="gen_ai.chat", name="chat m", origin=ORIGIN) as span:
        sdk.set_data(span, "gen_ai.request.model", "m")
def route(p):
    answer(p)
"""

    def test_a_call_of_an_integration(self, cell):
        """Its row is named by who asked, as that of a request is; an agent of it, which is no call, has no caller."""
        run = cell(self.SPAN + "route('a')\nwith sdk.start_span(op='gen_ai.invoke_agent', name='a', origin=ORIGIN): pass", ORIGIN="auto.ai.google_genai")
        assert asked(run) == [("route > answer", 4)]
        assert shown(run) == [("route › answer", "m")]
        assert [s.caller for s in run.spans.values() if not s.is_call] == [None, None]

    def test_one_that_also_crosses_the_wire(self, cell):
        """The place that the request came from stands, not the one where the span ended."""
        source = f"from tests.parts import sdk{ASK}\ndef go():\n  with sdk.start_span(op='gen_ai.chat', name='chat', origin='auto.ai.openai'):\n    ask('a')\n    1\ngo()"
        assert asked(cell(source)) == [("go > ask", 3)]

    def test_usage_recorded_by_hand(self, cell):
        """The function that recorded it stands in the columns; the name is the user's own."""
        source = """
            from tests.parts import sdk
            from aimon_nb import record_token_usage
            def ask(p):
                with sdk.start_span(op="ai.chat", name="mine") as span:
                    record_token_usage(span, 3, output_tokens=4)
            def route(): ask("a")
            route()
            with sdk.start_span(op="ai.chat", name="other"):
                record_token_usage(None, 1)
        """
        run = cell(source)
        told = {s.name: (s.caller, s.caller_line) for s in run.spans.values() if s.usage.known}
        assert told == {"mine": ("route > ask", 6), "other": (None, 10)}

    def test_outside_of_runs_nothing_is_looked_for(self, monkeypatch):
        """Usage may be recorded on a span that is in no run: nobody asks who did."""
        from aimon_nb import record_token_usage
        from aimon_nb.ai import usage

        monkeypatch.setattr(usage, "find_caller", lambda: 1 / 0)
        with sdk.start_span(op="ai.chat", name="mine") as span:
            record_token_usage(span, 3)


class TestRemembered:
    def test_the_same_place_asks_again(self, cell):
        """What was found the first time is checked each time: other lines, functions and depths are told apart."""
        source = f"{ASK}" + """
def one(): return ask("1")
def two(): return ask("2")
def deep(n): return deep(n - 1) if n else ask("3")
for _ in range(3):
    one(); two(); deep(2); deep(4)
    for go in (one, two): go()
ask("4")
client.chat.completions.create(model="m", messages=[])
"""
        assert callers_of(cell(source)) == ["one > ask", "two > ask", "deep > ask", "deep > ask", "one > ask", "two > ask"] * 3 + ["ask", None]

    def test_a_callback_between(self, cell):
        """A function that a library calls back is found, though the same line called the library before without it."""
        library = types.ModuleType("library")
        exec(compile("def invoke(f, g): return f() if f else g()", "/x/site-packages/library.py", "exec"), library.__dict__)
        source = f"{ASK}def node(): return ask('a')\ndef direct(): return ask('b')\ndef go(f): return invoke(f, direct)\nfor f in (None, node, None, node): go(f)"
        run = cell(source, invoke=library.invoke)
        assert callers_of(run) == ["direct > ask", "node > ask"] * 2

    @pytest.mark.parametrize("first", ["(lambda: ask('a'))()", "list(ask(p) for p in 'ab')"])
    def test_a_function_where_a_lambda_was(self, cell, first):
        """As deep and from the same line, but through another function of the user's: that is who asked."""
        source = f"{ASK}def helper(): return ask('c')\ndef route():\n    {first}\n    helper()\nroute()"
        assert callers_of(cell(source))[-2:] == ["route > ask", "helper > ask"]

    def test_files_and_places_are_bounded(self, monkeypatch):
        """A kernel that runs for weeks keeps no more than so many."""
        finder = callers.CallerFinder()
        for at in range(callers._MOST_FILES + 10):
            finder._kind(f"/tmp/cell{at}.py")
        assert len(finder._kinds) <= callers._MOST_FILES
        for _ in range(callers._MOST_PLACES + 10):
            space = {"find": finder.find}
            exec(compile("def f(): return find()\nf()", "<ipython-input-1>", "exec"), space)
        assert 0 < len(finder._known) <= callers._MOST_PLACES


class TestGuarded:
    def test_a_fault_is_counted_and_the_call_goes_on(self, cell, truth, monkeypatch):
        """Where our code fails, nobody is named, and the call is captured all the same."""
        monkeypatch.setattr(callers.CallerFinder, "_walk", lambda *_: 1 / 0)
        monkeypatch.setattr(callers.find_caller.__self__, "_path", None)
        tracked = monitor.open("cell", "none")
        before = internal_errors.count
        assert callers.find_caller() == ()
        assert internal_errors.count == before + 1
        tracked.end(None)
        internal_errors.count = before


class TestShown:
    def test_everywhere_in_the_same_words(self, cell):
        """Live row, saved HTML and text name a call by who asked; text in ASCII too."""
        run = cell(TICKETS)
        packed = [rows.encode_row(s, run) for s in calls(run)]
        assert {row[rows.FIELDS.index("name")] for row in packed} == {"route › ask"}
        saved, plain = html.static(run), text.tree(run)
        for line in (6, 7):
            assert saved.count(f"gpt-4o-mini · line {line}") == plain.count(f"route › ask  gpt-4o-mini · line {line}") == 2
        assert saved.count("route › ask") == 4
        assert "route > ask  gpt-4o-mini - line 6" in text.tree(run, ascii_only=True)
        assert "<ipython" not in saved + plain

    def test_tables(self, cell):
        """`caller` and `caller_line` are columns of the spans, and usage is summed by caller."""
        run = cell(f"{TICKETS}\nask('c')")
        spans = frames.spans([run])
        spans = spans[spans["op"] == "gen_ai.chat"]
        assert list(spans["caller"]) == ["route > ask"] * 4 + ["ask"]
        assert list(spans["caller_line"]) == [6, 7, 6, 7, 3]
        assert set(spans["name"]) == {"chat gpt-4o-mini"}
        usage = frames.usage([run], ["caller"])
        assert list(zip(usage["caller"], usage["calls"], strict=True)) == [("route > ask", 4), ("ask", 1)]

    def test_below_a_decorated_function(self, cell):
        """What the row above says already is not said again; the columns have it."""
        source = f"import aimon_nb{ASK}\ntracked = aimon_nb.ai_track('ask')(ask)\n@aimon_nb.ai_track('route')\ndef route(p): ask(p); tracked(p)\nroute('a')"
        run = cell(source)
        assert callers_of(run) == ["route > ask"] * 2
        assert [name for name, _ in shown(run)] == ["ask", "chat"]

    def test_a_name_of_the_users_stays(self, cell):
        """A call that the user's code named keeps its name."""
        source = f"from tests.parts import sdk{ASK}\ndef go():\n  with sdk.start_span(op='gen_ai.chat', name='my question'): ask('a')\ngo()"
        run = cell(source)
        assert callers_of(run) == ["go > ask"]
        assert [name for name, _ in shown(run)] == ["my question"]

    def test_a_hostile_name(self, cell):
        """A function's name is text like any other: hidden characters are spelled out."""
        source = f"{ASK}code = ask.__code__.replace(co_name='\u202eevil <b>\\n')\nimport types\ntypes.FunctionType(code, globals())('a')"
        run = cell(source)
        ((name, _),) = shown(run)
        assert name == "⟨U+202E⟩evil <b>"
        assert "<b>" not in html.static(run).partition("⟨U+202E⟩")[2].partition("gpt")[0]

    def test_a_name_that_is_no_text(self, cell, tmp_path):
        """Half a surrogate pair or a name without end, which only `replace` of code makes, does no harm."""
        source = f"{ASK}import types\nfor name in ('\\ud800x', 'y' * 9999): types.FunctionType(ask.__code__.replace(co_name=name), globals())('a')"
        run = cell(source)
        assert callers_of(run) == ["?x", "y" * 100]

    @pytest.mark.parametrize(("origin", "name"), [("auto.ai.langgraph", "chat"), ("auto.otel.autogen", "chat"), ("auto.frameworks.dspy", "chat"), ("manual", "route › ask")])
    def test_below_an_agent(self, origin, name):
        """A framework's agent asks by itself: its calls keep their name. One that the user's code made does not."""
        run = run_of(
            span("agent", op="gen_ai.invoke_agent", agent="tide", origin=origin),
            call("gpt-4o", tokens(1, 1), span_id="a", parent_id="agent", caller="route > ask", caller_lines="line 3"),
        )
        row = rows.row_dict(run.spans["a"], run)
        assert row["name"] == name
        assert ("line 3" in row["label"]) is (name != "chat")

    @pytest.mark.parametrize(
        ("origin", "op", "step", "name"),
        [
            ("auto.frameworks.haystack", "function", "writer", "chat"),
            ("auto.frameworks.crewai", "function", "route", "ask"),
            ("auto.frameworks.dspy", "gen_ai.execute_tool", "look", "route › ask"),
            ("auto.otel.mine", "function", "writer", "route › ask"),
        ],
    )  # fmt: skip
    def test_below_a_step_of_a_framework(self, origin, op, step, name):
        """A component of a framework asks by itself; in a step that is a function of the user's, or holds his code, that is named."""
        run = run_of(
            span("step", op=op, name=step, origin=origin),
            call("gpt-4o", tokens(1, 1), span_id="a", parent_id="step", caller="route > ask", caller_lines="line 3"),
        )
        row = rows.row_dict(run.spans["a"], run)
        assert row["name"] == name and ("line 3" in row["label"]) is (name != "chat")

    def test_a_group_is_named_by_its_caller(self):
        """Many equal calls of one function are one row of its name in a saved form."""
        run = run_of(*(call("gpt-4o", tokens(1, 1), span_id=f"s{n}", caller="label > ask") for n in range(600)))
        row = build_outline(run).top[0].row
        assert (row["name"], row["label"]) == ("label › ask", "gpt-4o × 600")

    def test_usage_by_agent_tool_and_status(self):
        """Calls are summed by the agent or tool they were made in, and by how they ended."""
        run = run_of(
            span("agent", op="gen_ai.invoke_agent", agent="tide"),
            span("tool", "agent", op="gen_ai.execute_tool", tool="look", agent="tide"),
            call("gpt-4o", tokens(1, 1), span_id="a", parent_id="agent"),
            call("gpt-4o", tokens(1, 1), span_id="b", parent_id="tool"),
            call("gpt-4o", tokens(1, 1), span_id="c", status="error"),
        )
        usage = frames.usage([run], ["agent", "tool", "status"])
        keys = usage[["agent", "tool", "status"]].astype(object).where(usage[["agent", "tool", "status"]].notna(), None)
        assert keys.values.tolist() == [["tide", None, "ok"], ["tide", "look", "ok"], [None, None, "error"]]
        assert list(usage["calls"]) == [1, 1, 1]

    def test_at_sentry(self):
        """The call's span names the nearest function and its line, and no file."""
        caller = (Place("ask", 3, "/home/me/n.py"), Place("route", 6, "/home/me/n.py"))
        told = call_attributes(ModelCall(), caller)
        assert (told["code.function.name"], told["code.line.number"]) == ("ask", 3)
        assert "/home" not in str(told)
        assert not any(key.startswith("code.") for key in call_attributes(ModelCall()))
