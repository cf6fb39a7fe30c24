"""A real JupyterLab (and Notebook 7) in a real Chromium.

One server a session, one page with JupyterLab in it, and one kernel: a test opens its
notebook in them, after the kernel was reset and the page has forgotten the runs of the
test before. A second page, in which nothing ever runs, shows saved notebooks. What a
failing test leaves behind is thrown away.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.parts import places
from tests.parts.kernel import FAILED
from tests.parts.lazy import Lazy
from tests.parts.network import make_guard
from tests.parts.page import NotebookPage
from tests.parts.reset import reset_code
from tests.parts.store import INIT
from tests.parts.waiting import eventually

nbformat = Lazy("nbformat")

TOKEN = "test"
APPS = {"lab": "/lab/tree/", "notebook": "/notebooks/"}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "contrast": "JupyterLab Dark High Contrast"}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
# The launcher stays: without any tab Lab would open one over what is opened next.
EMPTY = """() => {
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
    if (widget.id.startsWith('launcher')) continue;
    if (widget.context) widget.context.model.dirty = false;
    widget.dispose();
  }
  document.getElementById('aimon_nb-style')?.remove();
  window.testStores = [];
  window.testsRunning = 0;
}"""
SHOW = "path => { window.jupyterapp.commands.execute('docmanager:open', {path}) }"
SHOWN = "path => window.jupyterapp.shell.currentWidget?.context?.path === path"
HAS_LAUNCHER = "() => [...window.jupyterapp.shell.widgets('main')].some(widget => widget.id.startsWith('launcher'))"
LOADED = "() => window.jupyterapp?.shell.currentWidget?.id.startsWith('launcher')"
# Beside any notebook: a page that is opened first would restore the widgets of the last test.
RESET = """async ([id, code, patience]) => {
  const { kernels } = window.jupyterapp.serviceManager;
  const kernel = kernels.connectTo({model: {id, name: 'python3'}, handleComms: false});
  const future = kernel.requestExecute({code, store_history: false, allow_stdin: false}, false);
  let said = '';
  future.onIOPub = ({content}) => { said += content.text ?? content.evalue ?? ''; };
  const late = new Promise(done => setTimeout(done, patience, 'it is busy'));
  const ended = await Promise.race([future.done.then(() => '', String), late]);
  kernel.dispose();
  return said + ended;
}"""
PATIENCE = 20_000  # ms in which a kernel must have done with its last cell


class Lab:
    """One Jupyter server and its folder of notebooks, in a browser."""

    def __init__(self, home: Path, browser):
        self.home, self._browser = home, browser
        self.root = home / "notebooks"
        self.guard = make_guard(_made(home / "guard"))
        self.blocked: list[str] = []
        """Addresses beyond this machine that a page asked for."""
        self._process = None
        self._loaded = {}
        self._pages: list[NotebookPage] = []
        self._kernel = self._session = None
        self._used = False  # whether the test of now has the shared kernel
        self._number = 0

    @property
    def attempts(self) -> list[dict]:
        """What the server, its kernels or a page tried to reach beyond this machine."""
        return self.guard.attempts + [{"event": "page", "host": url} for url in self.blocked]

    def start(self) -> "Lab":
        _made(self.root)
        self._write_settings("light")
        self._process = self._serve()
        self.port = eventually(self._find_port, 60)
        return self

    def stop(self) -> None:
        self.close_pages()
        self.discard()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._log.close()

    def open(
        self, cells, *, app="lab", theme="light", env=None, width=1100, height=900, name=None, fresh=False
    ) -> NotebookPage:
        """Open a new notebook and wait until its kernel is ready.

        The page and the kernel are those of all tests; the second notebook of a test, and
        whatever stands in Notebook 7, has its own.

        Args:
            cells: Sources of code cells, or cells made by nbformat.
            env: Variables of the kernel's environment.
            app: `lab` or `notebook`.
            theme: `light`, `dark` or `contrast`.
            fresh: Whether to load a page and start a kernel for this notebook alone.

        """
        made = [c if not isinstance(c, str) else nbformat.v4.new_code_cell(c) for c in cells]
        book = nbformat.v4.new_notebook(cells=made)
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.write(book, name)
        if fresh or self._pages or app != "lab":
            page = self._load(path, app, theme, width, height)
        else:
            page = self._move_to(path, env, theme, width, height)
        page.wait_ready()
        page.widen()
        if env and page.owned:
            page.execute(f"import os; os.environ.update({dict(env)!r})")
        return page

    def write(self, book, name=None) -> Path:
        """Put a notebook in the server's folder."""
        self._number += 1
        path = self.root / f"{name or 'notebook'}-{self._number}.ipynb"
        nbformat.write(book, path)
        return path

    def reopen(
        self, path, *, app="lab", theme="light", trusted=True, width=1100, height=900
    ) -> NotebookPage:
        """Open a copy of a saved notebook without a kernel, in a page in which nothing has run."""
        book = nbformat.read(path, 4)
        book.metadata.kernelspec = {"name": "none", "display_name": "none", "language": "none"}
        book.metadata.pop("language_info", None)
        copy = self.write(book, "reopened")
        if trusted:
            self._sign(copy)
        if app == "lab":
            page = self._show("reader", copy, theme, width, height)
        else:
            page = self._load(copy, app, theme, width, height)
        page.refuse_kernel()
        page.widen()
        return page

    def close_pages(self) -> None:
        """Close what a test has opened for itself, kernels included."""
        pages, self._pages = self._pages, []
        for page in pages:
            page.close()
        if any(page.owned for page in pages):
            for kernel in self.ask("api/kernels"):
                if kernel["id"] != self._kernel:
                    self.ask(f"api/kernels/{kernel['id']}", "DELETE")

    def discard(self) -> None:
        """Throw the shared pages and the shared kernel away: the next test gets new ones."""
        loaded, self._loaded = self._loaded, {}
        for raw in loaded.values():
            raw.context.close()
        self._discard_kernel()

    def tidy(self) -> None:
        """Fail if the test that has had the shared kernel leaves behind what a reset does not put back."""
        used, self._used = self._used, False
        if not used or self._kernel is None:
            return
        try:
            self._page_of("writer").evaluate(EMPTY)
            left = self._reset_kernel({})
        except Exception:
            self.discard()
            raise
        if left:
            self._discard_kernel()
            pytest.fail(f"the test left behind in the shared kernel (open its notebook fresh): {left}", pytrace=False)

    def kill_kernel(self) -> None:
        """End the shared kernel, whatever it does; the next test gets a new one."""
        self._discard_kernel()

    def ask(self, path: str, method: str = "GET", body=None):
        """Ask the server's own API."""
        url = f"http://127.0.0.1:{self.port}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    # ---- what tests share ----

    def _move_to(self, path, env, theme, width, height) -> NotebookPage:
        """Open a notebook in the shared page, with the shared kernel as good as new."""
        if self._kernel is None:
            self._start_kernel()
        raw = self._page_of("writer")
        raw.evaluate(EMPTY)
        left = self._reset_kernel(env or {})
        assert not left, left
        self._used = True
        if self._session is None:
            asked = {"path": path.name, "name": path.name, "type": "notebook", "kernel": {"id": self._kernel}}
            self._session = self.ask("api/sessions", "POST", asked)["id"]
        else:
            self.ask(f"api/sessions/{self._session}", "PATCH", {"path": path.name, "name": path.name})
        return self._show("writer", path, theme, width, height)

    def _reset_kernel(self, env) -> str:
        """Make the shared kernel as good as new; gives what could not be put back."""
        return self._page_of("writer").evaluate(RESET, [self._kernel, reset_code(self.root, env), PATIENCE])

    def _show(self, role, path, theme, width, height) -> NotebookPage:
        """Open a notebook in a page in which JupyterLab is loaded, in place of what is there."""
        raw = self._page_of(role)
        raw.set_viewport_size({"width": width, "height": height})
        raw.evaluate(EMPTY)
        page = NotebookPage(raw, path)
        self._pages.append(page)
        page.theme(theme)
        raw.evaluate(SHOW, path.name)
        raw.wait_for_function(SHOWN, arg=path.name)
        return page

    def _page_of(self, role):
        if role not in self._loaded:
            self._write_settings("light")
            self._loaded[role] = self._new_page(1100, 900)
            self._load_lab(self._loaded[role])
        elif not self._loaded[role].evaluate(HAS_LAUNCHER):
            # A test has loaded it anew, and Lab would open that test's notebook again, when no tab is left.
            self._loaded[role].evaluate(EMPTY)
            self._load_lab(self._loaded[role])
        return self._loaded[role]

    def _load_lab(self, raw) -> None:
        raw.goto(f"http://127.0.0.1:{self.port}/lab?token={TOKEN}&reset")
        raw.wait_for_function(LOADED, timeout=60_000)

    def _start_kernel(self) -> None:
        self._kernel = self.ask("api/kernels", "POST", {"name": "python3"})["id"]

    def _discard_kernel(self) -> None:
        kernel, self._kernel, self._session = self._kernel, None, None
        if kernel is not None:
            try:
                self.ask(f"api/kernels/{kernel}", "DELETE")
            except urllib.error.HTTPError:
                pass  # the test has ended it

    # ---- what one test has ----

    def _load(self, path: Path, app: str, theme: str, width: int, height: int) -> NotebookPage:
        self._write_settings(theme)
        raw = self._new_page(width, height)
        page = NotebookPage(raw, path, owned=True)
        self._pages.append(page)
        reset = "&reset" if app == "lab" else ""
        raw.goto(f"http://127.0.0.1:{self.port}{APPS[app]}{path.name}?token={TOKEN}{reset}")
        return page

    def _new_page(self, width: int, height: int):
        context = self._browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(30_000)
        context.add_init_script(INIT)
        raw = context.new_page()
        raw.on("request", self._note_request)
        return raw

    def _note_request(self, request) -> None:
        host = request.url.partition("://")[2].partition("/")[0].rpartition(":")[0]
        if request.url.startswith(("http", "ws")) and host not in ("127.0.0.1", "localhost"):
            self.blocked.append(request.url)

    def _serve(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
        command += ["--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"]
        command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}"]
        command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        env = {**os.environ, **places.folders(self.home), **self.guard.env}
        self._log = open(self.home / "server.log", "wb")
        return subprocess.Popen(command, env=env, cwd=self.root, stdout=self._log, stderr=subprocess.STDOUT)

    def _find_port(self) -> int | None:
        """The port that the server has chosen, once it answers there."""
        if self._process.poll() is not None:
            pytest.fail("JupyterLab did not start:\n" + (self.home / "server.log").read_text()[-2000:])
        runtime = Path(places.folders(self.home)["JUPYTER_RUNTIME_DIR"])
        for file in runtime.glob("jpserver-*.json"):
            try:
                self.port = json.loads(file.read_text())["port"]
                self.ask("api/status")
            except (ValueError, OSError):
                continue  # half written, or not listening yet
            return self.port
        return None

    def _write_settings(self, theme: str) -> None:
        themes = {"@jupyterlab/apputils-extension/themes": {"theme": THEMES[theme]}}
        folder = Path(places.folders(self.home)["JUPYTERLAB_SETTINGS_DIR"])
        for plugin, values in {**SETTINGS, **themes}.items():
            path = folder / f"{plugin}.jupyterlab-settings"
            _made(path.parent)
            path.write_text(json.dumps(values))

    def _sign(self, path: Path) -> None:
        from nbformat.sign import NotebookNotary

        notary = NotebookNotary(data_dir=places.folders(self.home)["JUPYTER_DATA_DIR"])
        notary.sign(nbformat.read(path, 4))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lab_session(clean_session, browser, tmp_path_factory):
    server = Lab(tmp_path_factory.mktemp("lab"), browser)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def lab(request, lab_session) -> Lab:
    """JupyterLab in a browser: `.open([cells])` gives a page; what is a test's own is closed after it."""
    yield lab_session
    lab_session.close_pages()
    if request.node.stash.get(FAILED, False):
        lab_session.discard()
    else:
        lab_session.tidy()


SETUP = """%load_ext aimon_nb
import openai, sentry_sdk, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
from aimon_nb import ai_track, pricing
client = openai.OpenAI(base_url="{url}", api_key="sk-none-of-your-business", max_retries=0)
pricing.host("{host}", provider="openai")
def ask(q, model="gpt-4o-mini", **more):
    return client.chat.completions.create(model=model, messages=[dict(role="user", content=q)], **more)
def wait():
    urllib.request.urlopen("{root}/hold").read()
"""


@pytest.fixture
def notebook(lab, truth):
    """Open a notebook whose first cell loads the extension: `notebook(*cells)` gives its page.

    In its cells `ask(text)` calls the truth server, and `wait()` blocks until the test calls
    `truth.release()`; `truth.wait_held()` returns once the cell is there.
    """

    def open_notebook(*cells, **options) -> NotebookPage:
        setup = SETUP.format(url=truth.url, host=truth.host, root=truth.root)
        page = lab.open([setup, *cells], **{"height": 1150, **options})
        page.run_cells(0)
        assert page.text(0) == ""
        return page

    return open_notebook
