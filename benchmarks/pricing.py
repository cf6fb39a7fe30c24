"""How long pricing and tables take: `python benchmarks/pricing.py`.

Not a test: shared machines are too uneven for a limit in seconds. The goals are
10,000 calls priced in 1 s and 100,000 spans as a DataFrame in 1 s. CPU time is
printed beside the wall clock, for the latter counts what else the machine does.
"""

import gc
import time
from contextlib import contextmanager
from datetime import datetime, timezone

from aimon_nb.model import ModelCall, Run, Span, Usage
from aimon_nb.pricing import price, price_run
from aimon_nb.views.tables import frames

AT = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


def call(i, model, usage, host="api.openai.com"):
    wire = ModelCall(provider="openai", host=host, request_model=model, response_model=model, usage=usage)
    return Span(f"s{i}", "root", "r", AT, 0.0, op="gen_ai.chat", name=f"chat {model}", status="ok", duration=0.1,
                provider="openai", model=model, request_model=model, usage=usage, call=wire)  # fmt: skip


@contextmanager
def clock(what):
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(f"{what:<44} {time.perf_counter() - wall:6.2f} s wall {time.process_time() - cpu:6.2f} s CPU")


def run_of(n, make):
    run = Run("r", "bench", AT, root_id="root")
    run.spans["root"] = Span("root", None, "r", AT, 0.0, op="ai.pipeline", name="bench", status="ok", duration=1.0)
    for i in range(n):
        one = make(i)
        run.spans[one.span_id] = one
    run.status = "ok"
    return run


def nested(i, deep=300):
    """An agent, a tool, a framework's chat or a call on the wire, each below the one before, `deep` levels down."""
    parent = f"s{i - 1}" if i % deep else "root"
    if i % 4 == 3:
        one = call(i, "gpt-4o", Usage(1000 + i, None, None, 100))
        one.parent_id = parent
        return one
    op, usage = (("gen_ai.invoke_agent", Usage(5000, None, None, 500)), ("gen_ai.execute_tool", Usage()), ("gen_ai.chat", Usage(1000, None, None, 100)))[i % 4]
    return Span(f"s{i}", parent, "r", AT, 0.0, op=op, name=op, status="ok", duration=0.1, provider="openai", model="gpt-4o", usage=usage)


KINDS = {
    "equal usages": lambda i: call(i, "gpt-4o", Usage(1000, 500, None, 100, None, 1100)),
    "different usages": lambda i: call(i, "gpt-4o", Usage(1000 + i, 500, None, 100, None, 1100 + i)),
    "a model nobody knows": lambda i: call(i, "my-model", Usage(1000 + i, None, None, 100)),
    "10,000 models nobody knows": lambda i: call(i, f"my-model-{i}", Usage(1000, None, None, 100)),
}

if __name__ == "__main__":
    with clock("first price (imports genai-prices)"):
        price(call(0, "gpt-4o", Usage(1, None, None, 1)))
    for name, make in KINDS.items():
        run = run_of(10_000, make)
        with clock(f"10,000 calls priced, {name}"):
            price_run(run, set(run.spans))
    run = run_of(100_000, KINDS["different usages"])
    with clock("100,000 calls priced"):
        price_run(run, set(run.spans))
    frames.spans([run_of(10, KINDS["equal usages"])])  # imports pandas
    with clock("100,000 spans as a DataFrame"):
        frames.spans([run])
    with clock("100,000 calls as usage"):
        frames.usage([run])
    run = run_of(100_000, nested)
    with clock("100,000 spans, 300 deep, priced"):
        price_run(run, set(run.spans))
    with clock("100,000 spans, 300 deep, as a DataFrame"):
        frames.spans([run])
    with clock("100,000 spans, 300 deep, as usage"):
        frames.usage([run])
