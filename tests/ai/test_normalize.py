"""`set_data_normalized`: any value leaves as strict JSON of bounded size."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import types
import uuid
from unittest import mock

import attrs
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import v1

from aimon_nb import SPANDATA, ai_track, set_data_normalized
from aimon_nb.ai.normalize import SIZE, normalized
from aimon_nb.capture.to_plain import Plain

# How fast a machine is decides nothing.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
ID = uuid.UUID(int=7)


class Usage(pydantic.BaseModel):
    tokens: int | None = None
    key: str = pydantic.Field(default="secret", exclude=True)
    password: pydantic.SecretStr = pydantic.SecretStr("hidden")


class OldUsage(v1.BaseModel):
    tokens: int = 3


class Roots(pydantic.RootModel[list[int]]):
    pass


@dataclasses.dataclass
class Data:
    a: int
    b: object = None


@attrs.define
class Attrs:
    a: int


class Color(enum.Enum):
    RED = "red"
    MANY = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


Point = collections.namedtuple("Point", "x y")


class Text(str):
    def __str__(self):
        raise RuntimeError


def read(value, **options):
    """As a reader of the attribute gets it."""
    plain = normalized(value, **options)
    return json.loads(plain, parse_constant=pytest.fail) if isinstance(plain, str) else plain


@pytest.mark.parametrize("value", ["text", "", 1, 0, -1, 1.5, True, False, 2**63 - 1, -(2**63)])
def test_scalars_stay(value):
    """Text, numbers and bools leave as they are."""
    assert value == normalized(value)
    assert type(value) is type(normalized(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (WHEN, "2026-01-02T03:04:05+00:00"),
        (WHEN.date(), "2026-01-02"),
        (WHEN.time(), "03:04:05"),
        (dt.timedelta(minutes=1.5), 90.0),
        (ID, "00000000-0000-0000-0000-000000000007"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (b"abc", "<3 bytes>"),
        (bytearray(4), "<4 bytes>"),
        (memoryview(b"12345"), "<5 bytes>"),
        (decimal.Decimal("1.10"), "1.10"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Text("x"), "x"),
        (Usage, "<class Usage>"),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (10**5000, "<int of 16610 bits>"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), "NaN"),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (pd.NaT, "null"),
        (pd.NA, "null"),
        ("\ud800", "?"),
        (1 + 2j, "(1+2j)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_single_values(value, text):
    """One word each; None is null, what is not finite is named."""
    assert text == normalized(value)
    assert type(text) is type(normalized(value))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Usage(tokens=5), {"tokens": 5, "password": "**********"}),
        (OldUsage(), {"tokens": 3}),
        (Roots([1, 2]), {"root": [1, 2]}),
        (Data(1, Data(2)), {"a": 1, "b": {"a": 2, "b": None}}),
        (Attrs(1), {"a": 1}),
        (Point(1, None), {"x": 1, "y": None}),
        (Color.MANY, [1, 2]),
        ({"a": Usage(tokens=None)}, {"a": {"tokens": None, "password": "**********"}}),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        ({8, 1}, [1, 8]),  # a set walks them the other way round
        ((1, None), [1, None]),
        ([float("nan"), float("inf"), None], ["NaN", "Infinity", None]),
        (range(3), [0, 1, 2]),
        (collections.deque([1, 2]), [1, 2]),
        ({"a": 1, "b": 2}.keys(), ["a", "b"]),
        ({"a": 1, "b": 2}.values(), [1, 2]),
        ({1: "a", None: "b", True: "c", ID: "d", (1, 2): "e", Color.RED: "f"}, {"1": "c", "null": "b", str(ID): "d", "(1, 2)": "e", "red": "f"}),
        ({1: "a", "1": "b"}, {"1": "a", "1 (1)": "b"}),
        ({b"k": 1, 0.5: 2, float("nan"): 3}, {"b'k'": 1, "0.5": 2, "NaN": 3}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (np.array([1, 2]), [1, 2]),
        (np.array([[1.5, np.nan], [0, 1]]), [[1.5, "NaN"], [0.0, 1.0]]),
        (np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[ns]"), ["2026-01-01T00:00:00.000000000", "2026-01-02T00:00:00.000000000"]),
        (pd.Series([1, 2]), [1, 2]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series(pd.to_datetime(["2026-01-01", None])), ["2026-01-01T00:00:00", None]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), {"a": [1, 2], "b": ["x", None]}),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), {"a": [1, 3], "a (1)": [2, 4]}),
        (pd.Index([1, 2]), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_compound_values(value, plain):
    """Models and mappings become objects; lists, sets, arrays and columns become lists."""
    found = read(value)
    if plain != found and isinstance(value, (pd.DataFrame, pd.Series)):
        found = json.loads(json.dumps(found).replace('"NaN"', "null"))  # object columns hold NaN in older pandas
    assert plain == found


def test_a_key_that_is_true_and_one_that_is_text():
    """true and "true" are two keys."""
    assert {"true": 1, "true (1)": 2} == read({True: 1, "true": 2})


def test_text_stays_readable():
    """JSON text keeps letters of every script as they are, without padding."""
    assert '{"ä":"日本 🙂","b":[1,2]}' == normalized({"ä": "日本 🙂", "b": [1, 2]})


def test_unpacking():
    """A list of one item becomes the item, at every depth, unless unpack is False."""
    assert 1 == normalized([1]) == normalized([[1]]) == normalized((1,)) == normalized({1})
    assert {"a": 1} == read({"a": [[1]]})
    assert "text" == normalized(["text"])
    assert "null" == normalized([None])
    assert [[1]] == read([[1]], unpack=False)
    assert {"a": [1]} == read({"a": [1]}, unpack=False)
    assert [] == read([]) and [1, 2] == read([1, 2])


def test_cycles_are_cut_with_a_mark():
    """What contains itself ends where it comes round; what is only shared does not."""
    loop = [1]
    loop.append(loop)
    assert [1, "[cut: cycle]"] == read(loop)
    tree = {"a": 1}
    tree["self"] = {"deeper": tree}
    assert {"a": 1, "self": {"deeper": "[cut: cycle]"}} == read(tree)
    data = Data(1)
    data.b = [data, 2]
    assert {"a": 1, "b": ["[cut: cycle]", 2]} == read(data)
    shared = {"x": 1}
    assert [{"x": 1}, {"x": 1}] == read([shared, shared])


def test_a_model_that_contains_itself():
    """A pydantic model in a cycle leaves a mark."""

    class Node(pydantic.BaseModel):
        next: object = None

    node = Node()
    node.next = node
    assert "[cut: cycle]" in normalized(node)


def test_depth_is_cut_with_a_mark():
    """What is too deep ends with a mark."""
    deep = value = {}
    for _ in range(5000):
        value["d"] = value = {}
    text = normalized(deep)
    assert "[cut: too deep]" in text and len(text) < 200
    kept = normalized({"d": {"d": {"d": 1}}})
    assert {"d": {"d": {"d": 1}}} == json.loads(kept)


def test_sixteen_levels_are_kept():
    """Sixteen levels are kept, the seventeenth is cut."""

    def nested(levels):
        value = "end"
        for _ in range(levels):
            value = {"d": value}
        return value

    assert nested(16) == read(nested(16))
    assert "end" not in normalized(nested(17)) and "[cut: too deep]" in normalized(nested(17))


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**6,
        "\x00" * 10**6,
        '"' * 10**6,
        list(range(10**6)),
        {str(i): i for i in range(10**5)},
        {i: "\n" * 100 for i in range(10**4)},
        [["a" * 100] * 100] * 100,
        range(10**12),
        np.zeros((1000, 1000)),
        pd.DataFrame(np.zeros((5000, 50))),
        {"a" * 10**6: 1},
        [[[[[[[[1] * 9] * 9] * 9] * 9] * 9] * 9] * 9] * 9,
        [None] * 10**6,
    ],
    ids=lambda value: type(value).__name__,
)
def test_size_is_bounded_with_a_mark(value):
    """However big, it fits in 20,000 characters, is still JSON, and says that it was cut."""
    text = normalized(value, unpack=False)
    assert len(text) <= SIZE == 20_000
    assert "[cut" in text
    if not isinstance(value, (str, np.ndarray)):
        json.loads(text)


@pytest.mark.parametrize("value", [list(range(10**6)), ["text" * 5] * 10**5, {str(i): i for i in range(10**5)}], ids=["numbers", "texts", "object"])
def test_the_room_is_used(value):
    """What is cut is cut near the limit, not long before it."""
    assert len(normalized(value)) > 15_000


def test_what_fits_is_whole():
    """Nothing is cut below the limit."""
    text = "x" * 19_000
    assert text == normalized(text)
    numbers = list(range(1000))
    assert numbers == read(numbers)


def test_a_text_is_whole_or_says_how_much_is_missing():
    """Round the limit a text is either whole or marked with at least one missing character."""
    for length in range(19_400, 19_600):
        text = normalized("x" * length)
        kept, _, mark = text.partition("[cut: ")
        assert length == len(kept) + int(mark.removesuffix(" more]") or 0)
        assert text == kept or "[cut: 0" not in text


def test_how_much_was_cut():
    """A cut text says how many characters are missing."""
    text = normalized("x" * 100_000)
    kept, _, mark = text.partition("[cut: ")
    assert 100_000 == len(kept) + int(mark.removesuffix(" more]"))
    assert len(kept) > 19_000


class TestTheLastCharacter:
    """A budget is used to its last character, and not beyond: two for a value, what it says, two for a text's quotes."""

    def test_of_a_list(self):
        """Where nothing is left, the list ends."""
        assert [1, "[cut: more]"] == Plain(5, unpack=False).of([1, 1])
        assert [1, 1] == Plain(6, unpack=False).of([1, 1])

    def test_of_an_object(self):
        """Where nothing is left, the object ends: a key of one letter takes three."""
        assert {"a": 1, "[cut]": "more"} == Plain(8, unpack=False).of({"a": 1, "b": 1})
        assert {"a": 1, "[cut: 1 more]": 1} == Plain(9, unpack=False).of({"a": 1, "b": 1})
        assert {"a": 1, "b": 1} == Plain(14, unpack=False).of({"a": 1, "b": 1})

    def test_of_a_text(self):
        """A text that has no room says how long it was."""
        assert "[cut: 3 more]" == Plain(2, unpack=False).of("abc")
        assert ["a", "b", "[cut: 1 more]"] == Plain(13, unpack=False).of(["a", "b", "c"])

    def test_of_an_array(self):
        """An array of as many items as there is room is read, one of more is named."""
        assert "[cut: more]" == Plain(100, unpack=False).of(np.zeros(98))[-1]
        assert "[cut: ndarray of 99]" == Plain(100, unpack=False).of(np.zeros(99))

    def test_of_a_number_too_big_to_print(self):
        """Of 4,096 bits and more, only how many is said."""
        assert str(2**4095 - 1) == normalized(2**4095 - 1)
        assert "<int of 4096 bits>" == normalized(2**4095)

    def test_of_the_whole(self):
        """A text of 19,498 characters is whole, one more is cut; the marks have the rest of the 20,000."""
        assert "x" * 19_498 == normalized("x" * 19_498)
        assert "x" * 19_498 + "[cut: 1 more]" == normalized("x" * 19_499)

    def test_of_what_needs_escapes(self):
        """JSON of exactly 20,000 characters is whole; what is longer because of its escapes uses most of the room."""
        whole = ['"' * 996 + "x" * 18_004]
        assert SIZE == len(normalized(whole, unpack=False)) and whole == read(whole, unpack=False)
        assert 15_000 < len(normalized({"a": '"' * 10**6})) <= SIZE


