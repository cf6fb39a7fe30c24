"""Hosts whose outputs share no page, or whose widgets have no manager to ask: the run's own model has the script.

Nothing comes from a CDN: the page of `@jupyter-widgets/html-manager` has it from npm's registry, marimo from its package.
"""

import json
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import anywidget
import pytest
from tests.matrix import environments
from tests.parts.page import SHOTS
from tests.parts.waiting import eventually
from tests.views import samples
from tests.views.samples import SECRET

from aimon_nb.views.live.widget import RunWidget, WholeRunWidget, kernel_widget
from aimon_nb.views.live.widget.run_publisher import RunPublisher

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(600)]

PACKED = Path(environments.ROOT) / ".venv/node/packed"
PACKAGES = {"@jupyter-widgets/html-manager@1.0.15": "package/dist/embed-amd.js", "requirejs@2.3.7": "package/require.js"}
ADDRESS = "http://widgets.test/"
# An output as Colab has it: a frame of its own, in which a manager of its own makes one model.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="out"></div>
<script src="require.js"></script><script src="embed-amd.js"></script><script type="module">
const { models, shown } = parent.outputs[+location.hash.slice(1)];
requirejs.config({ paths: { anywidget: location.origin + '/anywidget' } });
const { HTMLManager, requireLoader } = await new Promise(done => require(['@jupyter-widgets/html-manager', '@jupyter-widgets/html-manager/dist/libembed-amd'], (a, b) => done({ ...a, ...b })));
const manager = new HTMLManager({ loader: requireLoader }), sent = (window.sent = []), made = (window.made = {});
for (const [id, state] of models) {
  const comm = { comm_id: id, target_name: 'jupyter.widget', on_close() {}, on_msg() {}, close() {}, send: data => { sent.push(data.content ?? data); return ''; } };
  made[id] = await manager.new_model({ model_name: state._model_name, model_module: state._model_module, model_module_version: state._model_module_version, model_id: id, comm }, state);
}
window.tell = (id, content) => made[id]._handle_comm_msg({ content: { data: { method: 'custom', content } } });
manager.display_view(await manager.create_view(made[shown]), document.getElementById('out'));
window.ready = true;
</script>"""


def packed(name: str) -> bytes:
    """A file of a package of npm's, fetched once."""
    inner, folder = PACKAGES[name], PACKED / name.replace("/", "-")
    file = folder / Path(inner).name
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "pack", "--silent", name, "--pack-destination", str(folder)], capture_output=True, text=True, timeout=200)
        if done.returncode:
            pytest.skip(f"npm's registry cannot be reached: {done.stderr[-200:]}")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            file.write_bytes(archive.extractfile(inner).read())
    return file.read_bytes()


@pytest.fixture
def outputs(browser):
    """Show widgets, each in a frame of its own: `outputs([(models, shown), …])` gives the frames."""
    manager, require = (packed(name) for name in PACKAGES)
    files = {
        "frame": ("text/html", FRAME),
        "embed-amd.js": ("text/javascript", manager),
        "require.js": ("text/javascript", require),
        "anywidget.js": ("text/javascript", (Path(anywidget.__file__).parent / "nbextension/index.js").read_bytes()),
    }
    tab, beyond, faults = browser.new_page(viewport={"width": 900, "height": 900}), [], []
    tab.on("pageerror", lambda error: faults.append(str(error)))

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS).partition("#")[0]
        if name in files:
            return route.fulfill(content_type=files[name][0], body=files[name][1])
        if name != "" and not route.request.url.startswith("blob:"):
            beyond.append(route.request.url)
            return route.abort()
        return route.fulfill(content_type="text/html", body="<!doctype html><body></body>")

    def show(widgets):
        told = [{"models": [[w.model_id, state_of(w)] for w in models], "shown": shown.model_id} for models, shown in widgets]
        tab.goto(ADDRESS)
        tab.evaluate("""told => { window.outputs = told; for (const at in told) { const frame = document.createElement('iframe');
          frame.src = 'frame#' + at; frame.style.cssText = 'width:860px;height:380px'; document.body.append(frame); } }""", told)
        frames = eventually(lambda: len(tab.frames) == 1 + len(told) and tab.frames[1:])
        for frame in frames:
            frame.wait_for_function("window.ready", timeout=60_000)
        return frames

    tab.route("**/*", answer)
    show.tab = tab
    yield show
    tab.close()
    assert [[], []] == [beyond, faults]


def state_of(widget):
    return {key: value for key, value in widget.get_state().items() if not key.startswith("_dom") and key not in ("layout", "tabbable", "tooltip")}


