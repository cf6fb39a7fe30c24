"""A plain script: nothing by importing, everything by the first call."""

import subprocess
import sys
import textwrap

import pytest

from tests.parts import sdk


def script(code, *options):
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", *options, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert "" == run.stderr
    return run.stdout


# Whose `Span` the installed series makes where nobody chooses.
SPANS = "tracing" if sdk.HAS_TRANSACTIONS else "traces"
CHECK = f"""
import threading
from sentry_sdk import {SPANS} as spans
def on():
    return hasattr(spans.Span.__exit__, "__wrapped__")
"""


def test_importing_patches_nothing():
    """Importing every public name, and decorating, wraps nothing."""
    out = script(CHECK + "from aimon_nb import *\nimport aimon_nb.app\n@ai_track('x')\ndef f(): ...\nprint(on())")
    assert "False\n" == out


@pytest.mark.parametrize(
    "call",
    ["ai_track('x')(lambda: 0)()", "set_ai_pipeline_name('x')", "install()", "track('x').__enter__().run_id", "list(ai_track('x')(lambda: iter([]))())"],
)
def test_the_first_call_patches(call):
    """install(), the first tracked call, the first track and naming a pipeline start the hearing."""
    assert "False True\n" == script(CHECK + f"from aimon_nb import *\nbefore = on()\n{call}\nprint(before, on())")


def test_what_needs_no_hearing_patches_nothing():
    """Asking for the name, recording tokens and normalising data change nothing."""
    calls = "record_token_usage(None, 1); set_data_normalized(None, 'k', 1)"
    assert "None False\n" == script(CHECK + f"from aimon_nb import *\n{calls}\nprint(get_ai_pipeline_name(), on())")


def test_nothing_of_the_deprecated_module():
    """sentry_sdk.ai.monitoring is never imported, and no DeprecationWarning is raised."""
    out = script("""
        import sys, sentry_sdk
        from aimon_nb import *
        sentry_sdk.init(traces_sample_rate=1.0, default_integrations=False)
        @ai_track("work")
        def work():
            record_token_usage(None, 1); set_data_normalized(None, "k", [1])
        work()
        with track("run"): work()
        print("sentry_sdk.ai.monitoring" in sys.modules)
    """)
    assert "False\n" == out


def test_taken_off_stays_off():
    """After an unload no tracked call puts the wraps on again; install() does."""
    out = script(CHECK + """
from aimon_nb import *
from aimon_nb.app import monitor
install(); monitor.uninstall()
print(ai_track('x')(lambda: 7)(), on())
install()
print(on())
""")
    assert "7 False\nTrue\n" == out


def test_a_whole_script(receiver):
    """Without a notebook and without a run, what a script does reaches Sentry under its pipeline."""
    out = script(f"""
        import sentry_sdk
        from aimon_nb import ai_track, record_token_usage
        sentry_sdk.init({receiver.dsn!r}, traces_sample_rate=1.0, default_integrations=False)
        @ai_track("answer")
        def answer():
            with {sdk.code_of_span("ai.chat", "chat")} as span:
                record_token_usage(span, 3, output_tokens=4)
        answer()
        sentry_sdk.flush(5)
    """)
    assert "" == out
    receiver.roots()
    spans = {span["name"]: span for span in receiver.spans()}
    assert {"answer"} == {span["data"]["gen_ai.pipeline.name"] for span in spans.values()}
    assert 7 == spans["chat"]["data"]["gen_ai.usage.total_tokens"]


def test_track_without_a_notebook(receiver):
    """track gives a run to look at, and shows nothing on stdout or stderr."""
    out = script("""
        from aimon_nb import track, ai_track, last_run
        with track("demo", op="ai.demo") as run:
            ai_track("step")(lambda: 0)()
        print(run.status, list(run.spans()["name"]), last_run().run_id == run.run_id)
    """)
    assert out.startswith("ok [") and "'step'" in out and out.endswith("True\n")


def test_put_on_once_and_taken_off_whole():
    """A second install() wraps nothing again, and one uninstall leaves the SDK as it was; a second is harmless."""
    out = script(f"""
        import threading, sentry_sdk
        from sentry_sdk import scope, {SPANS} as spans
        from aimon_nb import install
        from aimon_nb.app import monitor
        def state(): return spans.Span.__exit__, threading.Thread.start, sentry_sdk.is_initialized, list(scope.global_event_processors)
        bare = state()
        install(); once = state()
        install()
        print(once == state(), [a != b for a, b in zip(bare, once)])
        monitor.uninstall()
        print(bare == state())
        monitor.uninstall()
    """)
    assert "True [True, True, True, True]\nTrue\n" == out
