"""`with track(...)` in a real marimo, which has no IPython and no cell magics."""

import subprocess

import pytest

from tests.matrix import environments

NOTEBOOK = '''
import marimo
app = marimo.App()

@app.cell
def _():
    import sentry_sdk
    from aimon_nb import track
    with track("quiet", view="none"):
        pass
    with track("in marimo"):
        with sentry_sdk.start_span(op="x", name="a step of it"):
            pass
    return
'''


@pytest.mark.matrix
@pytest.mark.timeout(600)
def test_track_in_marimo(tmp_path):
    """The saved form stands below the cell when the block ends, with nothing of a live view."""
    python = environments.make("marimo")
    (tmp_path / "book.py").write_text(NOTEBOOK)
    command = [python, "-m", "marimo", "export", "ipynb", "book.py", "-o", "book.ipynb", "--include-outputs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    said = (tmp_path / "book.ipynb").read_text("utf-8") if done.returncode == 0 else done.stderr
    assert "<b>in marimo</b>" in said and "a step of it" in said, said[-3000:]
    assert "<b>quiet</b>" not in said and "globalThis" not in said
