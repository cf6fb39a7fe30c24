"""What is in place in this process, and how a run is opened."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import sending
from aimon_nb.app.budgets import KernelBudget, limits_of, set_budgets
from aimon_nb.app.notebook_name import notebook_name
from aimon_nb.app.process_end import ProcessEnd
from aimon_nb.app.run_session import RunSession
from aimon_nb.app.settings import Settings, from_environment, resolve
from aimon_nb.app.warm_up import WarmUp
from aimon_nb.capture import recorder
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.capture.limits import Limits
from aimon_nb.capture.redact import emails
from aimon_nb.model import Span
from aimon_nb.pricing import api
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.sentry.client import destination
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
        self.client, self.delivery = instrumentation.client, instrumentation.delivery
        self.views = run_display.displays
        self._config: dict[str, Any] = {}
        self._remove: list[Any] = []
        self._warm_up = WarmUp()
        self._kernel_budget = KernelBudget()
        self.open_sessions: dict[str, RunSession] = {}
        self._process_end = ProcessEnd(self._settle, self.client.flush)

    @property
    def settings(self) -> Settings:
        """The settings of a run that does not say otherwise."""
        return resolve({}, self._config, from_environment()[0])

    def configure(self, **values: Any) -> None:
        """Set what holds for all runs that do not say otherwise, as `%config` does."""
        self._config |= values
        self._apply()

    def _apply(self) -> None:
        """Hand on the settings that no run is opened with."""
        now = self.settings
        estimates.on = now.estimate
        emails.on = now.redact_emails
        self._process_end.seconds = now.sentry_flush
        caps = now.max_spans, now.max_attribute_bytes, now.max_runs, now.content_budget
        self.recorder.limits = Limits(*caps)
        self.recorder.wake()

    def install(self) -> None:
        """Put the wraps on; a second call does nothing."""
        instrumentation.install()
        # Each run says what is wrong with a DSN.
        with suppress(Exception):
            self.client.ensure()
        self._watch_process_end()
        self._warm_up.begin()
        if not self._remove:
            user_prices.find_span = _find_span
            self._remove = [
                self.recorder.on_event(self._show),
                api.on_change(self.recorder.reprice),
                instrumentation.delivery.on_outcome(sending.note_lost),
            ]

    def uninstall(self) -> None:
        """Take everything off again; runs stay in memory."""
        self._warm_up.stop()
        self._process_end.unwatch()
        instrumentation.uninstall()
        for remove in self._remove:
            remove()
        self._remove = []
        self.recorder.close()
        run_display.close_all()
        self._config.clear()
        self._apply()

    def open(
        self,
        name: str,
        view: environment.View | None = None,
        save: Save | None = None,
        *,
        run_settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        budget: Decimal | None = None,
        **facts: Any,
    ) -> RunSession:
        """Open a run, its root span and its view.

        Args:
            name: of the run, its root span and its pipeline.
            view: setting of this run; None: the one that holds for all.
            save: setting of this run; None: the one that holds for all.
            run_settings: further settings of this run, by name.
            options: `op`, `tags`, `data` and `span` of the root span.
            budget: US dollars that it may spend; None: no limit.
            **facts: fields of `Run`, `pipeline`, and `quiet`: a run that is seen, sent and
                listed only once it has a model call.

        """
        self.install()
        instrumentation.integrations.retry()
        values, notes = from_environment()
        of_run = {"view": view, "save": save, **(run_settings or {})}
        now = resolve(of_run, self._config, values)
        mode = environment.resolve_view(now.view)
        run_options = dict(options or {})
        if now.op:
            run_options["op"] = now.op
        if now.tags:
            run_options["tags"] = {**now.tags, **run_options.get("tags", {})}
        # Elsewhere nothing is kept.
        if now.save != DEFAULT_SAVE and environment.outputs_are_saved():
            run_options["save"] = now.save
        if not now.previews:
            run_options["previews"] = False
        try:
            self.client.ensure()
        except Exception:
            notes.append(f"{self.client.problem}; spans stay here")
        # `auto` opens many runs that nobody named.
        facts["may_be_sent"] = now.sentry_auto or not facts.get("quiet")
        self._watch_process_end()
        facts["notebook"] = notebook_name(environment.ipython_shell())
        self._warm_up.finish(mode)
        root = open_root(self.recorder, self.tracker, name, options=run_options, **facts)
        root.run_state.keeps_content = now.content
        root.run_state.takes_content = now.step_content
        set_budgets(root.run_state, limits_of(now, budget), self._kernel_budget.of(self.settings))
        session = RunSession(self, root, mode)
        session.run.notes += notes
        self.open_sessions[session.run.run_id] = session
        self._close_old_views()
        return session

    def _watch_process_end(self) -> None:
        """Settle and send at the end of the process, if there is somebody to send to."""
        if destination() != "local":
            self._process_end.seconds = self.settings.sentry_flush
            self._process_end.watch()

    def _settle(self) -> None:
        """Let Sentry's client have what is still held back; runs that are open end for it."""
        if self.recorder.forked:
            return
        self.recorder.settle_all()
        for session in reversed(list(self.open_sessions.values())):
            with internal_errors.suppress("ending a run at the end of the process"):
                session.abort()

    def _close_old_views(self) -> None:
        """Close the views of runs that the recorder no longer has, or has less of."""
        in_memory = {run_id: one.run for run_id, one in list(self.recorder.run_states.items())}
        for run_id in [i for i, view in self.views.items() if view.run is not in_memory.get(i)]:
            with internal_errors.suppress("closing a view"):
                self.views.pop(run_id).close()

    def _show(self, run_state: RunState, changed: set[str]) -> None:
        view = self.views.get(run_state.run.run_id)
        if view is not None:
            view.update(changed)


def _find_span(span_id: str) -> Span | None:
    candidates = (run.spans.get(span_id) for run in reversed(recorder.runs()))
    return next((span for span in candidates if span is not None), None)


monitor = Monitor()
