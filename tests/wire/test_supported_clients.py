"""`python -m aimon_nb check`: what is installed here, and what of it is heard."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from aimon_nb.wire import supported_clients
from aimon_nb.wire.clients import TRANSPORTS


def ask(*arguments, env=None):
    done = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=60, encoding="utf-8"
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def lines(text):
    """The table's lines by their first word."""
    return {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package that is nothing but its metadata and an empty module."""

    def make(name, number, module, requires=(), entry_points=""):
        info = tmp_path / f"{name.replace('-', '_')}-{number}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n{needs}")
        (info / "entry_points.txt").write_text(entry_points)
        (tmp_path / f"{module}.py").write_text("raise RuntimeError('nobody may import this')")

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return make


@pytest.mark.kernel
def test_what_is_here():
    """Each installed client stands there once, with its version and what hears it; all is covered: 0."""
    code, text = ask("-m", "aimon_nb", "check")
    assert code == 0
    found = lines(text)
    for name in ("openai", "anthropic", "google-genai", "boto3", "cohere", "mistralai", "ollama"):
        assert f" {version(name)} " in found[name]
        assert " covered " in found[name]
    for name in ("httpx", "aiohttp", "requests", "urllib3", "botocore"):
        assert " covered " in found[name]
    assert " botocore " in found["boto3"]
    assert "vllm" not in text.partition("Read by dialect")[0]
    assert "POST …/chat/completions, plain and streamed (openai_chat)" in text and "`not counted`" in text


@pytest.mark.kernel
def test_a_client_that_is_not_heard(package):
    """One that runs its model in this process is named with what helps, and the exit code is 1."""
    package("gpt4all", "2.8.0", "gpt4all")
    code, text = ask("-m", "aimon_nb", "check")
    assert code == 1
    assert "not " in lines(text)["gpt4all"]
    assert "use record_token_usage" in lines(text)["gpt4all"]


@pytest.mark.kernel
def test_versions_and_dialects(package):
    """A newer series, a client that was never tried, what hears it by its requirements, others' dialects."""
    package("dspy", "3.4.1", "dspy", ["litellm>=1", "openai ; extra == 'x'"])
    package("litellm", "9.1", "litellm", ["aiohttp>=3.10", "httpx"])
    package("acme-aimon", "1.0", "acme", entry_points="[aimon_nb.dialects]\nacme = acme:Acme\n")
    code, text = ask("-m", "aimon_nb", "check")
    found = lines(text)
    assert code == 0
    assert "httpx, aiohttp" in found["litellm"]
    assert "newer than tried" in found["litellm"]
    package("groq", "1.0", "groq", ["httpx"])
    assert "litellm" in found["dspy"]
    assert "not tried" in lines(ask("-m", "aimon_nb", "check")[1])["groq"]
    assert "of other packages: acme" in text.splitlines()[0]


@pytest.mark.kernel
def test_it_imports_no_client():
    """Nothing but metadata is read: no client and no transport of a client is imported."""
    code = (
        "import sys; from aimon_nb.__main__ import main; main(['check'])\n"
        "names = {'openai', 'anthropic', 'httpx', 'httpx2', 'aiohttp', 'requests', 'botocore', 'boto3', 'cohere', 'pandas', 'IPython'}\n"
        "sys.exit(sorted(names & set(sys.modules)) or 0)"
    )
    assert ask("-c", code)[0] == 0


@pytest.mark.kernel
def test_help():
    """With -h it says what there is; a wrong command is a usage error."""
    code, text = ask("-m", "aimon_nb", "-h")
    assert (code, "check" in text) == (0, True)
    code, more = ask("-m", "aimon_nb", "check", "-h")
    assert (code, "exit codes: 0" in more) == (0, True)
    done = subprocess.run([sys.executable, "-m", "aimon_nb", "chekc"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "invalid choice: 'chekc'" in done.stderr


def test_it_knows_every_transport_of_ours():
    """`check` calls a library covered exactly where we listen to its transport; dspy is listened to for lm15, which it carries."""
    covered = {known.module for known in supported_clients.TRANSPORTS if known.state == "covered"}
    listened_to = {name.partition(".")[0] for name in TRANSPORTS}
    assert "dspy" in listened_to
    assert listened_to - {"dspy"} == covered


@pytest.mark.parametrize(
    ("here", "tried", "said"),
    [
        ("3.1", "3.54.0", ""),
        ("4.0.0rc1", "3.54.0", "newer than tried"),
        ("2.99", "3.54.0", "older than tried"),
        ("0.29.0", "0.28.1", "newer than tried"),
        ("0.28.9", "0.28.1", ""),
        ("1.0", "0.28.1", "newer than tried"),
        ("1.0", "", "not tried"),
        ("unknown", "1.0", "older than tried"),
    ],
)
def test_series(here, tried, said):
    """Versions are compared by the part that a breaking change counts up."""
    assert supported_clients._age_note(here, tried) == said
