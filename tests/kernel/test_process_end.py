"""What was heard arrives: at the end of a script, of a notebook that was executed, of a kernel, and at SIGTERM."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import nbformat
import pytest

from tests.parts import sdk

INIT = "import sentry_sdk\nsentry_sdk.init({dsn!r}, traces_sample_rate=1.0, default_integrations=False, {options})"
LOAD = "%load_ext aimon_nb"
RUN = "%%ai_track {name}\nlen('x')"
PATIENCE = {"AIMON_NB_SENTRY_FLUSH": "30"}  # no luck: a busy machine may need longer than two seconds
STATIC = pytest.param("", id="static", marks=sdk.transactions)
OWNERS = pytest.mark.parametrize("options", [None, STATIC, "trace_lifecycle='stream'"], ids=["ours", None, "stream"])
SIGTERM = -signal.SIGTERM


def names(receiver, *wanted):
    """The roots that arrived, as soon as all that are wanted are there."""
    receiver.wait_for(lambda: {*wanted} <= {*roots(receiver)})
    return sorted(roots(receiver))


def roots(receiver):
    return [span["name"] for span in receiver.spans() if span["op"] == "ai.pipeline"]


def end_of(kernel):
    """The exit status of a kernel's process, once it is over."""
    return kernel.manager.provisioner.process.wait(30)


# At a normal end the user's client flushes itself, or does not: his own choice.
@pytest.mark.parametrize(("how", "options"), [("shutdown", None), ("SIGTERM", None), ("SIGTERM", ""), ("SIGTERM", "trace_lifecycle='stream'")])
def test_an_idle_kernel(kernels, receiver, how, options):
    """A kernel that is shut down, or gets SIGTERM, sends what Sentry did not have time for; its status is as without us."""
    kernel = kernels(env={**PATIENCE, **({"SENTRY_DSN": receiver.dsn} if options is None else {})}, fresh=True)
    init = [INIT.format(dsn=receiver.dsn, options=options)] if options is not None else []
    kernel.run([*init, LOAD])
    receiver.hold()
    kernel.run([RUN.format(name="first"), RUN.format(name="last")])
    if how == "shutdown":
        kernel.manager.request_shutdown()
    else:
        kernel.manager.signal_kernel(signal.SIGTERM)
    receiver.wait_for_requests()
    receiver.release()
    assert (0 if how == "shutdown" else SIGTERM) == end_of(kernel)
    assert ["first", "last"] == names(receiver, "first", "last")


ASK = """%%ai_track stopped
import openai, time
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
ask = lambda text, **more: client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)], **more)
ask("plain")
stream = iter(ask("streamed", stream=True, stream_options=dict(include_usage=True)))
next(stream)
print("now")
{wait}
"""


@OWNERS
def test_in_the_middle_of_a_cell(kernels, truth, receiver, options):
    """At SIGTERM a run that goes on arrives: its root, the call that is over with its tokens, and the one still read."""
    kernel = kernels(env={**PATIENCE, **({"SENTRY_DSN": receiver.dsn} if options is None else {})}, fresh=True)
    init = [INIT.format(dsn=receiver.dsn, options=options)] if options is not None else []
    kernel.run([*init, LOAD])
    source = ASK.format(url=truth.url, wait="import threading; threading.Event().wait(60)")
    kernel.client.execute(source)
    kernel.read_stdout("now")
    kernel.manager.signal_kernel(signal.SIGTERM)
    assert SIGTERM == end_of(kernel)
    assert ["stopped"] == names(receiver, "stopped")
    calls = [span for span in receiver.spans() if span["op"] == "gen_ai.chat"]
    assert 2 == len(calls)
    told = {span["data"].get("gen_ai.usage.output_tokens") for span in calls}
    assert {truth.calls[0].output, None} == told


def script(code, env, **options):
    code = textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}, **options)  # fmt: skip


