"""A real JupyterLab (and Notebook 7) in a real Chromium: one server and one browser a session."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.parts import places
from tests.parts.lazy import Lazy
from tests.parts.network import make_guard
from tests.parts.page import NotebookPage

nbformat = Lazy("nbformat")

TOKEN = "test"
APPS = {"lab": "/lab/tree/", "notebook": "/notebooks/"}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "contrast": "JupyterLab Dark High Contrast"}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


class Lab:
    """One Jupyter server and its folder of notebooks, in a browser."""

    def __init__(self, home: Path, browser):
        self.home, self._browser = home, browser
        self.root = home / "notebooks"
        self.guard = make_guard(_made(home / "guard"))
        self.blocked: list[str] = []
        """Addresses beyond this machine that a page asked for."""
        self._process = None
        self._pages: list[NotebookPage] = []
        self._number = 0

    @property
    def attempts(self) -> list[dict]:
        """What the server, its kernels or a page tried to reach beyond this machine."""
        return self.guard.attempts + [{"event": "page", "host": url} for url in self.blocked]

    def start(self) -> "Lab":
        _made(self.root)
        self._write_settings("light")
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self._process = self._serve()
        self._wait_for_server()
        return self

    def stop(self) -> None:
        self.close_pages()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._log.close()

    def open(
        self, cells, *, app="lab", theme="light", env=None, width=1100, height=900, name=None
    ) -> NotebookPage:
        """Open a new notebook and wait until its kernel is ready.

        Args:
            cells: Sources of code cells, or cells made by nbformat.
            env: Variables that the first cell of the notebook sets; they are gone
                from the notebook once they are set.
            app: `lab` or `notebook`.
            theme: `light`, `dark` or `contrast`.

        """
        made = [c if not isinstance(c, str) else nbformat.v4.new_code_cell(c) for c in cells]
        book = nbformat.v4.new_notebook(cells=made)
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.write(book, name)
        page = self._open(path, app, theme, width, height)
        page.wait_ready()
        page.widen()
        if env:
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
        """Open a copy of a saved notebook in a new page that has no kernel and gets none."""
        book = nbformat.read(path, 4)
        book.metadata.kernelspec = {"name": "none", "display_name": "none", "language": "none"}
        book.metadata.pop("language_info", None)
        copy = self.write(book, "reopened")
        if trusted:
            self._sign(copy)
        page = self._open(copy, app, theme, width, height)
        page.refuse_kernel()
        page.widen()
        return page

    def close_pages(self) -> None:
        """Close what a test has opened, kernels included."""
        pages, self._pages = self._pages, []
        for page in pages:
            page.close()
        if pages:
            for kernel in self.ask("api/kernels"):
                self.ask(f"api/kernels/{kernel['id']}", "DELETE")

    def ask(self, path: str, method: str = "GET"):
        """Ask the server's own API."""
        url = f"http://127.0.0.1:{self.port}/{path}"
        request = urllib.request.Request(url, method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _open(self, path: Path, app: str, theme: str, width: int, height: int) -> NotebookPage:
        self._write_settings(theme)
        context = self._browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("request", self._note_request)
        reset = "&reset" if app == "lab" else ""
        page.goto(f"http://127.0.0.1:{self.port}{APPS[app]}{path.name}?token={TOKEN}{reset}")
        self._pages.append(NotebookPage(page, path))
        return self._pages[-1]

    def _note_request(self, request) -> None:
        host = request.url.partition("://")[2].partition("/")[0].rpartition(":")[0]
        if request.url.startswith(("http", "ws")) and host not in ("127.0.0.1", "localhost"):
            self.blocked.append(request.url)

    def _serve(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.port={self.port}", "--ServerApp.ip=127.0.0.1"]
        command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}"]
        command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True", "--ServerApp.port_retries=0"]
        env = {**os.environ, **places.folders(self.home), **self.guard.env}
        self._log = open(self.home / "server.log", "wb")
        return subprocess.Popen(command, env=env, cwd=self.root, stdout=self._log, stderr=subprocess.STDOUT)

    def _wait_for_server(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.ask("api/status")
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        pytest.fail("JupyterLab did not start:\n" + (self.home / "server.log").read_text()[-2000:])

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
def lab(lab_session) -> Lab:
    """JupyterLab in a browser: `.open([cells])` gives a page; it is closed after the test."""
    yield lab_session
    lab_session.close_pages()
