"""Providers and models under the names of the price list (pricing rule C)."""

from __future__ import annotations

import functools
import ipaddress
import re

# Explicit, first match wins: left to itself the list takes every name that
# contains "openai" for OpenAI, Azure's among them.
_PROVIDERS = [
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"^azure|^az\.ai", "azure"),
        (r"bedrock|^aws|amazon", "aws"),
        (r"vertex|gemini|google", "google"),
        (r"^anthropic", "anthropic"),
        (r"^openrouter", "openrouter"),
        (r"^xai|^x_ai|^x-ai", "x-ai"),
        (r"^groq", "groq"),
        (r"^mistral", "mistral"),
        (r"^deepseek", "deepseek"),
        (r"^cohere", "cohere"),
        (r"^together", "together"),
        (r"^fireworks", "fireworks"),
        (r"^perplexity", "perplexity"),
        (r"^cerebras", "cerebras"),
        (r"^moonshot", "moonshotai"),
        (r"^voyage", "voyageai"),
        (r"^z\.?ai$", "zai"),
        (r"^openai", "openai"),
    )
]
_HOSTS = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(^|\.)api\.openai\.com$", "openai"),
        (r"\.(openai|cognitiveservices|services\.ai|models\.ai)\.azure\.(com|us|cn)$", "azure"),
        (r"(^|\.)api\.anthropic\.com$", "anthropic"),
        (r"\.googleapis\.com$", "google"),
        (r"bedrock.*\.(amazonaws\.com(\.cn)?|api\.aws)$", "aws"),
        (r"(^|\.)openrouter\.ai$", "openrouter"),
        (r"(^|\.)api\.x\.ai$", "x-ai"),
        (r"(^|\.)api\.groq\.com$", "groq"),
        (r"(^|\.)api\.mistral\.ai$", "mistral"),
        (r"(^|\.)api\.deepseek\.com$", "deepseek"),
        (r"(^|\.)api\.cohere\.(com|ai)$", "cohere"),
        (r"(^|\.)api\.together\.(xyz|ai)$", "together"),
        (r"(^|\.)api\.fireworks\.ai$", "fireworks"),
        (r"(^|\.)api\.perplexity\.ai$", "perplexity"),
        (r"(^|\.)api\.cerebras\.ai$", "cerebras"),
        (r"(^|\.)api\.moonshot\.(ai|cn)$", "moonshotai"),
        (r"(^|\.)api\.voyageai\.com$", "voyageai"),
        (r"(^|\.)api\.z\.ai$", "zai"),
    )
]


@functools.lru_cache(maxsize=1024)
def provider_id(name: str | None) -> str | None:
    """The price list's id for an SDK's or user's word for a provider."""
    return next((p for pattern, p in _PROVIDERS if name and pattern.search(name)), None)


@functools.lru_cache(maxsize=1024)
def provider_at(host: str | None) -> str | None:
    """The provider whose own host this is."""
    name = (host or "").partition(":")[0].lower()
    return next((p for pattern, p in _HOSTS if pattern.search(name)), None)


@functools.lru_cache(maxsize=1024)
def is_local(host: str | None) -> bool:
    """Whether a host (`name` or `name:port`) is this machine."""
    name = (host or "").lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]  # an IPv6 address, then perhaps a port
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in _THIS_MACHINE or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


# Docker's name is what a container calls the machine it runs on.
_THIS_MACHINE = frozenset({"localhost", "0.0.0.0", "host.docker.internal"})  # noqa: S104


@functools.lru_cache(maxsize=1024)
def candidates(model: str, provider: str | None) -> tuple[str, ...]:
    """A model's name as it is, then without what only says where it is."""
    names = [model]
    if model.startswith(("models/", "publishers/")):
        names.append(model.rpartition("/")[2])
    elif model.startswith("arn:"):
        names.append(model.rpartition("/")[2])  # Bedrock: …:inference-profile/us.anthropic…
    elif provider is not None and "/" in model and provider_id(model.partition("/")[0]) == provider:
        names.append(model.partition("/")[2])
    return tuple(names)


def bare_host(text: str) -> str:
    """`host` or `host:port` of a base URL, in lower case."""
    address = re.split(r"[/?#]", text.strip().rpartition("://")[2], maxsplit=1)[0]
    name = address.rpartition("@")[2].lower()
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
