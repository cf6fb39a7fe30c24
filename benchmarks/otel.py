"""What one of OpenTelemetry's spans costs more with us: µs of the caller's CPU, beside bare OpenTelemetry and bare sentry-sdk.

    python benchmarks/otel.py

All in one process, by turns, each the median of its rounds: spans of the SDK with a provider
that nobody exports from, and the API's no-ops, with nothing of ours, outside of runs and in
one; Sentry's own spans beside them. Our thread's work is not in it.
"""

import gc
import statistics
import time

import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from aimon_nb.app import monitor

SPANS, ROUNDS = 200, 60
sentry_sdk.init(default_integrations=False, traces_sample_rate=1.0)
sampled = TracerProvider().get_tracer("bench")
no_op = trace.get_tracer("bench")


def by(tracer):
    def one():
        with tracer.start_as_current_span("step", attributes={"k": 1}):
            pass

    return one


def by_sentry():
    with sentry_sdk.start_span(op="x", name="step"):
        pass


WAYS = {"opentelemetry-sdk": by(sampled), "opentelemetry, no provider": by(no_op), "sentry-sdk": by_sentry}


def measure(after):
    """{way: µs a span}, the ways by turns so that a busy moment is nobody's."""
    found = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, one in WAYS.items():
            gc.collect()
            start = time.thread_time_ns()
            for _ in range(SPANS):
                one()
            found[way].append((time.thread_time_ns() - start) / SPANS / 1e3)
            after()
    return {way: statistics.median(times) for way, times in found.items()}


def main():
    bare = measure(lambda: None)
    monitor.install()
    outside = measure(lambda: None)
    opened = monitor.open("bench", "none")
    inside = measure(monitor.recorder.drain)
    opened.end(None)
    print(f"{'µs a span':28}{'bare':>8}{'installed':>12}{'in a run':>12}{'÷ bare':>8}")
    for way in WAYS:
        more = inside[way] / bare[way]
        print(f"{way:28}{bare[way]:8.1f}{outside[way] - bare[way]:+12.1f}{inside[way] - bare[way]:+12.1f}{more:8.2f}")


main()
