"""What went into a step and came out: bounded copies, for which no code of the user's runs."""

import asyncio
import collections
import dataclasses
import decimal
import enum
import io
import json
import pathlib
import threading
from datetime import datetime, timezone

import hypothesis
import pytest
from hypothesis import strategies as st

from aimon_nb.capture.step_content import NOT_TAKEN, snapshot, snapshot_arguments
from aimon_nb.capture.to_plain import Plain
from aimon_nb.sentry import steps  # which tells the names that are secret

assert steps


def kept(value):
    return Plain(100_000, unpack=False).of(snapshot(value))


RAN = []


class Told(type):
    """A class every question to which is noted."""

    def __getattribute__(cls, name):
        RAN.append(f"type.{name}")
        return type.__getattribute__(cls, name)

    def __eq__(cls, other):
        RAN.append("type.==")
        return cls is other

    def __hash__(cls):
        RAN.append("type.hash")
        return 1

    def __instancecheck__(cls, instance):
        RAN.append("type.instancecheck")
        return True

    __subclasscheck__ = __instancecheck__


def noted(name):
    def method(self, *args, **kwargs):
        RAN.append(name)
        raise RuntimeError(name)

    return method


SPECIAL = (
    "__repr__ __str__ __len__ __iter__ __next__ __getattr__ __getattribute__ __getitem__ __bool__ __eq__ __hash__ "
    "__contains__ __format__ __index__ __int__ __float__ __array__ __dir__ __reduce_ex__ __copy__ __deepcopy__ "
    "__fspath__ __call__ __enter__ __await__ __aiter__ keys items values get model_dump dict tolist to_dict shape"
).split()
METHODS = {name: noted(name) for name in SPECIAL}
PROPERTIES = {name: property(noted(name)) for name in ("__class__", "__dict__", "dtype", "columns", "_fields")}


