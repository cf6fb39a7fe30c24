"""What a batch costs on the caller's thread: µs of CPU an item and a call.

    python benchmarks/batches.py

`progress` outside of a run and in one, beside a plain loop; then real calls of an openai client against an answer in
memory, with and without an item, and with a budget; at last what the gate alone takes of each call, with the answer before
read and priced in it. Medians of the rounds, which take turns.
"""

import json
import statistics
import time

import httpx
import openai

import aimon_nb
from aimon_nb.app import monitor
from aimon_nb.wire import budget_gate

ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "words " * 3_300}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 40, "total_tokens": 47},
}  # fmt: skip
ITEMS, CALLS, ROUNDS = 5_000, 500, 7


def mocked(library):
    answer = json.dumps(ANSWER).encode()
    return library.Client(transport=library.MockTransport(lambda _: library.Response(200, content=answer)))


def made():
    try:
        return openai.OpenAI(base_url="https://api.openai.com/v1", api_key="k", http_client=mocked(httpx))
    except TypeError:  # a client on httpx2
        import httpx2

        return openai.OpenAI(base_url="https://api.openai.com/v1", api_key="k", http_client=mocked(httpx2))


client = made()


def ask():
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}])


def timed(work, number):
    """µs of this thread's CPU for each of so many."""
    before = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - before) / number / 1e3


def in_run(work, number, **options):
    with aimon_nb.track("batch", view="none", **options):
        return timed(work, number)


def plain_loop():
    for _ in range(ITEMS):
        pass


def loop():
    for _ in aimon_nb.progress(range(ITEMS)):
        pass


def calls():
    for _ in range(CALLS):
        ask()


def calls_of_items():
    for _ in aimon_nb.progress(range(CALLS)):
        ask()


CONTENDERS = {
    "an item: a plain loop": lambda: timed(plain_loop, ITEMS),
    "an item: progress, not tracked": lambda: timed(loop, ITEMS),
    "an item: progress, tracked": lambda: in_run(loop, ITEMS),
    "a call: not tracked": lambda: timed(calls, CALLS),
    "a call: tracked": lambda: in_run(calls, CALLS),
    "a call: tracked, of an item": lambda: in_run(calls_of_items, CALLS),
    "a call: tracked, with a budget": lambda: in_run(calls, CALLS, budget=1_000),
    "a call: tracked, of an item, with a budget": lambda: in_run(calls_of_items, CALLS, budget=1_000),
}


def gates():
    """µs of the gate alone, of each call: its own median is what a call waits for."""
    took = []
    check = budget_gate.check

    def timed_check(request):
        before = time.thread_time_ns()
        check(request)
        took.append((time.thread_time_ns() - before) / 1e3)

    budget_gate.check = timed_check
    try:
        in_run(calls, CALLS, budget=1_000)
        with_budget, took = took, []
        in_run(calls, CALLS)
    finally:
        budget_gate.check = check
    return {"the gate, with a budget, answers of 20 kB": with_budget, "the gate, without": took}


def main():
    monitor.install()
    aimon_nb.pricing.prepare()
    figures = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, work in CONTENDERS.items():
            figures[name].append(work())
    figures |= gates()
    for name, values in figures.items():
        print(f"{name:45} {statistics.median(values):8.2f} µs   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
