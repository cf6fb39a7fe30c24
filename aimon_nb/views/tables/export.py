"""Runs as files, by suffix: csv, parquet, json, jsonl, html.

A file is whole or not there, and none is replaced unless that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimon_nb.files import write_whole
from aimon_nb.model import Run
from aimon_nb.model.redaction import redaction
from aimon_nb.model.text import encodable
from aimon_nb.views.present import formatting
from aimon_nb.views.static import html
from aimon_nb.views.tables import frames
from aimon_nb.views.tables.usage_table import UsageTable

if TYPE_CHECKING:
    import pandas as pd

    from aimon_nb.views.schema import Document, RunRecord

SUFFIXES = (".csv", ".parquet", ".json", ".jsonl", ".html")
# How spreadsheets begin a formula; `-5` is a number, `-5+cmd|…` is not.
_FORMULA = re.compile(r"[=@\t]|[+-](?!\d*\.?\d*$)")
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width"></head>'
    '<body style="margin:2em;font:13px system-ui,sans-serif">{body}</body></html>\n'
)


def export(
    runs: Sequence[Run],
    path: str | Path,
    *,
    by: str | Sequence[str] | None = None,
    content: bool = False,
    force: bool = False,
) -> Path:
    """Write runs to a file whose suffix says the format.

    csv and parquet hold the spans, a row each, or with `by` the usage by group;
    json and jsonl hold the runs with them (docs/schema.md); html holds the tree and
    the usage by model, and reads without a kernel, a script or the network.

    Args:
        runs: what to write.
        path: the file.
        by: group usage by these keys, and write that in place of spans.
        content: write prompts and answers too (not in html).
        force: replace a file that is there.

    Returns:
        The path of the file.

    Raises:
        ValueError: the suffix is none of those, or the html was to hold content.
        FileExistsError: there is such a file, and `force` is not set.
        OSError: it could not be written; nothing of it is left.
        ImportError: parquet was asked for, and pyarrow is not installed.
    """
    path = Path(path).expanduser()
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"cannot write {path.name!r}: end it in {', '.join(SUFFIXES)}")
    if content and path.suffix.lower() == ".html":
        raise ValueError("html holds no prompts and answers; export content to json or parquet")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; force (--force) replaces it")
    runs, keys = [redaction.run("export", run) for run in runs], [by] if isinstance(by, str) else by
    try:
        write_whole(path, lambda temporary: writer(temporary, runs, keys, content), force=force)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(f"{path} is not written: {error.strerror or error}") from None
    return path


def _csv(path: Path, runs: list[Run], by: Sequence[str] | None, content: bool) -> None:  # noqa: FBT001
    frame = _frame(runs, by, content)
    for name in frame.columns[frame.dtypes == "string"]:
        frame[name] = frame[name].map(_inert, na_action="ignore")
    frame.to_csv(path, index=False, encoding="utf-8", errors="replace")


def _inert(text: str) -> str:
    """Return the text as one that ends no row and that no spreadsheet runs as a formula."""
    # A lone carriage return is not quoted, and ends a row for most readers.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(text) else text


def _parquet(path: Path, runs: list[Run], by: Sequence[str] | None, content: bool) -> None:  # noqa: FBT001
    if find_spec("pyarrow") is None:
        raise ImportError("parquet needs pyarrow: pip install pyarrow")
    _frame(runs, by, content).to_parquet(path, index=False, engine="pyarrow")


def _json(path: Path, runs: list[Run], by: Sequence[str] | None, content: bool) -> None:  # noqa: FBT001
    text = document(runs, by, content=content).model_dump_json(indent=1)
    path.write_text(text + "\n", "utf-8")


def _jsonl(path: Path, runs: list[Run], by: Sequence[str] | None, content: bool) -> None:  # noqa: FBT001
    exported = document(runs, by, content=content)
    with path.open("w", encoding="utf-8") as file:
        head = exported.model_dump_json(exclude={"runs", "spans", "usage"})
        file.write(head + "\n")
        records: list[Any] = [*exported.runs, *exported.spans, *exported.usage]
        for record in records:
            file.write(record.model_dump_json() + "\n")


def _html(path: Path, runs: list[Run], by: Sequence[str] | None, _: bool) -> None:  # noqa: FBT001
    title = ", ".join(dict.fromkeys(formatting.line(run.name, 60) for run in runs)) or "no run"
    keys = list(by or ("model",))
    trees = "<br>".join(html.static(run) for run in runs)
    table = UsageTable(frames.usage(runs, keys), keys)._repr_html_()
    text = _PAGE.format(title=escape(title), body=f"{trees}<br>{table}")
    path.write_text(text, "utf-8")


_NUMBERS = ("Int64", "Float64", "boolean", "string")
_WRITERS: dict[str, Callable[[Path, list[Run], Sequence[str] | None, bool], None]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".json": _json,
    ".jsonl": _jsonl,
    ".html": _html,
}


def _frame(runs: list[Run], by: Sequence[str] | None, content: bool) -> pd.DataFrame:  # noqa: FBT001
    frame = frames.usage(runs, by) if by else frames.spans(runs, content=content)
    if "item" in frame.columns and frame["item"].dtype not in _NUMBERS and len(frame):
        # Dates, tuples and a mixture stand in files as text.
        frame["item"] = frame["item"].map(str, na_action="ignore").astype("string")
    return frame


def document(runs: Sequence[Run], by: Sequence[str] | None, *, content: bool) -> Document:
    """Return runs in the exported form: with their spans, or with `by` their usage."""
    from importlib.metadata import version

    from aimon_nb.views.schema import Document, SpanRecord, UsageRecord

    frame = _frame(list(runs), by, content)
    records = list(_records(frame))
    return Document(
        version=version("aimon-nb"),
        exported=datetime.now(timezone.utc),
        price_source=frame.attrs["price_source"],
        runs=[_run_record(run) for run in runs],
        spans=[] if by else [SpanRecord(**record) for record in records],
        usage=[UsageRecord(**_with_group(record, by)) for record in records] if by else [],
    )


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as dicts, with None for NA."""
    # To walk over an index anew for each row would be slow.
    names = list(frame.columns)
    columns = [frame[n].to_numpy("object", na_value=None) for n in names]  # type: ignore[call-overload]
    for row in zip(*columns, strict=True):
        yield dict(zip(names, row, strict=True))


def _with_group(record: dict[str, Any], by: Sequence[str]) -> dict[str, Any]:
    """Return a row of usage with the keys it is grouped by in a field of their own."""
    rest = {key: value for key, value in record.items() if key not in by}
    return {"group": {key: record[key] for key in by}, **rest}


def _run_record(run: Run) -> RunRecord:
    from aimon_nb.views.schema import RunRecord

    totals = run.totals
    return RunRecord(
        run_id=run.run_id,
        name=encodable(run.name),
        cell=run.cell_id,
        notebook=run.notebook,
        status=run.status,
        started=run.started,
        duration_s=run.duration,
        error_type=encodable(run.error_type) if run.error_type is not None else None,
        error=encodable(run.error) if run.error is not None else None,
        calls=totals.calls,
        cost_usd=None if totals.cost is None else float(totals.cost),
        cost_is_lower_bound=totals.lower_bound,
        cost_state=totals.state,
    )
