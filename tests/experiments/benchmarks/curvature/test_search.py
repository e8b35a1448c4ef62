import pytest

from experiments.benchmarks.curvature.search import smallest


@pytest.mark.parametrize("count", range(1, 12))
def test_the_smallest_sufficient_effort_is_found_and_none_is_tried_twice(count):
    for threshold in range(count):
        tried = []

        def enough(effort, tried=tried, threshold=threshold):
            tried.append(effort)
            return effort >= threshold

        assert smallest(range(count), enough) == threshold
        assert len(set(tried)) == len(tried) <= 2 * count.bit_length() + 1


@pytest.mark.parametrize("count", range(12))
def test_none_is_found_where_none_is_enough_and_the_largest_was_tried(count):
    tried = []
    assert smallest(range(count), tried.append) is None
    assert tried[-1:] == list(range(count))[-1:]
