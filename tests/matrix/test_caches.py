"""What a cache on this machine answered is no bill: real caches and clients against a server that knows what arrived."""

import json
import subprocess

import pytest

from tests.matrix import environments
from tests.matrix.caches import CASES

FRAMEWORKS = ("langchain", "litellm")
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(900)]
found = {}


def run(environment, names):
    """{case: what its run says, beside what the server knows}, all of an environment in one process."""
    if environment not in found:
        python = environments.make(environment)
        done = subprocess.run(
            [python, "-m", "tests.matrix.caches"], input=json.dumps(names), capture_output=True, text=True, timeout=600, cwd=environments.ROOT
        )
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
        assert len(lines) == len(names), done.stderr[-3000:]
        found[environment] = {line["case"]: line["found"] for line in lines}
    return found[environment]


def check(name, got):
    case = CASES[name]
    calls = case.arrived + case.doubles
    assert "raised" not in got, got
    assert (got["answers"], got["arrived"]) == (calls + case.cached, case.arrived), got
    assert (got["calls"], got["cached"]) == (calls, case.cached), got
    assert got["in %ai_usage"] == [calls, case.cached], got
    assert got["tokens"] == got["tokens of calls"] and got["cost"] == got["bill"], got
    assert got["saved"] == got["not billed"] and got["tokens shown"] == got["tokens told"], got
    assert got["costs of cached"] == ([["free", "0"]] if case.cached else []), got
    assert got["by"] == ([case.by] if case.cached else []), got
    assert got["exact"] and got["statuses"] == ["ok"] and got["faults"] == 0, got


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(FRAMEWORKS)])
def test_of_http_clients(name):
    """Of N answers the M that arrived are billed, N-M are `cached locally` at $0 with what they saved; a test double's are calls."""
    check(name, run("caches", [name for name in CASES if not name.startswith(FRAMEWORKS)])[name])


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("hishel")])
def test_of_hishel_1(name):
    """Its first version, which keeps answers to POST by their bodies, marks them in another way."""
    check(name, run("caches_of_hishel_1", [name for name in CASES if name.startswith("hishel")])[name])


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(FRAMEWORKS)])
def test_of_frameworks(name):
    """LangChain's and LiteLLM's caches send no request: the same, also where nothing else of this run tells a cache from a model."""
    check(name, run("caches_of_frameworks", [name for name in CASES if name.startswith(FRAMEWORKS)])[name])
