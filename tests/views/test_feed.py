import pytest
import samples
from samples import SECRET, agentic, chat, make_run

from aimon_nb.model import Message

Feed = pytest.importorskip("aimon_nb.views.widget.feed").Feed


class Page:
    """Stands in for the widget and takes down what it is told."""

    def __init__(self):
        self.told = []

    def on_hello(self, answer):
        self.hello = answer

    def send_rows(self, header, rows, **more):
        self.told.append(("rows", [r["id"] for r in rows]))

    def send_details(self, items):
        self.told.append(("details", items))

    def send_growth(self, grown):
        self.told.append(("grown", grown))

    def take(self, kind):
        told, self.told = self.told, []
        return [what for k, what in told if k == kind]


@pytest.fixture
def page():
    return Page()


def test_what_was_said_is_told_once(page):
    """A span that changes again, as at a new price, comes without its messages."""
    run = agentic()
    feed = Feed(run, page)
    feed.send(["c1"])
    assert SECRET in str(page.take("details"))
    feed.send(["c1"])
    [again] = page.take("details")
    assert again["c1"]["messages"] is None
    assert SECRET not in str(again)


def test_an_answer_grows(page):
    """While an answer streams only what is new of it is told; at its end all of it counts."""
    run = make_run()
    span = chat(run, "s", answer="It", duration=None, streaming=True)
    span.call.output[:] = [Message("assistant", "It")]
    feed = Feed(run, page)
    feed.send(["s"])
    page.take("details")
    span.call.output[0].text += " was late"
    feed.send(["s"])
    assert [{"s": " was late"}] == page.take("grown")
    span.call.output[0].text += "."
    span.status, span.duration = "ok", 1.0
    feed.send(["s"])
    assert "It was late." in str(page.take("details"))


def test_a_new_page_is_told_everything(page):
    """A page that says hello gets every row and every message again."""
    run = agentic()
    feed = Feed(run, page)
    feed.send(list(run.spans))
    page.take("rows")
    page.hello()
    told = page.told
    assert set(run.spans) == set(told[0][1])
    assert SECRET in str(told)


def test_the_tree_is_whole_before_the_details(page):
    """Of a large run all rows come first, in batches."""
    run = samples.many(1200)
    Feed(run, page).send(list(run.spans))
    assert ["rows"] * 3 == [kind for kind, _ in page.told[:3]]
    assert "details" == page.told[3][0]
