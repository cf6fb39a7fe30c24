"""The one place that every model request passes before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aimon_nb.model.errors import RunStopped

if TYPE_CHECKING:
    from aimon_nb.wire.exchange import Exchange

Check = Callable[["Exchange"], None]

checks: list[Check] = []
"""Each may refuse a request by raising what the user's code is to see."""


def admit(exchange: Exchange) -> None:
    """Let a request pass, or raise the exception of the check that refuses it."""
    if exchange.node.recording.stop:
        raise RunStopped("the run was interrupted; this call was not sent")
    for check in checks:
        check(exchange)
