"""Which part of a large product the default run takes."""

import itertools
from types import SimpleNamespace

import pytest

from tests import tiers
from tests.tiers import covering, covering_cases

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


class Case:
    """A case of a test, as pytest collects it."""

    def __init__(self, *numbers):
        self.nodeid = f"test_x[{numbers}]"
        self.callspec = SimpleNamespace(indices=dict(enumerate(numbers)), _idlist=[f"id{number}" for number in numbers])
        self.marks = {"covering": covering(whole=["id0"]).mark}
        self.get_closest_marker = self.marks.get
        self.add_marker = lambda name: self.marks.update({name: pytest.mark.matrix.mark})


def test_what_is_left_out_is_in_the_matrix_tier():
    """Cases that are not taken are marked, but for those of a value that stands whole."""
    cases = [Case(*numbers) for numbers in itertools.product(range(3), range(10, 13))]
    tiers._mark_what_covering_leaves_out(cases)
    default = {tuple(case.callspec.indices.values()) for case in cases if "matrix" not in case.marks}
    assert {(0, 10), (0, 11), (0, 12)} < default
    assert [{0, 1, 2}, {10, 11, 12}] == [set(column) for column in zip(*default, strict=True)]
    assert 5 == len(default)
