"""Columns of several parameters: read, written and paired as those of one factor."""

import pytest
import torch

from symmetries import Columns, GeneralLinear, Symmetry, SymmetryError, View, pairing

LEFT = Columns((View("b", "n h -> 1 n h"), View("c", "n h -> 1 n h")), (2.0, -0.5))
RIGHT = Columns((View("a", "h n -> 1 n h"), View("d", "h n -> 1 n h")))
PAIR = Symmetry(GeneralLinear(3), (LEFT,), (RIGHT,))


@pytest.fixture
def params(generator):
    shapes = {"b": (5, 2), "c": (5, 1), "a": (2, 4), "d": (1, 4)}
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


def product(params):
    return 2.0 * params["b"] @ params["a"] - 0.5 * params["c"] @ params["d"]


def test_columns_stand_side_by_side(params):
    assert torch.equal(LEFT.read(params)[0], torch.cat([2.0 * params["b"], -0.5 * params["c"]], dim=1))
    assert LEFT.shape({name: value.shape for name, value in params.items()}) == (1, 5, 3)


@pytest.mark.parametrize("covector", [False, True])
def test_writing_is_the_inverse_of_reading(params, covector):
    target = {name: torch.zeros_like(value) for name, value in params.items()}
    PAIR.unstack_(target, *PAIR.stack(params, covector=covector), covector=covector)
    for name, value in params.items():
        torch.testing.assert_close(target[name], value)


@pytest.mark.parametrize("covector", [False, True])
def test_stacking_into_given_memory_is_stacking(params, covector):
    expected = PAIR.stack(params, covector=covector)
    target = tuple(torch.empty_like(stack) for stack in expected)
    PAIR.stack_into_(params, *target, covector=covector)
    torch.testing.assert_close(target, expected)


def test_the_sum_of_products_does_not_change(params, generator):
    shapes = {name: value.shape for name, value in params.items()}
    moved = PAIR.act(PAIR.random(shapes, generator=generator, condition=10.0, scale=1.0), params)
    torch.testing.assert_close(product(moved), product(params))
    assert PAIR.dimension(shapes) == 9


def test_pairings_with_covectors_are_those_of_the_stacks(params, generator):
    covector = {name: torch.randn(value.shape, generator=generator).double() for name, value in params.items()}
    stacked = zip(PAIR.stack(covector, covector=True), PAIR.stack(params), strict=True)
    torch.testing.assert_close(sum((c * u).sum() for c, u in stacked), pairing(covector, params))


def test_what_does_not_fit_says_why(params):
    with pytest.raises(ValueError, match="expected 2 scales other than zero"):
        Columns(LEFT.views, (1.0, 0.0))
    with pytest.raises(SymmetryError, match="copies and rows in common"):
        Columns((View("b", "n h -> 1 n h"), View("a", "n h -> 1 n h"))).shape({k: v.shape for k, v in params.items()})
    wrong = Symmetry(GeneralLinear(2), (LEFT,), (RIGHT,))
    with pytest.raises(SymmetryError, match="2 columns, got 1 copies with 3 columns in 'b' read as"):
        wrong.check({name: value.shape for name, value in params.items()})