class Eq:
    """A key whose comparison is noted."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        RAN.append("key.==")
        return False


def hostile(*bases, given=()):
    kind = Told("Hostile", bases, {**METHODS, **PROPERTIES, "dict": noted("dict")})
    return bases[0].__new__(kind, *given) if bases else object.__new__(kind)


@dataclasses.dataclass
class Point:
    x: int
    y: list
    hidden: str = dataclasses.field(default="no", repr=False)

    def __getattribute__(self, name):
        RAN.append(name)
        return object.__getattribute__(self, name)


@dataclasses.dataclass(slots=True)
class Slim:
    x: int = 1
    password: str = "p"


class Colour(str, enum.Enum):
    RED = "red"


class Row(collections.namedtuple("Row", "name token")):
    __slots__ = ()


def test_scalars_are_themselves_and_immutable_values_go_by_reference():
    """No copy is made of a text however long, a number, None; moments and paths are written later."""
    text, at = "x" * 10_000_000, datetime(2026, 1, 2, tzinfo=timezone.utc)
    for value in (text, None, True, 3, 2.5, at, decimal.Decimal("1.5"), pathlib.Path("a/b")):
        assert snapshot(value) is value
    assert ["2026-01-02T00:00:00+00:00", "1.5", "a/b"] == [kept(at), kept(decimal.Decimal("1.5")), kept(pathlib.Path("a/b"))]
    assert repr(NOT_TAKEN) == "NOT_TAKEN"


def test_mutable_values_are_as_they_were():
    """What changes later does not change what was taken."""
    inner = [1]
    value = {"a": inner, "b": {"c": inner}}
    taken = snapshot(value)
    inner.append(2)
    value["d"] = 3
    assert {"a": [1], "b": {"c": [1]}} == taken


def test_bounds():
    """At most 100 elements, 20 kB and three levels; the rest in words."""
    assert [*range(100), "… 900 more"] == snapshot(list(range(1000)))
    wide = snapshot({str(n): n for n in range(300)})
    assert (len(wide), wide["…"]) == (101, "200 more")
    assert [[[["… 2 more"]]]] == snapshot([[[["deep", "er"]]]])
    assert {"a": {"b": {"c": {"…": "1 more"}}}} == snapshot({"a": {"b": {"c": {"d": 1}}}})
    [cut] = snapshot(["x" * 50_000])
    assert ("x" * 20_000) + "… 30,000 more" == cut
    many = snapshot(["y" * 15_000] * 5)
    assert (len(many), many[-1]) == (3, "… 3 more")
    grid = snapshot([[n] * 30 for n in range(30)])
    assert sum(type(one) is int for row in grid for one in row) <= 100
    assert grid[-1] == f"… {30 - len(grid) + 1} more"
    assert [[], {}, []] == snapshot([[], {}, ()])


def test_a_value_that_contains_itself():
    """A cycle ends where the levels do."""
    value = []
    value.append(value)
    assert [[[["… 1 more"]]]] == snapshot(value)


def test_arguments_by_name():
    """`self` or `cls` in the first place is left out; a large argument leaves room for the small ones after it."""
    large = list(range(1000))
    assert [{}, {}, {"x": 1, "cls": 2}] == [snapshot_arguments(one) for one in ({"self": 1}, {"cls": 2}, {"x": 1, "cls": 2})]
    taken = snapshot_arguments({"self": 1, "a": large, "b": large, "c": {"k": [1]}, "d": "x"})
    assert ["a", "b", "c", "d"] == list(taken)
    assert ([*range(100), "… 900 more"], [*range(10), "… 990 more"]) == (taken["a"], taken["b"])
    assert ({"k": [1]}, "x") == (taken["c"], taken["d"])


@pytest.mark.parametrize("name", ["api_key", "password", "Authorization", "X-API-Key", "token", "x_real_ip"])
def test_secrets(name):
    """What the SDK has on its denylist is filtered: as an argument, and at each level of dicts and records."""
    assert {name: "[filtered]", "n": 1} == snapshot_arguments({name: "s", "n": 1})
    assert {"a": [{name: "[filtered]"}]} == snapshot_arguments({"a": [{name: {"deep": "s"}}]})
    assert {name: "[filtered]"} == snapshot({name: "s"})
    assert {"x": 1, "password": "[filtered]"} == snapshot(Slim())
    assert {"name": "n", "token": "[filtered]"} == snapshot(Row("n", "t"))


def test_no_code_of_theirs_runs():
    """Neither methods nor properties nor a metaclass's: of an object there is its type's name."""
    things = [hostile(), hostile(list), hostile(dict), hostile(tuple, given=[(1, 2)]), hostile(str, given=["text"])]
    things += [hostile(int, given=[7]), hostile(float, given=[0.5]), hostile(set), hostile(frozenset, given=[(3,)])]
    list.append(things[1], 5)
    dict.__setitem__(things[2], Eq(), 6)
    set.add(things[7], 8)
    RAN.clear()
    taken = [snapshot(one) for one in things]
    nested = snapshot([things[0], {"a": things[0]}])
    named = snapshot_arguments({f"a{n}": one for n, one in enumerate(things)})
    assert RAN == []
    assert ["<Hostile>", [5], {"<Eq>": 6}, [1, 2], "text", 7, 0.5, [8], [3]] == taken == list(named.values())
    assert ["<Hostile>", {"a": "<Hostile>"}] == nested
    assert [type(one) for one in taken] == [str, list, dict, list, str, int, float, list, list]


def test_records():
    """A dataclass, a named tuple and a model are their fields, but for those that their own text leaves out."""
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        name: str
        tags: list[str] = []
        hidden: str = pydantic.Field("no", repr=False)

        def __getattribute__(self, name):
            RAN.append(name)
            return super().__getattribute__(name)

    point, model = Point(1, [2]), Model(name="n", tags=["t"])
    RAN.clear()
    assert ({"x": 1, "y": [2]}, {"name": "n", "tags": ["t"]}) == (snapshot(point), snapshot(model))
    assert RAN == []


def test_nothing_is_consumed():
    """A generator, an iterator, a stream, a file and a coroutine are their kind, and as they were."""

    def chunks():
        yield 1

    async def later():
        return 1

    async def stream():
        yield 1

    steps_, each, file, coroutine, several = chunks(), iter([1]), io.StringIO("text"), later(), stream()
    assert ["<generator chunks>", "<list_iterator>", "<StringIO>", "<coroutine later>", "<async generator stream>"] == [
        snapshot(one) for one in (steps_, each, file, coroutine, several)
    ]
    assert (1, 1, "text", 1) == (next(steps_), next(each), file.read(), asyncio.run(coroutine))


def test_what_has_a_size():
    """An array is its shape and dtype, a frame its shape and columns; bytes their number."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": 1})
    wide = pandas.DataFrame([range(30)])
    assert "<ndarray 2 × 3 float64>" == kept(numpy.zeros((2, 3)))
    assert "<DataFrame 3 × 2: a, b>" == kept(frame)
    assert kept(wide).endswith("18, 19, … 10 more>")
    assert "<Series 3 int64>" == kept(frame["a"])
    assert [7, 0.5, True, "<complex128>"] == kept([numpy.int64(7), numpy.float32(0.5), numpy.bool_(1), numpy.complex128(1)])
    assert [7] * 10 == kept([numpy.int64(7)] * 10)
    assert [*["<ndarray 1 int64>"] * 4, "<ndarray>"] == kept([numpy.array([1])] * 5)
    assert "<bytes: 12>" == kept(b"x" * 12)