def ends(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


KILLED = """
    import os, signal, threading
    from aimon_nb import track
    {before}
    with track("stopped"):
        {kill}
        threading.Event().wait(60)
"""


def test_sigterm_of_a_script(receiver):
    """A script that gets SIGTERM in a run sends it, says nothing, and its status is as without us."""
    process = script(KILLED.format(before="", kill="os.kill(os.getpid(), signal.SIGTERM)"), {"SENTRY_DSN": receiver.dsn, **PATIENCE})
    assert (SIGTERM, "", "") == ends(process)
    assert ["stopped"] == names(receiver, "stopped")


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_nobody_can_help(receiver, how):
    """After `os._exit` and SIGKILL nothing runs: the process ends at once."""
    receiver.hold()
    process = script(KILLED.format(before="", kill=how), {"SENTRY_DSN": receiver.dsn, **PATIENCE})
    assert ends(process)[0] in (3, -signal.SIGKILL)
    assert [] == receiver.got


def test_a_handler_of_the_users(receiver):
    """It is his: it is called, and ends the process as he has it; what was heard arrives all the same."""
    before = "signal.signal(signal.SIGTERM, lambda *_: exit(7))"
    process = script(KILLED.format(before=before, kill="os.kill(os.getpid(), signal.SIGTERM)"), {"SENTRY_DSN": receiver.dsn, **PATIENCE})
    assert (7, "", "") == ends(process)
    assert ["stopped"] == names(receiver, "stopped")


def test_without_a_dsn_no_signal_is_touched():
    """No handler is set where nothing is sent; an unload and a fork leave none."""
    code = """
        import os, signal
        from aimon_nb import track
        from aimon_nb.app import monitor
        def ours(): return signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with track("x"): print(ours())
        os.environ["SENTRY_DSN"] = "http://key@127.0.0.1:1/1"
        with track("x"): print(ours(), flush=True)
        child = os.fork()
        if not child:
            print(ours(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        monitor.uninstall()
        print(ours())
    """
    assert (0, "False\nTrue\nFalse\nFalse\n", "") == ends(script(code, {"AIMON_NB_SENTRY_FLUSH": "0"}))


def test_a_pool_ends_its_children(receiver):
    """A forked child that its parent terminates ends by the signal, and sends nothing of its parent's."""
    code = """
        import multiprocessing, threading
        from aimon_nb import track
        def work(ready):
            ready.set()
            threading.Event().wait(60)
        context = multiprocessing.get_context("fork")
        with track("parent"):
            ready = context.Event()
            child = context.Process(target=work, args=(ready,))
            child.start()
            ready.wait(60)
            child.terminate()
            child.join(60)
            print(child.exitcode)
    """
    assert (0, "-15\n", "") == ends(script(code, {"SENTRY_DSN": receiver.dsn, **PATIENCE}))
    assert ["parent"] == names(receiver, "parent")


@pytest.mark.parametrize("seconds", ["0", "0.2"])
def test_the_setting(receiver, seconds):
    """`sentry_flush` is how long the end waits: where nobody answers it gives up, and says nothing."""
    receiver.hold()
    code = "from aimon_nb import track\nwith track('last'): pass"
    assert (0, "", "") == ends(script(code, {"SENTRY_DSN": receiver.dsn, "AIMON_NB_SENTRY_FLUSH": seconds}))


@pytest.mark.parametrize("tool", ["nbconvert", "papermill", "nbclient"])
def test_an_executed_notebook(receiver, tmp_path, tool):
    """What runs a notebook from its first cell to its last leaves nothing behind: each run arrives."""
    cells = [nbformat.v4.new_code_cell(source) for source in (LOAD, RUN.format(name="first"), RUN.format(name="last"))]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    nbformat.write(notebook, tmp_path / "a.ipynb")
    command = {
        "nbconvert": ["nbconvert", "--to", "notebook", "--execute", "a.ipynb", "--output", "b.ipynb"],
        "papermill": ["papermill", "a.ipynb", "b.ipynb"],
        "nbclient": ["nbclient", "a.ipynb"],
    }[tool]
    run = [sys.executable, "-m", *command] if tool != "nbclient" else [sys.executable, "-m", "jupyter", "execute", "a.ipynb"]
    ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=120, env={**os.environ, "SENTRY_DSN": receiver.dsn})
    assert ended.returncode == 0, ended.stderr
    assert ["first", "last"] == names(receiver, "first", "last")
    assert "Traceback" not in json.dumps(ended.stderr)
