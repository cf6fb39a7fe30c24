"""Files: whole or not there, never replaced unasked, in a documented form."""

import csv
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from aimon_nb.views.tables import frames
from aimon_nb.views.tables import export as module
from aimon_nb.views.tables.export import SUFFIXES, export
from aimon_nb.views.schema import Document, Header, RunRecord, SpanRecord
from tests.pricing.making import call, run_of, tokens
from tests.parts.places import ROOT
from tests.tables import schema_docs
from tests.views.samples import EACH, SECRET, agentic, failed, hostile, many

BINARY = {".parquet"}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["finished", "running", "empty", "hostile"])
def test_every_run_in_every_format(tmp_path, suffix, name):
    """Every format takes every run, and holds no prompt."""
    path = export([EACH[name]()], tmp_path / f"out{suffix}")
    assert path.stat().st_size
    assert [path] == list(tmp_path.iterdir())
    if suffix not in BINARY and name != "hostile":
        assert SECRET not in path.read_text("utf-8")


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_tables_come_back(tmp_path, suffix, read):
    """csv and parquet hold the table of spans, or with `by` that of usage."""
    run = agentic()
    back = read(export([run], tmp_path / f"a{suffix}"))
    assert list(frames.SPAN_COLUMNS) == list(back.columns)
    assert frames.spans([run])["cost_usd"].sum() == back["cost_usd"].sum()
    assert "gpt-4o" in list(read(export([run], tmp_path / f"b{suffix}", by=["model"]))["model"])


HOSTILE = ["=HYPERLINK(1)", "+1+cmd", "-1+1", "@SUM(1)", "\t=1", "-5", "+5.5", "a\rb", "\r=1", "a\r\nb", 'a"b,c', "'x", "-", "ab\ud800"]


@pytest.mark.parametrize("by", [None, ["model"]])
def test_hostile_text_in_csv(tmp_path, by):
    """In csv no text ends a row or begins as a formula does, and a number stays one."""
    run = run_of(*[call(text, tokens(5, 5), span_id=f"e{i}") for i, text in enumerate(HOSTILE)])
    path = export([run], tmp_path / "a.csv", by=by)
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert {len(head)} == {len(row) for row in rows}
    said = [row[head.index("model")] for row in rows if row[head.index("model")]]
    assert ["'=HYPERLINK(1)", "'+1+cmd", "'-1+1", "'@SUM(1)", "'\t=1", "-5", "+5.5", "a\nb", "\n=1", "a\nb", 'a"b,c', "'x", "-", "ab?"] == said


def test_parquet_is_exact(tmp_path):
    """parquet keeps dtypes and unknown values."""
    run = agentic()
    back = pd.read_parquet(export([run], tmp_path / "a.parquet"))
    pd.testing.assert_frame_equal(frames.spans([run]), back, check_dtype=False)


def test_json_is_as_documented(tmp_path):
    """A json file is a Document: its version, its runs, their spans."""
    runs = [agentic(), failed()]
    runs[1].run_id = "02"
    data = Document.model_validate_json(export(runs, tmp_path / "a.json").read_text())
    assert (1, 2) == (data.schema_version, len(data.runs))
    assert sum(len(run.spans) for run in runs) == len(data.spans)
    assert "partial" == data.runs[0].cost_state
    assert {"c3": None} == {s.span_id: s.cost_usd for s in data.spans if s.cost_state == "unpriced"}


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("by", [None, ["model", "item"]])
def test_the_schema_holds_what_is_written(tmp_path, name, by):
    """The JSON Schema in the docs accepts every file that is written, content or not."""
    schema = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/schema.json").read_text("utf-8")))
    make = partial(many, 300) if name == "many" else EACH[name]  # more takes seconds
    for content in (False, True):
        path = export([make()], tmp_path / f"{content}.json", by=by, content=content)
        schema.validate(json.loads(path.read_text("utf-8")))
    assert not schema.is_valid({**json.loads(path.read_text("utf-8")), "schema_version": 2})


def test_jsonl_is_as_documented(tmp_path):
    """A jsonl file is a header, then a record a line, each with its type."""
    lines = export([agentic()], tmp_path / "a.jsonl").read_text().splitlines()
    Header.model_validate_json(lines[0])
    RunRecord.model_validate_json(lines[1])
    assert 11 == len([SpanRecord.model_validate_json(line) for line in lines[2:]])
    assert ["aimon_nb", "run", "span"] == list(dict.fromkeys(json.loads(line)["type"] for line in lines))


def test_usage_as_json(tmp_path):
    """Usage by group goes to json with its keys."""
    data = Document.model_validate_json(export([agentic()], tmp_path / "a.json", by=["model", "day"]).read_text())
    assert [] == data.spans
    assert {"model": "gpt-4o", "day": "2026-03-04"} in [record.group for record in data.usage]


