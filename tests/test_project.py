"""What the project says of itself outside of its code: its metadata, and the checks before a commit."""

import json
import re
import sys
from pathlib import Path

import yaml

from tests import run
from tests.parts.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings it
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_hooks_are_the_lint_part():
    """A commit is checked by the commands that `make lint` runs, those of .venv; nothing is fetched for it."""
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert local["repo"] == "local"
    assert all((hook["language"], hook["always_run"], hook["pass_filenames"]) == ("system", True, False) for hook in local["hooks"])
    commands = [[command[0].replace(str(run.BIN), ".venv/bin"), *command[1:]] for command in run.PARTS["lint"].commands()]
    assert commands == [hook["entry"].split() for hook in local["hooks"]]


def test_what_the_lint_part_runs_is_installed_for_it():
    """Each tool of the part is in the extra that `make lint` installs."""
    installed = {re.match(r"[\w-]+", requirement)[0] for requirement in PROJECT["optional-dependencies"]["lint"]}
    commands = [*run.PARTS["lint"].commands(), run.PARTS["types"].commands()[0]]
    assert {Path(command[0]).name for command in commands} <= installed


def test_the_pythons_that_are_claimed_are_run():
    """The classifiers name the versions of Python that `make test-versions` runs, the oldest of them the one that is required."""
    claimed = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    pythons = re.search(r"^PYTHONS = \[(.*)\]$", (ROOT / "noxfile.py").read_text("utf-8"), re.MULTILINE)[1]
    assert claimed == re.findall(r"3\.\d+", pythons)
    assert PROJECT["requires-python"] == f">={claimed[0]}"


def test_the_classifiers_name_what_it_is():
    """Whoever looks for it by classifier finds it: its frameworks, its readers, its state, and that it is typed."""
    from trove_classifiers import classifiers

    assert [] == [one for one in PROJECT["classifiers"] if one not in classifiers]
    kinds = {one.partition(" :: ")[0] for one in PROJECT["classifiers"]}
    assert {"Development Status", "Framework", "Intended Audience", "Programming Language", "Topic", "Typing"} <= kinds
    # The licence is an expression (PEP 639): a classifier beside it is an error for PyPI.
    assert "License" not in kinds and PROJECT["license"] == "MIT"


def test_a_lock_file_names_no_registry():
    """npm takes what is locked from whichever registry it is set up with; every package has its hash."""
    locked = json.loads((ROOT / "tests/matrix/spotlight/package-lock.json").read_text("utf-8"))["packages"]
    packages = [one for path, one in locked.items() if path]
    assert len(packages) > 100 and all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages)
