"""The rows of a batch: one a model with its sums, and below it one for each of its requests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from aimon_nb.capture.span_adapter import Ending
from aimon_nb.capture.state import CallUpdate, OpenRequest, OpenSpan
from aimon_nb.model import ModelCall, Usage
from aimon_nb.wire.batch_results import BatchSums, Line, ModelSum
from aimon_nb.wire.model_request import ModelRequest

_LINE_OP = "gen_ai.batch_request"


class BatchRows:
    """Writes what the files of a batch tell to the row that stands for it, and the rows below.

    Requests to further models have rows of their own, for each model has its price.
    """

    def __init__(self, model_request: ModelRequest) -> None:
        self._request = model_request
        self._further: dict[str, _FurtherModel] = {}
        self._shown: dict[str, int] = {}  # requests that have a row, by file
        self._new: list[OpenSpan] = []  # rows that are in the log, and may not be in the run yet

    def write(self, files: Mapping[str, BatchSums], *, is_all: bool) -> None:
        """Set the sums over files, by their ids; `is_all` says that no other is awaited."""
        by_model: dict[str, list[ModelSum]] = {}
        for sums in files.values():
            for model, one in sums.by_model.items():
                by_model.setdefault(model, []).append(one)
        run_state = self._request.open_span.run_state
        self._new = [one for one in self._new if not one.is_recorded]
        room = run_state.span_limit.limits.spans - len(run_state.run.spans) - len(self._new)
        first, *further = by_model or [""]
        self._write_first(first, by_model.get(first, []), list(files.values()), is_all=is_all)
        for model in further:
            if model not in self._further:
                self._further[model] = _FurtherModel(self._request, model)
                self._new.append(self._further[model].open_span)
                room -= 1
            self._further[model].write(by_model[model])
        for file, sums in files.items():
            room -= self._add_lines(file, sums, max(0, room))

    def _write_first(
        self, model: str, of_model: list[ModelSum], files: list[BatchSums], *, is_all: bool
    ) -> None:
        call = self._request.call
        call.failed = sum(one.failed for one in files)
        if any(one.answered for one in files):
            call.response_model = model or call.response_model
            _set_sums(call, of_model)
            call.untold, call.finish_reason = None, call.finish_reason or "ended"
            for one in files:
                call.shortfalls += [s for s in one.shortfalls() if s not in call.shortfalls]
        elif is_all and not call.usage.known:
            # What failed is not billed.
            call.untold, call.refused = None, True
            call.error = call.error or f"{call.failed:,} of {call.failed:,} requests failed"

    def _add_lines(self, file: str, sums: BatchSums, room: int) -> int:
        """Add a row for each request that has none yet, `room` at most; return how many."""
        run_state = self._request.open_span.run_state
        shown = self._shown.get(file, 0)
        new = sums.lines[shown : shown + room]  # none once they were all looked at
        self._new += [_add_line(self._request, self._row_above(line), line) for line in new]
        self._shown[file] = shown + len(new)
        sums.lines.clear()
        rest = sums.count - self._shown[file]
        if rest > 0:
            many = f"{rest:,} requests of a batch have" if rest > 1 else "1 request of a batch has"
            limit = f"max_spans = {run_state.span_limit.limits.spans:,}"
            run_state.run.caps[f"batch {file}"] = (
                f"{many} no row: over {limit}; its sums have all of them"
            )
        return len(new)

    def _row_above(self, line: Line) -> OpenSpan:
        """Return the row whose sums have this request: that of its model."""
        further = self._further.get(line.model or "")
        return self._request.open_span if further is None else further.open_span


class _FurtherModel:
    """The row of a model that is not the first one of its batch."""

    def __init__(self, asking: ModelRequest, model: str) -> None:
        above, maker = asking.open_span, asking.tracker.maker
        self._log = asking.tracker.recorder.log
        self.open_span = _bare(asking, above.parent or above, "gen_ai.chat", f"batch {model}")
        request = self.open_span.model_request = OpenRequest()
        request.ok, request.progress, request.settled = True, "done", True
        call = ModelCall(asking.call.provider, asking.call.host, "batch")
        call.response_model, call.finish_reason = model or None, "ended"
        self._update = CallUpdate(
            self.open_span,
            request,
            call,
            attempt=1,
            is_read=True,
            abandoned=False,
            is_earlier_attempt=False,
        )
        maker.finish(self.open_span, _end(asking), time.time(), "ok")

    def write(self, sums: Iterable[ModelSum]) -> None:
        """Set the sums over all requests to this model."""
        _set_sums(self._update.call, sums)
        self._log.append(self._update)


def _set_sums(call: ModelCall, sums: Iterable[ModelSum]) -> None:
    call.parts, call.shortfalls, call.details = [], [], {}
    for one in sums:
        call.provider = call.provider or one.provider
        one.add_to(call)
    usages = [_times(part.usage, part.times) for part in call.parts]
    call.usage, call.service_tier = Usage.sum(usages), "batch"
    if any(one.total is None for one in usages):
        # The sum of those that are known would contradict the others.
        usage = call.usage
        call.usage = Usage(
            usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning
        )
    for part in call.parts:
        for name, count in part.details:
            call.details[name] = call.details.get(name, 0) + count * part.times


def _times(usage: Usage, times: int) -> Usage:
    into = usage.input, usage.cached, usage.cache_write
    counts = (*into, usage.output, usage.reasoning, usage.total)
    return Usage(*(None if count is None else count * times for count in counts))


def _add_line(asking: ModelRequest, above: OpenSpan, line: Line) -> OpenSpan:
    open_span = _bare(asking, above, _LINE_OP, line.custom_id[:200])
    open_span.is_part = True
    usage = line.usage
    told = {
        "gen_ai.response.model": line.model,
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.input_tokens.cached": usage.cached,
        "gen_ai.usage.input_tokens.cache_write": usage.cache_write,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.output_tokens.reasoning": usage.reasoning,
        "gen_ai.usage.total_tokens": usage.total,
    }
    open_span.attributes |= {key: value for key, value in told.items() if value is not None}
    if line.error is not None:
        open_span.error = ("error", *line.error, ())
    how: Ending = "ok" if line.error is None else "error"
    asking.tracker.maker.finish(open_span, _end(asking), time.time(), how)
    return open_span


def _bare(asking: ModelRequest, parent: OpenSpan, op: str, name: str) -> OpenSpan:
    """Make a span that is as long as the one of the request for the batch."""
    above = asking.open_span
    open_span = asking.tracker.maker.bare(parent, op, name, above.t0)
    # Of our thread, which made it, there is nothing to tell.
    open_span.attributes.pop("thread.name", None)
    open_span.is_unsent, open_span.caller = True, asking.caller
    if above.span is not None and above.span.pipeline is not None:
        open_span.attributes["gen_ai.pipeline.name"] = above.span.pipeline
    return open_span


def _end(asking: ModelRequest) -> int:
    t1 = asking.t1 if asking.t1 is not None else time.perf_counter()
    return int(t1 * 1e9)
