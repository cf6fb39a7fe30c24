"""Where spans go: nowhere, or to Sentry when there is a DSN."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.redact import redact_secrets
from aimon_nb.sentry.sdk import PRIVATE_OPTIONS


class Client:
    """Opens a client for a DSN found in the environment; the user's own is left alone."""

    def __init__(self) -> None:
        # Why the DSN in the environment cannot be used, in words.
        self.problem: str | None = None
        self._ours: Any = None
        self._patches: Patches | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def install(self, patches: Patches) -> None:
        """While the client is ours, a guarded `init` of the user still runs and replaces it."""
        self._patches = patches
        for module in (sentry_sdk, sentry_sdk.api):
            patches.wrap(module, "is_initialized", self._is_initialized)

    def ensure(self) -> None:
        """Open a client if `SENTRY_DSN` is set and nobody opened one yet.

        Raises:
            Exception: It cannot be used; `problem` says why.

        """
        self.problem = None
        # A line that was copied has blanks around it.
        dsn = os.environ.get("SENTRY_DSN", "").strip()
        if not dsn or sentry_sdk.get_client().is_active():
            return
        try:
            self._open(dsn)
        except Exception as error:
            self.problem = f"SENTRY_DSN cannot be used: {redact_secrets(str(error))}"
            raise

    def _open(self, dsn: str) -> None:
        # Auto-enabling imports every installed client library (3 to 10 s) and
        # switches integrations off by what is installed; calls come from the wire.
        # Of the default ones only those that keep parents in threads and errors single.
        sentry_sdk.init(
            dsn,
            environment=os.environ.get("SENTRY_ENVIRONMENT") or "notebook",
            traces_sample_rate=1.0,
            auto_enabling_integrations=False,
            default_integrations=False,
            integrations=[DedupeIntegration(), ThreadingIntegration(propagate_scope=True)],
            **PRIVATE_OPTIONS,
        )
        self._ours = sentry_sdk.get_client()

    @property
    def is_ours(self) -> bool:
        """Whether the client in use is the one that was opened for `SENTRY_DSN`."""
        return self._ours is not None and sentry_sdk.get_client() is self._ours

    def close(self) -> None:
        """Take our own client away, if it is still the one in use."""
        if self.is_ours:
            self._ours.close()
            sentry_sdk.get_global_scope().set_client(None)
        self._ours = None

    def flush(self, seconds: float, end: str) -> None:
        """Send what is still here; the user's own client, too, where nothing else would.

        Args:
            seconds: How long that may take.
            end: How the process ends: at an `exit` the user's client flushes itself. Ours does
                not: the SDK's integration for that prints to stderr, and cannot be taken back.

        """
        if self._ours is not None:
            self._ours.flush(timeout=seconds)
        theirs = sentry_sdk.get_client()
        if end != "exit" and theirs is not self._ours:
            theirs.flush(timeout=seconds)

    def _after_fork(self) -> None:
        """Leave to the parent what it has not sent yet: a child has a copy of its queue.

        The SDK sends that copy as soon as the child has something of its own to send, and then
        each span of a run is at Sentry twice, whoever opened the client.
        """
        if self._patches is None or not self._patches.live:
            return
        # A transport of the user's, or of an SDK that we do not know, may have neither.
        with suppress(Exception):
            transport: Any = sentry_sdk.get_client().transport
            # With a lock of its own: a thread of the parent may have held the other.
            transport._worker = transport._create_worker(transport.options)
            transport._discarded_events.clear()

    def _is_initialized(self, original: Any) -> Any:
        def is_initialized() -> bool:
            if self.is_ours:
                return False
            return bool(original())

        return is_initialized


def why_nowhere(client: Any) -> str | None:
    """Return why an active client sends nothing, in words; None if it does."""
    if client.transport is not None:
        return None
    return "the client is closed" if client.options.get("dsn") else "the client has no DSN"


def destination() -> str:
    """`Sentry` where an active client can send, else `local`."""
    client = sentry_sdk.get_client()
    return "Sentry" if client.is_active() and client.transport is not None else "local"