@pytest.mark.parametrize("path", schema_docs.files(), ids=lambda path: path.name)
def test_the_schema_in_the_docs(path):
    """docs/schema.json is the schema of what is written, and docs/schema.md lists every column."""
    assert schema_docs.files()[path] == path.read_text("utf-8")


def test_the_schema_knows_every_column():
    """A column of the tables is a field of the schema, in the same words."""
    assert set(frames.SPAN_COLUMNS) | set(frames.CONTENT_COLUMNS) | {"type"} == set(SpanRecord.model_fields)


def test_html_reads_alone(tmp_path):
    """html holds the tree and the usage, no script, nothing from the network, and escapes."""
    text = export([hostile(), agentic()], tmp_path / "a.html").read_text("utf-8")
    assert "<details" in text and "gpt-4o" in text and "Sentry&#x27;s own figure may differ" in text
    assert not [bad for bad in ("<script", "<img", "<link", "<iframe", "@import", "url(") if bad in text]


def test_content_only_if_asked(tmp_path):
    """Prompts are written with `content` only, and not to html."""
    assert SECRET in export([agentic()], tmp_path / "a.jsonl", content=True).read_text()
    with pytest.raises(ValueError, match="html holds no prompts"):
        export([agentic()], tmp_path / "a.html", content=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_replaced_unasked(tmp_path, suffix):
    """A file that is there stays as it is, unless that was asked for."""
    path = tmp_path / f"out{suffix}"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="--force"):
        export([agentic()], path)
    assert "mine" == path.read_text()
    export([agentic()], path, force=True)
    assert b"mine" != path.read_bytes()


def test_nor_one_that_appears_meanwhile(tmp_path, monkeypatch):
    """A file that somebody else writes during the export is not replaced either."""
    path = tmp_path / "out.csv"

    def late(temporary, *_):
        temporary.write_text("ours")
        path.write_text("theirs")

    monkeypatch.setitem(module._WRITERS, ".csv", late)
    with pytest.raises(FileExistsError):
        export([agentic()], path)
    assert "theirs" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
@pytest.mark.parametrize("force", [True, False])
def test_no_partial_file(tmp_path, monkeypatch, error, force):
    """Whatever stops an export, no part of a file is left, and an old one is whole."""
    path = tmp_path / "out.csv"
    if force:
        path.write_text("old")

    def half(temporary, *_):
        temporary.write_text("hal")
        raise error

    monkeypatch.setitem(module._WRITERS, ".csv", half)
    with pytest.raises(error):
        export([agentic()], path, force=force)
    assert (["old"] if force else []) == [p.read_text() for p in tmp_path.iterdir()]


@pytest.mark.parametrize(("name", "words"), [("a.xlsx", "end it in .csv"), ("a", "end it in"), ("no/a.csv", "no folder")])
def test_wrong_paths(tmp_path, name, words):
    """A wrong path is one line that says what would be right."""
    with pytest.raises((ValueError, OSError), match=words) as caught:
        export([agentic()], tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk(tmp_path, suffix, monkeypatch):
    """A disk that is full in the middle is one line with the file's own name, and nothing is left."""
    # What is imported meanwhile would be cut off in Python's own cache, for ever.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    resource = pytest.importorskip("resource")
    before, path = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), tmp_path / f"out{suffix}"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match=f"out{suffix} is not written: ") as caught:
            export([agentic()], path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert "\n" not in str(caught.value)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_in_its_place(tmp_path):
    """A folder of that name is not replaced, and the line names it."""
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(OSError, match=r"out\.csv is not written: Is a directory"):
        export([agentic()], tmp_path / "out.csv", force=True)
    assert [tmp_path / "out.csv"] == list(tmp_path.iterdir())


def test_as_long_a_name_as_can_be(tmp_path):
    """A name that the file system takes is taken."""
    for suffix in SUFFIXES:
        assert export([agentic()], tmp_path / f"{'x' * (255 - len(suffix))}{suffix}").stat().st_size


def test_one_key(tmp_path):
    """A single key needs no list, in any form."""
    for suffix in SUFFIXES:
        assert export([agentic()], tmp_path / f"a{suffix}", by="model").stat().st_size
    assert "gpt-4o" in Document.model_validate_json((tmp_path / "a.json").read_text()).usage[1].group.values()


def test_no_pyarrow(tmp_path, monkeypatch):
    """Without pyarrow, parquet says what to install."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        export([agentic()], tmp_path / "a.parquet")
    assert [] == list(tmp_path.iterdir())


def test_without_links(tmp_path, monkeypatch):
    """Where the file system has no links, files are written all the same."""
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert export([agentic()], tmp_path / "a.csv").exists()
    assert Path(tmp_path / "a.csv") == next(tmp_path.iterdir())
