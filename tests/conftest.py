"""What every test gets: an environment of its own, and real parts on request.

The real parts stand one a file in `tests/parts/`: a kernel, a Sentry receiver, a
browser with JupyterLab in it, a model server with known counts, and a guard
that records every try to leave the machine.
"""

import gc
import os
from pathlib import Path

import pytest

from tests.parts import clock, places

clock.install()

PARTS = ("kernel", "receiver", "network", "browser", "lab", "reruns")
pytest_plugins = ["tests.tiers", *(f"tests.parts.{part}" for part in PARTS)]

CI = os.environ.get("CI", "").lower() == "true"


def pytest_collection_modifyitems(items):
    # Playwright leaves an event loop running in this thread: whatever calls
    # asyncio.run() must have had its turn before the browser starts.
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown():
    """What was refused fails the test, though a guard against faults swallowed the error."""
    try:
        return (yield)
    finally:
        from tests import tiers

        told = clock.refused() + tiers.refused()
        if told:
            raise AssertionError(told[0])


def pytest_configure(config):
    if config.option.markexpr == "unit":
        # A unit test is never run again, so its examples are always the same ones; other tiers draw new ones.
        import hypothesis

        hypothesis.settings.register_profile("the same examples", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
        hypothesis.settings.load_profile("the same examples")


def pytest_collection_finish():
    # Tests that collect garbage need not walk through the thousands of tests and all the modules.
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session, exitstatus):
    # What is skipped is not tested: nobody looks for it in a green run of CI.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        reporter.write_line("under CI=true a skipped test is a failure", red=True)
        session.exitstatus = 1


@pytest.fixture(scope="session", autouse=True)
def clean_session(tmp_path_factory):
    """The settings, keys and folders of the person who runs the tests are out of reach."""
    with pytest.MonkeyPatch.context() as patch:
        places.clean(patch)
        # Else the SDK asks git, in a process of its own, each time a client is made.
        patch.setenv("SENTRY_RELEASE", "tests")
        places.move(patch, tmp_path_factory.mktemp("session-home"))
        yield


@pytest.fixture(scope="session")
def one_certificate(tmp_path_factory) -> Path:
    """A file of certificates that is read at once: each client of httpx reads the whole list, in 90 ms."""
    import certifi

    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----\n")
    file = tmp_path_factory.mktemp("certificates") / "one.pem"
    file.write_text(first + end, "utf-8")
    return file


@pytest.fixture(autouse=True)
def home(clean_session, tmp_path_factory, one_certificate, request, monkeypatch) -> Path:
    """A home folder for one test: no test sees what another one left."""
    folder = tmp_path_factory.mktemp("home")
    places.move(monkeypatch, folder)
    from tests import tiers

    if tiers.tier_of(request.node) == "unit":  # which speaks to no other machine
        monkeypatch.setenv("SSL_CERT_FILE", str(one_certificate))
    return folder


@pytest.fixture(scope="session")
def truth_session():
    from aimon_nb.testing import truth_server

    with truth_server() as server:
        yield server


@pytest.fixture
def truth(truth_session, request, monkeypatch):
    """The local model server, with no calls on its books yet; a unit test has its answers at once."""
    truth_session.release()
    truth_session.settled()
    truth_session.clear()
    from tests import tiers

    if tiers.tier_of(request.node) == "unit":
        monkeypatch.setattr(truth_session, "latency", 0.0)
        monkeypatch.setattr(truth_session, "chunk_latency", 0.0)
    return truth_session
