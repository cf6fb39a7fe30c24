"""An error's event, made without the variables and the source of its frames."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from sentry_sdk.scope import use_scope
from sentry_sdk.utils import event_from_exception

from aimon_nb.sentry.discarding import discarding_scope
from aimon_nb.sentry.sdk import HAS_TRANSACTIONS, PLACES_ONLY, PRIVATE_OPTIONS


def make_event(error: BaseException, mechanism: dict[str, Any]) -> tuple[Any, Any]:
    """Make the event and the hint of an error, whatever the client in use would collect.

    The variables are not looked at: no `__repr__` of the user's objects runs.
    """
    options = sentry_sdk.get_client().options
    scope = discarding_scope()
    more: dict[str, Any] = {}
    if HAS_TRANSACTIONS:
        # Beside `data_collection` of the user's the other options would not be asked.
        private = more["client_options"] = {**options, **PRIVATE_OPTIONS, "data_collection": None}
    else:
        private = {**options, "data_collection": {**options["data_collection"], **PLACES_ONLY}}
    # For a frame the SDK asks the client in use.
    scope.client.options = private
    with use_scope(scope):
        return event_from_exception(error, mechanism=mechanism, **more)
