"""What is where: each kind of content against each place it could get to, as docs/privacy.md says.

The table of that page is read, and every cell of it is tried: a run holds a word of its own
(a canary) for each kind, and each place is searched for them. A new kind of content is a row
and a canary, a new place a column and a way to read it.
"""

import json
import linecache
import re
from dataclasses import dataclass
from itertools import product

import pytest
import sentry_sdk

from aimon_nb import ai_track, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from aimon_nb.model import Run
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget import RunWidget
from aimon_nb.views.live.widget.run_publisher import RunPublisher
from aimon_nb.views.present import formatting
from aimon_nb.views.tables import frames
from aimon_nb.views.tables.export import export
from tests.parts import sdk
from tests.parts.places import ROOT

PAGE = ROOT / "docs" / "privacy.md"
HOST = "api.openai.com"
INPUT, OUTPUT = 1234567, 7654321

# By kind of content patterns, all of which are found where it is, and none where it is not;
# the numbers are known when the run is over.
CANARIES = {
    "prompts": ["canary prompt"],
    "answers": ["canary answer"],
    "tools' arguments, results": ["canary argument", "canary result"],
    "arguments, results of steps": ["canary given", "canary deep", "canary returned", "canary yielded", "canary step in", "canary step out"],
    "secrets in them": ["canary secret"],
    "content in attributes": ["canary output", "canary input"],
    "other attributes": ["canary fact"],
    "parameters of a request": ["canary-parameter"],
    "names of tools offered": ["canary-tool"],
    "names of runs, spans, pipelines": ["canary run", "canary step"],
    "name of a model": ["canary model"],
    "error message": ["canary error"],
    "function that asked": ["canary_asker"],
    "function of a frame": ["canary_function"],
    "file of a frame": ["canary_file.py"],
    "folder of a frame": ["canary_folder"],
    "line of source": ["canary source"],
    "local variables": ["canary local"],
    "headers, keys, cookies": ["canary-header", "canary-key", "canary-cookie", "canary-token"],
    "query and user of a URL": ["canary-query", "canary-user"],
    "host": [HOST],
    "token counts": [],
    "cost": [],
}

# Its file, its function and its lines are canaries, too.
SOURCE = '''
def canary_asker(client):
    client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {"role": "user", "content": "canary " + "prompt"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q": "canary ' + 'argument"}'}},
            ]},
            {"role": "tool", "tool_call_id": "c", "content": "canary " + "result"},
        ],
        reasoning_effort="canary-" + "parameter",
        tools=[{"type": "function", "function": {"name": "canary-" + "tool", "parameters": {}}}],
        extra_headers={"x-mine": "canary-" + "header", "cookie": "canary-" + "cookie"},
        extra_query={"key": "canary-" + "query"},
    )
#
#
#
#
#
#
def canary_function(span):
    mine = "canary " + "local"
    with span("canary " + "step") as step:
        for key, value in ATTRIBUTES.items():
            (getattr(step, "set_data", None) or step.set_attribute)(key, value)
    raise ValueError(MESSAGE)  # canary source
def given(what, options, password):
    return {"out": "canary " + "returned"}
def yielding():
    yield "canary " + "yielded"
def main(client, span):
    globals()["canary_" + "asker"](client)
    secret = "canary " + "secret"
    ai_track("given")(given)("canary " + "given", {"deep": ["canary " + "deep"], "more": {"api_key": secret}}, password=secret)
    list(ai_track("yielding")(yielding)())
    step = steps.start("gen_ai.execute_tool", "execute_tool t", origin="auto.t", step_input={"q": "canary " + "step in", "token": secret})
    steps.end(step, step_output="canary " + "step out")
    canary_function(span)
'''
ATTRIBUTES = {"gen_ai.tool.output": "canary output", "gen_ai.input.messages": "canary input", "my.fact": "canary fact"}
MESSAGE = "canary error: at https://canary-user:x@h.test/v1?k=canary-query, Bearer canary-token-0123456789, key sk-canary-key-0123456789"


@dataclass
class Tracked:
    """A run that holds every canary, and the patterns to look for, by kind."""

    run: Run
    patterns: dict[str, list[str]]


