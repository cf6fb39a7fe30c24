"""The help of the magics in a real kernel: `-h` is answered where it is asked, and runs nothing."""

import pytest

EXAMPLES = {
    "ai_pipeline": "%ai_pipeline nightly",
    "ai_auto": "%ai_auto on",
    "ai_usage": "%ai_usage --by model,day --since 2h",
    "ai_spans": "%ai_spans --to spans.parquet",
    "ai_runs": "%ai_runs",
    "ai_show": "%ai_show summarise",
    "ai_sentry": "%ai_sentry test",
}
# As a cell of its own, with or without a line below it, below another magic, and as plain Python.
CELLS = ("%%ai_track -h", "%%ai_track -h\n", "%%ai_track --help\n\n", "%%ai_track NAME -h", "%%ai_track -h\nran = 1",
         "%ai_track -h", "%%time\n%%ai_track -h", "%%time\n%%ai_track -h\nran = 1", "# ai_track: NAME -h\nran = 1", "# ai_track: -h")  # fmt: skip


@pytest.fixture
def loaded(kernel):
    kernel.cell("%load_ext aimon_nb")
    return kernel


def check(said, name, example):
    """The text is one help: usage, each option once, an example, and no word of argparse's or of reST."""
    assert said.startswith(f"usage: {name} "), said
    assert 1 == said.count("usage:") and 1 == said.count("  -h, --help ")
    assert f"\n    {example}\n" in said, said
    assert "::" not in said and "positional" not in said
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_of_a_line_magic(loaded, name):
    """`-h` and `--help` show the help once, give nothing back and change nothing, whatever else the line holds."""
    loaded.cell("%ai_pipeline before")
    for line in ("-h", "--help", EXAMPLES[name].partition(" ")[2] + " -h"):
        cell = loaded.cell(f"%{name} {line}")
        assert "ok" == cell.status and [] == cell.data()
        check(cell.text, f"%{name}", EXAMPLES[name])
    assert ["'before'"] == loaded.cell("%ai_pipeline").data()
    assert ["'off'"] == loaded.cell("%ai_auto").data()


def test_help_of_a_cell(loaded):
    """`%%ai_track -h` shows its help and runs nothing: alone in its cell, above code, in another magic's cell, as a comment."""
    for source in CELLS:
        cell = loaded.cell(source)
        assert "ok" == cell.status, cell
        check(cell.text.partition("CPU times")[0], "%%ai_track", "%%ai_track summarise")
        assert "--save {none,summary,tree,full}" in cell.text and "prompts" in cell.text
    assert loaded.value("'ran' in globals()") is False
    assert loaded.value("__import__('aimon_nb').runs()") == []


def test_help_before_the_load(kernels, home):
    """It is shown too where the magic itself loads the extension."""
    import shutil

    from tests.kernel.test_startup_file import FILE

    folder = home / "ipython/profile_default/startup"
    folder.mkdir(parents=True)
    shutil.copy(FILE, folder)
    cell = kernels(env={"AIMON_NB_AUTOLOAD": "1"}, fresh=True).cell("%%ai_track -h")
    check(cell.text, "%%ai_track", "%%ai_track summarise")


def test_what_is_no_help(loaded):
    """A wrong option with -h is a wrong option, a statement may hold -h, `?` shows what the magic does."""
    wrong = loaded.cell("%%ai_track --bogus -h\nran = 1")
    assert "error" == wrong.status and "--bogus" in wrong.text
    assert "NameError" == loaded.cell("%ai_track x -h").ename
    shown = loaded.cell("%%ai_track?").reply["payload"][0]["data"]["text/plain"]
    assert "Track a cell" in shown and "--save {none,summary,tree,full}" in shown and "%%ai_track summarise" in shown
    usage = loaded.cell("%ai_usage?").reply["payload"][0]["data"]["text/plain"]
    assert "--by BY" in usage and "a row a group" in usage and "::" not in usage
