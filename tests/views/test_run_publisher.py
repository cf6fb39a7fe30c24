from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from tests.views import protocol, samples
from tests.views.samples import SECRET, agentic, chat, make_run

from aimon_nb.app import monitor
from aimon_nb.model import Message, Usage
from aimon_nb.pricing import price_run
from aimon_nb.views.live.widget.messages import RunMessages
from aimon_nb.views.live.widget.run_publisher import RunPublisher



class Page:
    """Stands in for the widget and takes down what it is told."""

    def __init__(self):
        self.told, self.headers = [], []

    def on_ask(self, hello, want, answer):
        self.hello, self.want = hello, want

    def announce(self):
        self.announced = True

    def send_rows(self, header, rows, **more):
        self.told.append(("rows", [r[0] for r in rows]))
        self.headers.append(header)

    def send_previews(self, previews):
        self.told.append(("previews", previews))

    def send_details(self, items):
        self.told.append(("details", items))

    def raise_fault(self):
        """Nothing went wrong."""

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
    feed = RunPublisher(run, lambda *_: page)
    feed.send(["c1"])
    assert SECRET in str(page.take("details"))
    feed.send(["c1"])
    [again] = page.take("details")
    assert again["c1"]["messages"] is None
    assert SECRET not in str(again)


def test_a_page_lacks_what_was_told_before(page):
    """A run that is over has a publisher of its own after `%reload_ext`: a page that knows only its snapshot, which has no previews, is to ask for all."""
    assert 0 == RunPublisher(agentic(running=True), lambda *_: page).snapshot()["count"]
    assert 0 < RunPublisher(agentic(), lambda *_: page).snapshot()["count"]


def test_rows_that_start_together_stand_as_in_the_saved_tree(page):
    """What changed has no order; a page gets rows by their start, and those of one start, as a batch's requests, as the run has them."""
    run = make_run()
    ids = [chat(run, f"c{i}", offset=1.0 if i else 2.0).span_id for i in range(9)]
    RunPublisher(run, lambda *_: page).send(reversed(ids))
    assert [[*ids[1:], ids[0]]] == page.take("rows")


def test_the_row_of_the_calls_past_the_cap(page):
    """It is told when it changes, and again to a page that says hello; its detail has the sums."""
    run = make_run()
    chat(run, "c", usage=Usage(5, None, None, 1))
    folded = chat(run, "f", usage=Usage(7, None, None, 2), folded=True)
    price_run(run, set(run.spans))
    feed = RunPublisher(run, lambda *_: page)
    feed.send(["c", "f"])
    assert [["c", run.more_id]] == page.take("rows")
    feed.send(["f"])
    assert [[]] == page.take("rows")
    folded.usage = folded.call.usage = Usage(9, None, None, 2)
    price_run(run, {"f"})
    feed.send(["f"])
    assert [[run.more_id]] == page.take("rows")
    page.hello()
    assert ["c", run.more_id] == page.take("rows")[0]
    page.want([run.more_id])
    [items] = page.take("details")
    assert ["input", "9"] == items[run.more_id]["usage"][0]


def test_an_answer_grows(page):
    """While an answer streams only what is new of it is told; at its end all of it counts."""
    run = make_run()
    span = chat(run, "s", answer="It", duration=None, streaming=True)
    span.call.output[:] = [Message("assistant", "It")]
    feed = RunPublisher(run, lambda *_: page)
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
    feed = RunPublisher(run, lambda *_: page)
    feed.send(list(run.spans))
    page.take("rows")
    page.hello()
    told = page.told
    assert set(run.spans) == set(told[0][1])
    assert SECRET in str(told)


def test_the_tree_is_whole_before_the_details(page):
    """Of a large run all rows come first, in batches; then the details of the failed and the last spans."""
    run = samples.many(2400)
    RunPublisher(run, lambda *_: page).send(list(run.spans))
    assert ["rows"] * 3 == [kind for kind, _ in page.told[:3]]
    [details] = page.take("details")
    assert 100 == len(details)
    failed = {span.span_id for span in run.spans.values() if span.status == "error"}
    assert failed < set(details) and "s2399" in details


def test_calls_come_before_steps(page):
    """Of many spans told at once the few calls are told with what they said, wherever they stand: a page cannot ask while the cell runs."""
    run = make_run()
    chat(run, "call", offset=0)
    for i in range(300):
        samples.add(run, f"step{i}", offset=1 + i)
    RunPublisher(run, lambda *_: page).send(list(run.spans))
    [details] = page.take("details")
    assert "call" in details and "step299" in details and 100 == len(details)


