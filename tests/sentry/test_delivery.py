"""Good days and bad ones at Sentry: a cell is what it was, and what was lost is counted and said."""

import socket
import ssl
import threading

import pytest
import sentry_sdk
import urllib3
from sentry_sdk.transport import Transport

from aimon_nb import install, track
from aimon_nb.ai.instrumentation import instrumentation
from aimon_nb.app import monitor, sending
from aimon_nb.capture import recorder
from aimon_nb.model.sending import Counts
from aimon_nb.sentry import failure_words
from aimon_nb.views.static.sending import SendingView
from tests.parts import sdk
from tests.parts.waiting import eventually

delivery = instrumentation.delivery


@pytest.fixture(autouse=True)
def counted_anew():
    """Nothing was sent and lost yet."""
    install()
    delivery.sent, delivery.lost, delivery.last_error = Counts(), {}, None
    yield
    monitor.uninstall()


@pytest.fixture
def port():
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    return number


@pytest.fixture
def closing():
    """A port whose server takes each connection and closes its side at once."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


# What is wrong, and what is said of it.
FAULTS = {
    "refused": "connection refused",
    "closed": "the connection was closed without an answer",
    "tls": "TLS error: ",
    400: "HTTP 400: it could not read what was sent",
    403: "HTTP 403: the key in the DSN is not accepted",
    413: "HTTP 413: too large",
    429: "HTTP 429: too much, it asks to wait",
    500: "HTTP 500: Sentry has a problem",
}


@pytest.fixture(params=FAULTS, ids=str)
def fault(request, receiver, port, closing):
    """A client whose Sentry does not do its work; gives what is said of that."""
    kind = request.param
    if isinstance(kind, int):
        receiver.status = kind
    else:
        receiver.dsn = {
            "refused": f"http://key@127.0.0.1:{port}/1",
            "closed": f"http://key@127.0.0.1:{closing}/1",
            "tls": receiver.dsn.replace("http://", "https://"),
        }[kind]
    return FAULTS[kind]


def flush():
    """Wait until the client has tried to send all, and the runs know of it."""
    sentry_sdk.flush(20)
    recorder.drain()


def work(options, name="cell"):
    with track(name) as run:
        with sdk.start_in(options, "inner", "x"):
            pass
        return run, 7


@sdk.EACH_LIFECYCLE
def test_a_bad_day(receiver, fault, options):
    """The run is as ever; that it did not arrive stands in its tree and table, with the reason, and is counted once."""
    receiver.init(**options)
    run, result = work(options)
    flush()
    assert 7 == result and "ok" == run.status and 0 == run._run.faults
    [line] = [note for note in run._run.notes if "Sentry" in note]
    assert line.startswith(f"not at Sentry: 2 of its spans, {fault}")
    assert line in run.tree()
    assert {"no: dropped"} == {*run.spans()["sent"]}
    [(why, counts)] = delivery.lost.items()
    assert why.startswith(fault) and (Counts(0, 2) if sdk.streams(options) else Counts(1, 1)) == counts
    assert not delivery.sent and delivery.last_error == why
    shown = repr(SendingView(sending.status(None)))
    assert why in shown and "key@" not in shown


@sdk.EACH_LIFECYCLE
def test_a_good_day(receiver, options):
    """What arrived is counted as it arrived, and nothing is said in the tree."""
    receiver.init(**options)
    run, _ = work(options)
    with pytest.raises(ValueError), track("failed"):
        raise ValueError
    flush()
    # The SDK's own thread may have taken the spans just before, and not given them on yet.
    eventually(lambda: (Counts(0, 3, 1) if sdk.streams(options) else Counts(2, 1, 1)) == delivery.sent)
    assert {} == delivery.lost and [] == run._run.notes
    assert {"yes"} == {*run.spans()["sent"]}


@sdk.EACH_LIFECYCLE
def test_one_is_sent_on_a_good_day(receiver, options):
    """`%ai_sentry test` sends one transaction or segment, in no run and no trace of the user's, and says that it arrived."""
    receiver.init(**options)
    with track("cell") as run:
        line = sending.send_one(10)
    flush()
    [sent] = [span for span in receiver.spans() if span["name"] == "aimon_nb test"]
    assert line.startswith("it arrived: http://127.0.0.1:") and line.endswith(f"(HTTP 200), trace {sent['trace_id']}")
    assert sent["parent_span_id"] is None and sent["trace_id"] != run._run.trace_id
    assert ["cell"] == [*run.spans()["name"]]


