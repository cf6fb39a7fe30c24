"""A real ipykernel, and its cells' outputs as a saved notebook would hold them."""

import os
import queue
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.parts import places
from tests.parts.lazy import Lazy
from tests.parts.reset import reset_code

jupyter_client, nbclient, nbformat = Lazy("jupyter_client"), Lazy("nbclient"), Lazy("nbformat")

FAILED = pytest.StashKey[bool]()


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

    @property
    def printed(self) -> str:
        """All that was ever written to stdout, cleared since or not."""
        return "".join(m["content"]["text"] for m in self.messages if m["msg_type"] == "stream" and m["content"]["name"] == "stdout")

    def data_of_displays(self) -> list[dict]:
        """What each display of the cell held when it was made."""
        return [m["content"]["data"] for m in self.messages if m["msg_type"] == "display_data"]

    def data(self, mime: str = "text/plain") -> list:
        """What the outputs hold of a mime type, in order."""
        shown = [o for o in self.outputs if o.output_type in ("display_data", "execute_result")]
        return [o.data[mime] for o in shown if mime in o.data]

    def __repr__(self) -> str:
        return f"CellResult({self.source!r}, {self.reply.get('status')}, {self.outputs})"


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class Process:
    """One running ipykernel and a client of it, for one test after another."""

    def __init__(self, environment, arguments, cwd, python=None):
        # Sockets in a folder: no port that another program could take between choosing and using it.
        self._sockets = tempfile.mkdtemp(prefix="k")
        self.manager = jupyter_client.KernelManager(kernel_name="python3", transport="ipc", ip=f"{self._sockets}/k")
        if python is not None:
            self.manager.kernel_spec.argv[0] = str(python)
        self.manager.start_kernel(cwd=str(cwd), env=environment, extra_arguments=arguments)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def reset(self, cwd, environment) -> list[str]:
        """Make it as good as new; gives what could not be put back, a line each."""
        msg_id = self.client.execute(reset_code(cwd, environment), store_history=False, allow_stdin=False)
        left = ""
        while True:
            msg = self.client.get_iopub_msg(timeout=30)
            if msg["parent_header"].get("msg_id") != msg_id:
                continue  # what the last test left unread
            if msg["msg_type"] == "stream":
                left += msg["content"]["text"]
            if msg["msg_type"] == "error":
                left += "\n".join(msg["content"]["traceback"])
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                break
        while self.client.get_shell_msg(timeout=30)["parent_header"].get("msg_id") != msg_id:
            pass
        return left.splitlines()

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        shutil.rmtree(self._sockets, ignore_errors=True)


class SharedProcess:
    """The kernel of a module's tests: started once, reset after each, thrown away when it is not clean."""

    def __init__(self):
        self._process = None

    def take(self, cwd, environment) -> Process:
        """A kernel that knows nothing of an earlier test."""
        if self._process is None:
            self._process = Process({**os.environ}, [], cwd)
        left = self._process.reset(cwd, environment)
        assert not left, left
        return self._process

    def tidy(self) -> None:
        """Fail if the test that has had it leaves behind what a reset does not put back."""
        try:
            left = self._process.reset(Path.cwd(), {})
        except Exception as error:  # it is busy, or no longer there
            left = [f"it cannot be reset: {error!r}"]
        if left:
            self.discard()
            pytest.fail("the test left behind in the shared kernel (mark it own_kernel):\n" + "\n".join(left), pytrace=False)

    def discard(self):
        """The next test gets a new one."""
        if self._process is not None:
            self._process.stop()
            self._process = None


