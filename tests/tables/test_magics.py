"""`%ai_usage` and `%ai_spans` in a shell, and RunView."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from IPython.core.error import UsageError

from aimon_nb import app, pricing
from aimon_nb.app import monitoring
from aimon_nb.notebook.run_selection import moment
from aimon_nb.notebook.magics import AimonMagics
from aimon_nb.capture import recorder
from aimon_nb.model.redaction import redaction
from aimon_nb.capture.state import RunState
from aimon_nb.pricing.user_prices import user_prices
from tests.pricing.making import call, run_of, tokens

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


@pytest.fixture
def magics(monkeypatch):
    """Two runs in memory: `first`, a day old, and `my last`."""
    monkeypatch.setattr(recorder.registry, "states", {})
    now = datetime.now(timezone.utc)
    for name, age in (("first", timedelta(days=1)), ("my last", timedelta(minutes=5))):
        run = run_of(call("gpt-4o", tokens(1000, 100), span_id=f"{name}-s"))
        run.run_id, run.name, run.started = f"id-{name}", name, now - age
        recorder.run_states[run.run_id] = RunState(run, 0, closed=True, changed=set(run.spans))
    monkeypatch.setattr(user_prices, "find_span", monitoring._find_span)
    return AimonMagics(None, tracker=None, monitor=app.Monitor())


def test_the_last_run(magics):
    """Without options it is the last run."""
    assert ["my last"] == list(magics.ai_spans("")["run"].unique())
    assert 1 == magics.ai_usage("")["calls"].sum()


def test_run_and_since(magics):
    """A run is named by name or id, several by time."""
    assert ["first"] == list(magics.ai_spans("--run first")["run"].unique())
    assert ["my last"] == list(magics.ai_spans("--run 'my last'")["run"].unique())
    assert ["id-first"] == list(magics.ai_spans("--run id-first")["run_id"].unique())
    assert 1 == magics.ai_usage("--since 2h")["calls"].sum()
    assert 2 == magics.ai_usage("--since 2d")["calls"].sum()
    assert 0 == len(magics.ai_usage("--since 1s"))


def test_by(magics):
    """`--by` takes a comma list."""
    usage = magics.ai_usage("--by run,model --since 2d")
    assert ["run", "model"] == list(usage.columns[:2])
    assert ["first", "my last"] == list(usage["run"])


def test_to(magics, tmp_path):
    """`--to` writes a file and gives its path; `--force` replaces it."""
    path = tmp_path / "out.csv"
    assert path == magics.ai_usage(f"--to {path}")
    assert path.read_text().startswith("model,calls")
    with pytest.raises(UsageError, match="exists; force"):
        magics.ai_spans(f"--to {path}")
    magics.ai_spans(f"--to {path} --force")
    assert path.read_text().startswith("name,caller,model,status")


def test_runs(magics):
    """`%ai_runs` is a table of all runs in memory, a row a run, in the order they started."""
    data = magics.ai_runs("")
    assert ["first", "my last"] == list(data["name"])
    assert ["name", "started", "status", "duration_s", "calls"] == list(data.columns[:5])
    assert [1, 1] == list(data["calls"]) and data["cost_usd"].gt(0).all()
    with pytest.raises(UsageError, match="unrecognized"):
        magics.ai_runs("--bogus")


def test_the_users_redaction(magics, monkeypatch):
    """What `install(redact=…)` says of tables holds for the table of runs, and for how a run shows itself."""
    monkeypatch.setattr(redaction, "hook", lambda to, kind, text: f"{to} {kind}")
    assert ["table name"] == list(magics.ai_runs("")["name"].unique())
    view = app.RunView(recorder.run_states["id-my last"].run)
    assert "notebook name" in repr(view) and "notebook name" in view._repr_html_() and "my last" not in repr(view) + view._repr_html_()


def test_content(magics):
    """Prompts stand in the table with `--content` only."""
    assert "input_text" not in magics.ai_spans("")
    assert "input_text" in magics.ai_spans("--content")


@pytest.mark.parametrize(
    ("magic", "line", "words"),
    [
        ("ai_usage", "--by colour", "cannot group by colour"),
        ("ai_usage", "--by ,", "cannot group by nothing"),
        ("ai_usage", "--run nobody", "there are: first, my last"),
        ("ai_usage", "--since soon", "write 30m, 2h"),
        ("ai_spans", "--to x.doc", "end it in"),
        ("ai_spans", "--bogus", "unrecognized"),
    ],
)
def test_wrong_options(magics, magic, line, words):
    """A wrong option is one line, without a traceback."""
    with pytest.raises(UsageError, match=words) as caught:
        getattr(magics, magic)(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("1.5d", timedelta(hours=36)), ("90s", timedelta(seconds=90))]
)
def test_moment(text, ago):
    """A length of time counts back from now."""
    assert NOW - ago == moment(text, NOW)


def test_moment_of_a_day():
    """A date is a day here, an offset is kept."""
    assert datetime(2026, 11, 20).astimezone() == moment("2026-11-20", NOW)
    assert datetime(2026, 11, 20, 8, tzinfo=timezone.utc) == moment("2026-11-20T08:00+00:00", NOW)
    assert moment("today", NOW) <= NOW


def test_run_view(magics, tmp_path):
    """A RunView gives tables, a table for people, and files."""
    view = app.RunView(recorder.run_states["id-first"].run)
    assert 2 == len(view.spans())
    assert "gpt-4o" in repr(view.usage(styled=True))
    assert view.usage().equals(view.usage(styled=True).data)
    assert ["day"] == list(view.usage("day").columns[:1])
    assert view.export(tmp_path / "a.json").exists()
    assert "input_text" in view.spans(content=True)


def test_what_a_run_looks_like(magics):
    """In a list a run is a line with its time, calls, tokens and cost, on which no hostile name breaks out; elsewhere it is its tree."""
    view = app.RunView(recorder.run_states["id-my last"].run)
    assert re.fullmatch(r"<run 'my last' \w+: \d\d:\d\d:\d\d · .+ · 1 call · 1,000 → 100 tokens · \$0\.0035>", repr(view))
    assert "gpt-4o" in view._repr_html_() and "<script" not in view._repr_html_()
    view._run.name = "two\nlines\x1b[31m</b>"
    assert "\n" not in repr(view) and "\x1b" not in repr(view) and "&lt;/b&gt;" in view._repr_html_()


def test_a_change_counts_everything_again(magics):
    """A new price is in every table of every run at once, without running a cell again."""
    view = app.RunView(recorder.run_states["id-first"].run)
    assert 0.0035 == view.usage()["cost_usd"][0]
    remove = pricing.on_change(recorder.reprice)
    pricing.set("gpt-4o", input_mtok=1, output_mtok=1)
    assert [0.0011] * 2 == [app.RunView(r.run).usage()["cost_usd"][0] for r in recorder.run_states.values()]
    assert "yours" == view.usage().attrs["price_source"]
    pricing.unset("gpt-4o")
    remove()
    assert 0.0035 == view.usage()["cost_usd"][0]


def test_explain_by_row(magics):
    """A row of the table, or its id, explains its cost."""
    row = magics.ai_spans("").iloc[1]
    assert "$0.0035" in str(pricing.explain(row))
    assert str(pricing.explain(row)) == str(pricing.explain("my last-s"))
