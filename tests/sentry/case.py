"""One way of making spans, in a process of its own: `python -m tests.sentry.case NAME`.

NAME is MODE-BODY, for example `stream-unsampled-gather`, with `LATE` behind it
where the extension is loaded after `sentry_sdk.init`. Prints JSON: what was heard.
"""

import asyncio
import json
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import sentry_sdk
from sentry_sdk import traces
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.transport import Transport

warnings.simplefilter("ignore")


class Counting(Transport):
    def __init__(self, options=None):
        super().__init__(options)
        self.spans = 0

    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type == "transaction":
                self.spans += 1 + len(item.payload.json.get("spans", ()))
            elif item.type == "span":
                self.spans += len(item.payload.json["items"])


class Case:
    def __init__(self, name):
        *modes, self.body = name.split("-")
        self.stream, self.noinit = "stream" in modes, "noinit" in modes
        self.options = {
            "traces_sample_rate": 0.0 if "unsampled" in modes else 1.0,
            "default_integrations": False,
            "integrations": [] if "nothr" in modes else [ThreadingIntegration()],
        }
        if "dsn" in modes:
            self.options["dsn"] = "http://key@127.0.0.1:1/1"
        if self.stream:
            self.options["trace_lifecycle"] = "stream"
        if "maxspans" in modes:
            self.options["_experiments"] = {"max_spans": 100}

    def init(self, **more):
        self.transport = Counting()
        if not self.noinit:
            sentry_sdk.init(transport=self.transport, **{**self.options, **more})

    def span(self, name):
        return traces.start_span(name) if self.stream else sentry_sdk.start_span(op="x", name=name)

    def root(self, name="root"):
        return traces.start_span(name) if self.stream else sentry_sdk.start_transaction(op="x", name=name)

    # -- bodies: each gives the number of spans it makes, or (started, ended) -----

    def basic(self):
        with self.root(), self.span("a"), self.span("b"):
            pass
        with self.span("after"):
            pass
        return 4

    def many(self):
        with self.root():
            for i in range(1500):
                with self.span(f"s{i}"):
                    pass
        return 1501

    def thread(self):
        def work():
            with self.span("t"), self.span("u"):
                pass

        with self.root(), self.span("a"):
            job = threading.Thread(target=work)
            job.start()
            job.join()
        return 4

    def pool(self):
        def work(i):
            with self.span(f"p{i}"):
                pass

        with self.root(), self.span("a"), ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(4)))
        return 6

    def gather(self):
        async def one(i):
            with self.span(f"g{i}"):
                await asyncio.sleep(0)
                with self.span(f"g{i}c"):
                    await asyncio.sleep(0)

        async def main():
            with self.root(), self.span("a"):
                await asyncio.gather(one(0), one(1), one(2))

        asyncio.run(main())
        return 8

    def gen(self):
        def steps():
            with self.span("gen"):
                yield 1
                yield 2

        with self.root():
            list(steps())
            left = steps()
            next(left)
            with self.span("between"):
                pass
            left.close()
        return 4

    def nested(self):
        with self.root(), self.span("a"), self.root("inner"), self.span("b"), self.span("c"):
            pass
        return 5

    def reinit(self):
        with self.root(), self.span("a"):
            self.init()
            with self.span("b"), self.span("c"):
                pass
        return 4

    def reinitswitch(self):
        with self.root(), self.span("a"):
            self.init(trace_lifecycle="static" if self.stream else "stream")
            with self.span("b"):
                pass
        return 3

    def exc(self):
        try:
            with self.root(), self.span("a"):
                raise ValueError("x")
        except ValueError:
            return 2

    def kbi(self):
        try:
            with self.root(), self.span("a"):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            return 2

    def orphan(self):
        with self.span("alone"):
            pass
        return 1

    def manualend(self):
        root = self.root()
        span = self.span("a")
        for one in (span, root):
            one.end() if self.stream else one.finish()
        return 2

    def leak(self):
        with self.root():
            self.span("never ended")
        return 2, 1


BODIES = {"1500": "many"}


def main(name, late):
    case = Case(name)
    if late:
        case.init()
    from aimon_nb.app import monitor
    from aimon_nb.capture import recorder
    from aimon_nb.capture.internal_errors import internal_errors

    monitor.install()
    if not late:
        case.init()
    run_state = recorder.open_run("case")
    made = getattr(case, BODIES.get(case.body, case.body))()
    recorder.drain()
    spans = list(run_state.run.spans.values())
    names = {span.span_id: span.name for span in spans}
    sentry_sdk.flush(2)
    print(
        json.dumps(
            {
                "made": made if isinstance(made, tuple) else (made, made),
                "heard": (len(spans), sum(span.duration is not None for span in spans)),
                "parents": {s.name: names.get(s.parent_id) for s in spans if len(spans) < 100},
                "status": {s.name: s.status for s in spans if len(spans) < 100},
                "faults": internal_errors.count,
                "sent": case.transport.spans,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], "LATE" in sys.argv[2:])
