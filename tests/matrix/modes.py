"""How a mode is written down, and what a mode may use."""

import asyncio
import contextlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable


@dataclass
class Mode:
    """One way of calling; `left` if the answer is not read to its end, `cached` by the client itself."""

    name: str
    use: Callable[[Any], Any]
    left: bool = False
    raises: bool = False
    cached: int = 0


class Modes(dict):
    """The modes of a client: `@modes("plain")` above a function of the truth server."""

    def __init__(self, *own):
        self.own = own  # its own integrations

    def __call__(self, name, **more):
        def note(use):
            self[name] = Mode(name, use, **more)
            return use

        return note


class Steps:
    """A user's own spans; nothing while nobody is watching."""

    lifecycle = None

    def __call__(self, name):
        if self.lifecycle is None:
            return contextlib.nullcontext()
        if self.lifecycle == "stream":
            from sentry_sdk import traces

            return traces.start_span(name, {"sentry.op": "step"})
        import sentry_sdk

        return sentry_sdk.start_span(op="step", name=name)


step = Steps()


_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)


def in_loop(told):
    """Wait for a coroutine in the one loop of this process, as a notebook does."""
    return _loop.run_until_complete(told)


def in_threads(ask, count=8):
    """`ask(n)` in as many threads, each below a step of its own."""

    def one(n):
        with step(f"step-{n}"):
            return ask(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


async def gathered(ask, count=8):
    """The same with tasks."""

    async def one(n):
        with step(f"step-{n}"):
            return await ask(n)

    return await asyncio.gather(*(one(n) for n in range(count)))


@contextlib.contextmanager
def interrupted_soon(server):
    """A Stop in the middle of the answer to what is asked inside; the user's code lives on."""
    over, deciding = threading.Event(), threading.Lock()
    server.hold(after=2)

    def stop():
        server.wait_held()
        with deciding:
            if not over.is_set():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=stop, daemon=True).start()
    try:
        try:
            yield
        finally:
            with deciding:  # a signal that was sent is here by then
                over.set()
    except KeyboardInterrupt:
        pass
    finally:
        server.release()


async def cancelled_soon(server, told):
    """The task is cancelled in the middle of its answer."""
    server.hold(after=2)
    task = asyncio.ensure_future(told)
    while not server.held and not task.done():
        await asyncio.sleep(0.005)
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return "cancelled"
    finally:
        server.release()
