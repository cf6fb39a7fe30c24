"""A kernel in which no thread can be started any more: the cell runs as without us, and its end tells all."""

import pytest

LINE = "no thread could be started: the view was brought up to date only at the end"
LIMIT = """
import threading
_name = next(n for n in ("_start_joinable_thread", "_start_new_thread") if hasattr(threading, n))
_start = getattr(threading, _name)
seen = []
def _limited(*args, **kwargs):
    if not main_only or threading.current_thread() is threading.main_thread():
        seen.append(1)
        raise RuntimeError("can't start new thread")
    return _start(*args, **kwargs)
main_only = {main_only}
setattr(threading, _name, _limited)
"""
UNLIMITED = "setattr(threading, _name, _start)"
ASK = """
import openai
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(text): return client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": text}}]).choices[0].message.content
ask("warm")
"""


def values(kernel):
    return kernel.value(
        "(lambda v: (v.status, v._run.totals.calls, v._run.notes, __import__('aimon_nb').capture.internal_errors.internal_errors.count))"
        "(__import__('aimon_nb').last_run())"
    )


@pytest.mark.parametrize("view", ["live", "html", "text"])
@pytest.mark.parametrize("main_only", [False, True])
def test_a_cell(kernel, truth, view, main_only):
    """Value, output and status are the user's, the saved form has the call and one line that says it; the next cell is live."""
    kernel.run([ASK.format(url=truth.url), LIMIT.format(main_only=main_only), "%load_ext aimon_nb"])
    [cell] = kernel.run([f"%%ai_track told --view {view}\nprint('mine')\nlen(ask('hello')) > 0"])
    try:
        assert cell.status == "ok" and cell.text == "mine\n" and "True" in cell.data()
        assert values(kernel) == ("ok", 1, [LINE], 0) and kernel.value("len(seen)") > 0
        shown = " ".join(str(one) for one in cell.data("text/plain") + cell.data("text/html"))
        assert LINE in shown and "gpt-4o" in shown
        assert "widget-view" not in str(cell.outputs)
        [failed] = kernel.run(["%%ai_track own\nthreading.Thread(target=print).start()"])
        assert failed.status == "error" and failed.ename == "RuntimeError" and failed.evalue == "can't start new thread"
        assert "aimon_nb/" not in "\n".join(failed.traceback)
        kernel.run([UNLIMITED])
        [after] = kernel.run([f"%%ai_track live --view {view}\nlen(ask('again')) > 0"])
        assert "True" in after.data() and values(kernel) == ("ok", 1, [], 0)
    finally:
        kernel.run([UNLIMITED])
