"""Versions that are claimed are run: `make test-versions`.

One session: `.venv/bin/nox -s lowest-3.10`; parts of it: `.venv/bin/nox -s lowest-3.10 -- unit`.
Each session has an environment of its own, made by uv, from wheels only; in it
`tests/run.py` runs the unit and the kernel tier of this working copy. An
interpreter that is not on this machine is one line of the table at the end, and
under CI=true a failure.
"""

import os
import shutil

import nox

nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = os.environ.get("CI") == "true"
nox.options.envdir = ".venv/nox"

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
if shutil.which("python3.14"):
    PYTHONS.append("3.14")
else:
    print("Python 3.14 is not on this machine: nothing is run with it")  # noqa: T201
WHEELS = ["--only-binary", ":all:", "--compile-bytecode"]
PRERELEASES = ["sentry-sdk", "ipykernel", "anywidget", "openai", "anthropic"]


def tiers(session: nox.Session) -> None:
    """Run the unit and the kernel tier, or the parts of tests/run.py that stand after `--`."""
    # An old version may lack what a test is about: the test is skipped, also under CI=true.
    parts = session.posargs or ["unit", "kernel"]
    session.run("python", "tests/run.py", *parts, env={"CI": ""})


def newest_release(session: nox.Session) -> None:
    """Install the newest release of each package that pyproject.toml names, within its bounds."""
    session.install(*WHEELS, "--upgrade", "-e", ".[test]")


# The oldest Python that we support, and the newest ones: old versions often lack wheels for those.
@nox.session(python=["3.10", "3.13", *PYTHONS[4:]])
def lowest(session: nox.Session) -> None:
    """The lowest version that pyproject.toml allows of each package it names."""
    session.install(*WHEELS, "--resolution", "lowest-direct", "-e", ".[test]")
    tiers(session)


@nox.session(python=PYTHONS)
def newest(session: nox.Session) -> None:
    """The newest release of each package."""
    newest_release(session)
    tiers(session)


@nox.session(python=["3.13"])
def prerelease(session: nox.Session) -> None:
    """What is coming, pre-releases of what we hook into: its failures are told and fail nothing."""
    allowed = [f"--prerelease-package={name}=allow" for name in PRERELEASES]
    try:
        session.install(*WHEELS, "--upgrade", *allowed, "-e", ".[test]", *PRERELEASES)
        session.run("uv", "pip", "show", *PRERELEASES, external=True)
        tiers(session)
    except nox.command.CommandFailed:
        session.skip("it FAILED, as stands above, and blocks nothing")
