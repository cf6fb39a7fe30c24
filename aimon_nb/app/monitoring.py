"""What is in place in this process, and how a run is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app.run_session import RunSession
from aimon_nb.capture import recorder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.model import Span
from aimon_nb.pricing import api
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.sentry.root_span import open_root
from aimon_nb.views.live import environment, run_display
from aimon_nb.views.live.mimebundle import DEFAULT_SAVE, Save
from aimon_nb.wire.token_estimate import estimates

if TYPE_CHECKING:
    from aimon_nb.capture.state import RunState


class Monitor:
    """Everything of ours that is in place in this process, and its undo."""

    def __init__(self) -> None:
        self.recorder = recorder
        self.tracker = instrumentation.tracker
        self.client = instrumentation.client
        self.views = run_display.displays
        self.view: environment.View
        self.save: Save
        self.forget_defaults()
        self._remove: list[Any] = []

    def install(self) -> None:
        """Put the wraps on; a second call does nothing."""
        instrumentation.install()
        if not self._remove:
            user_prices.find_span = _find_span
            self._remove = [self.recorder.on_event(self._show), api.on_change(self._reprice)]

    def uninstall(self) -> None:
        """Take everything off again; runs stay in memory."""
        instrumentation.uninstall()
        estimates.on = False
        for remove in self._remove:
            remove()
        self._remove = []
        self.recorder.close()
        for view in self.views.values():
            view.close()
        self.views.clear()
        self.forget_defaults()

    def forget_defaults(self) -> None:
        """Show and keep runs as if nobody had said how."""
        self.view, self.save = "auto", DEFAULT_SAVE

    def open(
        self,
        name: str,
        view: environment.View | None = None,
        save: Save | None = None,
        *,
        options: dict[str, Any] | None = None,
        **facts: Any,
    ) -> RunSession:
        """Open a run, its root span and its view; None is what `%config` says.

        With `quiet=True` it is seen, sent and listed only once it has a model call.
        """
        self.install()
        instrumentation.frameworks.retry()
        mode = environment.resolve_view(view or self.view)
        options = dict(options or {})
        kept = save or self.save
        if kept != DEFAULT_SAVE and environment.outputs_are_saved():  # elsewhere nothing is kept
            options["save"] = kept
        notes = []
        try:
            self.client.ensure()
        except Exception as error:
            notes.append(f"SENTRY_DSN cannot be used, spans stay here: {error}")
        root = open_root(self.recorder, self.tracker, name, options=options, **facts)
        tracked = RunSession(self, root, mode)
        tracked.run.notes += notes
        self._forget_views()
        return tracked

    def _forget_views(self) -> None:
        """The recorder keeps so much of so many runs; what it let go is let go here too."""
        kept = {run_id: one.run for run_id, one in list(self.recorder.run_states.items())}
        for run_id in [i for i, view in self.views.items() if view.run is not kept.get(i)]:
            with internal_errors.suppress("letting a view go"):
                self.views.pop(run_id).close()

    def _show(self, run_state: RunState, changed: set[str]) -> None:
        view = self.views.get(run_state.run.run_id)
        if view is not None:
            view.update(changed)

    def _reprice(self) -> None:
        self.recorder.reprice()


def _find_span(span_id: str) -> Span | None:
    found = (run.spans.get(span_id) for run in reversed(recorder.runs()))
    return next((span for span in found if span is not None), None)


monitor = Monitor()
