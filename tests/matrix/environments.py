"""The environments of the matrix: each library alone, and all of them in the two sets that resolve.

Made by uv where it is (pip takes minutes over the sets), kept in `.venv/matrix`,
and made anew when what they hold has changed.
"""

import contextlib
import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv" / "matrix"
OURS = ["sentry-relay>=0.9", "pytest>=8"]  # the receiver's

ALONE = {
    "aiobotocore": ["aiobotocore>=3"],
    "openai": ["openai>=3"],
    "anthropic": ["anthropic>=2"],
    "bedrock": ["boto3>=1.40"],
    "caches": [
        "vcrpy>=9", "hishel[async]>=2", "requests-cache>=1.3", "aiohttp-client-cache>=0.15", "CacheControl>=0.14", "respx>=0.23",
        "responses>=0.26", "pytest-httpx>=0.36", "openai>=3", "anthropic>=2", "httpx>=0.28", "requests", "aiohttp", "boto3>=1.40",
    ],
    "caches_of_frameworks": ["langchain-openai>=1.7", "langchain-community>=0.4", "litellm>=1.107", "mcp", "fastapi", "orjson", "soundfile"],
    "caches_of_hishel_1": ["hishel[httpx,requests,async]>=1.4,<2", "openai>=2,<3", "requests"],
    "cohere": ["cohere>=7"],
    "dspy": ["dspy>=3"],
    "google_genai": ["google-genai>=2"],
    "huggingface_hub": ["huggingface_hub>=1"],
    "instructor": ["instructor>=1.17", "anthropic"],
    "langchain_anthropic": ["langchain-anthropic>=1.7"],
    "langchain_openai": ["langchain-openai>=1.7"],
    "langgraph": ["langgraph>=1.2", "langchain>=1.4", "langchain-openai>=1.7"],
    "litellm": ["litellm>=1.83", "mcp", "fastapi", "orjson", "soundfile"],  # of which it imports a part, for its cache
    "marimo": ["marimo>=0.20", "nbformat>=5"],
    "mistralai": ["mistralai>=3"],
    # What the suites of `test_sdk3` ask beside the tests' own (`EXTRAS`).
    "sdk3": [
        "sentry-sdk==3.0.0b2", "openai==3.54.0", "anthropic==2.12.0", "langchain==1.4.7", "langchain-openai==1.7.3",
        "langgraph==1.2.22", "openai-agents==0.24.0", "pydantic-ai-slim[openai]==2.68.0", "mcp>=2",
    ],
    "openai_agents": ["openai-agents>=0.24"],
    "voyageai": ["voyageai>=0.5"],
    "pydantic_ai": ["pydantic-ai-slim[openai,anthropic,google]>=2.68"],
    # It emits nothing, as those of `structure_openai_2`, which it does not resolve beside.
    "crewai": ["crewai>=1.15"],
}
# Of the structure axis: frameworks that resolve beside each other, those on openai 3 and those on openai 2. Pinned, for pip
# would search for long. Traceloop stands alone: what it needs beside the others are pre-releases, which pip does not take.
ALONE |= {
    "structure": [
        "openai==3.57.0", "openai-agents==0.24.0", "pydantic-ai-slim[openai,google]==2.68.0", "langgraph==1.2.24", "langchain==1.5.2",
        "langchain-openai==1.7.4", "google-genai==2.34.0", "mcp==2.3.0", "langfuse==5.0.4", "logfire==5.4.0",
        "openinference-instrumentation-openai==0.1.66", "openinference-instrumentation-langchain==0.1.80",
        "openinference-instrumentation-openai-agents==2.6.0", "ipykernel>=6.29",
    ],
    "structure_openai_2": [
        "smolagents[openai]==1.26.0", "haystack-ai==3.4.1", "llama-index-core==0.14.25", "llama-index-llms-openai==0.8.3", "dspy==3.4.1",
        "autogen-agentchat==0.7.5", "autogen-ext[openai]==0.7.5", "strands-agents[openai]==1.62.0",
        "openinference-instrumentation-smolagents==0.1.43", "openinference-instrumentation-llama-index==4.6.1",
        "ipykernel>=6.29",
    ],
    "google_adk": ["google-adk==2.13.0"],
    "semantic_kernel": ["semantic-kernel==1.45.0"],
    "traceloop": ["traceloop-sdk==0.62.4", "openai==3.57.0", "httpx"],
}  # fmt: skip
EXTRAS = {"sdk3": "[test]"}  # of this working copy; pip finds them only in its own requirement
# Pinned: instructor and dspy need another openai than the rest does, and pip would search for long.
SETS = {
    "A": [
        "openai==3.54.0", "anthropic==2.12.0", "google-genai==2.34.0", "litellm==1.107.0rc2", "langchain==1.4.7",
        "langchain-openai==1.7.3", "langchain-anthropic==1.7.7", "langgraph==1.2.22", "openai-agents==0.24.0",
        "pydantic-ai-slim[openai,anthropic,google]==2.68.0", "huggingface_hub==1.33.0", "cohere==7.3.1",
        "mistralai==3.7.0", "boto3==1.44.5", "aiohttp==3.14.5",
    ],
    "B": ["instructor==1.17.0", "dspy==3.4.1", "openai==2.54.0", "anthropic==2.12.0", "litellm==1.106.2", "mcp", "boto3==1.44.5"],
}  # fmt: skip
WITH_B = {"openai_chat", "openai_completions", "openai_responses", "openai_embeddings", "openai_media", "anthropic", "litellm", "bedrock"}
ONLY_B = {"instructor", "dspy"}
NO_SET = {"aiobotocore", "voyageai"}  # the one pins a botocore of its own, the other stands on no other client


def name_of(client, place):
    """The environment of a client in a place: `alone`, a set, or `here` (no environment of its own)."""
    if place != "alone":
        return place
    return "openai" if client.startswith("openai_") and client != "openai_agents" else client


def sets(client):
    """The sets that hold a client; the first is the one it is at home in."""
    if client in NO_SET:
        return ()
    return ("B",) if client in ONLY_B else ("A", "B") if client in WITH_B else ("A",)


def packages(name):
    return SETS.get(name) or ALONE[name]


def make(name):
    """The Python of an environment, which is made if it is not there."""
    if name == "here":
        return Path(sys.executable)
    home = PLACE / name
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = json.dumps([sys.version, EXTRAS.get(name, ""), packages(name), OURS, (ROOT / "pyproject.toml").read_text("utf-8")])
    stamp = home / "made-of.json"
    with alone(name):
        if not (python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted):
            _install(home, python, ["-e", f"{ROOT}{EXTRAS.get(name, '')}", *OURS, *packages(name)])
            stamp.write_text(wanted, "utf-8")
    return python


@contextlib.contextmanager
def alone(name):
    """Whoever else wants to make or write what has this name waits: workers of pytest, and of the matrix."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(home, python, what):
    uv = shutil.which("uv")
    if uv is not None and subprocess.run([uv, "--version"], capture_output=True).returncode == 0:
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, home)
        # Compiled once, not in each of the cells' processes.
        _run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *what)
    else:
        _run(sys.executable, "-m", "venv", "--clear", home)
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[1:4]))}: {done.stderr.strip()[-2000:]}")


def versions(name):
    """{library: version} of what an environment was made for."""
    asked = [p.partition("[")[0].partition("=")[0].partition(">")[0] for p in packages(name)] + ["sentry-sdk"]
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {asked!r}}}))"
    return json.loads(subprocess.run([str(make(name)), "-c", code], capture_output=True, text=True, check=True).stdout)
