import pytest
import torch

from measures import lanczos
from measures.spectra.canonical import canonical_rules

#: Positions of the free node are sampled: the extremes are found to this share of the range.
SAMPLED = 0.02


def measured(generator, steps, n=60):
    """Eigenvalues of both signs over six orders of magnitude, the measure of a random vector, and its Jacobi matrix."""
    moduli = 10 ** (-6 * torch.rand(n, generator=generator, dtype=torch.float64))
    eigenvalues = torch.where(torch.rand(n, generator=generator) < 0.4, -moduli, moduli)
    start = torch.randn(n, generator=generator, dtype=torch.float64)
    mass = start.square() / start.square().sum()
    return eigenvalues, mass, lanczos(lambda v: eigenvalues * v, start, steps)


@pytest.mark.parametrize("steps", [1, 2, 7, 20])
def test_rules_are_positive_and_know_all_moments_that_the_steps_know(generator, steps):
    eigenvalues, mass, jacobi = measured(generator, steps)
    nodes, weights = canonical_rules(jacobi)
    assert nodes.shape[1] == steps + 1
    assert weights.min() >= 0
    for degree in range(min(2 * steps, 12) + 1):
        expected = (mass @ eigenvalues**degree).expand(len(nodes))
        torch.testing.assert_close((weights * nodes**degree).sum(dim=1), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("steps", [1, 3, 8, 20])
def test_range_over_the_rules_bounds_sums_of_powers(generator, alpha, steps):
    for _ in range(20):
        eigenvalues, mass, jacobi = measured(generator, steps)
        nodes, weights = canonical_rules(jacobi)
        low, high = (weights * nodes.abs() ** alpha).sum(dim=1).aminmax()
        slack = SAMPLED * (high - low) + 1e-14
        assert low - slack <= mass @ eigenvalues.abs() ** alpha <= high + slack


def test_more_steps_leave_less_open(generator):
    _, _, jacobi = measured(generator, 30)
    widths = []
    for steps in (3, 6, 12, 24):
        nodes, weights = canonical_rules(jacobi.truncated(steps))
        low, high = (weights * nodes.abs().sqrt()).sum(dim=1).aminmax()
        widths.append((high - low).item())
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3 * widths[0]


@pytest.mark.parametrize("threshold", [-0.01, 0.001, 0.1])
def test_node_at_a_jump_bounds_the_mass_above_it(generator, threshold):
    for _ in range(20):
        eigenvalues, mass, jacobi = measured(generator, 10)
        nodes, weights = canonical_rules(jacobi, [threshold])
        own = nodes[-1] - threshold
        assert own.abs().min() < 1e-12  # the last rule has the bend among its nodes
        at = own.abs().argmin()
        above = weights[-1, at + 1 :].sum()
        assert above <= mass[eigenvalues > threshold].sum() <= above + weights[-1, at] + 1e-14


def test_exhausted_space_leaves_nothing_open(generator):
    eigenvalues, mass, jacobi = measured(generator, 100, n=12)
    nodes, weights = canonical_rules(jacobi)
    assert nodes.shape == (1, 12)
    torch.testing.assert_close(weights @ nodes.mT.abs().sqrt(), (mass @ eigenvalues.abs().sqrt()).view(1, 1))


def test_bend_on_a_ritz_value_is_no_difficulty():
    eigenvalues = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0, 5.0], dtype=torch.float64)
    symmetric = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1e-3], dtype=torch.float64)
    nodes, weights = canonical_rules(lanczos(lambda v: eigenvalues * v, symmetric, 3))
    assert nodes.isfinite().all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(weights), dtype=torch.float64))
