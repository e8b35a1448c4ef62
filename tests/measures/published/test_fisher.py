import math

import pytest
import torch
from torch.func import functional_call, grad, vmap

from measures import EmpiricalLoss
from measures.published.fisher import fisher_spectrum
from quotient import Adaptive, Euclidean, Quotient


def dense_fisher(loss, params, scale=1.0):
    """The second moment of gradients that vmap takes of single examples; the model has no layer norm."""
    gradients = []
    for x in loss.batches:

        def of_one(p, example):
            return loss.loss_fn(lambda y: functional_call(loss.model, p, (y,)), example[None])

        parts = vmap(grad(of_one), in_dims=(None, 0))(params, x)
        rows = torch.cat([parts[name].flatten(1) for name in params], dim=1)
        gradients.append(rows / math.sqrt(len(x) * len(loss.batches)))
    stacked = torch.cat(gradients) * scale
    return stacked.T @ stacked


@pytest.mark.parametrize("block", [None, 1, 5, 16])
def test_eigenvalues_are_those_of_the_dense_matrix(low_rank, block):
    loss, params, _ = low_rank
    expected = torch.linalg.eigvalsh(dense_fisher(loss, params)).flip(0)  # 18 parameters, 16 examples
    found = fisher_spectrum(loss, params, block=block)
    assert found.dimension == 18
    torch.testing.assert_close(found.eigenvalues, expected[:16], rtol=1e-9, atol=1e-12)
    assert found.trace == pytest.approx(expected.sum().item(), rel=1e-9)
    assert found.largest == pytest.approx(expected[0].item(), rel=1e-9)


def test_adaptive_scales_rows_and_columns_by_the_weights(low_rank):
    loss, params, _ = low_rank
    weights = torch.cat([p.flatten() for p in params.values()]).abs()
    expected = torch.linalg.eigvalsh(dense_fisher(loss, params, weights)).flip(0)
    torch.testing.assert_close(
        fisher_spectrum(loss, params, Adaptive()).eigenvalues, expected[:16], rtol=1e-9, atol=1e-12
    )


def test_spectrum_on_the_quotient_belongs_to_the_orbit_and_the_euclidean_does_not(low_rank, generator):
    loss, params, symmetry = low_rank
    there = symmetry.act(symmetry.random(generator, condition=1e3), params)
    here, moved = (fisher_spectrum(loss, p, Quotient(symmetry)) for p in (params, there))
    assert here.dimension == 14  # 18 parameters less GL(2)
    assert len(here.eigenvalues) == 14
    torch.testing.assert_close(moved.eigenvalues, here.eigenvalues, rtol=1e-6, atol=1e-9)
    here, moved = (fisher_spectrum(loss, p, Euclidean()).largest for p in (params, there))
    assert abs(moved / here - 1) > 0.1


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_entropy_is_that_of_the_eigenvalues(low_rank, alpha):
    loss, params, _ = low_rank
    p = torch.linalg.eigvalsh(dense_fisher(loss, params))
    p = p[p > 1e-12] / p.sum()
    expected = (p * p.log()).sum() if alpha == 1 else -(p**alpha).sum().log() / (1 - alpha)
    assert fisher_spectrum(loss, params).renyi(alpha) == pytest.approx(expected.item(), rel=1e-6)


def test_rounding_of_zero_eigenvalues_has_no_entropy(float64):
    """Eight equal examples: one eigenvalue, and no other, whatever the order."""
    model = torch.nn.Linear(10, 1, bias=False)
    loss = EmpiricalLoss(model, lambda f, x: f(x).square().mean(), [torch.linspace(0, 1, 10).repeat(8, 1)])
    found = fisher_spectrum(loss, {"weight": torch.ones(1, 10)})
    assert found.eigenvalues[1:].tolist() == [0.0] * 7
    for alpha in (0.0, 0.1, 1.0, 3.0, math.inf):
        assert found.renyi(alpha) == pytest.approx(0.0, abs=1e-9)


def test_gradients_that_are_zero_have_no_distribution(float64):
    model = torch.nn.Linear(2, 1, bias=False)
    loss = EmpiricalLoss(model, lambda f, x: f(x).square().mean(), [torch.ones(3, 2)])
    found = fisher_spectrum(loss, {"weight": torch.zeros(1, 2)})
    assert found.trace == 0.0
    with pytest.raises(ValueError, match="every gradient is zero"):
        found.renyi(1.5)


@pytest.mark.parametrize("block", [0, -1])
def test_a_block_holds_something(low_rank, block):
    loss, params, _ = low_rank
    with pytest.raises(ValueError, match="block must be positive"):
        fisher_spectrum(loss, params, block=block)


def test_where_nothing_may_move_there_is_no_spectrum(low_rank):
    loss, params, _ = low_rank
    with pytest.raises(ValueError, match="no direction to move in"):
        fisher_spectrum(loss, {name: torch.zeros_like(p) for name, p in params.items()}, Adaptive())
