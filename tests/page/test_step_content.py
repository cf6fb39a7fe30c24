"""What went into a step and came out, where a reader looks for it: in the pane of its row, and in no file."""

import nbformat

from tests.parts.page import ROW

TRACKED = """%%ai_track planner
import pandas, numpy
@ai_track("weather", op="gen_ai.execute_tool")
def weather(city, days, api_key=None):
    return {"city": city, "rain": [n / 10 for n in range(days)], "text": "CANARY out\\nof two lines"}
@ai_track("score")
def score(table, weights, rows): return None
@ai_track("rank")
def rank(rows, by): return [[n] for n in range(300)]
@ai_track("book")
def book(hotel, nights): raise ValueError("no room left")
@ai_track("words")
def words(text):
    yield from text.split()
@ai_track("plan", op="gen_ai.invoke_agent")
def plan(request):
    weather("CANARY in", 5, api_key="CANARY secret")
    score(pandas.DataFrame({"city": ["a"], "price": [1]}), numpy.zeros((3, 4)), (n for n in []))
    rank(list(range(80_000)), {n: n for n in range(300)})
    try: book("Ritz", 3)
    except ValueError: pass
    list(words("one two three"))
    ask("PROMPT")
    return "Day 1: the Louvre."
plan("Three days in Paris. " * 80)
wait()
"""


def test_in_the_pane_and_in_no_file(notebook, truth, tmp_path):
    """Arguments and results are in the pane while the cell runs and when it has ended, of large ones how much is shown; what is saved has none of them."""
    page = notebook(TRACKED, height=1000)
    page.run(1)
    truth.wait_held()
    rows = page.output(1).locator(ROW)
    rows.filter(has_text="weather").first.click()
    pane = page.output(1).locator(".detail").first
    pane.get_by_text("CANARY in").first.wait_for()
    pane.get_by_text("CANARY out").first.wait_for()
    assert "api_key: [filtered]" in pane.inner_text()
    truth.release()
    page.wait_idle()
    page.open_view(1)
    rows.filter(has_text="score").first.click()
    pane.get_by_text("<DataFrame 1 × 2: city, price>").wait_for()
    assert {"weights: <ndarray 3 × 4 float64>", "rows: <generator <genexpr>>", "None"} <= {*pane.inner_text().splitlines()}
    rows.filter(has_text="rank").first.click()
    pane.get_by_text("rows: [100 shown of 80,000]").click()
    pane.get_by_text("… 79,900 more", exact=True).wait_for()
    pane.get_by_text("by: {10 shown of 300: 0, 1, 2").wait_for()
    assert "[50 shown of 300]" in pane.inner_text()
    saved = str(nbformat.read(page.save(), 4).cells[1].outputs) + str(nbformat.read(page.path, 4).metadata)
    assert "weather" in saved and "CANARY" not in saved and "DataFrame" not in saved
