"""What must not grow with what there is: `python benchmarks/bounds.py`.

Not a test: shared machines are too uneven for a limit in seconds. That the work does not
grow is tested by counting its steps; here are the seconds, CPU time, best of three.
"""

import time
from datetime import datetime, timedelta, timezone

import sentry_sdk

from aimon_nb import pricing
from aimon_nb.app import monitor
from aimon_nb.model import Run, Span, Usage
from aimon_nb.pricing import price_run
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.capture import recorder
from aimon_nb.capture.limits import Limits
from aimon_nb.wire.dialects import find
from aimon_nb.wire.json_events import EventReader

AT = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


def best(use, per=1):
    """Microseconds of CPU time, of one of `per` equal pieces."""
    found = []
    for _ in range(3):
        begun = time.process_time()
        use()
        found.append(time.process_time() - begun)
    return min(found) / per * 1e6


def looks(path):
    for _ in range(10_000):
        find("api.example.com", path)


def blocks(count):
    for _ in range(count):
        with pricing.context(service_tier="flex"):
            pass


def look_up():
    for n in range(5000):
        user_prices.context_at(AT + timedelta(seconds=n))


def chain(count):
    """A run of spans of which each hangs on the one before it."""
    ops = ("gen_ai.invoke_agent", "gen_ai.execute_tool", "gen_ai.chat")
    spans = [
        Span(f"s{i}", f"s{i - 1}" if i else None, "r", AT, 0.0, op=ops[i % 3], name="s", status="ok", duration=0.1, usage=Usage() if i % 3 == 1 else Usage(1000, None, None, 100))
        for i in range(count)
    ]
    return Run("r", "bench", AT, root_id="s0", status="ok", spans={one.span_id: one for one in spans})


def read(body):
    reader = EventReader()
    for i in range(0, len(body), 4096):
        list(reader.feed(body[i : i + 4096]))
    list(reader.end())


def spans(cap):
    """20,000 spans and the end of their run."""
    before, recorder.limits = recorder.limits, Limits(spans=cap)
    tracked = monitor.open("speed", "none")
    for _ in range(20_000):
        with sentry_sdk.start_span(op="x", name="s"):
            pass
    tracked.end(None)
    recorder.limits = before


if __name__ == "__main__":
    print("| µs of CPU | |\n|---|---:|")
    for name, path in {"short": b"/repos/octocat/hello/issues/123/comments?per_page=100", "1,000 characters": b"/" + b"a/" * 500}.items():
        print(f"| a request that asks no model, path: {name} | {best(lambda path=path: looks(path), 10_000):.2f} |")
    for count in (2_000, 20_000):
        one = chain(count)
        print(f"| a total, {count:,} spans below each other, per span | {best(lambda one=one: price_run(one, set(one.spans)), count):.2f} |")
    for count in (50, 5000):
        blocks(count)
        print(f"| a look-up of a call's tier after {count:,} blocks | {best(look_up, 5000):.2f} |")
    for size in (1, 10):
        body = b'{"data": [{"embedding": "%s"}], "usage": {"prompt_tokens": 3}}' % (b"x" * (size * 10**6))
        print(f"| a body of {size} MB in pieces of 4 KB, per KB | {best(lambda body=body: read(body), size * 1000):.2f} |")
    for name, cap in {"before the cap": 100_000, "past it": 10}.items():
        print(f"| a span and its part of the run's end, {name} | {best(lambda cap=cap: spans(cap), 20_000):.2f} |")
