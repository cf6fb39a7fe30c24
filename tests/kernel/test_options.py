"""The options of `%%ai_track` in a real kernel: help, errors, completion, and what is kept."""

import pytest

from tests.parts import sdk

SPAN = sdk.code_of_span("x", "one")
CELL = f"%%ai_track steps {{}}\nimport sentry_sdk\nwith {SPAN}: pass\n"


@pytest.fixture
def loaded(kernel):
    kernel.cell("%load_ext aimon_nb")
    return kernel


def complete(kernel, code):
    kernel.client.complete(code, len(code.split("\n")[0]))
    return kernel.client.get_shell_msg(timeout=30)["content"]["matches"]


def test_save(loaded):
    """What the cell's output holds in the end is what `--save` says."""
    lines = {save: loaded.cell(CELL.format(f"--save {save}")).data()[0].count("\n") for save in ("tree", "summary", "none")}
    assert {"tree": 2, "summary": 0, "none": 0} == lines
    assert "" == loaded.cell(CELL.format("--save none")).data()[0]
    assert "dispatchEvent" in loaded.cell(CELL.format("--save full")).data("text/html")[0]


def test_views(loaded):
    """`text` and `html` need no widget, `none` shows nothing at all."""
    for view in ("text", "html"):
        shown = loaded.cell(CELL.format(f"--view {view}"))
        assert 1 == len(shown.data()) and "one" in shown.data()[0]
        assert "<script" not in shown.data("text/html")[0]
    assert [] == loaded.cell(CELL.format("--view none")).outputs


@pytest.mark.parametrize("option", ["save", "view"])
def test_a_wrong_value(loaded, option):
    """A wrong value is one line that names it and those there are; the cell does not run."""
    said = loaded.cell(CELL.format(f"--{option} everything") + "ran = 1")
    assert "error" == said.status and "UsageError" in said.text
    assert "everything" in said.text and "none" in said.text
    assert loaded.value("'ran' in globals()") is False


def test_help(loaded):
    """`-h` names the option and its values."""
    said = loaded.cell("%%ai_track -h\n1/0").text
    assert "--save {none,summary,tree,full}" in said and "prompts" in said


def test_completion(loaded):
    """Tab completes options and their values in the first line of a cell, and is gone with the extension."""
    assert {"--save"} == {m.strip() for m in complete(loaded, "%%ai_track steps --sa\nx = 1")}
    assert {"none", "summary", "tree", "full"} <= set(complete(loaded, "%%ai_track --save "))
    assert ["summary"] == complete(loaded, "%ai_track --save su")
    assert "--since" in complete(loaded, "%ai_usage --")
    assert "caller" in complete(loaded, "%ai_usage --by model,ca")
    assert {"--tag", "--data"} <= {*complete(loaded, "%%ai_track --")}
    assert ["test"] == complete(loaded, "%ai_sentry tes")
    loaded.cell("%unload_ext aimon_nb")
    assert [] == [m for m in complete(loaded, "%%ai_track --sa") if m == "--save"]


def test_settings(loaded):
    """`%config` holds the defaults, refuses what there is not, and outlives a reload; a wrong one is one line."""
    loaded.cell("%config AimonMagics.save = 'summary'")
    assert 0 == loaded.cell(CELL.format("")).data()[0].count("\n")
    assert "save" in loaded.cell("%config AimonMagics.save = 'all'").text
    assert 0 == loaded.cell(CELL.format("")).data()[0].count("\n")
    loaded.cell("%config AimonMagics.view = 'none'")
    assert [] == loaded.cell(CELL.format("")).outputs
    loaded.run(["%unload_ext aimon_nb", "%load_ext aimon_nb"])
    assert [] == loaded.cell(CELL.format("")).outputs
    assert 0 == loaded.cell(CELL.format("--view live")).data()[0].count("\n")


def test_a_wrong_setting_in_a_file(kernel):
    """A wrong value in a configuration file is one line at the load; set right, the next load works."""
    kernel.cell("get_ipython().config.AimonMagics.save = 'all'")
    assert "UsageError: The 'save' trait" in kernel.cell("%load_ext aimon_nb").text
    kernel.run(["get_ipython().config.AimonMagics.save = 'summary'", "%load_ext aimon_nb"])
    assert 0 == kernel.cell(CELL.format("")).data()[0].count("\n")


def test_the_environment(kernels):
    """A variable is the default of its setting, a bad one is a line in the tree; `%config` and an option go before it."""
    kernel = kernels(env={"AIMON_NB_SAVE": "summary", "AIMON_NB_VIEW": "none"})
    kernel.cell("%load_ext aimon_nb")
    assert [] == kernel.cell(CELL.format("")).outputs
    assert 0 == kernel.cell(CELL.format("--view live")).data()[0].count("\n")
    assert ["'summary'"] == kernel.cell("%config AimonMagics.save").data()
    assert 2 == kernel.cell(CELL.format("--view live --save tree")).data()[0].count("\n")
    kernel.run(["%config AimonMagics.save = 'tree'", "%config AimonMagics.view = 'live'"])
    assert 2 == kernel.cell(CELL.format("")).data()[0].count("\n")
    kernel.run(["%env AIMON_NB_SAVE=all", "%reload_ext aimon_nb"])
    shown = kernel.cell(CELL.format(""))
    assert "ok" == shown.status
    assert "AIMON_NB_SAVE='all' is not used: set it to none, summary, tree, full, or unset it" in shown.data()[0]


def test_a_bad_variable_at_the_load(kernels):
    """A bad variable raises nothing and prints nothing while the extension loads."""
    loading = kernels(env={"AIMON_NB_SAVE": "all", "AIMON_NB_VIEW": "\x1b[31m"}).cell("%load_ext aimon_nb")
    assert ("ok", "", []) == (loading.status, loading.text, loading.outputs)


def test_track_in_a_function(loaded):
    """`track` in a function shows the same view and keeps the same form, without magics; a wrong word is said."""
    shown = loaded.cell(f"import aimon_nb, sentry_sdk\ndef work():\n  with aimon_nb.track('inside', save='summary'):\n    with {SPAN}: pass\nwork()")
    assert "inside" in shown.data()[0] and 0 == shown.data()[0].count("\n")
    said = loaded.cell("aimon_nb.track('x', save='all')")
    assert "save must be one of none, summary, tree, full; not 'all'" in said.evalue
