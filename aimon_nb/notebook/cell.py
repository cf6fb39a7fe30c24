"""A cell becomes a run.

A pure input transformer turns the magic's line into a comment, so that IPython
runs the cell as always: top-level await, last expression, line numbers. The
hooks before and after the cell open and close the run. A real cell magic of the
same name serves nesting, help and completion.
"""

from __future__ import annotations

import ast
import warnings
from typing import Any

from aimon_nb.app import Monitor, RunSession, interrupts
from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.notebook import header
from aimon_nb.notebook.error_clock import ErrorClock
from aimon_nb.notebook.open_cells import OpenCell, OpenCells
from aimon_nb.notebook.over_budget import end_over_budget, raise_refusal
from aimon_nb.notebook.transformer import Transformer


class CellTracker:
    """The hooks before and after each cell of one shell, and what its magic runs."""

    def __init__(self, shell: Any, monitor: Monitor) -> None:
        self._shell, self._monitor = shell, monitor
        self._cells = OpenCells()
        self._error_clock = ErrorClock(shell, monitor.recorder.clock)
        self._transformer = Transformer(self.is_nested)

    def install(self) -> None:
        """Register the transformer and the hooks."""
        self._shell.input_transformers_cleanup.append(self._transformer)
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)

    def uninstall(self) -> None:
        """Take them off again; a run that is open ends here."""
        for cell in self._cells.pop_all():
            if cell.session is not None:
                self._end(cell.session, None, None)
        self._error_clock.stop()
        if self._transformer in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self._transformer)
        for event, hook in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if hook in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, hook)
        context.untracked_cell.set(None)

    def is_nested(self) -> bool:
        """Return whether a cell runs in this thread already."""
        self._close_stale(_request_id(self._shell))
        return not self._cells.is_empty

    def _close_stale(self, request_id: str | None) -> None:
        for cell in self._cells.pop_stale(request_id):
            self._close(cell, KeyboardInterrupt(), None)

    def before(self, info: Any) -> None:
        """`pre_run_cell`: a tracked cell opens its run."""
        session = request_id = None
        try:
            request_id = _request_id(self._shell)
            self._close_stale(request_id)
            line, is_tracked = None, False
            if self._cells.is_empty:
                context.untracked_cell.set(None)
                line = header.header_line(info.raw_cell or "")
                # With `auto` every cell is tracked, and shown if it has a model call.
                auto = self._monitor.settings.auto
                is_tracked = auto if line is None else header.parses(line)
            if is_tracked and _compiles(self._shell, info):
                with interrupts.deferred_sigint() as pending:
                    session = self._open_cell(line, info)
                    self._error_clock.watch()
                self._watch(session, pending=pending.is_set())
        except KeyboardInterrupt:
            # Which is for the user's code.
            interrupts.resend()
        except BaseException:
            # One that left a hook would hang the cell for ever.
            internal_errors.record("opening a run")
        if session is None and self._cells.is_empty:
            # For the threads and tasks that it begins: a later cell's run is not theirs.
            context.untracked_cell.set(self._monitor.recorder.clock())
        self._cells.push(OpenCell(info, session, request_id))

    def after(self, result: Any) -> None:
        """`post_run_cell`: its run is closed, with the error the cell ended with."""
        if result is not None and not (result.info.raw_cell or "").strip():
            # IPython fires it without `pre_run_cell` for an empty cell.
            return
        error = _error(result)
        # IPython has drawn its traceback by now.
        left_at = self._error_clock.take(error)
        for cell in self._cells.pop(result):
            self._close(cell, error, left_at)
            if cell.session is not None:
                end_over_budget(self._shell, result, cell.session.take_refusal())
        if self._cells.is_empty:
            context.untracked_cell.set(None)

    def _close(self, cell: OpenCell, error: BaseException | None, left_at: int | None) -> None:
        if cell.session is None:
            return
        try:
            self._end(cell.session, error, left_at)
        except BaseException:
            internal_errors.record("closing a run")

    def _open_cell(self, line: str | None, info: Any) -> RunSession:
        source, cell_id = info.raw_cell, getattr(info, "cell_id", None)
        if line is None:  # it has no header: a line in the place of one
            return self.open("", f"\n{source}", cell_id, quiet=True)
        return self.open(line, source, cell_id)

    def open(
        self, line: str, source: str, cell_id: str | None, name: str = "", *, quiet: bool = False
    ) -> RunSession:
        """Open the run of a header line; `name` is for one that names none."""
        args = header.parse(line)
        count = _number_of_cell(self._shell)
        name = args.name or name or header.name_from(source, count)
        return self._monitor.open(
            name,
            **header.of_run(args),
            pipeline=args.name or context.default_pipeline,
            cell_id=cell_id,
            execution_count=count,
            quiet=quiet,
        ).with_source(source)

    def run_statement(self, statement: str) -> Any:
        """`%ai_track STATEMENT`: run it, tracked under its own text."""
        __tracebackhide__ = True
        return self._run(statement, "", header.line_of(statement))

    def run_nested(self, line: str, cell: str) -> Any:
        """Run a cell below another magic or inside a cell; no top-level await there."""
        __tracebackhide__ = True
        return self._run(cell, line, "")

    def _run(self, cell: str, line: str, name: str) -> Any:
        __tracebackhide__ = True
        shell = self._shell
        tree, last, filename = _parsed(shell, cell)
        session, error = None, None
        try:
            with interrupts.deferred_sigint() as pending:
                session = self.open(line, "%%ai_track\n" + cell, None, name)
            self._watch(session, pending=pending.is_set())
            exec(compile(tree, filename, "exec"), shell.user_ns)  # noqa: S102
            return eval(compile(last, filename, "eval"), shell.user_ns) if last else None  # noqa: S307
        except BaseException as raised:
            error = raised
            raise
        finally:
            if session is not None:
                self._end(session, error, None)
                raise_refusal(session.take_refusal(), error)

    def _watch(self, session: RunSession, *, pending: bool) -> None:
        begins = frozenset({CellTracker.before.__code__})
        ends = frozenset({CellTracker.after.__code__, CellTracker._end.__code__})
        session.watch(self._shell, begins, ends, pending=pending)

    def _end(self, session: RunSession, error: BaseException | None, left_at: int | None) -> None:
        # An interrupt meanwhile has nothing left to interrupt.
        session.finish(error, left_at)


