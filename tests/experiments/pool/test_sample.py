import pytest

from experiments.pool.sample import portion


def test_samples_are_disjoint_as_far_as_the_data_reach():
    first, second, third, fourth = (portion(10, number, examples=3).tolist() for number in range(4))
    assert len({*first, *second, *third}) == 9
    assert set(fourth) & {*first, *second, *third}  # one example is left, two come again


def test_a_sample_is_always_the_same():
    assert portion(10, 1, examples=3).equal(portion(10, 1, examples=3))


def test_no_example_is_twice_in_a_sample():
    for number in range(4):
        assert sorted(portion(10, number, examples=20).tolist()) == list(range(10))


@pytest.mark.parametrize(("number", "examples"), [(0, 0), (-1, 3)])
def test_a_sample_that_cannot_be_is_refused(number, examples):
    with pytest.raises(ValueError, match="at least one example"):
        portion(10, number, examples=examples)
