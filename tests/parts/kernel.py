"""A real ipykernel, and its cells' outputs as a saved notebook would hold them."""

import os
import queue
import re
import time
from dataclasses import dataclass, field

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete


@dataclass
class CellResult:
    """What came of one execute request."""

    source: str
    reply: dict = field(default_factory=dict)
    outputs: list = field(default_factory=list)
    messages: list = field(default_factory=list, repr=False)
    seconds: float = 0.0
    index: int | None = None
    clears: bool = field(default=False, repr=False)  # a clear_output(wait=True) is pending

    @property
    def status(self) -> str:
        """`ok`, `error` or `aborted`, as the reply says; `lost` if ipykernel sent none.

        It sends none if an interrupt comes between its `busy` and the moment
        IPython has the cell: nothing of the cell has run then, ours included.
        """
        return self.reply["status"]

    @property
    def ename(self) -> str | None:
        return self.reply.get("ename")

    @property
    def evalue(self) -> str | None:
        return self.reply.get("evalue")

    @property
    def traceback(self) -> list[str]:
        """Lines of the traceback without colours."""
        return without_colours("\n".join(self.reply.get("traceback") or [])).splitlines()

    def stream(self, name: str = "stdout") -> str:
        return "".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == name)

    @property
    def text(self) -> str:
        """All that stands on stdout and stderr."""
        return self.stream("stdout") + self.stream("stderr")

    def data(self, mime: str = "text/plain") -> list:
        """What the outputs hold of a mime type, in order."""
        shown = [o for o in self.outputs if o.output_type in ("display_data", "execute_result")]
        return [o.data[mime] for o in shown if mime in o.data]

    def __repr__(self) -> str:
        return f"CellResult({self.source!r}, {self.reply.get('status')}, {self.outputs})"


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class Kernel:
    """A kernel of one test; starts at the first cell.

    Its outputs go through nbclient's own reading of the messages (displays by
    id, clear_output, Output widgets), and a late message finds the cell it
    belongs to, as in JupyterLab.
    """

    def __init__(self, cwd, env=None, arguments=()):
        self.cwd, self.env, self.arguments = cwd, dict(env or {}), list(arguments)
        self.manager = self.client = None
        self.notebook = nbformat.v4.new_notebook()
        self._reader = None
        self._cells = {}

    def start(self):
        if self.manager is not None:
            return self
        try:
            self._launch()
        except RuntimeError:  # of two that start at once, both may have chosen the same free port
            self.stop()
            self._launch()
        self._reader = NotebookClient(self.notebook, record_timing=False)
        self._reader.kc = self.client
        return self

    def _launch(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(
            cwd=str(self.cwd), env={**os.environ, **self.env}, extra_arguments=self.arguments
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def stop(self):
        if self.manager is None:
            return
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager = self.client = None

    def run(self, cells, *, timeout=60) -> list[CellResult]:
        """Run cells one after the other, the failing ones too."""
        return [self.cell(source, timeout=timeout) for source in cells]

    def cell(self, source, *, timeout=60, interrupt_after=None, silent=False, tags=(), **request) -> CellResult:
        """Run one cell.

        Args:
            interrupt_after: Seconds after its start at which the kernel gets what
                the Stop button sends.
            silent: As the execute request says; the outputs hold nothing then.
            request: Further fields of the request, such as `store_history`.

        """
        self.start()
        result = CellResult(source)
        begun = time.monotonic()
        msg_id = self.client.execute(source, silent=silent, allow_stdin=False, **request)
        if not silent:
            self._add_cell(source, msg_id, tags, result)
        self._listen(result, msg_id, begun + timeout, interrupt_after)
        result.seconds = time.monotonic() - begun
        result.reply = self._reply(msg_id, begun + timeout) if interrupt_after is None else self._reply_or_none(msg_id)
        return result

    def drain(self, seconds=0.5) -> None:
        """Apply what arrives after a cell has ended: threads and tasks of earlier cells."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._apply(self.client.get_iopub_msg(timeout=left))
            except queue.Empty:
                return

    def value(self, expression: str):
        """Evaluate an expression in the kernel; no cell hook of IPython runs for it."""
        import ast

        self.start()
        result = CellResult(expression)
        msg_id = self.client.execute("", silent=True, user_expressions={"value": expression})
        self._listen(result, msg_id, time.monotonic() + 30, None)
        said = self._reply(msg_id, time.monotonic() + 30)["user_expressions"]["value"]
        assert said["status"] == "ok", said
        return ast.literal_eval(said["data"]["text/plain"])

    def save(self, path):
        """Write the notebook as a front-end saves it by default: without widget state."""
        saved = nbformat.from_dict(self.notebook)
        saved.metadata.pop("widgets", None)
        saved.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(saved, path)
        return path

    def _add_cell(self, source, msg_id, tags, result):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
        self.notebook.cells.append(cell)
        result.index = len(self.notebook.cells) - 1
        result.outputs = cell.outputs
        self._cells[msg_id] = (cell, result.index, result)

    def _listen(self, result, msg_id, until, interrupt_after):
        """Take messages until the kernel is idle again."""
        running_since = None
        while True:
            now = time.monotonic()
            if running_since and interrupt_after is not None and now - running_since >= interrupt_after:
                self.manager.interrupt_kernel()
                interrupt_after = None
            assert now < until, f"the cell did not end in time: {result}"
            try:
                msg = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                assert self.manager.is_alive(), f"the kernel died: {result}"
                continue
            ours = msg["parent_header"].get("msg_id") == msg_id
            if ours:
                result.messages.append({**msg, "received": time.time()})
            if ours and msg["msg_type"] == "status":
                if msg["content"]["execution_state"] == "busy":
                    running_since = time.monotonic()
                elif msg["content"]["execution_state"] == "idle":
                    return
            self._apply(msg)

    def _apply(self, msg):
        cell, index, result = self._cells.get(msg["parent_header"].get("msg_id"), (None, -1, None))
        if cell is None and msg["msg_type"] != "update_display_data" and not msg["msg_type"].startswith("comm"):
            return
        self._reader.clear_before_next_output = bool(result and result.clears)
        try:
            self._reader.process_message(msg, cell or nbformat.v4.new_code_cell(), index)
        except CellExecutionComplete:
            pass
        if result is not None:
            result.clears = self._reader.clear_before_next_output
            result.outputs = cell.outputs

    def _reply_or_none(self, msg_id):
        """The reply to an interrupted cell: it is sent before the `idle` that was just heard."""
        try:
            return self._reply(msg_id, time.monotonic() + 5)
        except queue.Empty:
            return {"status": "lost"}

    def _reply(self, msg_id, until):
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.1, until - time.monotonic()))
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply["content"]


@pytest.fixture
def kernels(tmp_path):
    """Make kernels of this test's own: `kernels(env={...})`."""
    made = []

    def make(env=None, arguments=(), cwd=tmp_path) -> Kernel:
        made.append(Kernel(cwd, env, arguments))
        return made[-1]

    yield make
    for kernel in made:
        kernel.stop()


@pytest.fixture
def kernel(kernels) -> Kernel:
    """A real kernel: `.run([cells])`, `.cell(source, interrupt_after=, silent=)`."""
    return kernels()
