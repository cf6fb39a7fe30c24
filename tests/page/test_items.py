"""The rows of the user's batch in the live view: how far they have come, what each took, cost and failed with."""

import pytest
from tests.page.test_widget import module_tab, show, tab, violations  # noqa: F401
from tests.parts.page import SHOTS
from tests.views import samples
from tests.views.gallery import packed

from aimon_nb.views.present import rows

HEADS = ["item", "status", "calls", "time", "tokens", "cost"]


def opened(tab, name="batch"):
    """The view of a sample with its items open."""
    show(tab, name)
    view = tab.locator(f"#live-{name}")
    view.get_by_role("button", name="items", exact=True).click()
    return view


def keys(view):
    return view.locator(".item [role=rowheader]").all_inner_texts()


def test_how_far_it_has_come(tab):
    """While a batch runs its head says how many items are done and what may be spent, its bar how much that is, and the line below how fast it goes and what it is heading for."""
    show(tab, "batch")
    view = tab.locator("#live-batch")
    head = view.locator(".head").inner_text()
    assert all(words in head for words in ("246 of 300 items", "4 failed · 13 retried", "$0.5500", "of $0.50")), head
    assert "82%" == view.locator(".progress i").evaluate("bar => bar.style.width")
    assert "heading for $0.6700 ($0.6600–0.6900)" in view.locator(".pace").inner_text()
    view.locator(".fold").click()
    assert view.locator(".pace").is_visible() and "246 of 300 items" in view.locator(".head").inner_text()


def test_the_end(tab):
    """At its end the line of its pace is gone, and the head says how far it came."""
    show(tab, "batch")
    run = samples.batch(status="over_budget")
    tab.evaluate("header => feed.batch({ k: 'rows', header, rows: [] })", rows.header(run))
    view = tab.locator("#live-batch")
    view.locator(".mark", has_text="over budget").wait_for()
    assert not view.locator(".pace").is_visible() and "246 of 300 items" in view.locator(".head").inner_text()
    assert "label rows: over budget, 246 of 300 items, 259 calls" in view.locator("[role=status].said").inner_text()


def test_a_row_an_item(tab):
    """Each item has its status or error, calls, time, tokens and cost; what failed stands first."""
    view = opened(tab)
    assert HEADS == [head.lower() for head in view.locator(".items .heads button").all_inner_texts()]
    assert ["customer 7", "customer 77", "customer 147", "customer 217", "customer 0"] == keys(view)[:5]
    said = view.locator(".item").nth(0).inner_text()
    assert "BadRequestError: Error code: 400 - This model's maximum context" in said
    assert ["customer 3", "✓ ok", "2 · 1 retried", "0.23 s", "22 → 33", "$0.0040"] == view.locator(".item", has_text="retried").first.locator(":scope > *").all_inner_texts()
    assert not view.locator(".tree").is_visible()


def test_orders(tab):
    """A head puts the largest first, `item` lists them as they began, and the order is said to assistive technology."""
    view = opened(tab)
    for name, first in (("cost", "customer 8"), ("time", "customer 83"), ("item", "customer 0"), ("status", "customer 7")):
        view.locator(".items .heads").get_by_role("button", name=name).click()
        assert first == keys(view)[0], name
        assert name == view.locator(".items .heads [aria-sort]:not([aria-sort=none])").inner_text().lower()


def test_from_an_item_to_its_calls(tab):
    """Its name leads to the calls of that item alone, and one click back to all."""
    view = opened(tab)
    view.get_by_role("button", name="customer 3", exact=True).click()
    assert view.locator(".tree").is_visible()
    assert 1 == view.locator(".row").count() - view.locator(".row.faint").count() - view.locator(".row.retried").count()
    assert "2 found" in view.locator(".finder").inner_text()
    view.get_by_role("button", name="item customer 3").click()
    assert view.locator(".row.group").is_visible()


def test_a_group_names_its_items(tab):
    """In a group of many calls each is called by its item; the search finds them by it."""
    show(tab, "batch")
    view = tab.locator("#live-batch")
    view.locator(".row.group").click()
    assert "item customer 7 gpt-4o-mini" in " ".join(view.locator(".row.failed").first.inner_text().split())
    view.get_by_role("button", name="find", exact=True).click()
    view.locator("input").fill("customer 217")
    view.get_by_text("1 found").wait_for()


def test_rows_that_asked_nothing(tab):
    """Where every row failed before it asked a model there is no tree, and the items open all the same."""
    show(tab, "empty")
    tab.evaluate("feed.empty({ k: 'rows', header: { ...runOf('empty').header, status: 'error', notes: [] }, rows: [], new_items: [[1, 'n1', 'error', null, 'KeyError: no']] })")
    view = tab.locator("#live-empty")
    view.get_by_role("button", name="items", exact=True).click()
    view.get_by_text("KeyError: no").wait_for()


