"""What the first tracked cell of a kernel shows and costs: `python benchmarks/first_call.py [ROUNDS]`.

Each round is a fresh kernel; medians are printed, each beside its bound. A local server
answers after a fixed pause, so that a call lasts as long as its client takes and no
longer. Not a test: shared machines are too uneven for a limit in milliseconds.

- *The first call*: the shown duration of the first call of a kernel, over that of later
  calls, a whole answer and a stream (its time to first token). The price list is imported
  meanwhile, on our thread.
- *The first tracked cell*: CPU of the user's thread from before it to after it, over that
  of a cell that is not tracked and asks the same. The client was used before.
- *A failing cell*: the run's shown duration over the time that its code took: drawing the
  traceback is no part of it.
"""

import json
import os
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.manager import KernelManager

from aimon_nb.testing import truth_server

PAUSE = 0.077  # seconds before an answer
LATER = 5  # calls after the first one
SETUP = """
import json, time, openai
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
def ask(**more):
    answer = client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "hello"}}], **more)
    return list(answer) if more else answer
"""
# What the last run's calls show, in order.
SHOWN = "import aimon_nb\nprint(json.dumps([s.{field} for s in aimon_nb.last_run()._run.spans.values() if s.call]))"
TRACKED = "%%ai_track first --view {view}\n"
FAILING = """
t = time.perf_counter()
try:
    raise KeyError("no")
except KeyError as error:
    took = time.perf_counter() - t
    raise
"""


class Kernel:
    """A fresh kernel of this Python, in folders of its own."""

    def __init__(self, url):
        self._folder = TemporaryDirectory()
        home = self._folder.name
        path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self._manager = KernelManager(kernel_name="python3")
        env = {"PATH": os.environ["PATH"], "HOME": home, "IPYTHONDIR": home, "AIMON_NB_AUTOLOAD": "0", "PYTHONPATH": path}
        self._manager.start_kernel(env=env, cwd=home)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)
        self.run(SETUP.format(url=url))

    def run(self, code, status="ok"):
        """Run a cell; returns what it printed."""
        said = []

        def hear(message):
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, timeout=600, output_hook=hear)
        assert reply["content"]["status"] == status, reply["content"]
        return "".join(said)

    def cpu(self, code):
        """Milliseconds of CPU that a cell costs the user's thread, with what comes before and after it."""
        self.run("_t = time.thread_time()")
        self.run(code)
        return float(self.run("print(time.thread_time() - _t)")) * 1000

    def close(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def first_call(url, field, more=""):
    """(milliseconds that the first call of a kernel shows, the median of later ones)."""
    with Kernel(url) as kernel:
        kernel.run("%load_ext aimon_nb")
        kernel.run(TRACKED.format(view="live") + f"for _ in range({LATER + 1}): ask({more})")
        first, *later = json.loads(kernel.run(SHOWN.format(field=field)))
        return first * 1000, statistics.median(later) * 1000


def first_cell(url, view):
    """Milliseconds of CPU of the user's thread: (an untracked cell, the first tracked one, the second)."""
    with Kernel(url) as kernel:
        kernel.run("ask()")
        kernel.run("%load_ext aimon_nb")
        untracked = kernel.cpu("ask()")
        return untracked, *(kernel.cpu(TRACKED.format(view=view) + "ask()") for _ in range(2))


def failing_cell(url):
    """(milliseconds that the code of a failing cell took, those that its run shows)."""
    with Kernel(url) as kernel:
        kernel.run("%load_ext aimon_nb")
        kernel.run(TRACKED.format(view="live") + FAILING, status="error")
        took, shown = json.loads(kernel.run("import aimon_nb\nprint(json.dumps((took, aimon_nb.last_run()._run.duration)))"))
        return took * 1000, shown * 1000


def median(rounds, measure, *args):
    """The medians of what a measurement returns, column by column."""
    return [statistics.median(column) for column in zip(*(measure(*args) for _ in range(rounds)))]


def report(rounds):
    with truth_server(latency=PAUSE) as server:
        print(f"Medians of {rounds} fresh kernels; the server answers after {PAUSE * 1000:.0f} ms.\n")
        print("| ms | first | beside | more | bound |\n|---|---:|---:|---:|---:|")
        for name, field, more in (("a call", "duration", ""), ("time to first token", "ttft", "stream=True")):
            first, later = median(rounds, first_call, server.url, field, more)
            print(f"| {name}: the first, later ones | {first:.1f} | {later:.1f} | {first - later:.1f} | 10 |")
        for view in ("live", "none"):
            untracked, first, second = median(rounds, first_cell, server.url, view)
            print(f"| CPU of the user's thread, view {view}: the first tracked cell, an untracked one | {first:.1f} | {untracked:.1f} | {first - untracked:.1f} | 50 |")
            print(f"| … the second tracked cell | {second:.1f} | {untracked:.1f} | {second - untracked:.1f} | |")
        took, shown = median(rounds, failing_cell, server.url)
        print(f"| a failing cell: its run, its code | {shown:.1f} | {took:.1f} | {shown - took:.1f} | |")


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
