"""What hearing costs the caller's thread: pairs of calls within one run, one heard and one not.

    python benchmarks/wire.py

The two take turns call by call, so that what else the machine does falls on both
alike; what counts is CPU time of the calling thread, the median difference of the
pairs, and beside it the spread of that median over ten parts of the run. A call that
is not heard runs in a context without a run, where a request costs the look at a
variable. Our own thread, which parses and prices, is read by its own clock.

A call that follows another one at once finds our code warm in the processor's caches
(`httpx alone`); under a client that does much in between it does not, and costs two to
four times as much: both are shown.
"""

import contextvars
import gc
import json
import statistics
import time
from pathlib import Path

import httpx
import openai

from aimon_nb.app import monitor
from aimon_nb.capture.hooks import Patches

PARTS = 10
ANSWER = json.dumps(
    {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "words " * 40}}], "usage": {"prompt_tokens": 7, "completion_tokens": 40, "total_tokens": 47}}
).encode()
CHUNK = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
MESSAGES = [{"role": "user", "content": "words " * 100}]


class Chunks(httpx.SyncByteStream):
    def __iter__(self):
        for _ in range(200):
            yield CHUNK
        yield b"data: [DONE]\n\n"


def answer(request):
    if request.url.path.endswith("/search"):
        return httpx.Response(200, content=b"{}")
    if b'"stream"' in request.content:
        return httpx.Response(200, stream=Chunks())
    return httpx.Response(200, content=ANSWER)


http = httpx.Client(transport=httpx.MockTransport(answer))
# An SDK may stand on httpx2: then its own client is the one to mock.
try:
    client = openai.OpenAI(base_url="http://m/v1", api_key="k", http_client=http)
    raw = http
except TypeError:
    import httpx2

    class Chunks2(httpx2.SyncByteStream):
        __iter__ = Chunks.__iter__

    def answer2(request):
        if b'"stream"' in request.content:
            return httpx2.Response(200, stream=Chunks2())
        return httpx2.Response(200, content=ANSWER)

    client = openai.OpenAI(base_url="http://m/v1", api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(answer2)))
    raw = http


def plain():
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def streamed():
    for _ in client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True):
        pass


SEARCH = raw.build_request("POST", "http://m/collections/words/points/search?limit=3", content=b"{}")
LOOK = raw.build_request("GET", "http://m/collections/words/points/search?limit=3")
SEND = raw.build_request("POST", "http://m/v1/chat/completions", content=json.dumps({"model": "gpt-4o", "messages": MESSAGES}).encode())


def search():
    raw.send(SEARCH)


def send():
    raw.send(SEND)


def pair(use, places, clock=time.thread_time_ns):
    """Nanoseconds of CPU of a call in each of the two places, in this order."""
    start = clock()
    places[0].run(use)
    middle = clock()
    places[1].run(use)
    return middle - start, clock() - middle


def turns(use, pairs):
    """(nanoseconds not heard, heard) of each pair, and of our own thread a heard call."""
    outside = contextvars.Context()
    monitor.install()
    # Two runs: with a single one open even code that knows of none belongs to it.
    opened = [monitor.open("bench", "none") for _ in range(2)]
    inside = contextvars.copy_context()
    for _ in range(20):
        pair(use, (outside, inside))
    monitor.recorder.drain()
    gc.collect()
    gc.disable()
    before, found = ours(), []
    for number in range(pairs):
        if number % 2:
            found.append(pair(use, (outside, inside)))
        else:
            found.append(pair(use, (inside, outside))[::-1])
    until = time.monotonic() + 2  # what came last is parsed, too
    while monitor.recorder.log and time.monotonic() < until:
        time.sleep(0.05)
    spent = ours() - before
    gc.enable()
    for one in reversed(opened):
        one.end(None)
    return found, spent / pairs


def ours():
    """Nanoseconds of CPU of our own thread so far."""
    return time.clock_gettime_ns(time.pthread_getcpuclockid(monitor.recorder._worker.ident))


