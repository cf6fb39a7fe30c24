"""How a script ends that opened no client of its own: what was tracked is sent, and the end does not wait for long."""

import os
import socket
import subprocess
import sys
import textwrap

import pytest

from tests.parts import sdk

# The first handler that is registered is the last that runs: it tells how long the others took.
# A thread of the SDK's gets no turn before the main thread waits for it: no luck in these tests.
START = """
import atexit, sys, time
sys.setswitchinterval(30)
def tell(): print("end", time.monotonic() - done)
atexit.register(tell)
ours = []
def watched(function, *args): ours.append(function); return register(function, *args)
def unwatched(function): ours[:] = [one for one in ours if one != function]; unregister(function)
register, unregister, atexit.register, atexit.unregister = atexit.register, atexit.unregister, watched, unwatched
def left(): return [f.__qualname__ for f in ours if f.__module__.startswith("aimon_nb")]
"""
DONE = "\ndone = time.monotonic()\n"
LIMIT = 2.0  # seconds that the end may wait for Sentry
HANGS = 30.0  # more than any machine adds: an end that takes so long waits for something else


def script(code, dsn, *, status=0):
    """Run a script with this SENTRY_DSN; returns (what it printed, seconds that its end took, stderr)."""
    run = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code) + DONE * (status == 0)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "SENTRY_DSN": dsn},
    )  # fmt: skip
    assert run.returncode == status, run.stderr
    said, _, seconds = run.stdout.rpartition("end ")
    return said, float(seconds), run.stderr


@pytest.fixture
def black_hole():
    """A DSN whose server takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://key@127.0.0.1:{server.getsockname()[1]}/1"


def test_the_last_run_arrives(receiver):
    """A script that ends right after its run sends it, and waits for no longer than that takes."""
    said, seconds, errors = script("from aimon_nb import track\nwith track('last'): pass", receiver.dsn)
    assert ("", "") == (said, errors)
    assert ["last"] == [root["name"] for root in receiver.roots()]
    assert seconds < HANGS


@pytest.mark.parametrize("end", ["int('x')", "sys.exit(1)"])
def test_it_arrives_however_the_script_ends(receiver, end):
    """An error of the run that ends the script arrives with the run; so does a run that exits."""
    code = f"from aimon_nb import track\ndone = time.monotonic()\nwith track('last'): {end}"
    _, _, errors = script(code, receiver.dsn, status=1)
    assert ["last"] == [root["name"] for root in receiver.roots()]
    if end == "int('x')":
        assert "ValueError" in errors.splitlines()[-1]
        assert ["ValueError"] == [event["exception"]["values"][-1]["type"] for event in receiver.wait("event")]


def test_nobody_answers(black_hole):
    """Where Sentry does not answer the end waits for two seconds, says nothing and is no error."""
    said, seconds, errors = script("from aimon_nb import track\nwith track('last'): pass", black_hole)
    assert ("", "") == (said, errors)
    assert LIMIT * 0.9 < seconds < HANGS


@pytest.mark.parametrize("error", ["RuntimeError", "KeyboardInterrupt"])
def test_an_error_of_the_sdk(receiver, error):
    """What the SDK raises at the end, or Ctrl-C while it waits, is no traceback on the way out."""
    code = f"""
        import sentry_sdk
        from aimon_nb import track
        with track("last"): pass
        def flush(*_, **__): raise {error}
        sentry_sdk.get_client().flush = flush
    """
    said, _, errors = script(code, receiver.dsn)
    assert ("", "") == (said, errors)


def test_a_client_of_the_users(black_hole):
    """The end of a script with a client of its own waits for nothing of ours."""
    code = f"""
        import sentry_sdk
        from aimon_nb import track
        sentry_sdk.init({black_hole!r}, traces_sample_rate=1.0, default_integrations=False)
        with track("last"): pass
        sentry_sdk.get_client().flush = lambda *_, **__: print("waited for theirs")
    """
    said, _, errors = script(code, black_hole)
    assert ("", "") == (said, errors)


def test_a_client_that_the_users_replaced(receiver, black_hole):
    """What our client still held arrives, and the user's client is not waited for."""
    code = f"""
        import sentry_sdk
        from aimon_nb import track
        with track("ours"): pass
        sentry_sdk.init({black_hole!r}, traces_sample_rate=1.0, default_integrations=False)
        with track("theirs"): pass
        sentry_sdk.get_client().flush = lambda *_, **__: print("waited for theirs")
    """
    said, _, errors = script(code, receiver.dsn)
    assert ("", "") == (said, errors)
    assert ["ours"] == [root["name"] for root in receiver.roots()]


