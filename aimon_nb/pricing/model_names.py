"""Providers and models under the names of the price list (pricing rule C)."""

from __future__ import annotations

import functools
import ipaddress
import re

from aimon_nb import providers


def provider_id(name: str | None) -> str | None:
    """The price list's id for an SDK's or user's word for a provider."""
    known = providers.called(name) if name else None
    return known.price_id if known is not None else None


@functools.lru_cache(maxsize=1024)
def provider_at(host: str | None) -> str | None:
    """The price list's id of the provider whose own host this is."""
    known = providers.at_host(host or "")
    if known is None or re.search(known.priced_hosts or "", (host or "").lower()) is None:
        return None
    return known.price_id


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
