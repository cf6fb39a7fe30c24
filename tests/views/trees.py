"""Trees as the saved form folds them, for the page's script to be held against: `python -m tests.views.trees` writes trees.json."""

import json
from pathlib import Path

from tests.views import samples
from tests.views.samples import add, chat, end, make_run, priced

from aimon_nb.model import Cost, Usage
from aimon_nb.views.present import rows
from aimon_nb.views.present.outline import build_outline

FILE = Path(__file__).with_name("trees.json")


def steps():
    """Steps of one shape, one of another, one that failed, one whose call was answered at its third attempt."""
    run = make_run("steps")
    for i in range(12):
        bad = "boom" if i == 5 else None
        add(run, f"s{i}", name="answer", offset=i, duration=0.5, status="error" if bad else "ok", error=bad)
        for attempt in (1, 2, 3) if i == 3 else (3,):
            tries = {"retry_group": 1, "attempt": attempt} if i == 3 else {}
            more = {"status": "error", "error": "429", "retried": "repaired"} if attempt < 3 else {"usage": Usage(10, None, None, 1), "cost": priced("0.001")}
            chat(run, f"c{i}-{attempt}", f"s{i}", offset=i + attempt / 10, duration=0.1, **tries, **more)
        if i == 8:
            add(run, "look", "s8", name="look", offset=8.5)
    return end(run, "ok", 12.0)


def outcomes():
    """Equal calls that ended in several ways, between others; and those that were all refused."""
    run = make_run("outcomes")
    for i, status in enumerate(["ok"] * 4 + ["cancelled", "error", "abandoned", "abandoned", "ok"]):
        chat(run, f"c{i}", offset=i, status=status, duration=1.0 + i, error="E" if status == "error" else None, cost=Cost("unpriced") if status == "ok" else None)
        chat(run, f"d{i}", offset=i + 0.5, model="o3", status="error", error="no", duration=0.25)
        chat(run, f"e{i}", offset=i + 0.6, caller=f"f{i % 4}", cached_locally=i % 4 == 0, cost=priced("0.5"), usage=Usage(7, None, None, i))
    return end(run, "ok", 12.0)


RUNS = {"finished": samples.agentic, "fan out": lambda: samples.fan_out(40, (7, 15), (3, 12, 30)), "steps": steps, "outcomes": outcomes}


def told(run):
    """The rows that a page gets, and the lines of the saved form: those at the top, whose groups are closed."""
    lines = [[one.row["name"], one.row["label"], one.time, one.error or one.words, one.row["tokens"], one.row["cost"]] for one in build_outline(run).top]
    return {"rows": [rows.encode_row(span, run) for span in run.spans.values() if span.span_id != run.root_id], "lines": lines}


def written():
    """What the file holds as the code has it."""
    return json.loads(json.dumps({name: told(make()) for name, make in RUNS.items()}))


if __name__ == "__main__":
    FILE.write_text(json.dumps(written()) + "\n", "utf-8")
