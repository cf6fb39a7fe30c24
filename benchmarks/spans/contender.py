"""One contender in a process of its own: makes spans when told to, and says what they cost.

    python benchmarks/spans/contender.py sentry < jobs

A job is a line of JSON, `{"spans": 900, "kind": "full"}`; so is an answer; the first line
said is what is installed. Nothing but
the standard library and the contender itself is imported here. The body is the same
code for all of them; what differs is `span(op, name)` and `put(span, key, value)`.
"""

import gc
import json
import sys
import time
from importlib.metadata import version

TEXT = "word " * 39
AGENT = [("gen_ai.agent.name", "planner"), ("gen_ai.operation.name", "invoke_agent"), ("step", 3), ("user.plan", "team"), ("temperature", 0.2), ("retries", 0)]
TOOL = [("gen_ai.tool.name", "search"), ("gen_ai.operation.name", "execute_tool"), ("k", 5), ("index", "docs"), ("score", 0.71), ("cached", False)]
CHAT = [("gen_ai.request.model", "gpt-4o"), ("gen_ai.system", "openai"), ("gen_ai.operation.name", "chat"), ("gen_ai.usage.input_tokens", 120), ("gen_ai.usage.output_tokens", 40), ("gen_ai.usage.total_tokens", 160)]
STEP = [("step", 3), ("user.plan", "team"), ("temperature", 0.2), ("retries", 0), ("score", 0.71), ("cached", False)]


