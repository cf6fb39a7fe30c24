"""Which of the libraries that are installed here are captured; read from metadata, not imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from importlib.util import find_spec
from typing import Literal

from aimon_nb.providers import IN_PROCESS
from aimon_nb.wire.dialects.registry import GROUP, OURS

State = Literal["covered", "partly", "not"]
_HTTPX = ("httpx", "httpx2")


@dataclass(frozen=True, slots=True)
class ClientSupport:
    """A library, by its name on PyPI, and what of its model calls is captured.

    `tried` is the latest version that the tests ran with ("" if none did), `by` the
    names of what it is captured by: HTTP libraries, or the client it stands on.
    """

    name: str
    module: str
    tried: str
    state: State
    by: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table that `python -m aimon_nb check` prints."""

    kind: Literal["transport", "client"]
    name: str
    installed: str
    tried: str
    state: State
    by: str
    note: str


TRANSPORTS = (
    ClientSupport("httpx", "httpx", "0.28.1", "covered"),
    ClientSupport("httpx2", "httpx2", "2.16.2", "covered"),
    ClientSupport("aiohttp", "aiohttp", "3.14.5", "covered"),
    ClientSupport("requests", "requests", "2.34.2", "covered"),
    ClientSupport("urllib3", "urllib3", "2.8.0", "covered"),
    ClientSupport("botocore", "botocore", "1.44.5", "covered"),
    ClientSupport("lm15", "lm15", "1.5.0", "covered"),
    ClientSupport(
        "grpcio", "grpc", "", "not", note="gRPC is not heard: choose the client's REST transport"
    ),
    ClientSupport(
        "websockets", "websockets", "", "not", note="realtime and live sessions are not heard"
    ),
    ClientSupport("curl-cffi", "curl_cffi", "", "not", note="its requests are not heard"),
    ClientSupport("niquests", "niquests", "", "not", note="its requests are not heard"),
    ClientSupport("pycurl", "pycurl", "", "not", note="its requests are not heard"),
)
_GRPC = "over gRPC, its default, nothing is heard: use transport='rest'"
_INSIDE = "runs models in this process: use record_token_usage"
CLIENTS = (
    ClientSupport(
        "openai",
        "openai",
        "3.54.0",
        "covered",
        _HTTPX,
        "not its assistants and realtime sessions",
    ),
    ClientSupport("anthropic", "anthropic", "2.12.0", "covered", _HTTPX),
    ClientSupport(
        "google-genai", "google.genai", "3.4.0", "covered", _HTTPX, "not its live sessions"
    ),
    ClientSupport("google-generativeai", "google.generativeai", "", "partly", ("requests",), _GRPC),
    ClientSupport("google-cloud-aiplatform", "vertexai", "", "partly", ("requests",), _GRPC),
    ClientSupport("boto3", "boto3", "1.44.5", "covered", ("botocore",), "Bedrock"),
    ClientSupport("aiobotocore", "aiobotocore", "3.10.0", "covered", ("aiohttp",), "Bedrock"),
    ClientSupport("cohere", "cohere", "7.3.1", "covered", _HTTPX),
    ClientSupport("mistralai", "mistralai", "3.7.0", "covered", _HTTPX),
    ClientSupport("voyageai", "voyageai", "0.5.0", "covered", ("requests", "aiohttp")),
    ClientSupport("ollama", "ollama", "0.6.3", "covered", _HTTPX),
    ClientSupport("huggingface-hub", "huggingface_hub", "2.4.0", "covered", ("requests", *_HTTPX)),
    ClientSupport("groq", "groq", "", "covered", _HTTPX),
    ClientSupport("together", "together", "", "covered", (*_HTTPX, "requests", "aiohttp")),
    ClientSupport(
        "litellm",
        "litellm",
        "1.107.0",
        "covered",
        (*_HTTPX, "aiohttp"),
        "not what it streams over gRPC",
    ),
    ClientSupport("instructor", "instructor", "1.17.0", "covered", ("openai",)),
    ClientSupport("dspy", "dspy", "3.4.1", "covered", ("litellm", "lm15")),
    ClientSupport("langchain-openai", "langchain_openai", "1.7.3", "covered", ("openai",)),
    ClientSupport("langchain-anthropic", "langchain_anthropic", "1.7.7", "covered", ("anthropic",)),
    ClientSupport("langchain-aws", "langchain_aws", "", "covered", ("boto3",)),
    ClientSupport(
        "langchain-google-genai", "langchain_google_genai", "", "covered", ("google-genai",)
    ),
    ClientSupport("pydantic-ai-slim", "pydantic_ai", "2.68.0", "covered", ("openai", "anthropic")),
    ClientSupport("openai-agents", "agents", "0.24.0", "covered", ("openai",)),
    ClientSupport("replicate", "replicate", "", "not", note="no dialect reads its API"),
    *(ClientSupport(name, module, "", "not", note=_INSIDE) for name, module in IN_PROCESS.items()),
)


def installed() -> list[Row]:
    """Return a row for every transport and client that is installed here."""
    rows = [_row("transport", transport) for transport in TRANSPORTS]
    rows += [_row("client", client) for client in CLIENTS]
    return [row for row in rows if row is not None]


def dialects() -> tuple[int, list[str]]:
    """Return how many dialects are ours, and the names of those that other packages bring."""
    return len(OURS), sorted(e.name for e in entry_points(group=GROUP) if e.name not in OURS)


def apis() -> list[tuple[str, str]]:
    """Return (name, what is read) of each of our dialects, as its class says in a line."""
    found = []
    for name, where in OURS.items():
        module, _, cls = where.partition(":")
        doc = getattr(import_module(module), cls).__doc__ or ""
        found.append((name, doc.partition("\n")[0].replace("`", "").rstrip(".")))
    return found


def _row(kind: Literal["transport", "client"], library: ClientSupport) -> Row | None:
    try:
        installed_version = version(library.name)
        # Metadata stays behind where a package was deleted by hand.
        if find_spec(library.module) is None:
            return None
    except (PackageNotFoundError, ImportError, ValueError):
        return None
    is_covered = library.state == "covered"
    notes = [_age_note(installed_version, library.tried) if is_covered else "", library.note]
    return Row(
        kind,
        library.name,
        installed_version,
        library.tried or "-",
        library.state,
        _captured_by(library) if kind == "client" else "itself" if is_covered else "-",
        "; ".join(note for note in notes if note),
    )


def _captured_by(client: ClientSupport) -> str:
    """Name what of `by` this version requires; where it requires none, what of it is installed.

    Clients change the HTTP library that they stand on from one version to the next.
    """
    lines = [line for line in requires(client.name) or () if "extra ==" not in line]
    required = {_package_of(line) for line in lines}
    names = [name for name in client.by if name in required]
    return ", ".join(names or [name for name in client.by if _is_installed(name)]) or "-"


def _package_of(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    return match[0].lower().replace("_", "-") if match else ""


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _age_note(installed_version: str, tried: str) -> str:
    """Say whether a version is of another series than the one that was tried; "" if it is not."""
    if not tried:
        return "not tried"
    here, there = _series(installed_version), _series(tried)
    return "newer than tried" if here > there else "older than tried" if here < there else ""


def _series(text: str) -> tuple[int, ...]:
    """Return the part of a version that a breaking change counts up: 3 of 3.54, 0.28 of 0.28.1."""
    numbers = [int(digits) for digits in re.findall(r"\d+", text)[:2]]
    return tuple(numbers[:1] if numbers and numbers[0] else numbers)
