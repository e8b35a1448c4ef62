import pytest
import torch

from measures import MatrixOperator
from measures.krylov_sketch import KrylovSketch


def test_sketch_knows_the_trace_of_what_it_caught_for_one_product_a_row(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i for i in range(12)])
    sketch = KrylovSketch(MatrixOperator(matrix), 5, generator)
    for _ in sketch.growth():
        pass
    rows = sketch.rows
    torch.testing.assert_close(rows @ rows.mT, torch.eye(5), rtol=0, atol=1e-14)
    assert sketch.trace == pytest.approx((rows @ matrix @ rows.mT).trace().item(), rel=1e-12)
    assert (sketch.products, sketch.is_full, sketch.exhausted) == (5, True, False)


def test_costs_follow_the_variance_of_a_quadratic_form_on_the_rest(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i * (-1) ** (i % 3) for i in range(12)])
    sketch = KrylovSketch(MatrixOperator(matrix), 12, generator)
    costs, variances = [], []
    for k in range(1, 7):
        sketch.grow()
        total = 12 * (sketch.rows[0] @ matrix @ sketch.rows[0])  # what is known of the trace
        complement = torch.eye(12) - sketch.rows.mT @ sketch.rows
        left = (complement @ matrix @ complement).square().sum()
        variances.append(2 * (left - (total - sketch.trace) ** 2 / (12 - k)) / (0.5 * total) ** 2)
        costs.append(sketch.cost(rtol=0.5))
    torch.testing.assert_close(torch.tensor(costs).diff(), 1 + torch.stack(variances).diff())


def test_growth_stops_where_quadratic_forms_are_cheaper(float64, generator):
    flat = KrylovSketch(MatrixOperator(torch.diag(torch.linspace(1, 2, 200))), 100, generator)
    steep = KrylovSketch(MatrixOperator(torch.diag(0.8 ** torch.arange(200.0))), 100, generator)
    for sketch in (flat, steep):
        for _ in sketch.growth(rtol=0.02):
            pass
    assert len(flat.rows) < 10 < len(steep.rows) < 40


def test_the_whole_space_is_exhausted(float64, generator, symmetric):
    sketch = KrylovSketch(MatrixOperator(symmetric(3.0, -1.0, 0.5)), 100, generator)
    for _ in sketch.growth():
        pass
    assert (sketch.exhausted, len(sketch.rows)) == (True, 3)
    assert sketch.trace == pytest.approx(2.5, rel=1e-12)


def test_an_operator_that_is_zero_does_not_grow_for_ever(float64, generator):
    sketch = KrylovSketch(MatrixOperator(torch.zeros(50, 50)), 25, generator)
    for _ in sketch.growth(rtol=0.1):
        pass
    assert (len(sketch.rows), sketch.trace) == (5, 0.0)
