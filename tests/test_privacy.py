"""What is where: each kind of content against each place it could get to, as docs/privacy.md says.

Every cell of `tests/privacy_table.py` is tried: a run holds a word of its own (a canary) for each
kind, and each place is searched for them. A new kind of content is a row and a canary, a new
place a column and a way to read it.
"""

import base64
import contextlib
import io
import json
import linecache
import logging
import re
from dataclasses import dataclass
from itertools import product

import pytest
import sentry_sdk

from aimon_nb import ai_track, item, pricing, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import RunView, monitor
from aimon_nb.model import Run
from aimon_nb.views.live import mimebundle
from aimon_nb.views.live.widget import WholeRunWidget
from aimon_nb.views.live.widget.run_publisher import RunPublisher
from aimon_nb.views.present import formatting
from aimon_nb.views.tables import frames
from aimon_nb.views.tables.export import export
from tests import privacy_table
from tests.parts import sdk
from tests.parts.receiver import receiving

KEY = "sk-canary-named-0123456789"
TOLD = {"sentry_tags": {"t": f"canary tag {KEY}"}, "sentry_data": {"d": f"canary datum {KEY}"}}
QUOTED = "canary quotation of a prompt"  # twenty characters and more
HOST = "api.openai.com"
INPUT, OUTPUT = 1234567, 7654321

# By kind of content patterns, all of which are found where it is, and none where it is not;
# the numbers are known when the run is over.
CANARIES = {
    "prompts": ["canary prompt", QUOTED],
    "answers": ["canary answer"],
    "tools' arguments, results": ["canary argument", "canary result"],
    "arguments, results of steps": ["canary given", "canary deep", "canary returned", "canary yielded", "canary step in", "canary step out"],
    "secrets in them": ["canary secret"],
    "content in attributes": ["canary output", "canary input"],
    "other attributes": ["canary fact"],
    "tags": ["canary tag"],
    "data": ["canary datum"],
    "parameters of a request": ["canary-parameter"],
    "names of tools offered": ["canary-tool"],
    "descriptions, schemas of tools and answers": ["canary description", "canary schema", "canary format"],
    "images, sound, files": [f"canary image|{base64.b64encode(b'canary image').decode()}"],
    "what crossed the wire": ["canary raw"],
    "id of a request": ["canary-request"],
    "names of runs, spans, pipelines": ["canary run", "canary step"],
    "name of a model": ["canary model"],
    "error message": ["canary error"],
    "prompt that an error quotes": [f"canary error: at [^\"]*{QUOTED}"],
    "text keys of items": ["canary row"],
    "function that asked": ["canary_asker"],
    "function of a frame": ["canary_function"],
    "file of a frame": ["canary_file.py"],
    "folder of a frame": ["canary_folder"],
    "line of source": ["canary source"],
    "local variables": ["canary local"],
    "texts of breadcrumbs": ["canary crumb"],
    "headers, keys, cookies": ["canary-header", "canary-key", "canary-cookie", "canary-token", "canary-named", "canary-quoted"],
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
            {"role": "user", "content": [
                {"type": "text", "text": "canary " + "prompt" + " and " + QUOTED},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64," + b64encode(b"canary " + b"image").decode()}},
            ]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q": "canary ' + 'argument"}'}},
            ]},
            {"role": "tool", "tool_call_id": "c", "content": "canary " + "result"},
        ],
        reasoning_effort="canary-" + "parameter",
        tools=[{"type": "function", "function": {"name": "canary-" + "tool", "description": "canary " + "description", "parameters": {"x": "canary " + "schema"}}}],
        response_format={"type": "json_schema", "json_schema": {"name": "canary " + "format", "schema": {}}},
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
    with item("canary " + "row"):
        globals()["canary_" + "asker"](client)
    secret = "canary " + "secret"
    ai_track("given")(given)("canary " + "given", {"deep": ["canary " + "deep"], "more": {"api_key": secret}}, password=secret)
    list(ai_track("yielding")(yielding)())
    step = steps.start("gen_ai.execute_tool", "execute_tool t", origin="auto.t", step_input={"q": "canary " + "step in", "token": secret})
    steps.end(step, step_output="canary " + "step out")
    with asking("GET") as asked:
        (getattr(asked, "set_data", None) or asked.set_attribute)("http.query", "key=canary-" + "query")
    sentry_sdk.add_breadcrumb(message="canary " + "crumb", data={"x": "canary " + "crumb"})
    try:
        client.chat.completions.create(model="refused", messages=[], extra_headers={"x-key": "canary-" + "quoted"})
    except Exception:
        pass
    canary_function(span)