@sdk.EACH_LIFECYCLE
def test_one_is_sent_on_a_bad_day(receiver, fault, options):
    """What came back is one clear line."""
    receiver.init(**options)
    line = sending.send_one(20)
    assert line.startswith("it did not arrive at http") and fault in line and "\n" not in line
    assert ("nothing is sent for the next " in line) == ("429" in fault)


def test_one_is_sent_and_nobody_answers(receiver):
    """It does not wait for ever."""
    receiver.init()
    receiver.hold()
    assert "within 0.01 s; the client goes on trying" in sending.send_one(0.01)


def test_one_is_sent_while_sentry_asked_to_wait(receiver):
    """The client sends nothing then, and it is said for how long."""
    receiver.init()
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    sending.send_one(20)
    line = sending.send_one(20)
    assert "Sentry asked to wait (429); nothing is sent for the next 1" in line
    assert 1 == receiver.requests


@sdk.EACH_LIFECYCLE
def test_a_client_that_is_closed(receiver, options):
    """A run in which its client is closed says so, and so does the status; what is unknown of its streamed spans is no claim. The next one is not sent."""
    receiver.init(**options)
    with track("cell") as run:
        sentry_sdk.get_client().close(timeout=2)
        with sdk.start_in(options, "inner", "x"):
            pass
    assert ["not at Sentry: its client was closed before the run was over"] == run._run.notes
    assert ["no: dropped", None if sdk.streams(options) else "no: dropped"] == [span.sent for span in run._run.spans.values()]
    assert run.status == "ok" and not run._run.faults
    assert "nothing was sent: the client is closed" == sending.send_one(1)
    lines = repr(SendingView(sending.status(None)))
    assert "nowhere: the client is closed" in lines and "cell: not sent, dropped" in lines and "note " not in lines
    with track("next") as run:
        pass
    assert ("local", "the client is closed") == (run._run.destination, run._run.unsent)


WRONG = {
    "no client": (None, "there is no client"),
    "no dsn": ({"dsn": ""}, "the client has no DSN"),
    "no tracing": ({"traces_sample_rate": None}, "not sampled (no: tracing is off"),
    "rate 0": ({"traces_sample_rate": 0.0}, "not sampled (no: traces_sample_rate is 0)"),
    "sampler": ({"traces_sampler": lambda _: 0}, "not sampled (as your traces_sampler says)"),
    "hook": ({"before_send_transaction": lambda *_: None}, "dropped by before_send"),
}


@pytest.mark.parametrize("wrong", [pytest.param(wrong, marks=sdk.transactions if wrong == "hook" else ()) for wrong in WRONG])
def test_none_is_sent(receiver, wrong):
    """Where nothing can be sent the line says why, and the status as well."""
    options, said = WRONG[wrong]
    if options is not None:
        if "dsn" in options:
            receiver.dsn = options["dsn"]
        receiver.init(**{key: value for key, value in options.items() if key != "dsn"})
    assert said in sending.send_one(20)
    assert repr(SendingView(sending.status(None))).startswith("spans go to  ")
    assert [] == receiver.spans()


def test_a_transport_of_the_users(receiver):
    """What becomes of what it takes is unknown, and said to be."""

    class Own(Transport):
        def capture_envelope(self, envelope):
            pass

    receiver.init(transport=Own)
    assert "your client's own transport" in sending.send_one(20)


@sdk.transactions
def test_a_hook_that_drops_a_run(receiver):
    """A run that the user's own hook drops says so."""
    receiver.init(before_send_transaction=lambda *_: None)
    run, _ = work({})
    recorder.drain()
    assert ["not at Sentry: 2 of its spans, dropped by before_send"] == run._run.notes
    assert {"dropped by before_send": Counts(1, 1)} == delivery.lost  # what is its own is no span of it
    assert {"no: dropped"} == {*run.spans()["sent"]}


