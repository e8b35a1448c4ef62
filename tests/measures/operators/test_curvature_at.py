import pytest
import torch

from measures import curvature, layers
from measures.operators.gauss_newton import GaussNewton
from measures.operators.hessian import RiemannianHessian
from quotient import Adaptive, Euclidean, Quotient
from symmetries import detect
from tests.integration.curvature_cases import CASES
from tests.measures.operators.test_hessian import dense


@pytest.mark.parametrize(("kind", "expected"), [("hessian", RiemannianHessian), ("gauss-newton", GaussNewton)])
def test_both_kinds(classifier, kind, expected):
    assert isinstance(curvature(*classifier(), kind=kind), expected)


def test_a_block_is_that_of_the_whole_matrix(classifier, dense_hessian):
    loss, params = classifier()
    names = [name for name in params if name.startswith("norm")]
    inside = torch.cat([torch.full((p.numel(),), name in names) for name, p in params.items()])
    expected = dense_hessian(loss, params)[inside][:, inside]
    torch.testing.assert_close(dense(curvature(loss, params, parameters=["norm.*"])), expected)


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("hessian", "head"),
        ("hessian", "blocks.1"),
        ("gauss-newton", "head"),
        pytest.param("hessian", "blocks.0", marks=pytest.mark.slow),
        pytest.param("gauss-newton", "blocks.0", marks=pytest.mark.slow),
        pytest.param("gauss-newton", "blocks.1", marks=pytest.mark.slow),
    ],
)
def test_blocks_on_the_quotient_belong_to_the_orbit(generator, layer, kind):
    """Also where a symmetry moves parameters inside and outside of the block."""
    loss, params = CASES["LayerNorm ViT"](generator)
    symmetry = detect(loss.model, loss.batches[0][0])
    moved = symmetry.act(symmetry.random(generator, condition=30.0), params)
    names = layers(params)[layer]
    raw = (Euclidean(), Adaptive()) if layer == "head" else ()
    for geometry, invariant in ((Quotient(symmetry), True), *((geometry, False) for geometry in raw)):
        here, there = (
            torch.linalg.eigvalsh(dense(curvature(loss, p, geometry, kind=kind, parameters=names)))
            for p in (params, moved)
        )
        assert torch.allclose(here, there, rtol=1e-6, atol=1e-9 * float(here[-1])) is invariant


def test_what_cannot_be_is_refused(classifier):
    loss, params = classifier()
    with pytest.raises(ValueError, match="kind must be one of"):
        curvature(loss, params, kind="fisher")
    with pytest.raises(ValueError, match="nothing"):
        curvature(loss, params, parameters=["nothing"])
    with pytest.raises(ValueError, match="no direction"):
        curvature(loss, {name: torch.zeros_like(p) for name, p in params.items()}, Adaptive())
