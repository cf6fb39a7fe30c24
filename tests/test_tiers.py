"""Which part of a large product the default run takes."""

import ast
import itertools

import pytest

from tests import tiers
from tests.tiers import TESTS, covering, covering_cases

PRODUCT = list(itertools.product(range(24), range(7)))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_each_value_stands_in_so_many_cases(times):
    """Each value of each parameter is in as many cases as is asked, and few more are taken."""
    taken = [PRODUCT[number] for number in covering_cases(PRODUCT, times)]
    for place, size in enumerate((24, 7)):
        for value in range(size):
            assert sum(case[place] == value for case in taken) >= times
    assert len(taken) <= 24 * times


def test_values_meet_many_others():
    """No value is always beside the same one, and none is taken much more than another."""
    taken = [PRODUCT[number] for number in covering_cases(PRODUCT, 2)]
    assert all(len({a for a, b in taken if b == place}) >= 6 for place in range(7))


def test_where_there_are_too_few_cases_all_are_taken():
    """A value with fewer cases than are asked is in all of them; one parameter alone is taken whole."""
    assert {0, 1, 2} == covering_cases([("a", 1), ("a", 2), ("b", 1)], 5)
    assert {0, 1, 2} == covering_cases([(1,), (2,), (3,)])
    assert set() == covering_cases([])


def test_three_parameters():
    """A product of three is covered by as many cases as its longest has values."""
    cases = list(itertools.product("abcde", "xyz", range(2)))
    taken = [cases[number] for number in covering_cases(cases)]
    assert [set("abcde"), set("xyz"), {0, 1}] == [set(column) for column in zip(*taken, strict=True)]
    assert 5 == len(taken)


@pytest.fixture(params=["x", "y", "z"])
def fixed(request):
    return request.param


@covering(whole=["all"])
@pytest.mark.parametrize("one", ["all", "some", "more"])
@pytest.mark.parametrize(("other", "further"), [(1, 2), (3, 4), (5, 6)])
def test_a_product(fixed, one, other, further):
    """What the next test looks at: 27 cases, of which those of `all` stand whole."""


def test_what_is_left_out_is_in_the_matrix_tier(request):
    """Cases that are not taken are of the matrix tier, but for those of a value that stands whole."""
    items = [*request.session.genitems(request.node.getparent(pytest.Module))]  # collected once more
    tiers._mark_what_covering_leaves_out(items)
    cases = [item for item in items if item.originalname == "test_a_product"]
    default = [item.callspec.params for item in cases if tiers.tier_of(item) == "unit"]
    assert 27 == len(cases)
    assert 9 == sum(case["one"] == "all" for case in default)
    assert 9 < len(default) <= 9 + 2 * 2
    for name, values in {"fixed": {*"xyz"}, "one": {"all", "some", "more"}, "other": {1, 3, 5}}.items():
        assert values == {case[name] for case in default}


def functions_below(folder):
    """The functions that are tests, with their files."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                yield f"{path.relative_to(folder)}::{node.name}", ast.get_docstring(node) or ""


def test_each_test_says_what_it_demands():
    """The docstring of a test is its requirement."""
    assert [] == [name for name, said in functions_below(TESTS) if not said]


def test_each_soak_test_says_why_it_is_one():
    """At most sixty tests are left out of every run, and each says for what."""
    soak = dict(functions_below(TESTS / "soak"))
    assert [] == [name for name, said in soak.items() if "In\nsoak" not in said and "In soak" not in said]
    assert 0 < len(soak) <= 60
