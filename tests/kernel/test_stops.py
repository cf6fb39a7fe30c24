"""A failing tracked cell stops what runs cell after cell: Lab's Run All, nbconvert, papermill."""

import os
import subprocess
import sys

import nbformat
import pytest

from tests.parts.waiting import eventually

LOAD = "%load_ext aimon_nb\nimport asyncio, pathlib"
NEXT = "pathlib.Path('next').write_text('ran')"
BUSY = "pathlib.Path('go').read_text()"  # a pipe: it waits until the test writes
FAILING = {
    "error": "%%ai_track boom\n1/0",
    "async error": "%%ai_track boom\nawait asyncio.sleep(0)\nraise ValueError('no')",
    "comment header": "# ai_track: boom\n1/0",
    # Not %%time: in IPython 8 it shows an error and goes on.
    "below another magic": "%%timeit -n 1 -r 1\n%%ai_track boom\n1/0",
    "statement": "%ai_track 1/0",
    "wrong option": "%%ai_track boom --bogus\nx = 1",
    "wrong option in a comment": "# ai_track: boom --bogus\nx = 1",
    "syntax": "%%ai_track boom\nx =",
    "auto": "%ai_auto on\nget_ipython().run_cell('1/0').raise_error()",
}


def written(folder, failing):
    """A notebook whose second cell fails."""
    cells = [nbformat.v4.new_code_cell(source) for source in (LOAD, failing, NEXT)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "in.ipynb")
    return folder / "in.ipynb"


def run(folder, *command):
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, timeout=120)


# Each starts a process of nbconvert's, and that a kernel: two of them in every run.
OTHERS = [pytest.param(kind, marks=pytest.mark.matrix) for kind in ("async error", "comment header", "wrong option", "wrong option in a comment")]


@pytest.mark.parametrize("kind", ["error", *OTHERS])
def test_nbconvert_stops(tmp_path, kind):
    """`nbconvert --execute` ends with an error and does not run the next cell."""
    path = written(tmp_path, FAILING[kind])
    done = run(tmp_path, "nbconvert", "--to", "notebook", "--execute", path.name, "--output", "out.ipynb")
    assert done.returncode == 1, done.stderr
    assert not (tmp_path / "next").exists()


def test_nbconvert_goes_on_if_asked(tmp_path):
    """`--allow-errors` runs the rest; the failed cell holds the tree and one error."""
    path = written(tmp_path, FAILING["error"])
    done = run(tmp_path, "nbconvert", "--to", "notebook", "--execute", "--allow-errors", path.name, "--output", "out.ipynb")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "next").exists()
    cell = nbformat.read(tmp_path / "out.ipynb", 4).cells[1]
    assert [o.output_type for o in cell.outputs] == ["display_data", "error"]
    assert "error  boom" in cell.outputs[0].data["text/plain"]


@pytest.mark.matrix
@pytest.mark.parametrize("kind", ["error", "async error"])
def test_papermill_stops(tmp_path, kind):
    """papermill ends with an error, does not run the next cell, and its file holds tree and error."""
    path = written(tmp_path, FAILING[kind])
    done = run(tmp_path, "papermill", path.name, "out.ipynb", "-k", "python3")
    assert done.returncode == 1, done.stderr
    assert not (tmp_path / "next").exists()
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    failed = next(cell for cell in cells if cell.source == FAILING[kind])
    assert [o.output_type for o in failed.outputs] == ["display_data", "error"]
    assert "boom" in failed.outputs[0].data["text/plain"]


def test_every_failure_aborts_the_queue(kernel):
    """Cells queued behind any failing tracked cell are aborted by the kernel."""
    kernel.run([LOAD])
    go = kernel.cwd / "go"
    os.mkfifo(go)
    for kind, source in FAILING.items():
        # The kernel is busy until both are on their way: else the first may have failed before the second comes.
        ids = [kernel.client.execute(code, allow_stdin=False) for code in (BUSY, source, NEXT)]
        go.write_text("now")
        replies = [kernel.reply(msg_id) for msg_id in ids]
        assert [reply["status"] for reply in replies] == ["ok", "error", "aborted"], (kind, replies)
        # ipykernel 6 goes on to abort for a moment after it has replied.
        eventually(lambda: kernel.reply(kernel.client.execute("pass"))["status"] == "ok")
    assert not (kernel.cwd / "next").exists()


def test_header_comments_pass_ruff(tmp_path, kernel):
    """A notebook of `# ai_track:` cells is plain Python to `ruff check`, and runs tracked."""
    sources = [
        "# ai_track: plan --op my.op\nanswer = 6 * 7\nanswer",
        "# ai_track:\n# first words\nprint(answer)",
        "# ai_track: 東京 with spaces\nvalues = [n for n in range(3)]\nvalues",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "plain.ipynb")
    done = run(tmp_path, "ruff", "check", "--isolated", "--select", "E,F,W,I", "plain.ipynb")
    assert done.returncode == 0, done.stdout
    kernel.run(["%load_ext aimon_nb", *sources])
    assert kernel.value("[r.name for r in __import__('aimon_nb').runs()]") == ["plan", "first words", "東京 with spaces"]


@pytest.mark.parametrize("options", ["x --bogus", "x --op", "x --view loud", "'unclosed"])
def test_a_wrong_header_is_the_same_error(kernel, options):
    """A wrong `# ai_track:` line fails as `%%ai_track` does, word for word, in one line, and runs nothing."""
    magic, comment, ran = kernel.run(
        ["%load_ext aimon_nb", f"%%ai_track {options}\nran = 1", f"# ai_track: {options}\nran = 1", "'ran' in globals()"]
    )[1:]
    for cell in (magic, comment):
        assert cell.status == "error" and cell.ename == "UsageError" and "\n" not in cell.evalue, cell
    assert (magic.ename, magic.evalue, magic.text) == (comment.ename, comment.evalue, comment.text)
    assert ran.data() == ["False"]
