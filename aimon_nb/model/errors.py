"""Errors of ours that the user's code may see."""

from __future__ import annotations


class RequestRefusedError(Exception):
    """A model request that must not be sent, and was not."""


class RunStopped(RequestRefusedError):  # noqa: N818  a state of the run, in the user's words
    """The run was interrupted: this model call was not sent."""


class UnsupportedSDKError(ImportError):
    """The installed sentry-sdk is too old, or has no streamed spans."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this: where ours failed tells the user nothing.
        return [f"{type(self).__name__}: {self}"]
