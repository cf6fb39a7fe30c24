"""Two tracked cells at once, the second in a subshell of the kernel: each has its own run, and its own view."""

import ipykernel
import pytest

from tests.parts import sdk

pytestmark = pytest.mark.skipif(ipykernel.version_info[0] < 7, reason="ipykernel 6 has no subshells")

SETUP = """
%load_ext aimon_nb
import sentry_sdk, asyncio, openai, threading, time
from concurrent.futures import ThreadPoolExecutor
from aimon_nb import runs, get_ai_pipeline_name
client = openai.OpenAI(base_url={url!r}, api_key="k", max_retries=0)
aclient = openai.AsyncOpenAI(base_url={url!r}, api_key="k", max_retries=0)
meet = threading.Barrier(2, timeout=30)
def ask(text): client.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)])
async def aask(text): await aclient.chat.completions.create(model="gpt-4o", messages=[dict(role="user", content=text)])
SPAN
def work(who, n):
    with span(f"{{who}}-{{n}}", "step"):
        ask(f"{{who}} {{n}}")
def heard():
    return {{r.name: (r.status, r._run.faults, sorted((s.name, s.pipeline or "") for s in r._run.spans.values() if s.op == "step"),
                     sorted(s.call.input[-1].text for s in r._run.spans.values() if s.call)) for r in runs()}}
""".replace("SPAN", sdk.SPAN_FUNCTION)
BUSY = """%%ai_track {who}
meet.wait()
for i in range(20):
    work({who!r}, i)
with ThreadPoolExecutor(3) as pool:
    list(pool.map(lambda i: work({who!r}, i), range(20, 30)))
meet.wait()
"""
AWAITING = """%%ai_track {who}
meet.wait()
async def one(i):
    with span(f"{who}-{{i}}", "step"):
        await aask(f"{who} {{i}}")
await asyncio.gather(*(one(i) for i in range(30)))
meet.wait()
"""
FAILING = BUSY + "1/0"


def subshell(kernel):
    """The id of a new subshell."""
    client = kernel.client
    msg = client.session.msg("create_subshell_request")
    client.control_channel.send(msg)
    while True:
        reply = client.get_control_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == msg["header"]["msg_id"]:
            assert reply["content"]["status"] == "ok", reply
            return reply["content"]["subshell_id"]


def send(kernel, source, sub=None):
    """Ask for a cell and wait for nothing; returns the id of the request."""
    content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": False}
    msg = kernel.client.session.msg("execute_request", content)
    if sub is not None:
        msg["header"]["subshell_id"] = sub
    kernel.client.shell_channel.send(msg)
    return msg["header"]["msg_id"]


def finish(kernel, ids):
    """Replies by id; (id, type, content) of the messages as they came, until all of them are idle."""
    replies, messages, running = {}, [], set(ids)
    while len(replies) < len(ids):
        reply = kernel.client.get_shell_msg(timeout=90)
        replies[reply["parent_header"]["msg_id"]] = reply["content"]
    while running:
        msg = kernel.client.get_iopub_msg(timeout=90)
        one = msg["parent_header"].get("msg_id")
        messages.append((one, msg["msg_type"], msg["content"]))
        if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
            running.discard(one)
    return replies, messages


def views(messages, cell):
    """The last text of each view that a cell displays: a later one finds it by its id, whatever cell runs."""
    ids = [content["transient"]["display_id"] for one, kind, content in messages if one == cell and kind == "display_data"]
    told = [content for _, kind, content in messages if kind in ("display_data", "update_display_data")]
    return [[c["data"].get("text/plain", "") for c in told if c["transient"].get("display_id") == one][-1] for one in ids]


@pytest.mark.parametrize(
    ("main", "sub", "statuses"),
    [
        pytest.param(AWAITING, FAILING, ("ok", "error"), id="main awaits, sub fails"),
        pytest.param(BUSY, BUSY, ("ok", "ok"), id="both sync", marks=pytest.mark.matrix),
        pytest.param(FAILING, BUSY, ("error", "ok"), id="main fails", marks=pytest.mark.matrix),
    ],
)
def test_two_at_once_do_not_mix(kernel, truth, main, sub, statuses):
    """Spans, calls, pipelines, status and view of each cell are its own, and the next cells are clean."""
    kernel.run([SETUP.format(url=truth.url)])
    shell = subshell(kernel)
    ids = send(kernel, main.format(who="main")), send(kernel, sub.format(who="sub"), shell)
    replies, messages = finish(kernel, ids)
    assert tuple(replies[one]["status"] for one in ids) == statuses, replies
    heard = kernel.value("heard()")
    assert set(heard) == {"main", "sub"}
    for who, status, one in zip(("main", "sub"), statuses, ids):
        assert heard[who] == (
            status, 0, sorted((f"{who}-{i}", who) for i in range(30)), sorted(f"{who} {i}" for i in range(30)),
        ), heard[who]  # fmt: skip
        [text] = views(messages, one)
        assert who in text.split() and "30 calls" in text, text
    after = kernel.cell("print(sentry_sdk.get_current_span(), get_ai_pipeline_name())")
    assert after.text == "None None\n"
    [later] = finish(kernel, [send(kernel, "%%ai_track later\nask('later')", shell)])[0].values()
    assert later["status"] == "ok" and kernel.value("heard()")["later"][0] == "ok"


@pytest.mark.parametrize("first", ["tracked", "untracked"])
def test_an_untracked_cell_beside_a_tracked_one(kernel, truth, first):
    """What it calls is of no run, whichever of the two began first; the tracked cell says so in a line."""
    kernel.run([SETUP.format(url=truth.url) + "begun = threading.Event()"])
    shell = subshell(kernel)
    at_once, after = "begun.set()\n", "begun.wait(20)\n"
    tracked = "%%ai_track main\n" + at_once + "meet.wait(); meet.wait(); ask('mine')"
    untracked = "meet.wait(); ask('theirs'); meet.wait()"
    if first == "tracked":
        ids = [send(kernel, tracked), send(kernel, after + untracked, shell)]
    else:
        ids = [send(kernel, at_once + untracked, shell)]
        ids.append(send(kernel, tracked.replace(at_once, after)))
    replies, messages = finish(kernel, ids)
    assert {replies[one]["status"] for one in ids} == {"ok"}, replies
    assert kernel.value("heard()")["main"][3] == ["mine"]
    assert kernel.value("runs()[-1]._run.foreign_calls") == 1
    [text] = views(messages, ids[first == "untracked"])
    assert "1 call of a thread that this cell did not start is not counted" in text
