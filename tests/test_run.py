"""`tests/run.py`: every part runs to its end, and one table says what came of each."""

import threading

import pytest

from tests import run
from tests.parts.waiting import eventually


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Parts that start no process: a name, and the exit codes of its commands."""
    done = []

    def add(name, *codes, needs=None):
        monkeypatch.setitem(run.PARTS, name, run.Part(lambda: [[name, str(code)] for code in codes], lambda: needs))

    def command(self, command, env, log, live):
        done.append(command[0])
        if command[1] == "Ctrl-C":
            raise KeyboardInterrupt
        if command[1] == "missing":
            raise FileNotFoundError(command[0])
        log.write_text(f"== {command[0]}: 3 passed, 1 failed in 0.1s ==\n", "utf-8")
        return int(command[1])

    monkeypatch.setattr(run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run, "LOCK", tmp_path / "lock")  # these tests are a part of a run themselves
    monkeypatch.setattr(run.Run, "_command", command)
    monkeypatch.setattr(run, "CI", False)
    add.done = done
    return add


def test_each_runs_to_its_end(parts, capsys):
    """A part that fails keeps none after it from running, and fails the whole."""
    parts("unit", 0)
    parts("kernel", 1, 0)
    parts("page", 0)
    parts("matrix", 0)
    assert 1 == run.Run(["unit", "kernel", "page", "matrix"]).go()
    table = capsys.readouterr().out
    assert ["unit", "kernel", "kernel", "matrix"] == [name for name in parts.done if name != "page"]
    lines = {line.split()[0]: line for line in table.splitlines() if line}
    assert "ok, 3 passed" in lines["unit"] and "FAILED" in lines["kernel"] and "FAILED" in lines["all"]


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ("== 2 failed, 3 passed, 1 rerun in 0.1s ==\n", ["2 failed", "3 passed", "1 rerun"]),
        ("ℹ tests 21\nℹ suites 0\nℹ pass 20\nℹ fail 1\nℹ skipped 0\nℹ duration_ms 300\n", ["20 passed", "1 failed"]),
        ("# pass 21\n# fail 0\n", ["21 passed"]),
        ("All checks passed!\n", []),
    ],
)
def test_the_counts_of_a_part(said, counts):
    """The table has how many passed, failed, were skipped or run again, of pytest as of node."""
    assert counts == run.counts_in(said)


def test_all_well(parts):
    """Where every part is well, so is the whole."""
    parts("unit", 0)
    parts("page", 0)
    assert 0 == run.Run(["unit", "page"]).go()
    assert {"unit", "page"} == set(parts.done)


@pytest.mark.parametrize(("ci", "code"), [(False, 0), (True, 1)])
def test_what_is_missing(parts, capsys, monkeypatch, ci, code):
    """Without a tool its part says in one line what is missing and was not run; under CI=true that is a failure."""
    monkeypatch.setattr(run, "CI", ci)
    parts("unit", 0)
    parts("page", 0, needs="no Chromium or Chrome on this machine")
    assert code == run.Run(["unit", "page"]).go()
    assert "not run: no Chromium or Chrome on this machine" in capsys.readouterr().out
    assert "page" not in parts.done


@pytest.mark.parametrize("broken", ["unit", "page"])
def test_a_command_that_cannot_start(parts, capsys, broken):
    """It fails its part, says why, and keeps no other part from running, also beside the others."""
    for name in ("unit", "page", "kernel"):
        parts(name, "missing" if name == broken else 0)
    assert 1 == run.Run(["unit", "page", "kernel"]).go()
    assert f"FAILED: FileNotFoundError('{broken}')" in capsys.readouterr().out
    assert {"unit", "page", "kernel"} == set(parts.done)


def test_two_runs_at_once(parts, capsys):
    """A second run in the same working copy says that it waits, and begins when the first is over: they share its results."""
    parts("unit", 0)
    with run.alone():
        second = threading.Thread(target=run.Run(["unit"]).go)
        second.start()
        eventually(lambda: "running already: waiting" in capsys.readouterr().out)
        assert [] == parts.done
    second.join()
    assert ["unit"] == parts.done


def test_ctrl_c(parts, capsys):
    """Interrupted is not passed: what was running and what had not begun says so, and the whole fails."""
    parts("unit", "Ctrl-C")
    parts("kernel", 0)
    assert 1 == run.Run(["unit", "kernel"]).go()
    table = capsys.readouterr().out
    assert 2 == table.count("interrupted") and "kernel" not in parts.done
