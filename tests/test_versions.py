"""`show_versions()` and `python -m aimon_nb`: what a bug report needs, and nothing of the user's."""

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

import aimon_nb
from aimon_nb import versions
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor
from aimon_nb.model.errors import UnsupportedSDKError
from aimon_nb.sentry.sdk import STREAMED_SPAN
from aimon_nb.views.live import environment

KNOWN = ("ipython", "ipykernel", "jupyterlab", "notebook", "ipywidgets", "anywidget", "pandas", "sentry-sdk", "pydantic", "genai-prices", "openai", "httpx")
SECRET = "geheim-0815"


def table(text):
    """Each name of the table with what stands beside it."""
    return dict(line.split("  ", 1) for line in text.splitlines())


def printed(capsys):
    aimon_nb.show_versions()
    return {name: value.strip() for name, value in table(capsys.readouterr().out).items()}


def test_it_names_what_is_here(capsys):
    """Python, the system, this package, what it stands on, and each installed client, with the versions of their metadata."""
    shown = printed(capsys)
    assert {name: version(name) for name in KNOWN} == {name: shown[name] for name in KNOWN}
    assert version("aimon-nb") == shown["aimon_nb"]
    assert shown["Python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert shown["OS"]
    assert "vllm" not in shown


def test_what_is_not_here(capsys, monkeypatch):
    """What it needs and is missing stands there as missing; a client that is missing does not stand there."""
    there = versions._version
    monkeypatch.setattr(versions, "_version", lambda name: None if name in ("notebook", "openai") else there(name))
    shown = printed(capsys)
    assert "not installed" == shown["notebook"]
    assert "openai" not in shown


@pytest.mark.parametrize("installed", [True, False])
def test_the_sdk_is_as_we_know_it(capsys, installed):
    """It says whether the installed SDK is as this version knows it, before and after the hooks are on, and puts none on."""
    if installed:
        monitor.install()
    assert "sentry-sdk is as aimon_nb knows it" == printed(capsys)["hooks"]
    assert installed is (instrumentation._patches is not None)
    monitor.uninstall()


def test_an_sdk_that_has_changed(capsys, monkeypatch):
    """Of one that is not, it says how it differs."""
    monkeypatch.delattr(f"sentry_sdk.traces.{STREAMED_SPAN}._end")
    told = printed(capsys)["hooks"]
    assert "is not as aimon_nb knows it" in told and f"{STREAMED_SPAN}._end" in told


def test_an_sdk_that_is_too_old(capsys, monkeypatch):
    """Of one that cannot be used, it says so, and the rest stands there all the same."""
    line = "aimon_nb works with sentry-sdk 2.75 to 3, and 2.19.0 is installed here"
    monkeypatch.setattr("builtins.__import__", failing("aimon_nb.ai.instrumentation", UnsupportedSDKError(line)))
    shown = printed(capsys)
    assert (line, version("pandas")) == (shown["hooks"], shown["pandas"])


def test_an_sdk_that_cannot_be_imported(capsys, monkeypatch):
    """An error whose words may hold a path is named alone."""
    monkeypatch.setattr("builtins.__import__", failing("aimon_nb.ai.instrumentation", ImportError(f"no x in y (/home/{SECRET}/y.py)")))
    assert "sentry-sdk cannot be imported (ImportError)" == printed(capsys)["hooks"]


def failing(module, error):
    """An import that fails for one module."""
    original = __import__

    def load(name, *args, **kwargs):
        if name == module:
            raise error
        return original(name, *args, **kwargs)

    return load


class Shell:
    def __init__(self, **user_ns):
        self.user_ns = user_ns


@pytest.mark.parametrize(
    ("in_kernel", "user_ns", "session", "front_end"),
    [
        (True, {"__vsc_ipynb_file__": f"/{SECRET}/a.ipynb"}, "", "VS Code"),
        (True, {}, f"/{SECRET}/a.ipynb", "of a Jupyter server: JupyterLab, Notebook or another"),
        (True, {}, "", "unknown: a kernel"),
        (False, {}, f"/{SECRET}/a.ipynb", "terminal IPython"),
        (None, {}, f"/{SECRET}/a.ipynb", "none"),
    ],
)
def test_the_front_end(capsys, monkeypatch, in_kernel, user_ns, session, front_end):
    """It names the front end where that is known, and no path of it."""
    shell = None if in_kernel is None else Shell(**user_ns)
    if in_kernel:
        shell.kernel = object()
    monkeypatch.setattr(environment, "ipython_shell", lambda: shell)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    assert front_end == printed(capsys)["front end"]


@pytest.mark.parametrize("module", ["google.colab", "marimo"])
def test_other_front_ends(capsys, monkeypatch, module):
    """Colab and marimo are known by what they load."""
    made = type("Module", (), {"running_in_notebook": staticmethod(lambda: True)})
    monkeypatch.setitem(sys.modules, module, made)
    assert module.rpartition(".")[2] == printed(capsys)["front end"].lower()


def run(*arguments, **env):
    return subprocess.run([sys.executable, *arguments], env={**os.environ, **env}, capture_output=True, text=True, timeout=60, encoding="utf-8")


@pytest.mark.kernel
def test_at_the_command_line(tmp_path):
    """`python -m aimon_nb` prints it, with no path, key or value of the environment in it."""
    keys = {"OPENAI_API_KEY": SECRET, "SENTRY_DSN": f"https://{SECRET}@example.com/1", "AIMON_NB_HOME": f"/{SECRET}", "JPY_SESSION_NAME": f"/{SECRET}/a.ipynb", "AIMON_NB_SAVE": SECRET}
    done = run("-m", "aimon_nb", **keys)
    assert (0, "") == (done.returncode, done.stderr)
    shown = table(done.stdout)
    assert {name: version(name) for name in KNOWN} == {name: shown[name].strip() for name in KNOWN}
    assert SECRET not in done.stdout
    assert not [word for word in done.stdout.split() if word.startswith(("/", "\\")) or ":\\" in word]


@pytest.mark.kernel
def test_it_imports_no_client():
    """Nothing but metadata is read: no client, and nothing that is heavy."""
    code = (
        "import sys, aimon_nb; aimon_nb.show_versions()\n"
        "names = {'openai', 'anthropic', 'httpx', 'httpx2', 'aiohttp', 'requests', 'botocore', 'boto3', 'cohere', 'pandas', 'IPython', 'ipywidgets', 'anywidget', 'pydantic', 'genai_prices'}\n"
        "sys.exit(sorted(names & set(sys.modules)) or 0)"
    )
    done = run("-c", code)
    assert (0, "") == (done.returncode, done.stderr)
