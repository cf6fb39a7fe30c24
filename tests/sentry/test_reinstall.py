"""Hooks that are taken off and put on again while other threads make spans."""

import threading


from aimon_nb.app import monitor
from tests.parts import sdk


def test_a_thread_that_makes_spans_does_not_make_the_sdk_unknown():
    """However often the extension is loaded anew beside busy threads, the SDK is known each time."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            with sdk.start_span(op="x", name="s"):
                pass

    monitor.install()
    tracked = monitor.open("busy", "none")
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    unknown = []
    try:
        for _ in range(1_000):
            monitor.uninstall()
            monitor.install()
            if monitor.tracker.changed:
                unknown.append(monitor.tracker.changed)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        tracked.end(None)
        monitor.uninstall()
    assert [] == unknown
