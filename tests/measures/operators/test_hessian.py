import pytest
import torch

from measures import LocalLoss, RiemannianHessian
from quotient import Adaptive, Euclidean, Invariant, Mixed, Quotient, Taylor, combined, dot, flattened, scaled

FLAT = pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()], ids=lambda g: type(g).__name__)
CURVED = pytest.mark.parametrize(
    "options", [{"metric": Invariant()}, {"metric": Mixed(), "geodesic": Taylor(2)}], ids=["invariant", "mixed"]
)


def dense(operator):
    """The matrix of an operator on all of its coordinates, zero on vertical ones."""
    return torch.stack([operator(operator.project(e)) for e in torch.eye(operator.size)])


@FLAT
def test_hessian_in_a_flat_frame_is_the_scaled_hessian(classifier, dense_hessian, geometry):
    loss, params = classifier()
    chart = geometry.chart(params)
    t = torch.cat([s.expand_as(params[n]).reshape(-1) for n, s in chart.scales.items()])
    expected = t.unsqueeze(1) * dense_hessian(loss, params) * t
    torch.testing.assert_close(dense(RiemannianHessian(loss, chart)), expected, rtol=1e-9, atol=1e-11)


@CURVED
def test_hessian_on_the_quotient_is_the_second_derivative_along_geodesics(low_rank, generator, options):
    loss, params, symmetry = low_rank
    chart = Quotient(symmetry, **options).chart(params)
    hessian, local = RiemannianHessian(loss, chart), LocalLoss(loss, chart)
    x = chart.random(generator)
    # Central differences of the gradient: error h^2 from the third derivative, eps / h from rounding.
    h = 1e-5
    ahead, behind = (local.value_and_gradient(scaled(x, s * h))[1] for s in (1, -1))
    difference = scaled(combined(ahead, -1.0, behind), 1 / (2 * h))
    torch.testing.assert_close(hessian(flattened(x)), flattened(difference), rtol=1e-6, atol=1e-8)


@CURVED
def test_hessian_on_the_quotient_is_symmetric_and_horizontal(low_rank, generator, options):
    loss, params, symmetry = low_rank
    chart = Quotient(symmetry, **options).chart(params)
    hessian = RiemannianHessian(loss, chart)
    x, y = (hessian.random(generator) for _ in range(2))
    torch.testing.assert_close(hessian(x) @ y, x @ hessian(y), rtol=1e-10, atol=0)
    torch.testing.assert_close(hessian.project(hessian(x)), hessian(x))


def test_straight_part_alone_is_not_the_hessian_on_the_quotient(low_rank, generator):
    loss, params, symmetry = low_rank
    chart = Quotient(symmetry).chart(params)
    x = chart.random(generator)
    straight = chart.project(chart.components(loss.hvp(params, chart.vector(x))))
    assert abs(dot(straight, x) / (RiemannianHessian(loss, chart)(flattened(x)) @ flattened(x)) - 1) > 0.01


def test_eigenvalues_on_the_quotient_belong_to_the_orbit(low_rank, generator):
    loss, params, symmetry = low_rank
    moved = symmetry.act(symmetry.random(generator, condition=100.0), params)
    for geometry, invariant in ((Quotient(symmetry), True), (Euclidean(), False)):
        here, there = (
            torch.linalg.eigvalsh(dense(RiemannianHessian(loss, chart)))
            for chart in (geometry.chart(geometry.representative(p)) for p in (params, moved))
        )
        assert torch.allclose(here, there, rtol=1e-8, atol=1e-10) is invariant
