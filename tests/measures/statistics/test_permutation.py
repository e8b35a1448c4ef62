import math
from collections import Counter

import pytest
import torch

from measures.statistics import permutation
from measures.statistics.coefficient import order
from measures.statistics.permutation import block_permutations, permutation_p_value, permuted_orders


def test_groups_of_one_size_change_places_whole(generator):
    labels = ["a", "b", "a", "b", "c", "c"]
    members = {"a": (0, 2), "b": (1, 3), "c": (4, 5)}
    seen = Counter()
    for p in block_permutations(labels, 600, generator):
        images = tuple(tuple(p[list(places)].tolist()) for places in members.values())
        assert set(images) == set(members.values())
        seen[images] += 1
    # Six orders, 100 expected each: 4 standard deviations of 9.1 either way.
    assert len(seen) == 6
    assert all(abs(count - 100) < 37 for count in seen.values())


def test_groups_of_any_size_give_permutations(generator):
    for p in block_permutations("aaabbc", 20, generator):
        assert sorted(p.tolist()) == list(range(6))


@pytest.mark.parametrize("entries", [2**18, 1, 30])
def test_permuted_values_are_ordered_as_by_each_permutation(entries, generator, monkeypatch):
    monkeypatch.setattr(permutation, "ENTRIES", entries)
    values = torch.randn(4, generator=generator, dtype=torch.float64).round()
    permutations = block_permutations("abca", 5, generator)
    found = torch.cat(list(permuted_orders(values, permutations)), dim=1)
    expected = torch.stack([order(values[p]).flatten() for p in permutations], dim=1)
    assert torch.equal(found, expected)


def test_no_permutations_are_none(generator):
    nothing = block_permutations("abc", 0, generator)
    assert nothing.shape == (0, 3)
    assert [block.shape for block in permuted_orders(torch.ones(3), nothing)] == [(9, 0)]


def test_p_value_counts_what_is_as_large_and_the_value_itself():
    assert permutation_p_value(0.5, [0.1, 0.5 - 1e-16, 0.9]) == pytest.approx((0.5, 3 / 4))
    assert all(map(math.isnan, permutation_p_value(0.5, [])))
