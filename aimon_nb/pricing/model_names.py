"""Providers, models and tiers under the names of the price list (rule C in docs/cost.md)."""

from __future__ import annotations

import functools
import ipaddress
import re

from aimon_nb import providers

# Docker's name is what a container calls the machine it runs on.
_THIS_MACHINE = frozenset({"localhost", "0.0.0.0", "host.docker.internal"})  # noqa: S104


def provider_id(name: str | None) -> str | None:
    """Return the price list's id for what an SDK or a user calls a provider."""
    provider = providers.called(name) if name else None
    return provider.price_id if provider is not None else None


@functools.lru_cache(maxsize=1024)
def provider_at(host: str | None) -> str | None:
    """Return the price list's id of the provider whose own host this is."""
    provider = providers.at_host(host or "")
    if provider is None or re.search(provider.priced_hosts or "", (host or "").lower()) is None:
        return None
    return provider.price_id


@functools.lru_cache(maxsize=1024)
def is_local(host: str | None) -> bool:
    """Return whether a host (`name` or `name:port`) is this machine."""
    name = (host or "").lower()
    if name.startswith("["):
        # An IPv6 address, then perhaps a port.
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in _THIS_MACHINE or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def vendor_of(model: str | None) -> str | None:
    """Return the price list's id of whom a gateway's model name names: `anthropic/…`, `@openai/…`.

    None for a name without such a beginning.
    """
    slug, slash, _ = (model or "").partition("/")
    vendor = providers.by_slug(slug.removeprefix("@")) if slash else None
    return vendor.price_id if vendor is not None else None


def candidates(model: str, provider: str | None) -> tuple[str, ...]:
    """Return a model's name as it is, then without what only says where it is."""
    names = [model]
    # Bedrock's ARN ends in …:inference-profile/us.anthropic….
    if model.startswith(("models/", "publishers/", "arn:")):
        names.append(model.rpartition("/")[2])
    elif provider is not None and "/" in model:
        vendor, _, rest = model.partition("/")
        if provider in (provider_id(vendor), vendor_of(model)):
            names.append(rest)
    # Bedrock's OpenAI-like endpoints leave out the version that its own ids have.
    if provider == "aws" and ":" not in names[-1]:
        names += [f"{names[-1]}-1:0", f"{names[-1]}-v1:0"]
    return tuple(names)


def tier_conditions(tier: str | None) -> dict[str, str]:
    """Return what a provider calls its tier as the price list does: {"service_tier": "flex"}."""
    name = (tier or "").lower()
    if "batch" in name:
        return {"processing": "batch"}
    for known in ("flex", "priority", "fast"):
        if known in name:
            return {"service_tier": known}
    return {"service_tier": name} if name else {}


def bare_host(text: str) -> str:
    """Return `host` or `host:port` of a base URL, in lower case."""
    address = re.split(r"[/?#]", text.strip().rpartition("://")[2], maxsplit=1)[0]
    name = address.rpartition("@")[2].lower()
    # Of several colons none is a port's: it is an IPv6 address, which a URL has in brackets.
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
