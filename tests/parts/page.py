"""A notebook open in the browser, as a person sees and works it."""

import time
from pathlib import Path

READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget, context = panel?.sessionContext;
  const kernel = context?.session?.kernel;
  return !!(context?.isReady && kernel?.connectionStatus === 'connected' && kernel.status === 'idle');
}"""
IDLE = f"() => !window.testsRunning && ({READY})()"
# The command's promise ends with the cell: do not wait for it here.
RUN = """index => {
  const app = window.jupyterapp, book = app.shell.currentWidget.content;
  book.activeCellIndex = index;
  book.deselectAll();
  window.testsRunning = (window.testsRunning || 0) + 1;
  app.commands.execute('notebook:run-cell').finally(() => { window.testsRunning -= 1; });
}"""
EXECUTE = """async code => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const reply = await kernel.requestExecute({code, silent: true, store_history: false}).done;
  return reply.content.status;
}"""
THEME = """async name => {
  await window.jupyterapp.commands.execute('apputils:change-theme', {theme: name});
}"""


class NotebookPage:
    """`raw` is Playwright's page, `path` the notebook's file."""

    def __init__(self, raw, path: Path):
        self.raw, self.path = raw, path
        self.said: list[str] = []
        """What the page wrote to the browser's console as an error."""
        raw.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        raw.on("pageerror", lambda error: self.said.append(str(error)))

    def wait_ready(self, timeout=60) -> None:
        """Wait for the kernel: a cell run before that opens a dialog and is lost."""
        self.raw.wait_for_selector(".jp-Notebook .jp-Cell", timeout=timeout * 1000)
        self.raw.wait_for_function(READY, timeout=timeout * 1000)

    def widen(self) -> None:
        """Fold the side bars: the notebook has the whole window."""
        self.raw.evaluate(
            "() => { const s = window.jupyterapp.shell; s.collapseLeft?.(); s.collapseRight?.(); }"
        )

    def wait_idle(self, timeout=60) -> None:
        """Wait until every cell that was run has ended."""
        self.raw.wait_for_function(IDLE, timeout=timeout * 1000)

    def run(self, index: int) -> None:
        """Run a cell and return at once; cells that are run meanwhile queue up."""
        self.raw.evaluate(RUN, index)

    def run_all(self, timeout=120) -> None:
        """Run the code cells one after the other, the failing ones too."""
        for index in range(self.cells().count()):
            if "jp-CodeCell" in (self.cell(index).get_attribute("class") or ""):
                self.run(index)
                self.wait_idle(timeout)

    def execute(self, code: str) -> str:
        """Run code in the kernel beside the notebook; gives the reply's status."""
        return self.raw.evaluate(EXECUTE, code)

    def interrupt(self) -> None:
        """Do what the Stop button does."""
        self.raw.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
        )

    def cells(self):
        return self.raw.locator(".jp-Notebook .jp-Cell")

    def cell(self, index: int):
        return self.cells().nth(index)

    def output(self, index: int):
        """The output area of a cell, as a Playwright locator."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def text(self, index: int) -> str:
        """What a person reads in the output of a cell."""
        self.cell(index).scroll_into_view_if_needed()  # what is far off the screen is not laid out
        area = self.output(index)
        return area.inner_text() if area.count() else ""

    def prompt(self, index: int) -> str:
        """`[ ]:`, `[*]:` or `[7]:`."""
        return self.cell(index).locator(".jp-InputPrompt").text_content().strip()

    def save(self, timeout=30) -> Path:
        """Save the notebook as the Save button does, and wait until the file has it."""
        self.raw.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
        until = time.monotonic() + timeout
        dirty = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
        while self.raw.evaluate(dirty):
            assert time.monotonic() < until, "the notebook was not saved"
            time.sleep(0.05)
        return self.path

    def reload(self) -> None:
        """Reload the page; the kernel lives on."""
        self.raw.reload()
        self.raw.wait_for_selector(".jp-Notebook .jp-Cell")

    def theme(self, name: str) -> None:
        """Change to `light`, `dark` or `contrast`, also while a cell runs."""
        from tests.parts.lab import THEMES

        self.raw.evaluate(THEME, THEMES[name])
        self.raw.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=THEMES[name], timeout=15_000
        )
        self.raw.wait_for_timeout(200)

    def screenshot(self, path, theme=None, cell=None) -> Path:
        """Take a picture of the page, or of one cell, in a theme if one is named.

        What is higher than the window is cut: open the page with a `height` that fits.
        """
        if theme:
            self.theme(theme)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        target = self.raw if cell is None else self.cell(cell)
        target.screenshot(path=str(path), animations="disabled")
        return path

    def refuse_kernel(self) -> None:
        """Answer the question for a kernel with No Kernel."""
        self.raw.wait_for_selector(".jp-Notebook .jp-Cell")
        dialog = self.raw.locator(".jp-Dialog")
        dialog.wait_for()
        dialog.get_by_role("button", name="No Kernel").click()
        dialog.wait_for(state="detached")

    def close(self) -> None:
        self.raw.context.close()
