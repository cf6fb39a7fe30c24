"""The request of a call as it is kept, for those that write it as code."""

from __future__ import annotations

from aimon_nb.model import Span
from aimon_nb.views.as_code.request import Request


class MissingRequestError(LookupError):
    """The request of a call is not in memory; it says why."""


def request_of(span: Span) -> Request:
    """Return the request of a call; `MissingRequestError` where there is none in memory."""
    raise MissingRequestError(f"the request of {span.name} is not kept")