def test_keys_that_become_the_same_text():
    """Each stays, with a number that no other key has."""
    assert {"1": "a", "1 (1)": "b"} == read({1: "a", "1": "b"})
    assert {"1": "a", "1 (2)": "b", "1 (3)": "c"} == read({1: "a", "1 (2)": "b", "1": "c"})
    assert {"1": "a", "1 (2)": "b", "1 (3)": "c", "1 (4)": "d"} == read({1: "a", "1 (2)": "b", "1 (3)": "c", "1": "d"})
    assert {"false": 1, "null": 2} == read({False: 1, None: 2})


def test_big_arrays_are_named():
    """A big array says its shape."""
    assert "[cut: ndarray of 1000 by 1000]" == normalized(np.zeros((1000, 1000)))


class Nasty:
    def __init__(self, **how):
        self.__dict__ |= how

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


class NastyModel(pydantic.BaseModel):
    def model_dump(self, **_):
        raise RuntimeError


class OthersModel:
    def model_dump(self):
        return {"a": 1}


class NastyMapping(collections.abc.Mapping):
    def __getitem__(self, key):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        raise RuntimeError


class WithDict:
    def dict(self):
        raise AssertionError("not asked for")

    def __str__(self):
        return "with dict"


class NastyDescriptor:
    shape = property(lambda self: 1 / 0)

    def tolist(self):
        return []


