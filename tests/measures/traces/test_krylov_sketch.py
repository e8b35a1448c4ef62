import pytest
import torch

from measures import MatrixOperator
from measures.traces.krylov_sketch import KrylovSketch


def test_sketch_knows_the_trace_of_what_it_caught_for_one_product_a_row(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i for i in range(12)])
    sketch = KrylovSketch(MatrixOperator(matrix), 5, generator)
    for _ in sketch.growth():
        pass
    rows = sketch.rows
    torch.testing.assert_close(rows @ rows.mT, torch.eye(5), rtol=0, atol=1e-14)
    assert sketch.trace == pytest.approx((rows @ matrix @ rows.mT).trace().item(), rel=1e-12)
    assert (sketch.products, sketch.is_full, sketch.exhausted) == (5, True, False)


def test_what_the_rows_catch_of_an_image_comes_by_the_next_row_alone(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i for i in range(12)])
    sketch = KrylovSketch(MatrixOperator(matrix), 5, generator)
    for _ in sketch.growth():
        pass
    x = torch.randn(12, generator=generator)
    x = x - sketch.rows.mT @ (sketch.rows @ x)
    assert sketch.caught(x, matrix @ x) == pytest.approx((sketch.rows @ matrix @ x).square().sum().item(), rel=1e-10)


def test_costs_follow_what_is_left_for_quadratic_forms(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i * (-1) ** (i % 3) for i in range(12)], *[0.0] * 300)
    sketch = KrylovSketch(MatrixOperator(matrix), 12, generator)
    costs, left = [], []
    for _ in range(6):
        sketch.grow()
        complement = torch.eye(312) - sketch.rows.mT @ sketch.rows
        left.append((complement @ matrix @ complement).square().sum())
        costs.append(sketch.cost(rtol=0.5))
    aim = 0.5 * 312 * (sketch.rows[0] @ matrix @ sketch.rows[0]).item()
    # The mean of the rest, 1e-3, is next to nothing here.
    torch.testing.assert_close(torch.tensor(costs).diff(), 1 + 2 * torch.stack(left).diff() / aim**2, rtol=0.02, atol=0)


def test_a_level_spectrum_needs_no_rows_whatever_its_outliers(float64, generator):
    outliers = torch.tensor([100.0, 10.0])
    sketch = KrylovSketch(MatrixOperator(torch.diag(torch.cat([outliers, torch.full((98,), 0.1)]))), 50, generator)
    for _ in sketch.growth(rtol=1e-3):
        pass
    assert len(sketch.rows) < 10


def test_growth_stops_where_quadratic_forms_are_cheaper(float64, generator):
    flat = KrylovSketch(MatrixOperator(torch.diag(torch.linspace(1, 2, 200))), 100, generator)
    steep = KrylovSketch(MatrixOperator(torch.diag(0.8 ** torch.arange(200.0))), 100, generator)
    for sketch in (flat, steep):
        for _ in sketch.growth(rtol=0.02):
            pass
    assert len(flat.rows) < 10 < len(steep.rows) < 40


def test_rows_keep_to_their_memory(float64, generator):
    row = 200 * 8
    sketch = KrylovSketch(MatrixOperator(torch.diag(0.9 ** torch.arange(200.0))), 100, generator, memory=7 * row)
    for _ in sketch.growth(rtol=1e-3):
        pass
    assert (sketch.is_full, len(sketch.rows)) == (True, 6)  # beside the next one


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
