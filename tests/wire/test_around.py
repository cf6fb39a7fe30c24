"""Processes, threads and other people's patches around a tracked cell."""

import asyncio
import contextvars
import multiprocessing
import os
import queue
import signal
import threading

import pytest

from aimon_nb.app import monitor
from aimon_nb.capture import context
from aimon_nb.wire.retries import retries
from tests.parts.waiting import eventually
from tests.wire.clients import BODY
from tests.wire.conftest import READ, calls, counts
from tests.wire.shapes import EVENTS, WHOLE
from tests.wire.test_ways import aiohttp_post

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def post(url):
    import httpx

    return httpx.post(url, json=BODY, timeout=20).status_code


def in_child(use):
    """The exit code of a forked child that runs `use`; one that hangs says where, and is ended after 20 s."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if use() else 1)
        except BaseException:
            os._exit(2)
    # From here: a child can hang before its first line, in what runs after each fork.
    ends = threading.Timer(20, os.kill, (pid, signal.SIGABRT))
    ends.start()
    try:
        return os.waitpid(pid, 0)[1]
    finally:
        ends.cancel()


@forks
@pytest.mark.kernel
class TestForks:
    """A child process is not heard, and works as if we were not there; its parent's run is untouched."""

    def test_pools(self, shapes, same_with_and_without):
        """Workers of `multiprocessing` that are forked from a tracked cell."""

        def use():
            first = post(shapes.url("whole"))
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return first, pool.map(post, [shapes.url("whole")] * 3), post(shapes.url("whole"))

        assert counts(same_with_and_without(use)) == [READ, READ]

    def test_in_mid_stream(self, shapes, same_with_and_without):
        """A fork while a stream is open: the child asks a model itself, the parent reads on."""
        import httpx

        def use():
            with httpx.stream("POST", shapes.url("held"), json=BODY) as r:
                pieces = r.iter_bytes()
                got = [next(pieces)]
                child = in_child(lambda: post(shapes.url("whole")) == 200)
                shapes.release()
                return child, b"".join([*got, *pieces])

        run = same_with_and_without(use)
        assert counts(run) == [READ]

    def test_a_stream_that_the_child_reads(self, shapes, same_with_and_without):
        """The child reads its parent's stream; the parent leaves it."""
        import httpx

        def use():
            with httpx.stream("POST", shapes.url("held"), json=BODY) as r:
                pieces = r.iter_bytes()
                next(pieces)
                shapes.release()
                return in_child(lambda: b"[DONE]" in b"".join(pieces))

        assert counts(same_with_and_without(use)) == [("abandoned", None, None)]

    def test_amid_threads(self, shapes, track):
        """Forks while other threads are sending: no lock of ours is held for ever in a child."""
        import httpx

        stop = threading.Event()
        # Made before: OpenSSL has locks of its own, and a child would wait for that of a thread that makes a client.
        *clients, of_children = [httpx.Client(timeout=20) for _ in range(4)]

        def ask(client):
            return client.post(shapes.url("whole"), json=BODY).status_code

        def noise(client):
            while not stop.is_set():
                ask(client)

        with track() as run:
            threads = [threading.Thread(target=noise, args=(client,)) for client in clients]
            for thread in threads:
                thread.start()
            children = [in_child(lambda: ask(of_children) == 200) for _ in range(8)]
            stop.set()
            for thread in threads:
                thread.join()
        assert children == [0] * 8
        assert run.faults == 0
        assert set(counts(run)) == {READ}

    def test_a_child_with_a_run(self, shapes, track):
        """A cell that is tracked in the child harms nobody."""

        def child():
            with track("child"):
                return post(shapes.url("whole")) == 200

        with track() as run:
            assert in_child(child) == 0
        assert calls(run) == []