def answer(request):
    import httpx

    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q": "canary argument"}'}}
    message = {"role": "assistant", "content": "canary answer", "tool_calls": [call]}
    usage = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
    body = {"object": "chat.completion", "id": "c", "created": 1, "model": "gpt-4o canary model", "usage": usage}
    body["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
    return httpx.Response(200, json=body, headers={"x-theirs": "canary-header", "set-cookie": "canary-cookie"})


def tracked_run(folder, stream):
    """Run the code above in a tracked block, against a server that is none, and return what was recorded."""
    import httpx
    import openai

    file = folder / "canary_folder" / "canary_file.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(SOURCE, "utf-8")
    linecache.checkcache(str(file))
    space = {"ATTRIBUTES": ATTRIBUTES, "MESSAGE": MESSAGE, "ai_track": ai_track, "steps": instrumentation.steps}
    exec(compile(SOURCE, str(file), "exec"), space)
    client = openai.OpenAI(
        base_url=f"https://{HOST}/v1", api_key="sk-canary-key", http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )
    span = (lambda name: sentry_sdk.traces.start_span(name)) if stream else (lambda name: sdk.start_span("x", name))
    with pytest.raises(ValueError), track("canary run", view="none") as view:
        ai_track("canary step")(space["main"])(client, span)
    run = view._run
    forms = [run.totals.cost, float(run.totals.cost), formatting.money(run.totals.cost), formatting.exact(run.totals.cost)]
    numbers = {
        "token counts": [f"{count}|{count:,}" for count in (INPUT, OUTPUT)],
        "cost": ["|".join(re.escape(str(form)) for form in forms)],
    }
    return Tracked(run, {**CANARIES, **numbers})


class Page:
    """Stands in for the widget, and keeps what it is sent."""

    def __init__(self):
        self.sent = []

    def on_ask(self, hello, want):
        pass

    def send_rows(self, *sent, **more):
        self.sent += [sent, more]

    send_details = send_growth = send_rows


def live_view(run, folder):
    page = Page()
    RunPublisher(run, lambda *_: page).send_all()
    return [json.dumps(page.sent)]


def saved(run, folder):
    """What the output holds in the end; before that, and as a text, it holds no more."""
    first, last = mimebundle.redraw(run, "place"), mimebundle.final(run, "place")
    return [json.dumps([first, last]), json.dumps([first, {"text/plain": last["text/plain"]}])]


def saved_full(run, folder):
    run.options["save"] = "full"
    try:
        return [json.dumps(mimebundle.final(run, "place"))]
    finally:
        del run.options["save"]


def widget_state(run, folder):
    widget = RunWidget(run.run_id, RunPublisher(run, lambda *_: Page()).snapshot)
    try:
        return [json.dumps({key: value for key, value in widget.get_state().items() if not key.startswith("_")}, default=str)]
    finally:
        widget.close()


def dataframes(run, folder, content=False):
    return [frames.spans([run], content=content).to_csv() + frames.usage([run], ["model", "run", "pipeline"]).to_csv()]


def files(run, folder, *suffixes, content=False):
    return [read(export([run], folder / f"run.{suffix}", content=content, force=True)) for suffix in suffixes]


def read(path):
    if path.suffix == ".parquet":
        import pandas

        return pandas.read_parquet(path).to_csv()
    return path.read_text("utf-8")


# The columns of the table: what reads a place gives the texts in it, each as good as the
# others. The test itself reads the three that are no function of the run.
PLACES = {
    "live view": live_view,
    "saved notebook": saved,
    "saved with `--save full`": saved_full,
    "widget state": widget_state,
    "DataFrames": dataframes,
    "csv, parquet": lambda run, folder: files(run, folder, "csv", "parquet"),
    "json, jsonl": lambda run, folder: files(run, folder, "json", "jsonl"),
    "html": lambda run, folder: files(run, folder, "html"),
    "any of these with `content`": lambda run, folder: [
        *dataframes(run, folder, content=True), *files(run, folder, "csv", "parquet", "json", "jsonl", content=True),
    ],
    "spans at Sentry": None,
    "error event at Sentry": None,
    "stdout, stderr, log": None,
    "`to_dict()` (history)": lambda run, folder: [json.dumps(run.to_dict())],
    "`to_dict(content=True)`": lambda run, folder: [json.dumps(run.to_dict(content=True))],
}  # fmt: skip


def rows_of(page):
    """The table of the page: by kind and place whether it is there, `yes` or `no`."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0], place): cell.rstrip("¹²³⁴⁵⁶⁷⁸⁹").strip("*") for row in rows for place, cell in zip(head[1:], row[1:], strict=True)}


TABLE = rows_of(PAGE.read_text("utf-8"))


def test_each_kind_has_a_row_and_each_place_a_column():
    """The table has all kinds and all places, and says yes or no in each cell."""
    assert list(TABLE) == list(product(CANARIES, PLACES))
    assert {"yes", "no"} == {*TABLE.values()}


@pytest.mark.parametrize("lifecycle", sdk.LIFECYCLES)
def test_every_cell_of_the_table(lifecycle, receiver, tmp_path, capfd, caplog):
    """What the table says is there is there, and what it says is not is not."""
    caplog.set_level("DEBUG", "aimon_nb")
    receiver.init(**sdk.OPTIONS[lifecycle])
    try:
        tracked = tracked_run(tmp_path, lifecycle == "stream")
        texts = {place: read(tracked.run, tmp_path) for place, read in PLACES.items() if read is not None}
        events = receiver.of("event")
    finally:
        monitor.uninstall()
    assert tracked.run.status == "error" and len(events) == 1
    sent = [payload for kind, payload in receiver.got if kind != "event"]
    texts["spans at Sentry"], texts["error event at Sentry"] = [json.dumps(sent)], [json.dumps(events)]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("aimon_nb")]
    texts["stdout, stderr, log"] = ["".join(capfd.readouterr()) + "".join(ours)]
    wrong = []
    for (kind, place), cell in TABLE.items():
        hits = [bool(re.search(pattern, text)) for pattern in tracked.patterns[kind] for text in texts[place]]
        if (cell == "yes") != all(hits) or (cell == "no") == any(hits):
            wrong.append((kind, place, cell, hits))
    assert [] == wrong
