"""What it costs to see what went into a step and came out: µs of the caller's CPU.

    python benchmarks/step_content.py

First a copy of one value of each kind, the median and the 95th of a hundred; then a tracked
function in a run, with its arguments and result and without, beside a span of bare sentry-sdk
around the same function, in one process.
"""

import dataclasses
import statistics
import time

import numpy
import pandas
import pydantic
import sentry_sdk

from aimon_nb import ai_track
from aimon_nb.app import monitor
from aimon_nb.capture.step_content import snapshot, snapshot_arguments
from aimon_nb.sentry import steps  # noqa: F401  (it names what is secret)

ROUNDS = 3_000
CALLS = 2_000


def raising(self, *_):
    raise RuntimeError


HOSTILE = {name: raising for name in ("__repr__", "__len__", "__iter__", "__getattr__", "__getattribute__", "__eq__", "__bool__")}
Hostile = type("Hostile", (), {**HOSTILE, "__hash__": object.__hash__})
HostileDict = type("HostileDict", (dict,), HOSTILE)


@dataclasses.dataclass
class Record:
    name: str = "n"
    tags: tuple = (1, 2)


class Model(pydantic.BaseModel):
    name: str = "n"
    tags: list[str] = ["a", "b"]


def hostile_dict():
    made = HostileDict()
    dict.update(made, {"a": 1, "b": Hostile()})
    return made


FRAME = pandas.DataFrame({f"column {n}": range(1_000) for n in range(50)})
VALUES = {
    "a text of 10 MB": "x" * 10_000_000,
    "a number": 7,
    "a small dict": {"city": "Paris", "days": 3},
    "messages": [{"role": "user", "content": "hello " * 20}] * 5,
    "a dataclass": Record(),
    "a pydantic model": Model(),
    "an array": numpy.zeros((1_000, 1_000)),
    "a frame of 50 columns": FRAME,
    "a series": FRAME["column 1"],
    "a generator": (n for n in ()),
    "a hostile object": Hostile(),
    "a hostile dict": hostile_dict(),
    "a list of 1,000,000": list(range(1_000_000)),
    "a list of texts": ["x" * 1_000] * 1_000,
    "a list of hostile objects": [Hostile() for _ in range(1_000)],
    "a list of dicts": [{"a": n, "b": "text"} for n in range(1_000)],
    "a dict of 100,000": {f"key {n}": n for n in range(100_000)},
    "a list of models": [Model() for _ in range(200)],
    "a list of frames": [FRAME] * 200,
}


def timed(call, rounds):
    """Nanoseconds of each call, less what the clock takes, sorted."""
    clock, times, empty = time.thread_time_ns, [], []
    for _ in range(rounds):
        before = clock()
        start = clock()
        call()
        times.append(clock() - start)
        empty.append(start - before)
    least = statistics.median(empty)
    return sorted(one - least for one in times)


def told(name, times):
    print(f"{name:44} {statistics.median(times) / 1e3:7.2f} µs  (p95 {times[len(times) * 95 // 100] / 1e3:.2f})")


def copies():
    for name, value in VALUES.items():
        told(name, timed(lambda value=value: snapshot(value), ROUNDS))
    small = {"city": "Paris", "days": 3, "options": {"stars": 3}}
    told("three small arguments by name", timed(lambda: snapshot_arguments(small), ROUNDS))


def function(city, days=3, options=None):
    return {"city": city, "days": days}


def bare():
    with sentry_sdk.start_span(op="ai.run", name="f"):
        function("Paris", 3, options={"stars": 3})


def calls():
    taken = ai_track("f", capture_input=True, capture_output=True)(function)
    plain = ai_track("f", capture_input=False, capture_output=False)(function)
    ways = {
        "tracked, with content": lambda: taken("Paris", 3, options={"stars": 3}),
        "tracked, without": lambda: plain("Paris", 3, options={"stars": 3}),
        "a span of sentry-sdk, heard by us": bare,
    }
    found = {name: [] for name in ways}
    for _ in range(10):  # by turns: the machine is not as quick at all times
        for name, way in ways.items():
            opened = monitor.open("bench", "none")
            found[name] += timed(way, CALLS // 10)
            opened.end(None)
    return found


def main():
    with sentry_sdk.start_transaction(name="bare"):
        timed(bare, 200)
        alone = timed(bare, CALLS)
    copies()
    found = calls()
    told("a span of bare sentry-sdk, unsampled", alone)
    for name, times in found.items():
        told(name, sorted(times))


main()
