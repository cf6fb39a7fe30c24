"""What hearing costs the caller's thread, as differences within one run.

    python benchmarks/wire.py

Batches in a run and outside of one take turns, so that what else the machine
does falls on both alike; the difference of their low quantiles counts (outside of a run a
request costs the look at a variable). The wraps stay on: putting them on and off
makes the interpreter forget what it learnt of the patched classes. CPU time of the calling thread only:
parsing happens on another one, and `all threads` shows what it adds.
"""

import gc
import json
import statistics
import time
from pathlib import Path

import httpx
import openai

from aimon_nb.api import monitor

BATCHES = 25
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
SEND = raw.build_request("POST", "http://m/v1/chat/completions", content=b'{"model":"m"}')


def search():
    raw.send(SEARCH)


def batch(use, count):
    """Microseconds of CPU a call: (of this thread, of all threads, parsing included)."""
    for _ in range(3):
        use()
    monitor.recorder.drain()
    gc.collect()
    gc.disable()
    thread, process = time.thread_time_ns(), time.process_time_ns()
    for _ in range(count):
        use()
    caller = time.thread_time_ns() - thread
    monitor.recorder.drain()
    every = time.process_time_ns() - process
    gc.enable()
    return caller / count / 1000, every / count / 1000


def measure(use, count, *, per=1):
    """(without, added on the caller's thread, added in all threads): microseconds."""
    monitor.install()
    outside, inside = [], []
    for _ in range(BATCHES):
        outside.append(batch(use, count))
        opened = monitor.open("bench", "none")
        inside.append(batch(use, count))
        opened.end(None)
    caller, every = (_low(inside, i) - _low(outside, i) for i in (0, 1))
    return _low(outside, 0) / per, caller / per, every / per


def _low(batches, i):
    """A low quantile: what others do on this machine only ever adds."""
    return statistics.quantiles([batch[i] for batch in batches], n=5)[0]


def unheard(count=20000):
    """A request that asks no model: what we add alone, without the client around it."""
    from aimon_nb.wire.transports.httpx import _hear

    opened = monitor.open("bench", "none")
    times = []
    for _ in range(15):
        start = time.thread_time_ns()
        for _ in range(count):
            _hear(SEARCH, monitor.observer)
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


if __name__ == "__main__":
    print("| what | without us | added, caller's thread | added, all threads |\n|---|---|---|---|")
    for name, use, count, per in (("a call", plain, 60, 1), ("a call of 200 chunks, per chunk", streamed, 4, 200), ("a request to no model", search, 300, 1)):
        without, added, total = measure(use, count, per=per)
        print(f"| {name} | {without:.1f} µs | {added:.2f} µs | {total:.2f} µs |")
    to_sentry()
    without, added, total = measure(plain, 60)
    print(f"| a call whose span goes to Sentry | {without:.1f} µs | {added:.2f} µs | {total:.2f} µs |")
    without, added = in_a_kernel()
    print(f"| a call in a kernel, with the live view | {without:.1f} µs | - | {added:.2f} µs |")
    print(f"\nhearing a request to no model alone: {unheard():.2f} µs")
