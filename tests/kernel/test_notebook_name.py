"""The notebook of a run, where its front end tells a real kernel: its name, not its folder."""

import ast
import subprocess
import sys

import nbformat
import pytest

from tests.parts import sdk

RUN = f"%%ai_track steps --view none\nimport sentry_sdk\nwith {sdk.code_of_span('x', 'one')}: pass"
TABLE = "import pandas as pd\ndf = %ai_spans\nprint([None if pd.isna(one) else one for one in df['notebook']])"


def names(kernel):
    """What the column `notebook` of a tracked cell holds."""
    return set(ast.literal_eval(kernel.run(["%load_ext aimon_nb", RUN, TABLE])[-1].text))


def test_a_session_of_a_server(kernels):
    """jupyter_server starts a kernel with the path in its environment: the column holds the file's name."""
    assert {"My notes.ipynb"} == names(kernels(env={"JPY_SESSION_NAME": "/home/ada/a folder/My notes.ipynb"}, fresh=True))


def test_nobody_tells(kernels):
    """Without it the column is NA."""
    assert {None} == names(kernels(env={"JPY_SESSION_NAME": ""}))


def test_vs_code(kernels):
    """VS Code names the file in the user's namespace, before the first cell runs."""
    kernel = kernels()
    kernel.cell("__vsc_ipynb_file__ = 'c:\\\\Users\\\\ada\\\\notes.ipynb'")
    assert {"notes.ipynb"} == names(kernel)


@pytest.mark.parametrize(
    ("options", "name"),
    [([], None), (["--inject-paths"], "in.ipynb"), (["--inject-output-path"], "out.ipynb")],
    ids=["told nothing", "paths", "output"],
)
def test_papermill(tmp_path, monkeypatch, options, name):
    """papermill tells a kernel its paths where it is asked to, as parameters; else nothing, and the column is NA."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    folder = tmp_path / "a folder"
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext aimon_nb", RUN, TABLE)]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "in.ipynb")
    command = [sys.executable, "-m", "papermill", *options, "a folder/in.ipynb", "a folder/out.ipynb", "-k", "python3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (printed,) = nbformat.read(folder / "out.ipynb", 4).cells[-1].outputs
    assert {name} == set(ast.literal_eval(printed.text))
