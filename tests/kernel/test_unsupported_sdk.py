"""A sentry-sdk that is too old, or has no streamed spans: one line says which, and what to do; nothing of ours is loaded.

A package of that name and version shadows the installed one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.places import ROOT

VERSION = "2.19.0"
LINE = (
    f"UnsupportedSDKError: aimon_nb works with sentry-sdk 2.75 to 3, and {VERSION} is installed here: "
    'run pip install "sentry-sdk>=2.75,<4", then restart'
)


@pytest.fixture
def shadow(tmp_path):
    """An environment in which that SDK is found first."""
    package = tmp_path / "shadow" / "sentry_sdk"
    package.mkdir(parents=True)
    (package / "consts.py").write_text(f'VERSION = "{VERSION}"\n')
    (package / "__init__.py").write_text("from sentry_sdk.consts import VERSION\n\ndef init(*a, **k): ...\n")
    path = os.pathsep.join(filter(None, [str(package.parent), str(ROOT), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path}


def lines(cell):
    """What stands under a failed cell, line by line."""
    told = [*cell.traceback, *cell.text.splitlines()]
    return [line for line in told if line.strip()]


def test_in_a_notebook(kernels, shadow):
    """Loading, loading again and importing a name each say the line and no traceback; the kernel goes on."""
    kernel = kernels(env=shadow, fresh=True)
    for code in ("%load_ext aimon_nb", "%load_ext aimon_nb", "from aimon_nb import ai_track", "import aimon_nb; aimon_nb.install()"):
        cell = kernel.cell(code)
        assert cell.status == "error"
        assert [LINE] == lines(cell), code
    assert "ok" == kernel.cell("import aimon_nb\naimon_nb.pricing, aimon_nb.SPANDATA").status
    assert kernel.value("[m for m in __import__('sys').modules if m.startswith('aimon_nb.notebook.cell')]") == []


def test_magics_that_load_on_first_use(kernels, shadow, home):
    """Where the startup file loads the extension, a tracked cell says the line and does not run."""
    folder = home / "ipython/profile_default/startup"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "jupyter-config/ipython/startup/50-aimon_nb.py", folder)
    kernel = kernels(env={**shadow, "AIMON_NB_AUTOLOAD": "1"}, fresh=True)
    for code in ("%%ai_track work\nran = True", "%ai_usage", "%%ai_track work\nran = True"):
        assert [LINE] == lines(kernel.cell(code)), code
    assert kernel.value("'ran' in globals()") is False


def python(shadow, *arguments):
    return subprocess.run([sys.executable, *arguments], env={**os.environ, **shadow}, capture_output=True, text=True, timeout=60)


def test_in_a_script(shadow):
    """The traceback holds the script's own line and one of ours; it is an ImportError."""
    run = python(shadow, "-c", "from aimon_nb import track")
    *frames, last = run.stderr.splitlines()
    assert last.endswith(LINE)
    assert ["<string>", "__init__.py"] == [line.split('"')[1].rpartition("/")[2] for line in frames if line.startswith("  File")]
    caught = "try:\n    from aimon_nb import track\nexcept ImportError:\n    print('without')"
    assert "without\n" == python(shadow, "-c", caught).stdout


def test_at_the_command_line(shadow):
    """`python -m aimon_nb check` says the line without a traceback, and fails."""
    run = python(shadow, "-m", "aimon_nb", "check")
    assert (2, "", LINE.partition(": ")[2] + "\n") == (run.returncode, run.stdout, run.stderr)


def test_a_new_one_without_streamed_spans(shadow):
    """Of a series to come that has none, the same is said: there is nothing to hear."""
    consts = Path(shadow["PYTHONPATH"].partition(os.pathsep)[0], "sentry_sdk", "consts.py")
    consts.write_text(consts.read_text().replace(VERSION, "5.0.0"))
    assert LINE.replace(VERSION, "5.0.0") in python(shadow, "-c", "from aimon_nb import track").stderr


def test_versions_for_a_bug_report(shadow):
    """`python -m aimon_nb` says the line beside the versions, and does not fail."""
    run = python(shadow, "-m", "aimon_nb")
    assert (0, "") == (run.returncode, run.stderr)
    assert LINE.partition(": ")[2] in run.stdout and "\nPython " in run.stdout
