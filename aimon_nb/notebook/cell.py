"""A cell becomes a run.

A pure input transformer turns the magic's line into a comment, so that IPython
runs the cell as always: top-level await, last expression, line numbers. The
hooks before and after the cell open and close the run. A real cell magic of the
same name serves nesting, help and completion.
"""

from __future__ import annotations

import ast
import threading
import warnings
from dataclasses import dataclass
from typing import Any

from aimon_nb.app import Monitor, RunSession, interrupts
from aimon_nb.capture import context
from aimon_nb.capture.internal_errors import internal_errors
from aimon_nb.notebook import header


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell that runs: what IPython knows it by, its run if it is tracked, what asked for it."""

    info: Any
    tracked: RunSession | None
    request: str | None


class CellTracker:
    """The hooks; a stack a thread, for subshells run cells in threads of their own."""

    def __init__(self, shell: Any, monitor: Monitor) -> None:
        self._shell, self._monitor = shell, monitor
        self.auto = False  # every cell is tracked, and shown if it has a model call
        self._stacks: dict[int, list[_Cell]] = {}
        # completeness checks skip it then, and a terminal keeps reading the %% cell
        self._transform = _Transformer(self)

    def install(self) -> None:
        """Register the transformer and the hooks."""
        self._shell.input_transformers_cleanup.append(self._transform)
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)

    def uninstall(self) -> None:
        """Take them off again; a run that is open ends here."""
        for stack in self._stacks.values():
            for tracked in (cell.tracked for cell in stack):
                if tracked is not None:
                    self._end(tracked, None)
        self._stacks.clear()
        if self._transform in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self._transform)
        for event, hook in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if hook in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, hook)

    @property
    def nested(self) -> bool:
        """Whether a cell runs in this thread already."""
        stack = self._stacks.get(threading.get_ident(), [])
        self._leave_over(stack, self._request())
        return bool(stack)

    def _leave_over(self, stack: list[_Cell], request: str | None) -> None:
        """Close cells that are over although IPython never said so.

        A kernel takes one request to run a cell after the other, so those of an earlier
        one are: an interrupt fell into IPython's hooks.
        """
        if request is not None and stack and stack[0].request != request:
            over, stack[:] = stack[::-1], []
            for cell in over:
                self._close(cell, KeyboardInterrupt())

    def _request(self) -> str | None:
        """The request to run a cell that the kernel answers in this thread."""
        try:
            message = self._shell.kernel.get_parent("shell")["header"]
        except Exception:  # a terminal, or no kernel of ipykernel's
            return None
        return message["msg_id"] if message["msg_type"] == "execute_request" else None

    def before(self, info: Any) -> None:
        """`pre_run_cell`: a tracked cell opens its run."""
        stack = self._stacks.setdefault(threading.get_ident(), [])
        tracked = request = None
        try:
            request = self._request()
            self._leave_over(stack, request)
            line = header.header_line(info.raw_cell or "") if not stack else None
            asked = header.parses(line) if line is not None else self.auto and not stack
            if asked and self._compiles(info):
                with interrupts.deferred_sigint() as came:
                    tracked = self._open_cell(line, info)
                self._watch(tracked, pending=came.is_set())
        except KeyboardInterrupt:  # which is for the user's code
            interrupts.resend()
        except BaseException:  # one that left a hook would hang the cell for ever
            internal_errors.record("opening a run")
        stack.append(_Cell(info, tracked, request))

    def after(self, result: Any) -> None:
        """`post_run_cell`: its run is closed, with the error the cell ended with."""
        if result is not None and not (result.info.raw_cell or "").strip():
            return  # IPython fires it without `pre_run_cell` for an empty cell
        for cell in self._leave(result):
            self._close(cell, _error(result))

    def _close(self, cell: _Cell, error: BaseException | None) -> None:
        if cell.tracked is None:
            return
        try:
            self._end(cell.tracked, error)
        except BaseException:
            internal_errors.record("closing a run")

    def _leave(self, result: Any) -> list[_Cell]:
        """Take the cell that ended off its stack, innermost first.

        With it go cells inside it that nobody ended: `await run_cell_async(…)` in a cell
        fires the first hook alone. None is of the cell that loaded the extension.
        """
        ident = threading.get_ident()
        stack = self._stacks.get(ident, [])
        at = len(stack) - 1
        if result is not None:
            mine = [i for i, cell in enumerate(stack) if _same(cell.info, result.info)]
            at = mine[-1] if mine else len(stack)
        left, stack[at:] = stack[at:], []
        if not stack:
            self._stacks.pop(ident, None)
        return left[::-1]

    def _open_cell(self, line: str | None, info: Any) -> RunSession:
        source, cell_id = info.raw_cell, getattr(info, "cell_id", None)
        if line is None:  # nobody asked: a line in the place of the header
            return self.open("", f"\n{source}", cell_id, quiet=True)
        return self.open(line, source, cell_id)

    def open(
        self, line: str, source: str, cell_id: str | None, name: str = "", *, quiet: bool = False
    ) -> RunSession:
        """Open the run that a header line asks for."""
        asked = header.parse(line)
        count = self._count()
        name = asked.name or name or header.name_from(source, count)
        return self._monitor.open(
            name,
            asked.view,
            asked.save,
            pipeline=asked.name or context.default_pipeline,
            cell_id=cell_id,
            execution_count=count,
            options={"op": asked.op} if asked.op else {},
            quiet=quiet,
        )

    def _count(self) -> int:
        """The number of the cell that runs: newer IPythons count on before their hooks."""
        count, history = self._shell.execution_count, self._shell.history_manager
        return int(count if history is None else min(count, len(history.input_hist_raw)))

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
        source = shell.transform_cell(cell)
        tree = shell.transform_ast(shell.compile.ast_parse(source))
        filename = shell.compile.cache(source, shell.execution_count)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        tracked, error = None, None
        try:
            with interrupts.deferred_sigint() as came:
                tracked = self.open(line, "%%ai_track\n" + cell, None, name)
            self._watch(tracked, pending=came.is_set())
            exec(compile(tree, filename, "exec"), shell.user_ns)  # noqa: S102
            return eval(compile(last, filename, "eval"), shell.user_ns) if last else None  # noqa: S307
        except BaseException as raised:
            error = raised
            raise
        finally:
            if tracked is not None:
                self._end(tracked, error)

    def _watch(self, tracked: RunSession, *, pending: bool) -> None:
        begins = frozenset({CellTracker.before.__code__})
        ends = frozenset({CellTracker.after.__code__, CellTracker._end.__code__})
        tracked.watch(self._shell, begins, ends, pending=pending)

    def _end(self, tracked: RunSession, error: BaseException | None) -> None:
        tracked.finish(error)  # an interrupt meanwhile has nothing left to interrupt

    def _compiles(self, info: Any) -> bool:
        """A cell with a syntax error runs nothing: it gets no run and no view."""
        try:
            source = getattr(info, "transformed_cell", None)
            if source is None:  # IPython 8 has no such field, and Python 3.10 no later IPython
                source = self._shell.transform_cell(info.raw_cell)
            with warnings.catch_warnings():  # IPython's own compile will say them
                warnings.simplefilter("ignore")
                self._shell.compile.ast_parse(source)
        except Exception:  # IPython meets it too, and runs nothing
            return False
        return True


class _Transformer:
    """Pure: it is also called for completeness checks and by `%%time`."""

    has_side_effects = True

    def __init__(self, tracker: CellTracker) -> None:
        self._tracker = tracker

    def __call__(self, lines: list[str]) -> list[str]:
        try:
            return self._transformed(lines)
        except Exception:
            internal_errors.record("reading a cell's first line")
            return lines

    def _transformed(self, lines: list[str]) -> list[str]:
        first = lines[0].rstrip("\n") if lines else ""
        comment = header.COMMENT.match(first)
        found = header.HEADER.match(first)
        match = found or comment
        if match is not None and header.asks_for_help(match.group("line") or ""):
            return [header.HELP_LINE]  # IPython refuses a cell magic without a body
        if comment is not None:
            # Plain Python: nothing to do, but a wrong option must not pass unseen.
            asked = comment.group("line")
            return lines if header.parses(asked) else [f"%%ai_track {asked}\n", *lines[1:]]
        if found is None or self._tracker.nested or not header.parses(found.group("line") or ""):
            return lines  # a wrong header reaches the real magic, which says what is wrong
        rest = next((i for i, line in enumerate(lines) if i and line.strip()), len(lines))
        if rest < len(lines) and lines[rest].startswith("%%"):
            return lines[rest:]  # let IPython see the next cell magic
        return ["#" + lines[0].lstrip(), *lines[1:]]


def _same(info: Any, other: Any) -> bool:
    """Whether both are of one cell: a runner that failed tells of it anew."""
    return info is other or (info.raw_cell, info.cell_id) == (other.raw_cell, other.cell_id)


def _error(result: Any) -> BaseException | None:
    if result is None:  # the runner itself was interrupted
        return KeyboardInterrupt()
    error = result.error_before_exec or result.error_in_exec
    return error if isinstance(error, BaseException) else None
