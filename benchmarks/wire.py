"""What hearing costs the caller's thread, as differences within one run.

    python benchmarks/wire.py

Batches with and without us take turns, so that what else the machine does falls
on both alike; the middle difference counts. CPU time of the calling thread only:
parsing happens on another one, and `all threads` shows what it adds.
"""

import gc
import json
import statistics
import time

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
    gc.collect()
    gc.disable()
    thread, process = time.thread_time_ns(), time.process_time_ns()
    for _ in range(count):
        use()
    told = time.thread_time_ns() - thread
    gc.enable()
    return told / count / 1000, process


def measure(use, count, *, per=1):
    """(without, added on the caller's thread, added in all threads): microseconds."""
    without, within, all_without, all_within = [], [], [], []
    for _ in range(BATCHES):
        for watched, times, totals in ((False, without, all_without), (True, within, all_within)):
            opened = monitor.open("bench", "none") if watched else None
            told, process = batch(use, count)
            if opened is not None:
                monitor.recorder.drain()
            totals.append((time.process_time_ns() - process) / count / 1000)
            times.append(told)
            if opened is not None:
                opened.end(None)
                monitor.uninstall()
    added = statistics.median(b - a for a, b in zip(without, within))
    total = statistics.median(b - a for a, b in zip(all_without, all_within))
    return statistics.median(without) / per, added / per, total / per


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


if __name__ == "__main__":
    print("| what | without us | added, caller's thread | added, all threads |\n|---|---|---|---|")
    for name, use, count, per in (("a call", plain, 60, 1), ("a call of 200 chunks, per chunk", streamed, 4, 200), ("a request to no model", search, 300, 1)):
        without, added, total = measure(use, count, per=per)
        print(f"| {name} | {without:.1f} µs | {added:.2f} µs | {total:.2f} µs |")
    print(f"\nhearing a request to no model alone: {unheard():.2f} µs")