def measure(use, pairs, *, per=1):
    """(without, added on the caller's thread, its least and most, our own thread): microseconds."""
    parts, own = [], []
    for _ in range(PARTS):
        found, spent = turns(use, pairs // PARTS)
        parts.append(found)
        own.append(spent)
    every = [one for part in parts for one in part]
    added = [statistics.median(heard - plain for plain, heard in part) for part in parts]
    told = [
        statistics.median(plain for plain, _ in every),
        statistics.median(heard - plain for plain, heard in every),
        *statistics.quantiles(added, n=4)[::2],
        statistics.median(own),
    ]
    return [nanoseconds / per / 1000 for nanoseconds in told]


def unheard(request, count=20000):
    """A request that asks no model, or a GET: what we add alone, without the client around it."""
    from aimon_nb.wire.capture import Interceptor
    from aimon_nb.wire.clients.httpx import _body, _target

    interceptor = Interceptor(monitor.tracker, Patches(), _target, _body, None)
    opened = monitor.open("bench", "none")
    times = []
    for _ in range(15):
        start = time.thread_time_ns()
        for _ in range(count):
            interceptor.start_capture((raw, request), {})
        one = time.thread_time_ns()
        for _ in range(count):
            pass
        times.append((one - start - (time.thread_time_ns() - one)) / count / 1000)
    opened.end(None)
    return statistics.median(times)


def in_a_kernel(count=200, rounds=11):
    """A call in a real kernel, tracked with the live view and not: (without, added, of both all threads).

    CPU of the whole kernel from before the cell to after it: parsing, pricing,
    painting, messages to the page and the saved form included.
    """
    from jupyter_client.manager import start_new_kernel

    manager, kernel = start_new_kernel(kernel_name="python3")

    def run(code):
        reply = kernel.execute_interactive(code, timeout=300, output_hook=seen.append)
        assert reply["content"]["status"] == "ok", reply["content"]

    def value(expression):
        reply = kernel.execute_interactive("", user_expressions={"it": expression}, timeout=60, output_hook=lambda _: None)
        return float(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])

    seen = []
    try:
        run(f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r}); import wire; wire.plain()")
        run("%load_ext aimon_nb")
        run("%%ai_track warm\nwire.plain()")
        body = f"for _ in range({count}): wire.plain()"
        costs = {"": [], "%%ai_track bench\n": []}
        for _ in range(rounds):
            for header, found in costs.items():
                before = value("time.process_time()")
                run(header + body)
                found.append((value("time.process_time()") - before) * 1e6 / count)
        assert any("aimon" in str(message["content"]) for message in seen), "no view was shown"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    without, tracked = (statistics.quantiles(found, n=5)[0] for found in costs.values())
    return without, tracked - without


def to_sentry():
    """From here on there is a client that samples everything, and a transport that drops it."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Drop(Transport):
        def capture_envelope(self, envelope):
            pass

    sentry_sdk.init("http://k@127.0.0.1:9/1", traces_sample_rate=1.0, transport=Drop(), default_integrations=False, auto_enabling_integrations=False)


def row(name, use, pairs, *, per=1):
    without, added, least, most, own = measure(use, pairs, per=per)
    print(f"| {name} | {without:.1f} | {added:.2f} | {least:.1f} to {most:.1f} | {own:.1f} |", flush=True)


if __name__ == "__main__":
    print("| µs of CPU | without us | added, caller's thread | quarter to quarter | our own thread |\n|---|---:|---:|---:|---:|")
    row("a call, httpx alone", send, 6000)
    row("a call, openai", plain, 3000)
    row("a call of 200 chunks, openai, per chunk", streamed, 200, per=200)
    row("a request to no model", search, 6000)
    to_sentry()
    row("a call whose span goes to Sentry, httpx alone", send, 3000)
    row("a call whose span goes to Sentry, openai", plain, 3000)
    without, added = in_a_kernel()
    print(f"\na call in a kernel, with the live view, all threads: {added:.0f} µs more than {without:.0f}")
    print(f"hearing a request to no model alone: {unheard(SEARCH):.2f} µs")
    print(f"a GET alone: {unheard(LOOK):.2f} µs")