'''
ATTRIBUTES = {"gen_ai.tool.output": "canary output", "gen_ai.input.messages": "canary input", "my.fact": "canary fact"}
MESSAGE = f"canary error: at {QUOTED}, https://canary-user:x@h.test/v1?k=canary-query, Bearer canary-token-0123456789, key sk-canary-key-0123456789"


@dataclass
class Tracked:
    """A run that holds every canary, and the patterns to look for, by kind."""

    run: Run
    patterns: dict[str, list[str]]


def answer(request):
    import httpx

    if b'"refused"' in request.content:
        return httpx.Response(401, json={"error": {"message": f"no such key: {request.headers['x-key']}"}})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"q": "canary argument"}'}}
    message = {"role": "assistant", "content": "canary answer", "tool_calls": [call]}
    usage = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
    body = {"object": "chat.completion", "id": "c", "created": 1, "model": "gpt-4o canary model", "usage": usage, "more": "canary raw"}
    body["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
    return httpx.Response(200, json=body, headers={"x-request-id": "canary-request", "x-theirs": "canary-header", "set-cookie": "canary-cookie"})


def asking_stream(name):
    """A span as an integration of the user's makes it of a request."""
    return sentry_sdk.traces.start_span(name, {"sentry.op": "http.client", "sentry.origin": "auto.http.his"})


def asking_static(name):
    return sentry_sdk.start_span(op="http.client", name=name, origin="auto.http.his")


def tracked_run(folder, stream):
    """Run the code above in a tracked block, against a server that is none, and return what was recorded."""
    import httpx
    import openai

    file = folder / "canary_folder" / "canary_file.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(SOURCE, "utf-8")
    linecache.checkcache(str(file))
    space = {"ATTRIBUTES": ATTRIBUTES, "MESSAGE": MESSAGE, "ai_track": ai_track, "steps": instrumentation.steps, "item": item}
    space |= {"b64encode": base64.b64encode, "QUOTED": QUOTED, "sentry_sdk": sentry_sdk, "asking": asking_stream if stream else asking_static}
    exec(compile(SOURCE, str(file), "exec"), space)
    client = openai.OpenAI(
        base_url=f"https://{HOST}/v1", api_key="sk-canary-key", http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )
    span = (lambda name: sentry_sdk.traces.start_span(name)) if stream else (lambda name: sdk.start_span("x", name))
    with pytest.raises(ValueError), track(f"canary run {KEY}", view="none", **TOLD) as view:
        ai_track("canary step", **TOLD)(space["main"])(client, span)
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

    def on_ask(self, hello, want, answer):
        self.answer = answer

    def send_rows(self, *sent, **more):
        self.sent += [sent, more]

    send_details = send_growth = send_rows


def live_view(run, folder):
    page = Page()
    RunPublisher(run, lambda *_: page).send_all()
    questions = [{"k": "raw"}, {"k": "media", "media": "0.0"}, {"k": "code", "form": "python"}, {"k": "code", "form": "messages"}, {"k": "diff"}]
    asked = [page.answer({"id": span_id, "other": None, **question}) for span_id in run.spans for question in questions]
    return [json.dumps([page.sent, asked], default=bytes.decode)]


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
    widget = WholeRunWidget(run.run_id, RunPublisher(run, lambda *_: Page()).snapshot)
    try:
        return [json.dumps({key: value for key, value in widget.get_state().items() if not key.startswith("_")}, default=str)]
    finally:
        widget.close()


def dataframes(run, folder, content=False):
    return [frames.spans([run], content=content).to_csv() + frames.usage([run], ["model", "run", "pipeline"]).to_csv()]


def files(run, folder, *suffixes, content=False):
    return [read(export([run], folder / f"run.{suffix}", content=content, force=True)) for suffix in suffixes]


def code_and_diff(run, folder):
    """What `run.code()` and `run.diff()` return of the call that was answered, against the one that was refused."""
    view = RunView(run)
    answered, refused = (span.span_id for span in run.spans.values() if span.is_call)
    return [view.code(answered) + view.diff(answered, refused)]


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
    "`code()`, `diff()`": code_and_diff,
    "spans at Sentry": None,
    "error event at Sentry": None,
    "stdout, stderr, log": None,
    "`to_dict()` (history)": lambda run, folder: [json.dumps(run.to_dict())],
    "`to_dict(content=True)`": lambda run, folder: [json.dumps(run.to_dict(content=True))],
}  # fmt: skip


TABLE = privacy_table.cells()


def test_each_kind_has_a_row_and_each_place_a_column():
    """The table has all kinds and all places."""
    assert list(TABLE) == list(product(CANARIES, PLACES))


def test_the_page_shows_the_table():
    """`docs/privacy.md` is as `python -m tests.privacy_table` writes it."""
    page = privacy_table.PAGE.read_text("utf-8")
    assert page == privacy_table.written(page)


AT_SENTRY = ("spans at Sentry", "error event at Sentry")
WORLDS = ["no DSN", "SENTRY_DSN", *sdk.LIFECYCLES]  # the last are those of a client of the user's


@pytest.fixture(scope="module", params=WORLDS)
def found(request, tmp_path_factory):
    """By (kind, place), for each text of that place, whether each canary is in it; in one world."""
    with receiving() as receiver, pytest.MonkeyPatch.context() as patch, _printed() as printed:
        world = request.param
        if world == "SENTRY_DSN":
            patch.setenv("SENTRY_DSN", receiver.dsn)
            monitor.install()
        elif world != "no DSN":
            receiver.init(**sdk.OPTIONS[world])
        folder = tmp_path_factory.mktemp("privacy")
        pricing.set("gpt-4o canary model", input_mtok=2, output_mtok=8)  # without a condition: such a cost is sent
        try:
            tracked = tracked_run(folder, world == "stream" or not sdk.HAS_TRANSACTIONS)
            texts = {place: read(tracked.run, folder) for place, read in PLACES.items() if read is not None}
            events = receiver.of("event")
        finally:
            pricing.unset("gpt-4o canary model")
            monitor.uninstall()
            sentry_sdk.get_isolation_scope().clear_breadcrumbs()
        sent = [payload for kind, payload in receiver.got if kind != "event"]
    assert (len(events), bool(sent)) == ((0, False) if world == "no DSN" else (1, True))
    texts["spans at Sentry"], texts["error event at Sentry"] = [json.dumps(sent)], [json.dumps(events)]
    texts["stdout, stderr, log"] = [printed.getvalue()]
    hits = {(kind, place): [bool(re.search(one, text)) for one in tracked.patterns[kind] for text in texts[place]] for kind, place in TABLE}
    return world, hits


@contextlib.contextmanager
def _printed():
    """What is printed, and what our log is told, meanwhile."""
    printed = io.StringIO()
    handler, logger = logging.StreamHandler(printed), logging.getLogger("aimon_nb")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield printed
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", CANARIES)
def test_a_cell_of_the_table(found, kind, place):
    """What the table says is there is there, and what it says is not is not; without a DSN nothing is at Sentry."""
    world, hits = found
    is_there = TABLE[kind, place] == "yes" and not (world == "no DSN" and place in AT_SENTRY)
    assert all(hits[kind, place]) if is_there else not any(hits[kind, place])
