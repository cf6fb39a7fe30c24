"""A real kernel: what loading costs, and what a tracked cell costs with its view."""

import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

HERE = Path(__file__).parent
LOADS = {"floor": "import sentry_sdk, anywidget", "ours": "get_ipython().run_line_magic('load_ext', 'aimon_nb')"}


class Kernel:
    """A fresh kernel of another environment, in folders of its own."""

    def __init__(self, python):
        self._folder = TemporaryDirectory()
        home = self._folder.name
        self._manager = KernelManager()
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._manager._kernel_spec = KernelSpec(argv=argv, display_name="bench", language="python")
        self._manager.start_kernel(env={"PATH": "", "HOME": home, "IPYTHONDIR": home, "AIMON_NB_AUTOLOAD": "0"}, cwd=home)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=120)

    def run(self, code):
        """Run a cell; returns what it printed."""
        said = []

        def hear(message):
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, timeout=600, output_hook=hear)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(said)

    def close(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._folder.cleanup()


def load(python, rounds):
    """{what: [milliseconds of CPU in a fresh kernel]}; the first round warms the disk's cache."""
    found = {"floor": [], "ours": []}
    for turn in range(rounds + 1):
        for what, code in LOADS.items():
            one = Kernel(python)
            took = float(one.run(f"import time\n_t = time.process_time()\n{code}\nprint(time.process_time() - _t)"))
            one.close()
            if turn:
                found[what].append(took * 1000)
    return found


CELLS = {
    "not tracked": "c.open()\nC.BODIES['full']({n}, c.span, c.put)\nc.close()",
    "view none": "%%ai_track bench --view none\nC.BODIES['full']({n}, c.span, c.put)",
    "view live": "%%ai_track bench --view live\nC.BODIES['full']({n}, c.span, c.put)",
}


def cells(python, sizes, repeats=3):
    """{spans: {cell: (CPU of the kernel, wall), seconds}}, medians; the saved form included.

    Messages to a page leave the kernel; no browser reads them.
    """
    one = Kernel(python)
    one.run(f"import sys, json, time\nsys.path.insert(0, {str(HERE)!r})\nimport contender as C\nc = C.Sentry()\nc.start()\n%load_ext aimon_nb")
    found = {}
    for size in sizes:
        for turn in range(repeats + 1 if size < 5_000 else 2):  # the first one warms up
            for what, code in CELLS.items():
                one.run("_t, _w = time.process_time(), time.perf_counter()")
                one.run(code.format(n=size))
                got = one.run("print(json.dumps((time.process_time() - _t, time.perf_counter() - _w)))")
                if turn:
                    found.setdefault(size, {}).setdefault(what, []).append(json.loads(got))
    one.close()
    return {size: {what: tuple(statistics.median(column) for column in zip(*got)) for what, got in by.items()} for size, by in found.items()}