class TestThreads:
    def test_one_that_outlives_its_cell(self, shapes, track):
        """A thread's first call comes after its cell is over: it is told at once, late, in that cell's run."""
        jobs, done = queue.Queue(), queue.Queue()

        def work():
            while (url := jobs.get()) is not None:
                done.put(post(url))

        with track("one") as first:
            thread = threading.Thread(target=work)
            thread.start()
        heard = []
        forget = monitor.recorder.on_event(lambda run_state, changed: heard.append(run_state.run))
        try:
            jobs.put(shapes.url("whole"))
            done.get(timeout=20)
            eventually(lambda: calls(first) and counts(first) == [READ] and first in heard)
        finally:
            forget()
            jobs.put(None)
            thread.join()
        assert counts(first) == [READ] and [call.late for call in calls(first)] == [True]
        assert first in heard

    def test_a_loop_in_a_thread_of_an_earlier_cell(self, shapes, track):
        """What a cell hands to an event loop in an older thread belongs to the cell that asks."""
        import httpx

        loop = asyncio.new_event_loop()
        with track("one") as first:
            thread = threading.Thread(target=loop.run_forever)
            thread.start()

        async def ask():
            async with httpx.AsyncClient() as client:
                return (await client.post(shapes.url("whole"), json=BODY)).content

        with track("two") as second:
            assert asyncio.run_coroutine_threadsafe(ask(), loop).result(20) == WHOLE
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        assert (counts(first), counts(second)) == ([], [READ])


    @pytest.mark.parametrize("name", ["httpx", "requests", "adapter", "urllib3", "aiohttp", "stream"])
    def test_of_another_cell(self, name, shapes, track):
        """A call of a thread that an earlier cell began is counted once, whatever clients are above each other; nothing of it is kept."""
        ways = {key: way for key, (_, _, way) in _targets().items()} | {"aiohttp": aiohttp_post, "stream": lambda url: post(url.replace("whole", "stream"))}
        jobs, done = queue.Queue(), queue.Queue()

        def work():
            while (url := jobs.get()) is not None:
                done.put(ways[name](url))

        context.untracked_cell.set(monitor.recorder.clock())
        thread = threading.Thread(target=work)
        monitor.install()
        thread.start()
        context.untracked_cell.set(None)
        with track() as run:
            monitor.recorder.registry.open_runs[0].stop = True  # an interrupt of the run is none of the thread's
            jobs.put(shapes.url("whole"))
            assert done.get(timeout=20)
        jobs.put(None)
        thread.join()
        assert (calls(run), run.foreign_calls, run.faults) == ([], 1, 0)

    def test_of_another_cell_that_fails(self, closed_port, track):
        """One that is sent again and again is remembered once."""
        import httpx

        def work():
            for _ in range(50):
                with pytest.raises(httpx.ConnectError):
                    httpx.post(f"http://127.0.0.1:{closed_port}/v1/chat/completions", json={"model": "m"})

        context.untracked_cell.set(monitor.recorder.clock())
        begun = contextvars.copy_context()
        context.untracked_cell.set(None)
        with track() as run:
            thread = threading.Thread(target=begun.run, args=(work,))
            thread.start()
            thread.join()
        assert run.foreign_calls == 50
        assert [1] == [len(failed) for (_, host, *_), failed in retries._attempts.items() if host.endswith(f":{closed_port}")]


def _targets():
    import httpx
    import requests
    import urllib3

    return {
        "httpx": (httpx.Client, "send", lambda url: httpx.post(url, json=BODY).content),
        "requests": (requests.Session, "send", lambda url: requests.post(url, json=BODY).content),
        "adapter": (requests.adapters.HTTPAdapter, "send", lambda url: requests.post(url, json=BODY).content),
        "urllib3": (urllib3.PoolManager, "urlopen", lambda url: urllib3.PoolManager().request("POST", url, json=BODY).data),
    }


@pytest.mark.parametrize("name", ["httpx", "requests", "adapter", "urllib3"])
class TestPatches:
    """A user's own patch of a method that we wrap: his runs once a call, each call is heard once."""

    @pytest.fixture
    def patched(self, name, shapes, track):
        owner, method, call = _targets()[name]
        own, hits = owner.__dict__[method], []

        class Patched:
            def put(self, tag):
                below = owner.__dict__[method]
                setattr(owner, method, lambda *a, **k: (hits.append(tag), below(*a, **k))[1])
                return below

            def back(self, to):
                setattr(owner, method, to)

            def hit(self, tags):
                hits.clear()
                with track() as run:
                    assert call(shapes.url("whole")) == WHOLE
                assert counts(run) == [READ]
                assert hits == tags

            def hit_unloaded(self, tags):
                hits.clear()
                monitor.uninstall()
                assert call(shapes.url("whole")) == WHOLE
                assert hits == tags

            @property
            def is_clean(self):
                return owner.__dict__[method] is own

        yield Patched()
        monitor.uninstall()
        setattr(owner, method, own)

    def test_before_and_after(self, patched):
        """Before the load, after it, unload, load again over it all, and taken off one by one."""
        own = patched.put("before")
        patched.hit(["before"])
        ours = patched.put("after")
        patched.hit(["after", "before"])
        patched.hit_unloaded(["after", "before"])
        patched.hit(["after", "before"])
        monitor.uninstall()
        patched.back(ours)
        patched.hit_unloaded(["before"])
        patched.hit(["before"])
        monitor.uninstall()
        patched.back(own)
        patched.hit([])
        monitor.uninstall()
        assert patched.is_clean

    def test_put_on_and_taken_off_while_loaded(self, patched):
        """After it nothing of his is left, and ours is still there."""
        monitor.install()
        ours = patched.put("mine")
        patched.hit(["mine"])
        patched.back(ours)
        patched.hit([])
        monitor.uninstall()
        assert patched.is_clean

    def test_taken_off_over_ours(self, patched):
        """A patch from before the load that is taken off after it takes ours along: the next run puts it on again."""
        own = patched.put("mine")
        patched.hit(["mine"])
        patched.back(own)
        patched.hit([])
        monitor.uninstall()
        assert patched.is_clean


def test_in_the_middle_of_streams(shapes, track):
    """Interleaved streams that begin with us and end without are the user's, byte for byte."""
    import httpx
    import requests

    with track():
        with httpx.stream("POST", shapes.url("held"), json=BODY) as r:
            pieces = r.iter_bytes()
            got = [next(pieces)]
            streamed = requests.post(shapes.url("held"), json=BODY, stream=True)
            monitor.uninstall()
            shapes.release()
            assert b"".join(streamed.iter_content(None)) == b"".join(EVENTS)
            assert b"".join([*got, *pieces]) == b"".join(EVENTS)