@sdk.EACH_LIFECYCLE
def test_memory_is_bounded(receiver, options):
    """While nobody answers, the client keeps no more than its queue takes; the rest is counted as lost."""
    receiver.init(**options, transport_queue_size=10)
    receiver.hold()
    runs = [work(options)[0] for _ in range(40)]
    if sdk.streams(options):
        sentry_sdk.get_client().span_batcher.flush()
    receiver.wait_for_requests()
    waiting = sending.status(None).waiting
    assert waiting <= 10
    lost = delivery.lost["the queue was full: Sentry is too slow"]
    assert 28 <= (lost.spans // 2 if sdk.streams(options) else lost.transactions) <= 30
    recorder.drain()
    assert 28 <= sum("no: dropped" in {*run.spans()["sent"]} for run in runs) <= 30
    receiver.release()


def test_it_is_taken_off(receiver):
    """After an unload the SDK's transport is as it was."""
    from sentry_sdk.transport import HttpTransportCore

    assert hasattr(HttpTransportCore.record_lost_event, "__wrapped__")
    monitor.uninstall()
    assert not hasattr(HttpTransportCore.record_lost_event, "__wrapped__") and [] == delivery.listeners


def nested(inner):
    error = urllib3.exceptions.MaxRetryError(None, "/api/1/envelope/", inner)
    try:
        raise error
    except urllib3.exceptions.MaxRetryError as raised:
        return raised


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (nested(urllib3.exceptions.NameResolutionError("sentry.test", None, socket.gaierror(-2, "x"))), "there is no such host"),
        (nested(urllib3.exceptions.ReadTimeoutError(None, "/", "x")), "no answer in time"),
        (nested(urllib3.exceptions.ConnectTimeoutError(None, "x")), "no answer in time"),
        (nested(urllib3.exceptions.ProxyError("x", OSError("y"))), "the proxy could not be reached"),
        (nested(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("bad"))), "TLS error: no handshake"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (None, "Sentry could not be reached"),
    ],
)
def test_words_of_errors(error, words):
    """Each way to fail has its words, without an address and a key."""
    assert words == failure_words.of_error(error)


@sdk.EACH_LIFECYCLE
@pytest.mark.parametrize(("url", "page"), [("https://t.sentry.io/", "https://t.sentry.io/explore/traces/trace/"), ("javascript:alert(1)", None), (None, None)])
def test_the_link(receiver, options, url, page):
    """With `sentry_url` the last run's trace is a link; what is no address is none."""
    receiver.init(**options)
    run, _ = work(options)
    status = sending.status(url)
    assert status.trace_id == run._run.trace_id
    assert bool(url and not page) == any("sentry_url is no address" in advice for advice in status.advice)
    assert status.trace_url == (f"{page}{run._run.trace_id}/" if page else None)
    assert ("<a href" in SendingView(status)._repr_html_()) == bool(page)


@sdk.EACH_LIFECYCLE
def test_the_lines(receiver, options):
    """It says where, whose client, sampled, lifecycle, sent, waiting, last error, last run and trace; no key."""
    receiver.init(environment="<b>x</b>", **options)
    work(options)
    flush()
    view = SendingView(sending.status(None))
    lines = dict(line.split("  ", 1) for line in repr(view).splitlines())
    labels = ["spans go to", "client", "sampled", "lifecycle", "sent", "waiting", "last error", "last run", "trace", "note"]
    assert labels == [*lines]
    sent, lifecycle, is_sampled = ("2 spans", "stream", "yes") if sdk.streams(options) else ("1 transaction, 1 span", "static", "yes, each tracked run")
    told = {label: lines[label].strip() for label in ("sent", "lifecycle", "sampled", "last run")}
    assert {"sent": sent, "lifecycle": lifecycle, "sampled": is_sampled, "last run": "cell: sent"} == told
    assert ("include_local_variables=False" if sdk.HAS_TRANSACTIONS else '"stack_frame_variables": False') in lines["note"]
    assert "key@" not in repr(view) and "<b>" not in view._repr_html_()


def test_what_waits_is_on_its_way(receiver):
    """A run that still stands in the client's queue is not said to be sent; when it has arrived it is."""
    receiver.init()
    receiver.hold()
    work({}, "first")
    receiver.wait_for_requests()
    work({}, "second")
    assert "last run     second: on its way" in repr(SendingView(sending.status(None)))
    receiver.release()
    flush()
    eventually(lambda: "last run     second: sent" in repr(SendingView(sending.status(None))))
