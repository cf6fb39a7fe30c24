"""The form that `--save full` keeps, in a page that has nothing else."""

from tests.views.samples import agentic, hostile
from tests.views.test_saved_full import kept


def test_full_opens_alone(browser, tmp_path):
    """In a page that has nothing else and no network, `full` is the whole view, prompts included; hostile text runs nothing."""
    faults = []
    runs = {"good": agentic(), "bad": hostile()}
    runs["bad"].run_id = "another"
    body = "".join(kept(run, "full", name)["text/html"] for name, run in runs.items())
    (tmp_path / "kept.html").write_text(f'<!doctype html><meta charset="utf-8"><body>{body}', "utf-8")
    tab = browser.new_page(viewport={"width": 1000, "height": 900})
    try:
        tab.on("pageerror", lambda e: faults.append(str(e)))
        tab.on("dialog", lambda d: (faults.append("dialog"), d.dismiss()))
        tab.on("request", lambda r: faults.append(r.url) if r.url.startswith("http") else None)
        tab.goto((tmp_path / "kept.html").as_uri())
        tab.locator('#bad .row[data-id="h0"]').wait_for()
        tab.locator('#good .row[data-id="c1"]').click()  # a call with a system prompt and an answer
        said = tab.locator("#good .detail").inner_text()
        assert "Revenue rose" in said and "Name every number you use" in said
        assert [] == faults
    finally:
        tab.close()