def test_thousands(tab):
    """Of 5,000 items those in sight are in the page, wherever it is scrolled to; news of one reaches its row."""
    view = opened(tab)
    tab.evaluate("feed.batch({ k: 'rows', header: runOf('batch').header, rows: [], new_items: Array.from({ length: 5000 }, (_, i) => [i + 1, `n${i}`, 'ok']) })")
    view.get_by_text("n0", exact=True).wait_for()
    assert 40 > view.locator(".item").count()
    body = view.locator(".items .body")
    body.evaluate("body => { body.scrollTop = body.scrollHeight / 2; }")
    view.get_by_text("n2500", exact=True).wait_for()
    assert 40 > view.locator(".item").count()
    tab.evaluate("feed.batch({ k: 'rows', header: runOf('batch').header, rows: [], new_items: [[4000, 'n3999', 'error', null, 'TypeError: no']] })")
    body.evaluate("body => { body.scrollTop = 0; }")
    view.get_by_text("TypeError: no").wait_for()


def news(tab, *items):
    tab.evaluate("async new_items => { feed.batch({ k: 'rows', header: runOf('batch').header, rows: [], new_items }); viewOf('batch').layOut(); await painted(); }", [list(one) for one in items])


@pytest.mark.parametrize("by", ["keyboard", "pointer"])
def test_news_while_a_row_is_reached_for(tab, by):
    """A row that the keyboard or the pointer is on stays where it is, whatever fails meanwhile; left, what failed is first."""
    view = opened(tab)
    row = view.get_by_role("button", name="customer 0", exact=True)
    row.hover() if by == "pointer" else row.focus()
    place = row.bounding_box()["y"]
    news(tab, [100, "customer 99", "error", None, "TypeError: no"], [900, "late", "error", None, "TypeError: late"])
    assert place == row.bounding_box()["y"] and "customer 99" not in keys(view)[:8]
    tab.mouse.move(0, 0) if by == "pointer" else view.locator(".items .heads button").first.focus()
    view.get_by_text("TypeError: no").wait_for()
    assert {"customer 99", "late"} < {*keys(view)[:8]}


def test_the_keyboard_alone(tab):
    """Tab comes to one row of the table, arrows and pages lead to the others, Enter to its calls; a row keeps the keyboard while it is in sight."""
    view = opened(tab)
    focused = "document.activeElement.textContent"
    view.locator(".items .heads button").last.focus()
    tab.keyboard.press("Tab")
    assert "customer 7" == tab.evaluate(focused)
    for key, name in (("ArrowDown", "customer 77"), ("End", "customer 246"), ("Home", "customer 7"), ("PageDown", "customer 8"), ("ArrowUp", "customer 6")):
        tab.keyboard.press(key)
        tab.wait_for_function(f"name => {focused} === name", arg=name)
    tab.keyboard.press("Enter")
    view.get_by_role("button", name="item customer 6").wait_for()


def test_hostile_keys(tab):
    """Whatever a key holds is text on one line, and spelled out where it would turn others."""
    show(tab, "hostile")
    view = tab.locator("#live-hostile")
    view.get_by_role("button", name="items", exact=True).click()
    assert "onerror" in keys(view)[0] and "\u202e" not in keys(view)[0]
    assert 24 == view.locator(".item").first.bounding_box()["height"]
    view.locator(".item button").first.click()
    assert "onerror" in view.locator(".finder").inner_text()


@pytest.mark.parametrize(("theme", "width"), [("light", 1020), ("dark", 1020), ("light", 420)])
def test_pictures_and_accessibility(tab, theme, width):
    """It is whole in light and dark, wide and narrow: no accessibility fault, nothing wider than its view."""
    tab.set_viewport_size({"width": width, "height": 900})
    show(tab, "batch", theme=theme)
    view = tab.locator("#live-batch")
    tab.screenshot(path=SHOTS / f"batch-{theme}-{width}.png")
    view.get_by_role("button", name="items", exact=True).click()
    tab.screenshot(path=SHOTS / f"items-{theme}-{width}.png")
    assert [] == violations(tab)
    assert view.locator(".items").evaluate("items => items.scrollWidth <= items.clientWidth")


def test_room_for_errors(tab):
    """The column of the items is as wide as the longest of them needs, and the rest is for what went wrong; a very long key leaves it more than half."""
    view = opened(tab)
    name, said = view.locator(".item button").first, view.locator(".item .state").first
    widths = lambda: [one.bounding_box()["width"] for one in (name.locator("xpath=.."), said)]
    assert said.bounding_box()["x"] == view.locator(".items .heads .state").bounding_box()["x"]
    assert name.evaluate("e => e.scrollWidth <= e.clientWidth") and widths()[0] < 120 and widths()[1] > 3 * widths()[0]
    news(tab, [900, "k" * 80, "error", None, "TypeError: late"])
    assert 0.5 < widths()[0] / widths()[1] < 2 and view.locator(".items").evaluate("items => items.scrollWidth <= items.clientWidth")


def test_where_there_is_little_room(tab):
    """In a window of a telephone's width the table still says which item cost how much, inside of its view; a long key ends in an ellipsis."""
    tab.set_viewport_size({"width": 360, "height": 700})
    view = opened(tab)
    view.locator(".items .heads").get_by_role("button", name="cost").click()
    right = view.bounding_box()["x"] + view.bounding_box()["width"]
    cost = view.locator(".item > .num:last-child").first
    assert cost.inner_text().startswith("$") or cost.inner_text().startswith("<")
    assert cost.bounding_box()["x"] + cost.bounding_box()["width"] <= right
    assert "ellipsis" == view.locator(".item button").first.evaluate("e => getComputedStyle(e).textOverflow")
    tab.screenshot(path=str(SHOTS / "items-360.png"))
