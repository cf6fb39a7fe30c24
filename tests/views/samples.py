"""Runs made by hand, in every state a view must show."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial

from aimon_nb.model.call import Media, ToolDefinition
from aimon_nb.model.forecast import Forecast
from aimon_nb.model.item import Batch, Item
from aimon_nb.model.span import StepContent
from aimon_nb.model import ModelCall, Cost, Message, Run, Span, Totals, Usage

START = datetime(2026, 3, 4, 10, 20, 30, tzinfo=timezone.utc)
SECRET = "the secret prompt 4711"
HOSTILE = "</script><img src=x onerror=alert(1)>\u202e\x07\x1b[31m\ud800&amp;\"'"


def priced(total, *parts, source="genai-prices 0.2.3"):
    return Cost("priced", Decimal(total), parts, source, caveats=("standard tier",))


def make_run(name="summarise", **more):
    return Run(run_id="01JRUN", name=name, started=START, root_id="root", trace_id="3f2a91c4" * 4, **more)


def add(run, span_id, parent="root", offset=0.0, duration=0.1, status="ok", **more):
    if duration is None:
        status = "running" if status == "ok" else status
    span = Span(
        span_id, parent, run.run_id, run.started, offset,
        duration=duration, status=status, **more,
    )
    run.spans[span_id] = span
    return span


def chat(run, span_id, parent="root", model="gpt-4o", usage=None, cost=None, prompt=SECRET, answer=SECRET, **more):
    usage = usage or Usage()
    call = ModelCall(
        provider="openai", host="api.openai.com", request_model=model, usage=usage,
        input=[Message("system", "You are brief. " + prompt), Message("user", prompt)],
        output=[Message("assistant", answer, [("search_docs", '{"q": "' + SECRET + '"}')])] if answer else [],
        parameters={"temperature": 0.2, "max_tokens": 800},
        tools=["search_docs"],
        settings={"temperature": 0.2, "max_tokens": 800, "response_format": '{"type": "json_object", "x": "' + SECRET + '"}'},
        definitions=[ToolDefinition("search_docs", "Searches: " + SECRET, '{"type": "object", "properties": {"q": {"type": "string"}}}')],
        request_id="req_4711",
        streaming=bool(more.get("streaming")),
    )
    return add(
        run, span_id, parent, op="gen_ai.chat", name=f"chat {model}", model=model, request_model=model,
        provider="openai", operation="chat", usage=usage, cost=cost, call=call, thread="MainThread",
        attributes={
            "gen_ai.request.messages": SECRET, "gen_ai.response.text": SECRET, "gen_ai.tool.input": SECRET,
            "gen_ai.input.messages": SECRET, "gen_ai.output.messages": SECRET, "gen_ai.system": "openai",
            "gen_ai.system_instructions": SECRET, "gen_ai.tool.call.arguments": SECRET,
        },
        **more,
    )  # fmt: skip


def agentic(running=False):
    """The run of the drawing: retrieval, an agent, a tool, a retry, an unpriced model."""
    run = make_run()
    add(run, "root", None, 0, None if running else 5.3, op="ai.pipeline", name="summarise")
    add(run, "r", offset=0.0, duration=0.41, name="retrieve", op="ai.run")
    add(run, "e", "r", 0.05, 0.24, op="gen_ai.embeddings", name="embed text-embedding-3-small",
        model="text-embedding-3-small", usage=Usage(input=310), cost=priced("0.0000062"))
    add(run, "a", offset=0.41, duration=None if running else 4.6, name="invoke_agent answer", agent="answer",
        op="gen_ai.invoke_agent")
    chat(run, "c1", "a", usage=Usage(11020, 9144, None, 804, 0, 11824), offset=0.46, duration=1.62, ttft=0.31,
         finish_reason="stop", prompt="Summarise the three reports below for a board member. Name every number you use.",
         answer="Revenue rose 12 % to 4.1 M; churn fell from 3.2 % to 2.7 %. The one open risk is the renewal in May.",
         cost=priced("0.02416", ("input", 1876, Decimal("2.5"), Decimal("0.00469")),
                     ("cached input", 9144, Decimal("1.25"), Decimal("0.01143")),
                     ("output", 804, Decimal(10), Decimal("0.00804"))))
    run.spans["c1"].call.input[1].media = [Media("image", "image/png", 34_120, "chart.png", "low")]
    add(run, "x", "c1", 0.47, 1.6, op="http.client", name="POST https://api.openai.com")
    add(run, "t", "a", 2.1, 0.15, op="gen_ai.execute_tool", name="execute_tool search_docs", tool="search_docs",
        attributes={"gen_ai.tool.input": '{"q":"' + SECRET + '"}', "gen_ai.tool.output": SECRET})
    chat(run, "c2", "a", offset=2.28, duration=0.12, status="error", error_type="RateLimitError",
         error="Error code: 429 - slow down", answer="", cost=Cost("no_usage"), prompt="again", retried="repaired", retry_group=1, attempt=1)
    chat(run, "c3", "a", offset=2.45, duration=0.77, cost=Cost("unpriced", reason="no price for my-local-model"),
         usage=Usage(1015, None, None, 400, None, 1415), model="my-local-model")
    chat(run, "c4", "a", offset=3.25, duration=1.3, model="gpt-4o", usage=Usage(310, 0, None, 310, None, 620),
         cost=priced("0.0002"), prompt="again", retry_group=1, attempt=2)
    chat(run, "c5", "a", offset=3.9, duration=None if running else 1.02, model="gpt-4o-mini", streaming=True)
    run.totals = Totals(6, 0, 0, 1, 0, Usage(12655, 9144, None, 1514), Decimal("0.02436"), True, retries=1)
    if not running:
        end(run, "ok", 5.3)
    return run


def told():
    """Steps of which is known what went in and came out."""
    run = make_run("trip planner")
    add(run, "root", None, 0, 2.4, op="ai.pipeline", name="trip planner")
    add(run, "plan", offset=0.0, duration=2.1, name="plan_trip", op="ai.run", step=StepContent(
        True, {"city": "Paris", "days": 3, "budget": 1250.5, "notes": "Prefers trains.\nNo museums on Monday.", "api_key": "[filtered]",
               "options": {"hotel": {"stars": 3, "near": ["Louvre", "Gare du Nord"]}, "with_children": False}},
        True, {"plan": ["Louvre", "Seine", "Montmartre", "… 4 more"], "cost": None}))
    add(run, "agent", "plan", 0.1, 1.5, op="gen_ai.invoke_agent", name="invoke_agent Guide", agent="Guide", step=StepContent(
        True, "Plan three days in Paris for a family of four. " * 60, True, "Day 1: the Louvre, early, then the Tuileries."))
    add(run, "tool", "agent", 0.2, 0.4, op="gen_ai.execute_tool", name="execute_tool weather", tool="weather", step=StepContent(
        True, {"city": "Paris", "day": "2026-03-05"}, True, [{"hour": n, "rain": n / 24, "text": "light rain"} for n in range(24)]))
    add(run, "bad", "agent", 0.7, 0.2, op="gen_ai.execute_tool", name="execute_tool book", tool="book", status="error",
        error_type="ValueError", error="no room left", step=StepContent(True, {"hotel": "Ritz", "nights": 3}))
    add(run, "frame", "plan", 1.7, 0.2, name="score", op="ai.run", step=StepContent(
        True, {"table": "<DataFrame 1,000 × 4: city, date, price, rating>", "weights": "<ndarray 4 float64>", "rows": "<generator read_rows>"},
        True, None))
    add(run, "gone", "plan", 1.95, 0.1, name="big", op="ai.run", content_gone="no longer kept: over the budget of 256 MB")
    return end(run, "ok", 2.4)


def end(run, status, duration, **more):
    run.status, run.duration = status, duration
    run.ended = run.started + timedelta(seconds=duration)
    for key, value in more.items():
        setattr(run, key, value)
    return run


def failed():
    run = make_run("model-inference", destination="Sentry")
    add(run, "p", offset=0, duration=0.9, name="predict", op="ai.run", status="error",
        error_type="ModelTimeoutError", error="no answer in 0.6 s")
    chat(run, "c0", "p", offset=0.0, duration=0.25, usage=Usage(840, None, None, 0), cost=priced("0.0004"))
    chat(run, "c", "p", offset=0.28, duration=0.61, status="error", model="claude-sonnet-4-5", answer="",
         error_type="ModelTimeoutError", error="no answer in 0.6 s")
    run.totals = Totals(2, 1, 1, 0, 0, Usage(840, None, None, 0), Decimal("0.0004"), False)
    return end(run, "error", 0.9, error_type="ModelTimeoutError", error="no answer in 0.6 s")


def empty():
    run = make_run("cell 12", notes=["no model call crossed an HTTP client here; transformers runs in this "
                                     "process: record its tokens with record_token_usage"])
    return end(run, "ok", 0.2)


def many(n=10_000, status="ok", agents=True):
    run = make_run("batch")
    for i in range(n):
        parent = "root"
        if agents:
            if i % 8 == 0:
                add(run, f"a{i}", "root", i / 50, 0.16, name=f"item {i // 8}", op="ai.run")
                continue
            parent = f"a{i - i % 8}"
        bad = i % 97 == 5
        chat(run, f"s{i}", parent, offset=i / 50, duration=0.02, usage=Usage(1200, 600, None, 80),
             cost=priced("0.0031"), prompt=f"{SECRET} {i}", status="error" if bad else "ok",
             error_type="ServerError" if bad else None, error=f"500 at {i}" if bad else None)
    run.totals = Totals(n, n // 97, 0, 0, 0, Usage(1200 * n, 600 * n, None, 80 * n), Decimal("0.0031") * n)
    return end(run, status, n / 50 + 0.2)


def loop_of(n):
    """`n` equal calls in a row, of 0.01 to 1 s."""
    run = make_run()
    for i in range(n):
        chat(run, f"c{i}", offset=i / 10, duration=0.01 * (1 + i % 100), usage=Usage(10, None, None, 2), cost=priced("0.001"))
    return end(run, "ok", n / 10)


def fan_out(n=300, failed=(7, 150, 290), retried=range(3, 300, 27)):
    """`n` requests of one caller at once, some refused for good, some answered at a second attempt, other calls between them."""
    run = make_run("labels")
    for i in range(n):
        facts = {"caller": "label", "offset": i / 100, "prompt": f"{SECRET} {i}"}
        if i in retried:
            chat(run, f"first {i}", status="error", error_type="RateLimitError", error="Error code: 429 - slow down", duration=0.1,
                 retried="repaired", retry_group=i, attempt=1, **facts)  # fmt: skip
        if i in failed:
            chat(run, f"c{i}", status="error", error_type="BadRequestError", error=f"Error code: 400 - no. {i % 2}", duration=0.2, **facts)
        else:
            tries = {"retry_group": i, "attempt": 2} if i in retried else {}
            chat(run, f"c{i}", duration=0.01 * (1 + i % 100), usage=Usage(10, None, None, 2), cost=priced("0.001"), **facts, **tries)
        if i % 100 == 50:
            chat(run, f"judge {i}", caller="judge", model="o3", offset=i / 100, usage=Usage(5, None, None, 1), cost=priced("0.01"))
    run.totals = Totals(n + len(retried) + n // 100, errors=len(failed), retries=len(retried))
    return end(run, "ok", 5.0)


def batch(total=300, done=246, status="running", **options):
    """A loop over rows, each of which asks once; some are refused for good, some at first."""
    run = make_run("label rows", options={"budget": 0.5, **options})
    forecast = Forecast(done, total, 0.67, 0.66, 0.69) if done >= 10 else None
    run.batches.append(Batch(None, total, done, done, began=START, forecast=forecast))
    for i in range(done):
        item = Item(f"customer {i}", i + 1, keeps_key=True, batch=0, status="ok", is_left=True, is_done=True)
        run.items.append(item)
        facts = {"caller": "label", "offset": i / 20, "prompt": f"Review {i}: the kettle is fine", "model": "gpt-4o-mini"}
        error = {"status": "error", "error_type": "BadRequestError", "error": "Error code: 400 - This model's maximum context length is 128000 tokens"}
        if i % 70 == 7:
            item.status, item.error_type, item.error = "error", error["error_type"], error["error"]
            chat(run, f"b{i}", duration=0.3, **error, **facts).item = item
            continue
        if i % 20 == 3:
            late = {"status": "error", "error_type": "RateLimitError", "error": "Error code: 429 - slow down", "retried": "repaired"}
            chat(run, f"first {i}", duration=0.1, retry_group=i, attempt=1, **late, **facts).item = item
        tries = {"retry_group": i, "attempt": 2} if i % 20 == 3 else {}
        chat(run, f"b{i}", duration=0.01 * (10 + i % 90), usage=Usage(19 + i % 7, None, None, 33), cost=priced(f"0.00{1 + i % 9}"),
             answer="positive", **facts, **tries).item = item  # fmt: skip
    failed, retried = len(range(7, done, 70)), len(range(3, done, 20))
    if status == "running":
        item = Item(f"customer {done}", done + 1, keeps_key=True, batch=0)
        run.items.append(item)
        run.batches[0].begun += 1
        chat(run, "now", duration=None, offset=done / 20, caller="label", model="gpt-4o-mini", prompt=f"Review {done}: late", answer="").item = item
    run.totals = Totals(done + retried, errors=failed, retries=retried, usage=Usage(4_611, None, None, 8_101), cost=Decimal("0.55"))
    if status == "running":
        return run
    run.batches[0].is_over = True
    return end(run, status, done / 20)


def hostile():
    run = make_run(HOSTILE, notes=[HOSTILE])
    run.items.append(Item(HOSTILE, 1, keeps_key=True, error_type=HOSTILE, error=HOSTILE))
    run.batches.append(Batch(HOSTILE, 3, begun=1))
    add(run, "h0", offset=0, duration=0.5, name=HOSTILE, op=HOSTILE, status="error", error_type=HOSTILE, error=HOSTILE * 30)
    chat(run, "h1", "h0", model=HOSTILE, offset=0.1, duration=0.2, prompt=HOSTILE, answer="x" * 5_000_000)
    add(run, "h2", "h0", 0.3, 0.1, name="execute_tool", tool=HOSTILE, op="gen_ai.execute_tool", item=run.items[0],
        attributes={HOSTILE: HOSTILE, "n": float("nan")})
    add(run, "h3", "gone", 0.4, 0.05, status="lost", agent="\u0645\u0631\u062d\u0628\u0627", op="gen_ai.invoke_agent")
    run.totals = Totals(1, 1, 1)
    return end(run, "error", 0.6, error_type=HOSTILE, error=HOSTILE)


def interrupted():
    run = agentic(running=True)
    for span in run.spans.values():
        if span.status == "running":
            span.status, span.duration = ("abandoned" if span.streaming else "interrupted"), 5.0 - span.offset
    run.notes.append("2 spans were cut: the cap of 5,000 was reached")
    return end(run, "interrupted", 5.0)


ALL = {"running": lambda: agentic(running=True), "finished": agentic, "failed": failed, "empty": empty,
       "interrupted": interrupted, "many": many, "hostile": hostile, "told": told, "batch": batch}  # fmt: skip
# The same, of which none takes a second: a thousand spans are more than any view lists one by one.
EACH = {**ALL, "many": partial(many, 1_000)}