def test_an_unload_takes_it_back(receiver):
    """After an unload nothing of ours runs at the end; a second client is waited for once."""
    code = """
        from aimon_nb import install, track
        from aimon_nb.app import monitor
        for turn in range(2):
            install()
            with track("last"): pass
            print(len(left()))
            monitor.uninstall()
            print(len(left()))
    """
    said, _, errors = script(code, receiver.dsn)
    assert ("1\n0\n1\n0\n", "") == (said, errors)


def test_a_forked_process_sends_nothing_twice(receiver):
    """The child of a fork has a copy of what is still to be sent, and leaves it to its parent."""
    code = """
        import os, warnings
        from aimon_nb import track
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        for turn in range(30):
            with track(str(turn)): pass
        if not os.fork():
            atexit.unregister(tell)
            sys.exit()
        os.wait()
    """
    script(code, receiver.dsn)
    names = [root["name"] for root in receiver.roots(30)]
    assert sorted(names, key=int) == [str(turn) for turn in range(30)]


OWNERS = pytest.mark.parametrize("options", [None, pytest.param("", id="static", marks=sdk.transactions), "trace_lifecycle='stream'"], ids=["ours", None, "stream"])
FORKED = """
    import os, sys, warnings, sentry_sdk
    from aimon_nb import track
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    {init}
    {before}
    child = os.fork()
    if not child:
        atexit.unregister(tell)
        {in_child}
        sentry_sdk.flush(20)
        os._exit(0)
    {after}
    os.waitpid(child, 0)
    sentry_sdk.flush(20)
"""


def forked(options, dsn, **parts):
    init = "" if options is None else f"sentry_sdk.init({dsn!r}, traces_sample_rate=1.0, default_integrations=False, {options})"
    return FORKED.format(**{"before": "", "in_child": "", "after": "", "init": init, **parts})


@OWNERS
def test_a_forked_process_has_a_queue_of_its_own(receiver, options):
    """What its parent has not sent yet is its parent's, also if the child sends something of its own."""
    before = "\n    ".join(f"with track('{turn}'): pass" for turn in range(20))
    code = forked(options, receiver.dsn, before=before, in_child="sentry_sdk.capture_message('child')")
    script(code, receiver.dsn if options is None else "")
    receiver.wait("event")
    names = [span["name"] for span in receiver.spans()]
    assert sorted(names, key=int) == [str(turn) for turn in range(20)]


@OWNERS
def test_a_fork_in_a_run(receiver, options):
    """A child that goes on with its parent's code does not send its parent's run a second time."""
    in_run = "run = track('one')\n    run.__enter__()"
    leave = "run.__exit__(None, None, None)"
    code = forked(options, receiver.dsn, before=in_run, in_child=leave, after=leave)
    script(code, receiver.dsn if options is None else "")
    receiver.roots()
    assert ["one"] == [span["name"] for span in receiver.spans()]


def test_span_ids_of_forked_processes():
    """Two children and their parent make ids of their own."""
    code = """
        import os
        from aimon_nb.sentry.span_maker import assign_id
        class Span: pass
        reader, writer = os.pipe()
        for turn in range(2):
            child = os.fork()
            if not child:
                os.write(writer, assign_id(Span()).encode() + b" ")
                os._exit(0)
            os.waitpid(child, 0)
        ids = [*os.read(reader, 100).decode().split(), assign_id(Span())]
        print(len(ids), len(set(ids)))
    """
    assert "3 3\n" == script(code, "")[0]
