"""jupyter-config/ipython/startup/50-aimon_nb.py: magics that load the extension on first use."""

import ast
import re
import shutil

import pytest

from tests.parts.places import ROOT

FILE = ROOT / "jupyter-config/ipython/startup/50-aimon_nb.py"


@pytest.fixture
def started(kernels, home):
    """Make a kernel that has the file among its startup files."""
    folder = home / "ipython/profile_default/startup"
    folder.mkdir(parents=True)
    shutil.copy(FILE, folder)

    def make(**env):
        return kernels(env={"AIMON_NB_AUTOLOAD": "1", **env}, fresh=True)

    return make


def names_in_file():
    calls = [n for n in ast.walk(ast.parse(FILE.read_text("utf-8"))) if isinstance(n, ast.For)]
    return set(ast.literal_eval(calls[0].iter))


def test_it_is_small():
    """The file costs every kernel start: it stays within forty lines and imports nothing of ours."""
    text = FILE.read_text("utf-8")
    assert len(text.splitlines()) <= 40
    assert not re.search(r"(import|from) aimon_nb", text)


def test_a_kernel_start_loads_nothing(started):
    """A kernel that uses no magic has not imported the package, and no name of ours."""
    kernel = started()
    assert kernel.value("'aimon_nb' in __import__('sys').modules") is False
    assert [] == kernel.value("[n for n in globals() if 'aimon' in n]")
    assert "ai_usage" in kernel.value("list(get_ipython().magics_manager.lazy_magics)")


def test_it_can_be_switched_off(started):
    """AIMON_NB_AUTOLOAD=0 leaves a kernel as it was."""
    kernel = started(AIMON_NB_AUTOLOAD="0")
    lazy = kernel.value("list(get_ipython().magics_manager.lazy_magics)")
    assert not names_in_file() & set(lazy)


def test_it_never_raises(started, home):
    """An error in it does not keep other startup files from running."""
    (home / "ipython/profile_default/startup/00-break.py").write_text(
        "get_ipython().magics_manager.register_lazy = None\n"
    )
    (home / "ipython/profile_default/startup/60-after.py").write_text("after = 1\n")
    kernel = started()
    assert 1 == kernel.value("after")
    assert "ok" == kernel.cell("after").status


def test_it_names_the_magics_there_are(started):
    """Every magic of the extension is known before it is loaded, and no other."""
    kernel = started()
    kernel.cell("%load_ext aimon_nb")
    code = "sorted({n for k in get_ipython().magics_manager.magics.values() for n in k if n.startswith('ai_')})"
    assert names_in_file() == set(kernel.value(code))


def test_the_first_tracked_cell_is_tracked(started):
    """Without %load_ext, the first %%ai_track cell runs as itself and has its run."""
    kernel = started()
    first = kernel.cell("%%ai_track first\nimport asyncio\nawait asyncio.sleep(0)\n6 * 7")
    assert "ok" == first.status
    assert "42" in first.data()
    assert ["first"] == kernel.value("[r.run.name if hasattr(r, 'run') else r.name for r in __import__('aimon_nb').runs()]")


def test_a_line_magic_loads_the_extension(started):
    """Without %load_ext, a line magic works on its first use."""
    kernel = started()
    assert "ok" == kernel.cell("%ai_pipeline bot").status
    assert ["'bot'"] == kernel.cell("%ai_pipeline").data()