def tree(outer, middle, inner):
    """A body of three levels; six attributes and a text of 200 characters on each span."""
    (op1, name1, with1), (op2, name2, with2), (op3, name3, with3) = outer, middle, inner

    def body(count, span, put):
        for i in range(count // 3):
            with span(op1, name1) as one:
                for key, value in with1:
                    put(one, key, value)
                put(one, "message", f"a{i:04d}{TEXT}")
                with span(op2, name2) as one:
                    for key, value in with2:
                        put(one, key, value)
                    put(one, "message", f"b{i:04d}{TEXT}")
                    with span(op3, name3) as one:
                        for key, value in with3:
                            put(one, key, value)
                        put(one, "message", f"c{i:04d}{TEXT}")

    return body


def empty(count, span, put):
    for _ in range(count // 3):
        with span("gen_ai.invoke_agent", "invoke_agent planner"):
            with span("gen_ai.execute_tool", "execute_tool search"):
                with span("gen_ai.execute_tool", "execute_tool read"):
                    pass


agent = ("gen_ai.invoke_agent", "invoke_agent planner", AGENT)
tool = ("gen_ai.execute_tool", "execute_tool search", TOOL)
BODIES = {
    "full": tree(agent, tool, ("gen_ai.execute_tool", "execute_tool read", TOOL)),
    "empty": empty,
    # A third are model calls that report tokens: those are priced, too.
    "calls": tree(agent, tool, ("gen_ai.chat", "chat gpt-4o", CHAT)),
    # No AI: what a cell that runs again lets go of.
    "steps": tree(("step", "plan", STEP), ("step", "search", STEP), ("step", "read", STEP)),
}


class Loop:
    """The body alone: what the loop, the `with` and the texts cost."""

    packages = ()
    put = staticmethod(lambda one, key, value: None)

    class Span:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def start(self):
        nothing = self.Span()
        self.span = lambda op, name: nothing

    def open(self):
        pass

    def close(self):
        pass

    def flush(self):
        return None


class Sentry(Loop):
    """sentry-sdk as a user sets it up; its transport counts and drops."""

    packages = ("sentry-sdk",)

    def start(self):
        import sentry_sdk
        from sentry_sdk import tracing
        from sentry_sdk.transport import Transport

        contender = self

        class Drop(Transport):
            def capture_envelope(self, envelope):
                contender.sent += _spans_in(envelope)

        self.sdk, self.put, self.sent = sentry_sdk, tracing.Span.set_data, 0
        start_span = sentry_sdk.start_span
        self.span = lambda op, name: start_span(op=op, name=name)
        self.init(dsn="http://key@127.0.0.1:9/1", transport=Drop, traces_sample_rate=1.0, _experiments={"max_spans": 200_000})

    def init(self, **options):
        self.sdk.init(**options)

    def open(self):
        self.root = self.sdk.start_transaction(op="ai.pipeline", name="bench")
        self.root.__enter__()

    def close(self):
        self.root.__exit__(None, None, None)

    def flush(self):
        sent, self.sent = self.sent, 0
        return sent


class Named(Sentry):
    """The same, the pipeline's name on every span: what a tracked cell adds to each, too."""

    def start(self):
        super().start()
        start_span = self.sdk.start_span

        def span(op, name):
            one = start_span(op=op, name=name)
            one._data["gen_ai.pipeline.name"] = "bench"
            return one

        self.span = span


class Ours(Sentry):
    """The same client, the extension's hooks in place, the cell tracked."""

    packages = ("aimon-nb", "sentry-sdk")

    def init(self, **options):
        super().init(**options)
        self.install()

    def install(self):
        from aimon_nb.app import monitor

        self.monitor = monitor
        monitor.install()
        monitor.recorder.limits = type(monitor.recorder.limits)(spans=200_000)

    def open(self):
        self.root = self.monitor.open("bench", "none", cell_id="bench")

    def close(self):
        self.root.end(None)

    def flush(self):
        run = self.root.run
        assert not run.faults, "faults of ours"
        super().flush()
        return len(run.spans)


class Local(Ours):
    """No client at all: what most people have who have no account at Sentry."""

    def init(self, **options):
        self.install()


class OTel(Loop):
    """OpenTelemetry's SDK with the batch processor, its exporter throws all away."""

    packages = ("opentelemetry-sdk",)

    def start(self):
        from opentelemetry.sdk.trace import Span, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

        contender = self

        class Drop(SpanExporter):
            def export(self, spans):
                contender.sent += len(spans)
                return SpanExportResult.SUCCESS

        self.sent, self.provider, self.put = 0, TracerProvider(), Span.set_attribute
        self.provider.add_span_processor(BatchSpanProcessor(Drop(), max_queue_size=200_000))
        start = self.provider.get_tracer("bench").start_as_current_span
        self.span = lambda op, name: start(name)

    def open(self):
        self.root = self.span("", "bench")
        self.root.__enter__()

    def close(self):
        self.root.__exit__(None, None, None)

    def flush(self):
        self.provider.force_flush()
        sent, self.sent = self.sent, 0
        return sent


class Logfire(OTel):
    """logfire without its console and without a token; an exporter that throws all away."""

    packages = ("logfire",)

    def start(self):
        import logfire
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

        contender = self

        class Drop(SpanExporter):
            def export(self, spans):
                contender.sent += sum(span.attributes.get("logfire.span_type") != "pending_span" for span in spans)
                return SpanExportResult.SUCCESS

        self.sent, self.put = 0, logfire.LogfireSpan.set_attribute
        logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False,
                          additional_span_processors=[BatchSpanProcessor(Drop(), max_queue_size=200_000)])  # fmt: skip
        self.provider, start = logfire, logfire.span
        self.span = lambda op, name: start(name)


class MLflow(OTel):
    """mlflow-skinny as it comes: traces go to SQLite in a temporary folder, asynchronously."""

    packages = ("mlflow-skinny",)

    def start(self):
        import logging
        import os
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        os.chdir(self.folder.name)
        import mlflow
        from mlflow.entities import LiveSpan

        mlflow.set_tracking_uri(f"sqlite:///{self.folder.name}/mlflow.db")
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        self.mlflow, self.put, start = mlflow, LiveSpan.set_attribute, mlflow.start_span
        self.span = lambda op, name: start(name)

    def flush(self):
        self.mlflow.flush_trace_async_logging()


def _spans_in(envelope):
    count = 0
    for item in envelope.items:
        if item.type == "transaction":
            count += 1 + len(item.payload.json["spans"])
        elif item.type == "span":
            count += item.headers.get("item_count", 1)
    return count


CONTENDERS = {"loop": Loop, "sentry": Sentry, "named": Named, "ours": Ours, "local": Local, "otel": OTel, "logfire": Logfire, "mlflow": MLflow}


def cost(contender, job):
    """Microseconds of CPU a span: this thread's from opening to closing, in the body, all threads'."""
    count, body = job["spans"], BODIES[job["kind"]]
    (gc.enable if job.get("collector", True) else gc.disable)()
    gc.collect()
    collecting.clear()
    every, begun = time.process_time_ns(), time.thread_time_ns()
    contender.open()
    inside = time.thread_time_ns()
    body(count, contender.span, contender.put)
    left = time.thread_time_ns()
    contender.close()
    done = time.thread_time_ns()
    sent = contender.flush()
    every = time.process_time_ns() - every
    gc.enable()
    collector = sum(end - start for start, end in zip(collecting[::2], collecting[1::2])) / count / 1e3
    return {"user": (done - begun) / count / 1e3, "body": (left - inside) / count / 1e3, "all": every / count / 1e3, "collector": collector, "spans": sent}


collecting = []  # when the collector starts and stops, on the clock of the thread it runs in
gc.callbacks.append(lambda *_: collecting.append(time.thread_time_ns()))


def memory(contender, job):
    """Bytes a span that are kept when the cell has ended, and when it has run ten times more without them."""
    import tracemalloc

    count, body = job["spans"], BODIES[job["kind"]]

    def cell(count):
        contender.open()
        body(count, contender.span, contender.put)
        contender.close()
        contender.flush()
        gc.collect()

    cell(300)
    cell(300)
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    cell(count)
    kept = tracemalloc.get_traced_memory()[0] - before
    for _ in range(10):
        cell(3)
    again = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"kept": kept / count, "again": again / count}


if __name__ == "__main__":
    contender = CONTENDERS[sys.argv[1]]()
    contender.start()
    print(json.dumps({name: version(name) for name in contender.packages}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps((memory if job.get("memory") else cost)(contender, job)), flush=True)
