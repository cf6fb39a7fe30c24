"""A notebook open in the browser, as a person sees and works it."""

import os
from contextlib import contextmanager
from pathlib import Path

from tests.parts.waiting import eventually

ROOT = ".aimon"
ROW = ".aimon .row"
HOME = Path(__file__).parents[2]
SHOTS = HOME / "screenshots"
LOADED = 60_000  # ms that two pages of Lab may take to load side by side, and to hear of a run, with both cores busy
# `UPDATE_PICTURES=1` renews the README's.
PICTURES = HOME / "docs" / "images" if os.environ.get("UPDATE_PICTURES") else SHOTS

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
THEME_NOW = "() => document.body.dataset.jpThemeName"
# Until what a function tells has been the same for so many frames; the notebook lays out in turns, when it has time.
STILL = """async ([told, count]) => {
  const value = eval(told);
  let before = value();
  for (let same = 0, all = 0; same < count && all < 1200; all += 1) {
    await new Promise(requestAnimationFrame);
    const now = value();
    same = now === before ? same + 1 : 0;
    before = now;
  }
  return before;
}"""
FRAMES = "async count => { for (; count; count--) await new Promise(requestAnimationFrame); }"
SAVE = """async () => {
  const { context } = window.jupyterapp.shell.currentWidget;
  await context.save();
  return !context.model.dirty;
}"""


class NotebookPage:
    """`raw` is Playwright's page, `path` the notebook's file; `owned` if its test alone has the page."""

    def __init__(self, raw, path: Path, *, owned=False):
        self.raw, self.path, self.owned = raw, path, owned
        self.errors: list[str] = []
        """What the page wrote to the browser's console as an error."""
        self.dialogs: list[str] = []
        """What `alert` and the like have said; each was dismissed."""
        self._listeners = {"console": self._hear_console, "pageerror": self._hear_error, "dialog": self._hear_dialog}
        for event, hear in self._listeners.items():
            raw.on(event, hear)

    def _hear_console(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _hear_error(self, error) -> None:
        self.errors.append(str(error))

    def _hear_dialog(self, dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
        else:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

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

    def wait_frames(self, count=2) -> None:
        """Let the page paint: what an event that was seen brings about is in it after two frames."""
        self.raw.evaluate(FRAMES, count)

    def when_still(self, told: str, count=20):
        """What a function of the page's tells, once it has told the same for so many frames."""
        return self.raw.evaluate(STILL, [told, count])

    def run(self, index: int) -> None:
        """Run a cell and return at once; cells that are run meanwhile queue up."""
        self.raw.evaluate(RUN, index)

    def run_cells(self, *indexes: int, timeout=120) -> None:
        """Run cells one after the other, the failing ones too, each to its end."""
        for index in indexes:
            self.run(index)
            self.wait_idle(timeout)

    def run_all(self, timeout=120) -> None:
        """Run the code cells one after the other, the failing ones too."""
        kinds = [self.cell(index).get_attribute("class") or "" for index in range(self.cells().count())]
        self.run_cells(*[index for index, kind in enumerate(kinds) if "jp-CodeCell" in kind], timeout=timeout)

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

    def open_view(self, index: int) -> None:
        """Unfold the view of a cell, if it is folded, as a reader does who looks at a quick run."""
        fold = self.output(index).locator(".aimon .fold").first
        if fold.get_attribute("aria-expanded") == "false":
            fold.click()

    def save(self, timeout=30) -> Path:
        """Save the notebook as the Save button does, until the file has all of it."""
        # What changes while it is being saved is not in the file.
        eventually(lambda: self.raw.evaluate(SAVE), timeout, "the notebook is saved")
        return self.path

    def reload(self) -> None:
        """Reload the page; the kernel lives on."""
        self.raw.reload()
        self.raw.wait_for_selector(".jp-Notebook .jp-Cell")

    @contextmanager
    def second_tab(self):
        """Load the notebook, as it was saved, in another tab of the same browser."""
        raw = self.raw.context.new_page()
        try:
            raw.goto(self.raw.url.replace("&reset", ""))
            yield raw
        finally:
            raw.close()

    def theme(self, name: str) -> None:
        """Change to `light`, `dark` or `contrast`, also while a cell runs."""
        from tests.parts.lab import THEMES

        if self.raw.evaluate(THEME_NOW) == THEMES[name]:
            return
        self.raw.evaluate(THEME, THEMES[name])
        self.raw.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=THEMES[name], timeout=15_000
        )
        self.wait_frames()

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
        for event, hear in self._listeners.items():
            self.raw.remove_listener(event, hear)
        if self.owned:
            self.raw.context.close()