def open_rows(frame):
    frame.locator(".aimon .row").nth(3).wait_for()
    return frame.locator(".aimon .row").count()


def test_a_frame_an_output(outputs):
    """Each frame shows its run by the run's own model, from the snapshot and then live; prompts come when they are asked for."""
    made = []
    for name in ("running", "failed"):
        run = samples.ALL[name]()
        widget = WholeRunWidget(run.run_id)
        widget.sent = []
        widget.send = lambda content, buffers=None, widget=widget: widget.sent.append(json.loads(json.dumps(content)))
        publisher = RunPublisher(run, lambda *_, widget=widget: widget)
        widget._make_snapshot = publisher.snapshot
        made.append((widget, publisher))
    frames = outputs([([widget], widget) for widget, _ in made])
    assert 8 == open_rows(frames[0]) and 2 <= frames[1].locator(".aimon .row").count()
    widget, publisher = made[0]
    frames[0].locator('.row[data-id="c1"]').click()
    assert "want" == frames[0].evaluate("sent.at(-1).k")
    publisher.send_wanted(frames[0].evaluate("sent.at(-1).ids"))
    for message in widget.sent:
        frames[0].evaluate("([id, message]) => tell(id, message)", [widget.model_id, message])
    frames[0].locator(".detail", has_text=SECRET).wait_for()
    outputs.tab.screenshot(path=str(SHOTS / "frames.png"))
    for one, _ in made:
        one.close()


def test_the_small_script_asks_for_the_large_one(outputs):
    """A host that nobody knows of, in whose frame the kernel's model is not: the run's small model is sent the script, and shows the run; where that model is, it sends nothing."""
    channel_of = lambda run: kernel_widget.RunChannel(run.run_id, lambda: publisher.snapshot())
    sent = []
    publisher = RunPublisher(samples.ALL["running"](), lambda *_: Silent())
    channel = channel_of(publisher._run)
    widget = RunWidget.of(channel)
    widget.send = lambda content, buffers=None: sent.append(json.loads(json.dumps(content)))
    try:
        alone, beside = outputs([([widget], widget), ([widget, kernel_widget.open_kernel_widget()], widget)])
        alone.wait_for_function("sent.some(one => one.k === 'script')")
        assert not beside.evaluate("sent.some(one => one.k === 'script')")
        widget._handle_custom_msg({"k": "script"}, [])
        alone.evaluate("([id, message]) => tell(id, message)", [widget.model_id, sent[-1]])
        assert 8 == open_rows(alone)
        # The place has asked the kernel's model, which knows of the run.
        beside.wait_for_function("sent.some(one => one.k === 'ask')")
        told = {"k": "snapshot", "run_id": publisher._run.run_id, "snapshot": publisher.snapshot()}
        beside.evaluate("([id, message]) => tell(id, message)", [kernel_widget.open_kernel_widget().model_id, json.loads(json.dumps(told))])
        assert 8 == open_rows(beside)
    finally:
        widget.close()
        kernel_widget.close_kernel_widget()


class Silent:
    """A channel that nobody hears."""

    def on_ask(self, *_):
        pass

    announce = on_ask


BOOK = '''
import marimo
app = marimo.App()

@app.cell
def _():
    import sentry_sdk
    from aimon_nb import track
    with track("in marimo") as run:
        for name in ("one", "two"):
            with sentry_sdk.start_span(op="x", name=f"a step, {name}"):
                pass
    run.widget
    return
'''


def test_marimo(browser, tmp_path):
    """A run's widget in marimo, which has no manager to ask, is its live view."""
    python = environments.make("marimo")
    (tmp_path / "book.py").write_text(BOOK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "marimo", "-q", "run", "book.py", "--headless", "--no-token", "--host", "127.0.0.1", "-p", str(port)]
    tab = browser.new_page()
    beyond = []
    tab.on("request", lambda request: request.url.startswith("http") and f"127.0.0.1:{port}" not in request.url and beyond.append(request.url))
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(environments.ROOT)}, stdout=log, stderr=log)
    try:
        eventually(lambda: server.poll() is not None or answers(port), 60, "marimo serves")
        tab.goto(f"http://127.0.0.1:{port}/")
        tab.locator(".aimon .row", has_text="a step, two").wait_for(timeout=60_000)
        tab.locator(".aimon").screenshot(path=str(SHOTS / "marimo.png"))
        assert [] == beyond
    finally:
        tab.close()
        server.terminate()
        server.wait(20)


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
