"""What is known of where spans go, for `%ai_sentry`."""

from __future__ import annotations

from typing import Any

import sentry_sdk

from aimon_nb.model.sending import Counts, SendingStatus
from aimon_nb.sentry.client import Client, why_nowhere
from aimon_nb.sentry.delivery import Delivery
from aimon_nb.sentry.sdk import NO_VARIABLES, is_streaming, sends_variables

_LOCALS = (
    "error events that your client makes by itself can hold local variables, prompts among them: "
    f"{NO_VARIABLES} in sentry_sdk.init stops that"
)
_NO_CLIENT = "no: there is no client"
_NO_SPANS = "for spans: traces_sample_rate=1.0 in sentry_sdk.init"


def status(client: Client, delivery: Delivery) -> SendingStatus:
    """Return what is known of the client that is in use, and of what it was given."""
    sdk = sentry_sdk.get_client()
    if not sdk.is_active():
        return SendingStatus(nowhere=why_nothing(client, sdk), sampled=_NO_CLIENT)
    options = sdk.options
    found = SendingStatus(
        address=address(sdk),
        nowhere=why_nothing(client, sdk),
        owner="opened for SENTRY_DSN" if client.is_ours else "yours",
        environment=options.get("environment"),
        lifecycle="stream" if is_streaming() else "static",
        sampled=sampling(sdk),
        waiting=_waiting(sdk),
        last_error=delivery.last_error,
    )
    if delivery.is_watching:
        found.sent = delivery.sent
        found.lost = dict(sorted(delivery.lost.items(), key=lambda one: -_size(one[1])))
    if found.address is not None and not client.is_ours and sends_variables(options):
        found.advice.append(_LOCALS)
    if found.address is not None and found.sampled.startswith("no: tracing"):
        found.advice.append(_NO_SPANS)
    return found


def why_nothing(client: Client, sdk: Any) -> str:
    """Return why spans go nowhere, in words; an empty text if they go somewhere."""
    if sdk.is_active():
        return why_nowhere(sdk) or ""
    return client.problem or "there is no client; set SENTRY_DSN, or call sentry_sdk.init"


def address(sdk: Any) -> str | None:
    """Return host, path and project of a client's DSN, without its key; None where it has none."""
    dsn = sdk.transport.parsed_dsn if sdk.transport is not None else None
    if dsn is None:
        return None
    return f"{dsn.scheme}://{dsn.netloc}{dsn.path.rstrip('/')}, project {dsn.project_id}"


def sampling(sdk: Any) -> str:
    """Return in words which runs the client samples."""
    options = sdk.options
    nowhere = why_nowhere(sdk)
    if nowhere is not None:
        return f"no: {nowhere}"
    if callable(options.get("traces_sampler")):
        return "as your traces_sampler says"
    rate = options.get("traces_sample_rate")
    if rate is None:
        return "no: tracing is off, for traces_sample_rate is not set"
    if not rate:
        return "no: traces_sample_rate is 0"
    if is_streaming():
        return "yes" if rate >= 1 else f"{rate:.3g} of the runs, by your traces_sample_rate"
    return "yes, each tracked run"


def _waiting(sdk: Any) -> int | None:
    """Return how many envelopes and spans the client has not sent yet; None if it does not say."""
    try:
        waiting = sdk.transport._worker._queue.qsize()
        buffers = getattr(sdk.span_batcher, "_span_buffer", None) or {}
        return int(waiting) + sum(len(spans) for spans in list(buffers.values()))
    except Exception:
        return None


def _size(counts: Counts) -> int:
    return counts.transactions + counts.spans + counts.errors
