import pytest
import torch

from measures import MatrixOperator
from measures.traces.hutchpp import RangeSketch


def test_sketch_knows_the_trace_of_what_it_caught(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i for i in range(12)])
    sketch = RangeSketch(MatrixOperator(matrix), generator)
    for _ in range(5):
        sketch.grow()
    rows = torch.stack(sketch.rows)
    torch.testing.assert_close(rows @ rows.mT, torch.eye(5), rtol=0, atol=1e-14)
    assert sketch.trace == pytest.approx((rows @ matrix @ rows.mT).trace().item(), rel=1e-12)
    assert sketch.products == 10


def test_what_the_rows_catch_of_an_image_is_known(float64, generator, symmetric):
    matrix = symmetric(*[0.7**i for i in range(12)])
    sketch = RangeSketch(MatrixOperator(matrix), generator)
    for _ in range(5):
        sketch.grow()
    rows, x = torch.stack(sketch.rows), torch.randn(12, generator=generator)
    x = x - rows.mT @ (rows @ x)
    assert sketch.caught(x, matrix @ x) == pytest.approx((rows @ matrix @ x).square().sum().item(), rel=1e-10)


def test_low_rank_is_exhausted(float64, generator, symmetric):
    sketch = RangeSketch(MatrixOperator(symmetric(3.0, -1.0, *[0.0] * 10)), generator)
    for _ in sketch.growth():
        pass
    assert sketch.exhausted
    assert len(sketch.rows) == 2
    assert sketch.trace == pytest.approx(2.0, rel=1e-12)


def test_growth_stops_where_quadratic_forms_are_cheaper(float64, generator):
    flat = RangeSketch(MatrixOperator(torch.diag(torch.linspace(1, 2, 200))), generator)
    steep = RangeSketch(MatrixOperator(torch.diag(0.8 ** torch.arange(200.0))), generator)
    for sketch in (flat, steep):
        for _ in sketch.growth(rtol=0.02):
            pass
    assert len(flat.rows) < 10 < len(steep.rows) < 40


def test_zero_is_exhausted_at_once(float64, generator):
    sketch = RangeSketch(MatrixOperator(torch.zeros(4, 4)), generator)
    for _ in sketch.growth(rtol=0.1):
        pass
    assert (sketch.exhausted, len(sketch.rows), sketch.trace) == (True, 0, 0.0)
