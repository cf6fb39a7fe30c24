"""What finding the function that asked costs, in real clients: µs of the caller's CPU.

    python benchmarks/callers.py

Of langchain-openai where it is installed. The walk is timed where it happens, in the hook under the client, so that its code and the
frames above it are as cold as they are there; the median of each place, and its depth in
frames down to the user's nearest function. Then what a `submit` costs, with a run and without.
"""

import contextlib
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai

from aimon_nb.app import monitor
from aimon_nb.capture import propagation
from aimon_nb.wire import capture

ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "words"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 40, "total_tokens": 47},
}  # fmt: skip
CALLS = 2_000
SUBMITS = 20_000


def mocked(library):
    answer = json.dumps(ANSWER).encode()
    return library.Client(transport=library.MockTransport(lambda _: library.Response(200, content=answer)))


try:
    http = mocked(httpx)
    client = openai.OpenAI(base_url="http://m/v1", api_key="k", http_client=http)
except TypeError:  # a client on httpx2
    import httpx2

    http = mocked(httpx2)
    client = openai.OpenAI(base_url="http://m/v1", api_key="k", http_client=http)

found = capture.find_caller
finder = found.__self__
times, empty, depths = [], [], set()


def timed():
    """Find the caller as the hook does, and time it; beside it what the clock itself takes."""
    clock = time.thread_time_ns
    before = clock()
    start = clock()
    caller = found()
    end = clock()
    times.append(end - start)
    empty.append(start - before)
    at, depth = sys._getframe(1), 0
    while at.f_code.co_filename != __file__:
        at, depth = at.f_back, depth + 1
    depths.add(depth)
    return caller


def by_openai():
    client.chat.completions.create(model="gpt-4o", messages=[])


def by_langchain():
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(base_url="http://m/v1", api_key="k", model="gpt-4o", http_client=http)

    def ask():
        chat.invoke("x")

    return ask


def measure(name, ask, *, again):
    """Time calls of one place: with the way remembered, or forgotten before each."""

    def route():
        ask()

    for one in (times, empty, depths):
        one.clear()
    for _ in range(CALLS):
        if not again:
            finder._path = None
            finder._known.clear()
        route()
    monitor.recorder.drain()
    clock = statistics.median(empty)
    ordered = sorted(each - clock for each in times)
    way = "the same place again" if again else "a place for the first time"
    print(f"{name:17} {min(depths):3} frames  {way:27} {statistics.median(ordered) / 1e3:5.1f} µs  (p95 {ordered[len(ordered) * 95 // 100] / 1e3:.1f})")


def submits():
    """Nanoseconds of CPU that a submit takes of the caller's thread."""
    with ThreadPoolExecutor(1) as pool:
        parts = []
        for _ in range(20):
            start = time.thread_time_ns()
            for _ in range(SUBMITS // 20):
                pool.submit(int)
            parts.append((time.thread_time_ns() - start) / (SUBMITS // 20))
    return statistics.median(parts)


def main():
    bare = submits()
    monitor.install()
    outside = submits()
    opened = monitor.open("bench", "none")
    inside = submits()
    find, propagation.find_beginner = propagation.find_beginner, tuple
    placeless = submits()
    propagation.find_beginner = find
    capture.find_caller = timed
    asks = {"openai": by_openai}
    with contextlib.suppress(ImportError):
        asks["langchain-openai"] = by_langchain()
    for name, ask in asks.items():
        for again in (True, False):
            measure(name, ask, again=again)
    capture.find_caller = found
    print(f"submit {bare / 1e3:.2f} µs; installed, no run +{(outside - bare) / 1e3:.2f}; in a run +{(inside - bare) / 1e3:.2f}, of it the place {(inside - placeless) / 1e3:.2f}")
    opened.end(None)


main()
