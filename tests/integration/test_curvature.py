"""Curvature of every kind of network against the dense matrix, which is made by forward over reverse mode."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from measures import EmpiricalLoss, GaussNewton, RiemannianHessian, eigenpairs
from quotient import Adaptive, Euclidean, Quotient, unflattened
from symmetries import Covector, Params, Tangent, detect
from tests.integration.curvature_cases import CASES, dense_hessian

EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def forward_over_reverse(loss: EmpiricalLoss, params: Params, tangent: Tangent) -> Covector:
    """The forward derivative of the gradient: another way to the same product."""
    with sdpa_kernel(SDPBackend.MATH):
        return torch.func.jvp(torch.func.grad(loss), (params,), (tangent,))[1]


@EVERY_CASE
@pytest.mark.parametrize("options", [{}, {"microbatch": 3}], ids=["whole", "microbatches"])
def test_products_are_those_of_the_dense_hessian(case, options, generator):
    loss, params = case(generator, **options)
    matrix = dense_hessian(loss, params)
    torch.testing.assert_close(matrix, matrix.mT, rtol=0, atol=1e-10 * float(matrix.abs().max()))
    operator = RiemannianHessian(loss, Euclidean().chart(params))
    v = operator.random(generator)
    expected = matrix @ v
    forward = forward_over_reverse(loss, params, operator.chart.vector(unflattened(v, operator.chart.zeros())))
    torch.testing.assert_close(torch.cat([part.flatten() for part in forward.values()]), expected)
    torch.testing.assert_close(operator(v), expected, rtol=0, atol=1e-10 * float(expected.abs().max()))


@EVERY_CASE
def test_ten_leading_eigenvalues_are_those_of_the_dense_hessian(case, generator):
    loss, params = case(generator)
    expected = torch.linalg.eigvalsh(dense_hessian(loss, params)).flip(0)[:10]
    pairs = eigenpairs(RiemannianHessian(loss, Euclidean().chart(params)), 10, tolerance=1e-8, generator=generator)
    assert pairs.converged
    torch.testing.assert_close(pairs.values, expected, rtol=1e-6, atol=0)


@EVERY_CASE
def test_leading_eigenvalues_on_the_quotient_belong_to_the_orbit(case, generator):
    """Away from minima too; those of the Hessian, and of its adaptive form, do not."""
    loss, params = case(generator)
    batch = loss.batches[0]
    example = {k: v for k, v in batch.items() if k != "labels"} if isinstance(batch, dict) else batch
    symmetry = detect(loss.model, example[0] if isinstance(example, tuple) else example)
    moved = symmetry.act(symmetry.random(generator, condition=30.0), params)
    for kind in (RiemannianHessian, GaussNewton):
        # That raw geometries see the representative is a fact of the loss: it is enough to see it once.
        raw = (Euclidean(), Adaptive()) if kind is RiemannianHessian else ()
        for geometry, invariant in ((Quotient(symmetry), True), *((geometry, False) for geometry in raw)):
            here, there = (
                eigenpairs(kind(loss, geometry.chart(geometry.representative(p))), 5, tolerance=1e-8).values
                for p in (params, moved)
            )
            assert torch.allclose(here, there, rtol=1e-6, atol=0) is invariant
