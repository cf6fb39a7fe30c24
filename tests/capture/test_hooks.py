"""Hooks on a library that is imported before, after, or just now."""

import importlib
import sys
import threading
from importlib.machinery import ModuleSpec

import pytest

from aimon_nb.capture.hooks import Patches
from aimon_nb.capture.internal_errors import internal_errors

# A library whose first module, while it runs, imports another, and in the midst of that somebody asks for the first.
FIRST = "from shop import second\ndef ask(): return 'asked'\nfrom shop import third\n"


@pytest.fixture
def library(tmp_path, monkeypatch):
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, code in {"__init__": "", "first": FIRST, "second": "import sys\nsys.meeting()\n", "third": ""}.items():
        (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: importlib.import_module("shop.first")
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        del sys.modules[name]


def hook(patches, names):
    def then(module):
        names.append(module.ask())
        patches.wrap(module, "ask", lambda original: lambda: f"hooked {original()}")

    patches.on_import("shop.first", then)


@pytest.mark.parametrize("when", ["before", "while", "after"])
def test_whenever_it_is_imported(library, monkeypatch, when):
    """A hook is put on once, when the module has all of its names: what is being imported just now has not."""
    patches, told, faults = Patches(), [], internal_errors.count
    monkeypatch.setattr(sys, "meeting", lambda: hook(patches, told) if when == "while" else None, raising=False)
    if when == "before":
        hook(patches, told)
    module = library()
    if when == "after":
        hook(patches, told)
    assert (told, module.ask(), internal_errors.count) == (["asked"], "hooked asked", faults)
    patches.undo()
    assert module.ask() == "asked"


def test_one_that_cannot_be_imported(library, monkeypatch):
    """The import that goes on fails: its error is the user's, and the next one is heard."""
    patches, told = Patches(), []

    def fail():
        hook(patches, told)
        raise ValueError("no network")

    monkeypatch.setattr(sys, "meeting", fail, raising=False)
    with pytest.raises(ValueError, match="no network"):
        library()
    monkeypatch.setattr(sys, "meeting", lambda: None)
    assert (told, library().ask()) == (["asked"], "hooked asked")
    patches.undo()


def test_one_that_is_imported_in_another_thread(library, monkeypatch):
    """Hooks that wait for it while another thread imports it: each is put on once."""
    patches, others, told = Patches(), Patches(), []
    begun, go = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "meeting", lambda: (begun.set(), go.wait(10)), raising=False)
    thread = threading.Thread(target=library)
    thread.start()
    assert begun.wait(10)
    patches.on_import("shop.first", lambda module: told.append(("one", hasattr(module, "ask"))))
    patches.on_import("shop.first", lambda module: told.append(("two", hasattr(module, "ask"))))
    others.on_import("shop.first", lambda module: told.append(("three", hasattr(module, "ask"))))
    assert told == []
    go.set()
    thread.join(10)
    assert sorted(told) == [("one", True), ("three", True), ("two", True)]
    assert type(sys.modules["shop.first"].__spec__) is ModuleSpec
    patches.undo()
    others.undo()