class Kernel:
    """A kernel as one test has it; starts, or is reset, at the first cell.

    Its outputs go through nbclient's own reading of the messages (displays by
    id, clear_output, Output widgets), and a late message finds the cell it
    belongs to, as in JupyterLab.
    """

    def __init__(self, cwd, env=None, arguments=(), shared=None, python=None):
        self.cwd, self.env, self.arguments = cwd, dict(env or {}), list(arguments)
        self.notebook = nbformat.v4.new_notebook()
        self._shared, self.python = shared, python
        self._process = self._reader = None
        self._cells = {}

    @property
    def client(self):
        return self.start()._process.client

    @property
    def manager(self):
        return self.start()._process.manager

    def start(self):
        if self._process is None:
            # What a test's own home and folders are is in this process's environment.
            environment = {**places.folders(Path(os.environ["HOME"])), **self.env}
            if self._shared is not None:
                self._process = self._shared.take(self.cwd, environment)
            else:
                self._process = Process({**os.environ, **self.env}, self.arguments, self.cwd, self.python)
            self._reader = nbclient.NotebookClient(self.notebook, record_timing=False)
            self._reader.kc = self._process.client
        return self

    @property
    def uses_shared(self) -> bool:
        """Whether it ran, in the process of the module's tests."""
        return self._process is not None and self._shared is not None

    def stop(self):
        """End the process, if it is this test's own."""
        process, self._process = self._process, None
        if process is not None and self._shared is None:
            process.stop()

    def run(self, cells, *, timeout=60) -> list[CellResult]:
        """Run cells one after the other, the failing ones too."""
        return [self.cell(source, timeout=timeout) for source in cells]

    def cell(
        self, source, *, timeout=60, interrupt_when=None, interrupt_after=None, when=(), silent=False, tags=(), **request
    ) -> CellResult:
        """Run one cell.

        Args:
            interrupt_when: What must be so before the kernel gets what the Stop button
                sends: a word that the cell prints, or a function of the result so far.
            interrupt_after: Seconds after its start at which it gets that: for tests
                whose subject is the moment.
            when: Pairs of such a word or function and what is to be done then, once,
                while the cell runs.
            silent: As the execute request says; the outputs hold nothing then.
            request: Further fields of the request, such as `store_history`.

        """
        self.start()
        result = CellResult(source)
        begun = time.monotonic()
        msg_id = self.client.execute(source, silent=silent, allow_stdin=False, **request)
        if not silent:
            self._add_cell(source, msg_id, tags, result)
        if interrupt_when is not None:
            when = [(interrupt_when, self.interrupt), *when]
        self._listen(result, msg_id, begun + timeout, when, interrupt_after)
        result.seconds = time.monotonic() - begun
        interrupted = interrupt_when is not None or interrupt_after is not None
        result.reply = self._reply_or_none(msg_id) if interrupted else self.reply(msg_id, begun + timeout - time.monotonic())
        if result.status != "ok":
            self._wait_until_it_takes_requests()
        return result

    def interrupt(self) -> None:
        """Do what the Stop button does."""
        self.manager.interrupt_kernel()

    def read_until(self, check, timeout=30) -> None:
        """Apply what threads and tasks of earlier cells send until `check()` is true."""
        until = time.monotonic() + timeout
        while not check():
            assert time.monotonic() < until, f"not within {timeout} s: {[cell.outputs for cell in self.notebook.cells]}"
            try:
                self._apply(self.client.get_iopub_msg(timeout=0.05))
            except queue.Empty:
                continue

    def read_stdout(self, text, timeout=30) -> None:
        """Return when this was printed by a request of which no reply is waited for."""
        until = time.monotonic() + timeout
        said = ""
        while text not in said:
            assert time.monotonic() < until, f"not within {timeout} s: {said!r}"
            try:
                msg = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            if msg["msg_type"] in ("stream", "error"):
                said += msg["content"].get("text") or "\n".join(msg["content"].get("traceback", ()))

    def value(self, expression: str):
        """Evaluate an expression in the kernel; no cell hook of IPython runs for it."""
        import ast

        self.start()
        result = CellResult(expression)
        msg_id = self.client.execute("", silent=True, user_expressions={"value": expression})
        self._listen(result, msg_id, time.monotonic() + 30)
        said = self.reply(msg_id)["user_expressions"]["value"]
        assert said["status"] == "ok", said
        return ast.literal_eval(said["data"]["text/plain"])

    def save(self, path):
        """Write the notebook as a front-end saves it by default: without widget state."""
        saved = nbformat.from_dict(self.notebook)
        saved.metadata.pop("widgets", None)
        saved.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(saved, path)
        return path

    def _wait_until_it_takes_requests(self):
        """ipykernel 6 aborts, for a moment after an error, what it is asked: the next cell of "run all"."""
        for _ in range(1000):
            if self.reply(self.client.execute("", silent=True))["status"] != "aborted":
                return
        raise AssertionError("the kernel aborts every request since a cell failed")

    def _add_cell(self, source, msg_id, tags, result):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
        self.notebook.cells.append(cell)
        result.index = len(self.notebook.cells) - 1
        result.outputs = cell.outputs
        self._cells[msg_id] = (cell, result.index, result)

    def _listen(self, result, msg_id, until, when=(), interrupt_after=None):
        """Take messages until the kernel is idle again, and do what is to be done meanwhile."""
        running_since = None
        waiting = list(when)
        while True:
            now = time.monotonic()
            if running_since and interrupt_after is not None and now - running_since >= interrupt_after:
                self.interrupt()
                interrupt_after = None
            if running_since and waiting:
                due = [one for one in waiting if (one[0] in result.printed if isinstance(one[0], str) else one[0](result))]
                waiting = [one for one in waiting if one not in due]
                for _, action in due:
                    action()
            assert now < until, f"the cell did not end in time: {result}"
            try:
                msg = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                assert self.manager.is_alive(), f"the kernel died: {result}"
                continue
            ours = msg["parent_header"].get("msg_id") == msg_id
            if ours:
                result.messages.append(msg)
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
        except nbclient.exceptions.CellExecutionComplete:
            pass
        if result is not None:
            result.clears = self._reader.clear_before_next_output
            result.outputs = cell.outputs

    def _reply_or_none(self, msg_id):
        """The reply to an interrupted cell: it is sent before the `idle` that was just heard."""
        try:
            return self.reply(msg_id, 5)
        except queue.Empty:
            return {"status": "lost"}

    def reply(self, msg_id, timeout=60) -> dict:
        """What the kernel replied to a request."""
        until = time.monotonic() + timeout
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.1, until - time.monotonic()))
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply["content"]


@pytest.fixture(scope="module")
def shared_process(clean_session):
    """The one kernel process of a module's tests."""
    shared = SharedProcess()
    yield shared
    shared.discard()


@pytest.fixture
def kernels(request, shared_process, home, tmp_path):
    """Make kernels: `kernels(env={...})` is the module's, reset; a second, `fresh=True`, or one of another `python`, is this test's own."""
    made = []

    def make(env=None, arguments=(), cwd=tmp_path, fresh=False, python=None) -> Kernel:
        shared = None if fresh or made or arguments or python else shared_process
        made.append(Kernel(cwd, env, arguments, shared, python))
        return made[-1]

    yield make
    shared = any(kernel.uses_shared for kernel in made)
    for kernel in made:
        kernel.stop()
    if request.node.stash.get(FAILED, False):
        shared_process.discard()  # what it left behind is no other test's trouble
    elif shared:
        shared_process.tidy()


@pytest.fixture
def kernel(kernels, request) -> Kernel:
    """A real kernel: `.run([cells])`, `.cell(source, interrupt_when=, silent=)`; with the mark `own_kernel` no other test's."""
    return kernels(fresh=request.node.get_closest_marker("own_kernel") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    item.stash[FAILED] = report.failed if report.when == "setup" else item.stash.get(FAILED, False) or report.failed
    return report
