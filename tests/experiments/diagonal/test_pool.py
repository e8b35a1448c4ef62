import pytest
import torch

from experiments.diagonal.pool import DiagonalPool, trained
from experiments.diagonal.regression import SparseRegression
from measures import EmpiricalLoss


@pytest.fixture
def problem(generator: torch.Generator) -> SparseRegression:
    return SparseRegression.draw(30, 20, nonzero=3, noise=0.0, equal=True, generator=generator)


@pytest.fixture
def pool(problem: SparseRegression, generator: torch.Generator) -> DiagonalPool:
    scales = torch.tensor([1e-3, 0.1, 0.5], dtype=torch.float64)
    return trained(problem, scales, loss=1e-5, lr=0.05, max_steps=20_000, generator=generator)


def test_every_network_stops_where_its_loss_is_first_low_enough(pool: DiagonalPool, problem: SparseRegression) -> None:
    losses = problem.loss(pool.products)
    assert bool((losses <= 1e-5).all())
    assert bool((losses > 0.9e-5).all())  # the steps are small: none has gone far beyond


def test_small_initial_values_find_the_sparse_target(pool: DiagonalPool, problem: SparseRegression) -> None:
    gaps = problem.gap(pool.products)
    assert gaps[0] < 0.01 * gaps[2]


def test_a_network_of_the_pool_is_the_module(pool: DiagonalPool, problem: SparseRegression) -> None:
    loss = EmpiricalLoss(
        pool.network(), lambda f, b: (f(b[0]) - b[1]).square().mean(), [(problem.inputs, problem.responses)]
    )
    torch.testing.assert_close(loss(pool.params(1)), problem.loss(pool.products)[1])


def test_networks_that_do_not_arrive_are_an_error(problem: SparseRegression, generator: torch.Generator) -> None:
    with pytest.raises(FloatingPointError, match="1 of 1 networks"):
        trained(problem, torch.tensor([0.1]), loss=1e-5, lr=0.05, max_steps=3, generator=generator)
