"""What the user says of prices; it goes before every list."""

from __future__ import annotations

from collections.abc import Callable

from aimon_nb.pricing.names import provider_id

_hosts: dict[str, str] = {}
_listeners: list[Callable[[], None]] = []


def host(name: str, *, provider: str) -> None:
    """Say whose prices hold at a host.

    Args:
        name: `host:port` or a host, as in the client's base URL.
        provider: a provider of the price list, such as `openai`.

    Raises:
        ValueError: there is no such provider in the price list.

    Example:
        pricing.host("127.0.0.1:4000", provider="openai")
    """
    known = provider_id(provider)
    if known is None:
        raise ValueError(f"no provider {provider!r} in the price list; try 'openai' or 'anthropic'")
    _hosts[name.lower()] = known
    for listener in list(_listeners):
        listener()


def provider_of(host_name: str) -> str | None:
    """The provider the user gave for a host, with or without its port."""
    name = host_name.lower()
    return _hosts.get(name) or _hosts.get(name.rpartition(":")[0])


def on_change(listener: Callable[[], None]) -> Callable[[], None]:
    """Call `listener()` after each change; returns its removal."""
    _listeners.append(listener)

    def remove() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return remove
