"""Halving: every item that fails is found, in few tests where few do."""

import pytest

from symmetries.halving import failing


class Counted:
    """A test that fails on sets with one of some items, and counts its calls."""

    def __init__(self, *bad):
        self.bad, self.calls = set(bad), 0

    def __call__(self, part):
        self.calls += 1
        return bool(self.bad & set(part))


@pytest.mark.parametrize("bad", [(), (0,), (99,), (3, 4), (0, 50, 99), tuple(range(100))])
def test_what_fails_is_found_in_order(bad):
    assert failing(range(100), Counted(*bad)) == list(bad)


def test_one_test_is_enough_where_nothing_fails():
    test = Counted()
    assert (failing(range(1000), test), test.calls) == ([], 1)


def test_a_single_failure_costs_two_tests_for_each_halving():
    test = Counted(17)
    failing(range(1024), test)
    assert test.calls == 1 + 2 * 10


def test_nothing_is_tested_where_there_is_nothing():
    test = Counted()
    assert (failing([], test), test.calls) == ([], 0)


def test_a_set_that_fails_without_a_failing_item_gives_nothing():
    assert failing(range(8), lambda part: len(part) > 4) == []