def _parsed(shell: Any, cell: str) -> tuple[Any, ast.Expression | None, str]:
    """Return a cell's statements, its last expression if it ends with one, and its file's name."""
    source = shell.transform_cell(cell)
    tree = shell.transform_ast(shell.compile.ast_parse(source))
    filename = shell.compile.cache(source, shell.execution_count)
    is_last = tree.body and isinstance(tree.body[-1], ast.Expr)
    return tree, ast.Expression(tree.body.pop().value) if is_last else None, filename


def _number_of_cell(shell: Any) -> int:
    """Return the number of the cell that runs: newer IPythons count on before their hooks."""
    count, history = shell.execution_count, shell.history_manager
    return int(count if history is None else min(count, len(history.input_hist_raw)))


def _request_id(shell: Any) -> str | None:
    """Return the id of the request to run a cell that the kernel answers in this thread."""
    try:
        message = shell.kernel.get_parent("shell")["header"]
    except Exception:
        # A terminal, or no kernel of ipykernel's.
        return None
    return message["msg_id"] if message["msg_type"] == "execute_request" else None


def _compiles(shell: Any, info: Any) -> bool:
    """Return whether a cell is Python: one that is not runs nothing, and gets no run."""
    try:
        source = getattr(info, "transformed_cell", None)
        if source is None:
            # IPython 8 has no such field, and Python 3.10 no later IPython.
            source = shell.transform_cell(info.raw_cell)
        # IPython's own compile will show the warnings.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shell.compile.ast_parse(source)
    except Exception:
        # IPython meets it too, and runs nothing.
        return False
    return True


def _error(result: Any) -> BaseException | None:
    if result is None:
        # The runner itself was interrupted.
        return KeyboardInterrupt()
    error = result.error_before_exec or result.error_in_exec
    return error if isinstance(error, BaseException) else None