class Endless(enum.Enum):
    ONE = 1

    @property
    def value(self):
        return self


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (Nasty(), "[cut: Nasty, RuntimeError]"),
        ([Nasty(), 1], ["[cut: Nasty, RuntimeError]", 1]),
        ({Nasty(): 1}, {"[cut: Nasty, RuntimeError]": 1}),
        (NastyModel(), "[cut: NastyModel, RuntimeError]"),
        (NastyMapping(), "[cut: NastyMapping, RuntimeError]"),
        (NastyDescriptor(), "[cut: NastyDescriptor, ZeroDivisionError]"),
        (OthersModel(), {"a": 1}),
        (WithDict(), "with dict"),
        (Endless.ONE, "[cut: cycle]"),
        ({Endless.ONE: 1}, {"Endless.ONE": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_looked_at_leaves_a_mark(value, mark):
    """A value that raises whatever one asks it leaves a mark in its place, and the rest stays."""
    found = normalized(value)
    assert mark == (found if isinstance(mark, str) else json.loads(found))


def test_odd_objects():
    """Mocks, generators and functions become a short text; an iterator is not consumed."""
    assert normalized(mock.MagicMock(name="m")).startswith("<MagicMock")
    generator = (i for i in range(3))
    assert "generator" in normalized(generator)
    assert [0, 1, 2] == list(generator)
    assert "18" == normalized(np.longdouble(18)).split(".")[0]


def test_at_the_edge_of_the_stack():
    """Called with hardly any stack left it still does not raise."""

    def down():
        try:
            down()
        except RecursionError:
            return set_data_normalized(Span(), "k", {"a": [1, 2]})

    down()


def test_no_warning_of_a_model_reaches_the_user(recwarn):
    """A model whose fields hold something else warns nobody."""
    usage = Usage(tokens=1)
    object.__setattr__(usage, "tokens", "many")
    usage.__dict__["tokens"] = "many"
    assert "many" == read(usage)["tokens"]
    assert [] == list(recwarn)


class Span:
    def __init__(self, fails=False):
        self.data, self.fails = {}, fails

    def set_data(self, key, value):
        if self.fails:
            raise RuntimeError
        self.data[key] = value


def test_a_span_that_fails_or_is_none(static, caplog):
    """Nothing is raised whatever the span is."""
    from aimon_nb.capture.internal_errors import internal_errors

    before = internal_errors.count
    set_data_normalized(None, "k", 1)
    assert before == internal_errors.count
    set_data_normalized(Span(fails=True), "k", 1)
    set_data_normalized(object(), "k", 1)
    assert before + 2 == internal_errors.count


def test_unpacking_is_the_default_and_positional():
    """unpack is the fourth parameter, and True."""
    span = Span()
    set_data_normalized(span, "default", [1])
    set_data_normalized(span, "whole", [1], False)
    set_data_normalized(span, "named", [1], unpack=True)
    assert {"default": 1, "whole": "[1]", "named": 1} == span.data


def test_documented_keys_are_written_under_todays_names_too():
    """A documented key that was renamed since leaves under both names."""
    span = Span()
    set_data_normalized(span, SPANDATA.GEN_AI_USAGE_INPUT_TOKENS_CACHED, 3)
    assert {"gen_ai.usage.input_tokens.cached": 3, "gen_ai.usage.cache_read.input_tokens": 3} == span.data


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.uuids() | st.datetimes() | st.timedeltas(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans(), inner) | st.tuples(inner, inner) | st.builds(Data, st.integers(), inner),
    max_leaves=30,
)


@UNTIMED
@given(json_like, st.booleans())
def test_always_strict_json_of_bounded_size(value, unpack):
    """Whatever the value, what leaves is a finite scalar or text, strict JSON when it stands for more."""
    plain = normalized(value, unpack=unpack)
    assert isinstance(plain, (str, int, float)) and plain == plain
    if isinstance(plain, str):
        assert len(plain) <= SIZE
        plain.encode()
        if isinstance(value, (dict, Data)):
            json.loads(plain, parse_constant=pytest.fail)


@UNTIMED
@given(st.recursive(st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=20) | st.none() | st.floats(allow_nan=False, allow_infinity=False), lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), inner, max_size=5), max_leaves=15))
def test_plain_json_is_itself(value):
    """JSON of moderate size is not changed."""
    assert {"v": value} == read({"v": value}, unpack=False)


VALUES = {"model": Usage(tokens=1), "none": None, "list": [1, None], "nan": float("nan"), "text": "x", "number": 3, "big": 2**70, "lone": "\ud83d"}


def test_in_every_place(place, run):
    """On every span, sampled or not, our view shows what Sentry would get."""
    with place.span() as span:
        for key, value in VALUES.items():
            set_data_normalized(span, key, value)
    shown = run.spans()["inner"].attributes
    assert {key: normalized(value) for key, value in VALUES.items()} == {key: shown[key] for key in VALUES}


@pytest.mark.parametrize("op", ["ai.step", "gen_ai.chat"])
def test_at_sentry(place, op):
    """Sentry gets exactly that, in transactions and in `span` items, and accepts it."""

    @ai_track("work")
    def work():
        with place.span(op=op) as span:
            for key, value in VALUES.items():
                set_data_normalized(span, key, value)
        set_data_normalized(None, "root", VALUES)

    work()
    if place.sends:
        spans = place.spans()
        data = spans["inner"]["data"]
        assert {key: normalized(value) for key, value in VALUES.items()} == {key: data[key] for key in VALUES}
        assert json.loads(spans["work"]["data"]["root"])["none"] is None
