import pytest
import torch

from experiments.diagonal.regression import SparseRegression


@pytest.fixture
def problem(generator: torch.Generator) -> SparseRegression:
    return SparseRegression.draw(12, 6, nonzero=3, noise=0.3, equal=False, generator=generator)


def test_the_target_is_sparse_and_of_length_one(problem: SparseRegression) -> None:
    assert problem.target.count_nonzero() == 3
    assert problem.target.norm().item() == pytest.approx(1.0)


def test_equal_entries_are_equal(generator: torch.Generator) -> None:
    target = SparseRegression.draw(12, 6, nonzero=4, noise=0.0, equal=True, generator=generator).target
    assert target[target != 0].tolist() == [pytest.approx(0.5)] * 4


def test_derivatives_are_those_of_the_loss(problem: SparseRegression, generator: torch.Generator) -> None:
    predictor = torch.randn(12, generator=generator, dtype=torch.float64)
    gradient = torch.func.grad(lambda b: problem.loss(b))(predictor)
    torch.testing.assert_close(problem.gradient(predictor), gradient)
    torch.testing.assert_close(problem.hessian, torch.func.hessian(lambda b: problem.loss(b))(predictor))


def test_the_gap_of_the_target_is_noise_less_training_loss(problem: SparseRegression) -> None:
    gap = problem.gap(problem.target)
    torch.testing.assert_close(gap, 0.3**2 - problem.loss(problem.target))
    assert problem.gap(problem.target, "error of the weights") == 0


def test_a_finite_test_set_estimates_the_gap(problem: SparseRegression) -> None:
    # 1,000 squared errors of standard deviation sqrt(2) times their mean: the mean is off by 4.5 %.
    predictor = torch.zeros(1, 12, dtype=torch.float64)
    apart = problem.gap(predictor, "test set") - problem.gap(predictor)
    assert apart.abs().item() < 4 * 0.045 * (1.0 + 0.3**2)


def test_more_nonzero_entries_than_features_are_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="between 1 and 4"):
        SparseRegression.draw(4, 2, nonzero=5, noise=0.0, equal=True, generator=generator)
