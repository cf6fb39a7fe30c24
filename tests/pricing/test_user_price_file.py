"""Prices kept for later kernels: never half, never lost, never a price by mistake."""

import json
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from aimon_nb import pricing
from aimon_nb.pricing import price, user_price_file
from aimon_nb.pricing.user_prices import user_prices
from aimon_nb.pricing.user_price_file import path
from tests.parts.locks import SeenLock
from tests.parts.waiting import eventually
from tests.pricing.making import call, tokens

U = tokens(1000, 200)


def again():
    """A later kernel."""
    user_prices.rules.clear()
    user_prices.is_loaded, user_prices.load_error = False, None


def written(text):
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_bytes(text if isinstance(text, bytes) else text.encode())


def one(**entry):
    return json.dumps({"version": 1, "prices": [{"name": "gpt-4o", **entry}]})


BROKEN = {
    "half an alias": one(kind="alias"),
    "a price without one": one(kind="price", cache_read_mtok="1"),
    "a host of nobody": one(kind="host"),
    "no name": one(kind="free", name=""),
    "a name that is none": one(kind="free", name=None),
    "a provider that is none": one(kind="free", provider=[]),
    "true as a price": one(kind="price", input_mtok=True),
    "a list as a price": one(kind="price", input_mtok=[0, [1], 0]),
    "more than any price": one(kind="price", input_mtok="1e400"),
    "not a number": one(kind="price", input_mtok="NaN"),
    "another kind": one(kind="gift"),
    "another encoding": b'{"version":1,"prices":[{"kind":"free","name":"\xe9"}]}',
    "deeper than can be read": "[" * 200_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_file_mended_by_hand(text):
    """What a file says wrongly makes nothing free and stops no pricing; it is said, and left as it is."""
    written(text)
    before = path().read_bytes()
    cost = price(call("gpt-4o", U))
    assert ("priced", Decimal("0.0045")) == (cost.state, cost.total)
    assert "saved prices are not used" in cost.caveats[0] and str(path()) in cost.caveats[0]
    with pytest.raises(ValueError, match="mend it or delete it"):
        pricing.free("a", save=True)
    pricing.free("a")
    pricing.unset("a")  # what is not saved can be forgotten all the same
    assert before == path().read_bytes()


def test_numbers_in_the_file():
    """A number written as a number is exact."""
    written(one(kind="price", input_mtok=0.1, output_mtok=1))
    assert Decimal("0.0003") == price(call("gpt-4o", U)).total


def test_unset_what_was_saved():
    """What is unset is out of the file as well."""
    pricing.free("a", save=True)
    pricing.free("b", save=True)
    pricing.unset("a")
    again()
    assert ["b"] == list(pricing.table()["name"])


def test_unset_reaches_what_a_later_word_hid():
    """A saved price that this kernel replaced by an unsaved one is forgotten with it."""
    pricing.set("m", input_mtok=1, save=True)
    pricing.set("m", input_mtok=2)
    pricing.unset("m")
    again()
    assert [] == list(pricing.table()["name"])


def test_unset_reaches_what_another_kernel_saved():
    """What another kernel saved since can be unset here."""
    pricing.table()
    pricing.free("b", save=True)
    user_prices.rules.clear()
    pricing.unset("b")
    again()
    assert [] == list(pricing.table()["name"])


def test_unset_is_whole(monkeypatch):
    """Where the file cannot be written nothing is forgotten, here neither."""
    pricing.free("a", save=True)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(user_price_file, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        pricing.unset("a")
    assert ["a"] == list(pricing.table()["name"])


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    """One line says which file, why, and what holds without it; nothing is changed."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AIMON_NB_HOME", str(tmp_path / "file/below"))
    with pytest.raises(OSError, match="is not written") as caught:
        pricing.free("a", save=True)
    assert "prices.json" in str(caught.value) and "without save=True" in str(caught.value)
    assert {} == user_prices.rules


@pytest.mark.kernel
def test_two_kernels_save_at_once(tmp_path):
    """Of prices that several kernels save at the same time none is lost."""
    code = "import sys\nfrom aimon_nb import pricing\nfor i in range(10): pricing.free(f'{sys.argv[1]}-{i}', save=True)"
    env = {**os.environ, "AIMON_NB_HOME": str(tmp_path)}
    kernels = [subprocess.Popen([sys.executable, "-c", code, name], env=env) for name in "abc"]
    assert [0, 0, 0] == [kernel.wait(timeout=120) for kernel in kernels]
    names = {entry["name"] for entry in json.loads((tmp_path / "prices.json").read_text())["prices"]}
    assert {f"{name}-{i}" for name in "abc" for i in range(10)} == names


def test_a_kernel_that_holds_on(monkeypatch):
    """A kernel that never lets go of the file makes one line, not a hanging cell."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(user_price_file, "_PATIENCE", 0.05)
    pricing.free("a", save=True)
    held = os.open(path().parent, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(OSError, match="another kernel is writing"):
        pricing.free("b", save=True)
    os.close(held)
    pricing.free("b", save=True)
    assert ["a", "b"] == list(pricing.table()["name"])


def test_a_word_while_the_file_is_read(monkeypatch):
    """A price said while another thread reads the file is not lost."""
    reading, go = threading.Event(), threading.Event()

    def slow():
        reading.set()
        go.wait(10)
        return []

    lock = SeenLock()
    monkeypatch.setattr(user_prices, "load", slow)
    monkeypatch.setattr(user_prices, "_lock", lock)
    first = threading.Thread(target=price, args=(call("gpt-4o", U),))
    second = threading.Thread(target=pricing.free, args=("mine",))
    first.start()
    assert reading.wait(10)
    second.start()
    eventually(lambda: second.ident in lock.came)
    assert {} == user_prices.rules, "the second has not waited"
    go.set()
    first.join()
    second.join()
    assert ["mine"] == [entry.name for entry in user_prices.rules.values()]


def test_home_is_a_folder_of_its_own():
    """Nothing but the file is left in it."""
    pricing.free("a", save=True)
    assert [path()] == list(Path(path().parent).iterdir())