def test_a_class_that_calls_itself_an_array():
    """A name alone opens no door."""
    kind = type("ndarray", (), {"__module__": "numpy", "shape": property(noted("shape"))})
    RAN.clear()
    assert ("<ndarray>", []) == (snapshot(kind()), RAN)


def test_what_is_code():
    """Functions, classes, modules and members of an enum are their names."""
    words = [snapshot(one) for one in (kept, Point, json, Colour.RED, [].append, threading.Lock(), Told)]
    assert ["<function kept>", "<class Point>", "<module json>", "<Colour.RED>", "<function append>", "<lock>", "<class Told>"] == words


class Names(str):
    """A name any use of which is noted."""

    __getitem__ = __len__ = __format__ = __str__ = noted("name")


def test_names_and_dicts_of_classes_of_theirs():
    """A function may have a name, and an object a `__dict__`, whose class is the user's: that runs nothing either."""

    class Fields(dict):
        __getitem__ = __contains__ = items = keys = __iter__ = __len__ = get = noted("dict")

    def function():
        pass

    function.__name__ = Names("theirs")
    point = Point(1, [2])
    point.__dict__ = Fields(x=1, y=[2])
    kind = type("Kind", (), {})
    kind.__name__ = Names("Named")
    RAN.clear()
    assert ["<function theirs>", {"x": 1, "y": [2]}, "<Named>", "<class Named>"] == [snapshot(one) for one in (function, point, kind(), kind)]
    assert RAN == []


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner, inner) | st.frozensets(st.integers()),
    max_leaves=300,
)


def count(value):
    return sum(1 + count(one) for one in (value.values() if isinstance(value, dict) else value)) if isinstance(value, (dict, list)) else 0


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(PLAIN)
def test_any_value(value):
    """Of any value the copy is bounded, becomes JSON, and leaves the value as it was."""
    before = repr(value)
    taken = snapshot(value)
    assert repr(value) == before
    assert count(taken) <= 100 + 1 + 100  # the elements, and for each container the words of what is left out
    json.dumps(kept(value), allow_nan=False).encode()


def test_it_is_plain_data():
    """What a record gets of it can be written as JSON, whatever it was."""
    value = {1: "a", "1": "b", None: 10**5000, "nan": float("nan"), "lone": "\ud800", "at": datetime(2026, 1, 1), Colour.RED: {1, 2}}
    again = json.loads(json.dumps(kept(value), allow_nan=False).encode())
    assert ("a", "b", "NaN", [1, 2]) == (again["1"], again["1 (1)"], again["nan"], again["<Colour.RED>"])


def test_one_that_another_thread_changes():
    """A dict that changes under the copy fails nobody."""

    class Changing(dict):
        pass

    value = {"a": 1}
    walked = iter(value.items())
    next(walked)
    value["b"] = 2
    with pytest.raises(RuntimeError):
        next(walked)
    assert {"a": 1, "b": 2} == snapshot(value)
