"""Hooks on a library that is imported before, after, or just now."""

import importlib
import sys

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
    if when == "while":  # and at any import after it, or when the hooks are looked through
        patches.reapply()
    assert (told, module.ask(), internal_errors.count) == (["asked"], "hooked asked", faults)
    patches.undo()
    assert module.ask() == "asked"
