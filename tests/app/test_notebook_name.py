"""The notebook of a run: the name of its file, never its folder; NA where nobody tells."""

import pytest

import aimon_nb
from aimon_nb.app import monitor
from aimon_nb.app.notebook_name import notebook_name
from aimon_nb.views.live import environment
from tests.parts import sdk

PATHS = {
    "/home/ada/secret project/Analysis 1.ipynb": "Analysis 1.ipynb",
    "C:\\Users\\ada\\notes\\Analysis.ipynb": "Analysis.ipynb",
    "C:Analysis.ipynb": "Analysis.ipynb",
    "\\\\server\\share\\folder\\a.ipynb": "a.ipynb",
    "//server/share/folder/a.ipynb": "a.ipynb",
    "mixed/of\\both.ipynb": "both.ipynb",
    "a.ipynb": "a.ipynb",
    "../a.md": "a.md",
    "folder.d/b.ipynb/": "b.ipynb",
    "what?.ipynb": "what?.ipynb",
    "s3://bucket/deep/in.ipynb": "in.ipynb",
    "https://host/in.ipynb?token=geheim/x.y": "in.ipynb",
    "größe/日本.ipynb": "日本.ipynb",
    "broken\udcff.ipynb": "broken?.ipynb",
    "Console 1": None,
    "/home/ada/console-1-8e1c": None,
    "/home/ada/": None,
    "-": None,
    "": None,
    ".": None,
    "C:\\": None,
}


class Shell:
    """A shell in a kernel."""

    kernel = object()

    def __init__(self, **user_ns):
        self.user_ns = user_ns


@pytest.fixture(autouse=True)
def no_session(monkeypatch):
    """The front end in which the tests run tells nothing."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.mark.parametrize(("path", "name"), PATHS.items(), ids=map(ascii, PATHS))
@pytest.mark.parametrize("source", ["JPY_SESSION_NAME", "PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH", "__vsc_ipynb_file__"])
def test_paths(path, name, source, monkeypatch):
    """Of a path of any system the last part is taken, whoever tells it."""
    if source == "JPY_SESSION_NAME":
        monkeypatch.setenv(source, path)
        assert name == notebook_name(Shell())
    else:
        assert name == notebook_name(Shell(**{source: path}))


def test_who_is_believed_first(monkeypatch):
    """papermill before VS Code before the server: each is started out of the next one, and inherits what it told."""
    monkeypatch.setenv("JPY_SESSION_NAME", "server.ipynb")
    told = {"PAPERMILL_INPUT_PATH": "in.ipynb", "PAPERMILL_OUTPUT_PATH": "out.ipynb", "__vsc_ipynb_file__": "code.ipynb"}
    for name in [*told]:
        assert told[name] == notebook_name(Shell(**told))
        del told[name]
    assert "server.ipynb" == notebook_name(Shell())
    assert "out.ipynb" == notebook_name(Shell(PAPERMILL_INPUT_PATH="-", PAPERMILL_OUTPUT_PATH="out.ipynb"))


@pytest.mark.parametrize("value", [None, 7, b"a.ipynb", ["a.ipynb"], object()])
def test_a_variable_of_the_users(value):
    """What the user keeps under such a name, and is no text, is not asked."""
    assert notebook_name(Shell(__vsc_ipynb_file__=value)) is None


def test_a_script_is_no_notebook(monkeypatch):
    """A script or a terminal that a notebook starts inherits the variable, and has no notebook."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/a.ipynb")
    assert notebook_name(None) is None
    with aimon_nb.track("x", view="none") as run:
        pass
    assert run.spans()["notebook"].isna().all()
    monitor.uninstall()


def test_tables(monkeypatch):
    """Column and key `notebook` hold it, and the folder is in no table and no file."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ada/folder/a.ipynb")
    monkeypatch.setattr(environment, "ipython_shell", Shell)
    opened = monitor.open("x", "none")
    with sdk.start_span(op="gen_ai.chat", name="by hand") as span:
        aimon_nb.record_token_usage(span, input_tokens=3, output_tokens=1)
    opened.end(None)
    monitor.uninstall()
    run = aimon_nb.RunView(opened.run)
    assert {"a.ipynb"} == set(run.spans()["notebook"]) == set(run.usage(by="notebook")["notebook"])
    assert "folder" not in str(opened.run.to_dict(content=True)) + run.spans().to_csv()
