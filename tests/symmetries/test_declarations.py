"""Ready declarations: the function does not change, and names that do not fit are said."""

from symmetries import verify

RTOL = 1e-11  # rounding of a few float64 products with condition number 10


def test_declared_group_leaves_the_function_unchanged(case, generator):
    assert verify(case.model, case.symmetry, case.inputs, rtol=RTOL, generator=generator) <= RTOL


def test_declared_dimension_is_that_of_theory(case):
    assert case.symmetry.dimension == case.dimension
