"""A price said in one cell is at once in what the others show, tell and keep."""

import nbformat
from playwright.sync_api import expect

from tests.parts.page import ROW

ASKS = """%%ai_track asks
ask("PROMPT one", model="my-local-model")
"""
SET = "from aimon_nb import pricing; pricing.set('my-local-model', input_mtok=1_000, output_mtok=2_000)"
USAGE = "u = %ai_usage\nprint('cost', u['cost_state'][0], u['cost_usd'][0])"


def test_the_view_on_screen(notebook):
    """The view, table and saved form of a run that has ended tell the new price; `unset` takes it back."""
    page = notebook(ASKS, USAGE, SET, USAGE, "pricing.unset('my-local-model')")
    page.run_cells(1)
    row = page.output(1).locator(ROW).first
    page.open_view(1)  # what the reader has touched stays open
    expect(row).to_contain_text("unpriced", timeout=20_000)
    page.run_cells(2)
    assert "cost unpriced <NA>" in page.text(2)
    page.run_cells(3)
    expect(row).to_contain_text("$0.", timeout=20_000)
    expect(row).not_to_contain_text("unpriced")
    page.run_cells(4)
    assert "cost priced 0.0" in page.text(4)
    kept = str(nbformat.read(page.save(), 4).cells[1].outputs)
    assert "$0." in kept and "unpriced" not in kept
    page.run_cells(5)
    expect(row).to_contain_text("unpriced", timeout=20_000)
