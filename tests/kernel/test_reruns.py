"""A test of a kernel or a page that fails is run again, and nobody can overlook that it was."""

import json

import pytest

from tests.parts.places import ROOT

pytest_plugins = "pytester"

CONFTEST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
pytest_plugins = ["tests.parts.reruns"]
"""
# Each fails the first time it is run.
FLAKY = """
import pathlib, pytest
@pytest.mark.flaky(reruns=2)
@pytest.mark.parametrize("number", range({count}))
def test_hopes(number):
    seen = pathlib.Path(f"seen-{{number}}")
    tried = seen.exists()
    seen.touch()
    assert tried, "the first try"
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run tests that need a second try; gives the result and what the file of reruns holds."""

    def run(count, source=FLAKY):
        report = pytester.path / "reruns.jsonl"
        monkeypatch.setenv("TESTS_RERUNS", str(report))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(source.format(count=count))
        result = pytester.runpytest_subprocess("-p", "pytest_rerunfailures", "-p", "no:cacheprovider")
        lines = report.read_text().splitlines() if report.exists() else []
        return result, [json.loads(line) for line in lines]

    return run


def test_a_rerun_is_named(run):
    """The run is green, its summary and a file name the test, with its tries and what failed first."""
    result, report = run(2)
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["*passed on the 2nd try: *test_hopes?0?", "*passed on the 2nd try: *test_hopes?1?"])
    assert [(2, True)] * 2 == [(one["tries"], one["passed"]) for one in report]
    assert all("the first try" in one["error"] for one in report)


def test_too_many_fail_the_run(run):
    """More than two tests that needed a second try are a failure, although each has passed."""
    result, report = run(3)
    assert 1 == result.ret and 3 == len(report)
    result.stdout.fnmatch_lines(["*3 tests were run again; more than 2 are a failure*"])


def test_what_fails_each_time_fails(run):
    """A test that fails three times has failed, and the file says so."""
    result, report = run(1, FLAKY.replace("assert tried", "assert 0"))
    assert 1 == result.ret
    assert [(3, False)] == [(one["tries"], one["passed"]) for one in report]