def test_details_are_told_when_asked_for(page):
    """What was not told unasked is told on request, messages and all; so is what was told already."""
    run = samples.many(2400)
    feed = RunPublisher(run, lambda *_: page)
    feed.send(list(run.spans))
    page.take("details")
    page.want(["s1", "s2399", "gone"])
    [details] = page.take("details")
    assert {"s1", "s2399"} == set(details)
    assert all(SECRET in str(item["messages"]) for item in details.values())


def test_megabytes_wait_until_asked_for(page, monkeypatch):
    """Prompts and answers are told unasked up to a bound; what the page has is kept up to date beyond it."""
    monkeypatch.setattr("aimon_nb.views.live.widget.detail_news.TEXT", 5_000)
    run = make_run()
    for i in range(4):
        chat(run, f"s{i}", offset=i, prompt="x" * 2_000)
    feed = RunPublisher(run, lambda *_: page)
    feed.send(list(run.spans))
    assert ["s0", "s1"] == list(page.take("details")[0])
    run.spans["s0"].call.output.append(Message("assistant", "more"))
    feed.send(list(run.spans))
    assert ["s0", "s1"] == list(page.take("details")[0])
    page.want(["s3"])
    assert ["s3"] == list(page.take("details")[0])


def test_a_page_knows_what_it_missed(page):
    """Messages of rows are counted, in the snapshot too: a page that counted fewer asks for all."""
    run = samples.many(2400)
    feed = RunPublisher(run, lambda *_: page)
    before = feed.snapshot()["count"]
    feed.send(list(run.spans))
    assert 3 == feed.snapshot()["count"] - before


def test_a_page_knows_that_more_is_coming(page):
    """Of rows in several messages all headers but the last say so: the page lays a large tree out once."""
    RunPublisher(samples.many(2400), lambda *_: page).send(samples.many(2400).spans)
    assert [True, True, False] == [header["counting"] for header in page.headers]


def test_a_large_tree_is_told_before_its_previews(page):
    """Of rows in several messages the previews come when all are told: a part of them with each news, the rest at the end."""
    run = make_run()
    for i in range(2400):
        chat(run, f"s{i}", offset=i, prompt=f"question {i}")
    feed = RunPublisher(run, lambda *_: page)
    feed.send(list(run.spans))
    kinds = [kind for kind, _ in page.told]
    assert ["rows", "rows", "rows", "previews"] == kinds[:4] and 1 == kinds.count("previews")
    seen = [*page.take("previews")[0]]
    feed.send([])
    seen += page.take("previews")[0]
    feed.finish()
    seen += page.take("previews")[0]
    assert [f"s{i}" for i in range(2400)] == seen
    feed.send(["s1"])
    feed.finish()
    assert not page.take("previews")
    feed.send_all()
    assert [1000, 1000, 400] == [len(told) for told in page.take("previews")], "a page that lacks rows gets all at once"


def test_over_is_told_past_everything_else(page):
    """That the cell is over is told at once, also while another thread tells rows, and as what is not summed up yet."""
    feed = RunPublisher(agentic(running=True), lambda *_: page)
    with ThreadPoolExecutor(1) as pool, feed._lock:
        pool.submit(feed.publish_end, "error").result(5)
    [header] = page.headers
    assert ("error", True) == (header["status"], header["counting"]) and header["dur"] > 0


def test_over_is_told_before_it_is_worked_out(monkeypatch):
    """A run with a view says that it is over before its spans are, and again when they are summed up."""
    told = []
    monkeypatch.setattr(RunMessages, "send_rows", lambda channel, header, rows, **more: told.append(header))
    tracked = monitor.open("over", "none")
    _ = tracked.view.widget
    monkeypatch.setattr(monitor.recorder, "end_run", partial(_noted, told, monitor.recorder.end_run))
    tracked.end(None)
    at = told.index("worked out")
    assert ["running"] * (at - 1) + ["ok"] == [header["status"] for header in told[:at]]
    assert told[at - 1]["counting"] and not told[-1]["counting"] and "ok" == told[-1]["status"]


def _noted(told, end, *args):
    told.append("worked out")
    end(*args)


def test_the_page_is_told_what_was_agreed():
    """Messages are those of protocol.ts, which TypeScript holds against protocol.d.ts."""
    assert protocol.written()[0] == protocol.told(), "python -m tests.views.protocol"


def test_what_the_page_asks_is_answered():
    """Each message that a page may send has an answer."""
    asked = protocol.written()[1]
    assert {"ask", "hello", "want", "raw", "media", "code", "diff"} == {message["k"] for message in asked}
    for message in asked:
        run, publisher = protocol.channel_of("finished")
        publisher.channel.receive(message)
        assert publisher.channel.told, message
