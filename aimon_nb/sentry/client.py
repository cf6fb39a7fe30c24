"""Where spans go: nowhere, or to Sentry when there is a DSN."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from aimon_nb.capture.hooks import Patches

EXIT_SECONDS = 2.0  # how long the end of a process may wait for Sentry: the SDK's own default


class Client:
    """Opens a client for a DSN found in the environment; the user's own is left alone."""

    def __init__(self) -> None:
        self._ours: Any = None
        self._pid = 0  # of the process that opened it

    def install(self, patches: Patches) -> None:
        """While the client is ours, a guarded `init` of the user still runs and replaces it."""
        for module in (sentry_sdk, sentry_sdk.api):
            patches.wrap(module, "is_initialized", self._is_initialized)

    def ensure(self) -> None:
        """Open a client if `SENTRY_DSN` is set and nobody opened one yet."""
        if not os.environ.get("SENTRY_DSN") or sentry_sdk.get_client().is_active():
            return
        # Auto-enabling imports every installed client library (3 to 10 s) and
        # switches integrations off by what is installed; calls come from the wire.
        # Of the default ones only those that keep parents in threads and errors single.
        sentry_sdk.init(
            environment=os.environ.get("SENTRY_ENVIRONMENT") or "notebook",
            traces_sample_rate=1.0,
            auto_enabling_integrations=False,
            default_integrations=False,
            integrations=[DedupeIntegration(), ThreadingIntegration(propagate_scope=True)],
            send_default_pii=False,
            include_local_variables=False,
            include_source_context=False,
        )
        self._ours, self._pid = sentry_sdk.get_client(), os.getpid()
        # The SDK's own integration for this prints to stderr, and cannot be taken back.
        atexit.unregister(self._flush_at_exit)  # of an earlier client: nobody waits twice
        atexit.register(self._flush_at_exit)

    def close(self) -> None:
        """Take our own client away, if it is still the one in use."""
        atexit.unregister(self._flush_at_exit)
        if self._ours is not None and sentry_sdk.get_client() is self._ours:
            self._ours.close()
            sentry_sdk.get_global_scope().set_client(None)
        self._ours = None

    def _flush_at_exit(self) -> None:
        """Send what our own client still holds: its thread is a daemon, which Python ends."""
        # A forked process has a copy of the queue, and would send it a second time.
        if self._ours is None or os.getpid() != self._pid:
            return
        # Ctrl-C while this waits means to leave, and not to read a traceback of ours.
        with suppress(Exception, KeyboardInterrupt):
            self._ours.flush(timeout=EXIT_SECONDS)

    def _is_initialized(self, original: Any) -> Any:
        def is_initialized() -> bool:
            if self._ours is not None and sentry_sdk.get_client() is self._ours:
                return False
            return bool(original())

        return is_initialized


def destination() -> str:
    """`Sentry` where an active client can send, else `local`."""
    client = sentry_sdk.get_client()
    return "Sentry" if client.is_active() and client.transport is not None else "local"
