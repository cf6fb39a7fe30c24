"""JupyterLab in a browser, as the tests of pages have it, works; and what fails in it stops Run All."""

import nbformat
import pytest

from tests.parts.page import ROW

BLOCKED = "import urllib.request; print('in'); urllib.request.urlopen('{root}/hold').read()"


@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.matrix)])
def test_cells(lab, truth, app):
    """A cell prints; one that is blocked shows [*]; Stop interrupts; the file has it all; nothing leaves the machine."""
    page = lab.open(["print('hel' + 'lo')", BLOCKED.format(root=truth.root)], app=app)
    page.run_cells(0)
    assert "hello" == page.text(0).strip()
    page.run(1)
    truth.wait_held()
    page.output(1).get_by_text("in", exact=True).wait_for()
    assert "[*]:" == page.prompt(1)
    page.interrupt()
    page.wait_idle()
    assert "KeyboardInterrupt" in page.text(1)
    saved = nbformat.read(page.save(), 4)
    assert "hello\n" == saved.cells[0].outputs[0].text

    again = lab.reopen(page.path, app=app)
    again.output(0).get_by_text("hello").wait_for()
    assert "hello" == again.text(0).strip()
    assert [] == lab.attempts


def test_themes(lab, tmp_path):
    """A page opens in a theme, changes it, and has its picture taken; its kernel has the variables it was given."""
    page = lab.open(["1"], theme="dark", env={"SEEN": "1"})
    assert "false" == page.raw.evaluate("document.body.dataset.jpThemeLight")
    light = page.screenshot(tmp_path / "light.png", theme="light")
    assert light.stat().st_size > 1000
    assert "true" == page.raw.evaluate("document.body.dataset.jpThemeLight")
    assert "ok" == page.execute("import os; assert os.environ['SEEN'] == '1'")


LEAVES = """%%ai_track left
import os; os.environ["LEFT"] = "1"
ask("PROMPT")
"""
FINDS = """import os, sys
print("LEFT" in os.environ, "ask" in globals(), any(name.startswith("aimon_nb") for name in sys.modules))
"""


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_test_finds_nothing_of_another(notebook, lab, turn):
    """What one test named, set, imported, ran and showed in the shared kernel and page is gone in the next, in the same process and page."""
    page = lab.open([FINDS])
    page.run_cells(0)
    assert ("[1]:", "False False False") == (page.prompt(0), page.text(0).strip())
    assert page.raw.evaluate("() => [storedRuns().size === 0, document.querySelectorAll('.aimon').length]") == [True, 0]
    lab.close_pages()
    page = notebook(LEAVES)
    page.run_cells(1)
    page.open_view(1)
    page.output(1).locator(ROW).first.wait_for()


FAILS = "%%ai_track boom\n1/0"
NEXT = "import pathlib; pathlib.Path('next').write_text('ran')"


def test_run_all_stops_at_a_failure(lab):
    """Run All in JupyterLab stops at the failing tracked cell; its tree stands above the error."""
    page = lab.open(["%load_ext aimon_nb", FAILS, NEXT])
    page.raw.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.output(1).get_by_text("ZeroDivisionError").first.wait_for()
    page.wait_idle()
    page.wait_frames()
    assert "boom" in page.text(1) and page.text(1).index("boom") < page.text(1).index("Traceback")
    assert page.prompt(2) == "[ ]:"
    assert not (page.path.parent / "next").exists()
