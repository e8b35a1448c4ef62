import pytest
import torch

from measures import lanczos


def run(matrix, steps, generator):
    start = torch.randn(len(matrix), generator=generator, dtype=matrix.dtype)
    return start / start.norm(), lanczos(lambda v: matrix @ v, start, steps)


def test_full_run_has_the_eigenvalues_of_the_matrix(symmetric, generator):
    values = [-3.0, -1.0, 0.0, 0.5, 2.0, 7.0, 7.5]
    _, jacobi = run(symmetric(*values), 7, generator)
    torch.testing.assert_close(jacobi.nodes, torch.tensor(values, dtype=torch.float64), rtol=1e-11, atol=1e-12)
    assert jacobi.remainder == 0.0 or jacobi.residuals.max() < 1e-12


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_gauss_rule_is_exact_for_polynomials_of_degree_below_twice_the_steps(symmetric, generator, steps):
    matrix = symmetric(*torch.linspace(-1, 1, 20).tolist())
    start, jacobi = run(matrix, steps, generator)
    assert jacobi.weights.sum().item() == pytest.approx(1.0, rel=1e-12)
    for degree in range(2 * steps + 1):
        rule = (jacobi.weights * jacobi.nodes**degree).sum()
        moment = start @ torch.linalg.matrix_power(matrix, degree) @ start
        assert (abs(rule - moment).item() < 1e-12) is (degree < 2 * steps)


def test_residuals_bound_the_distance_to_an_eigenvalue(generator, symmetric):
    values = torch.linspace(-2, 5, 60, dtype=torch.float64) ** 3
    _, jacobi = run(symmetric(*values.tolist()), 25, generator)
    distance = (jacobi.nodes.unsqueeze(1) - values).abs().min(dim=1).values
    assert (distance <= jacobi.residuals + 1e-9).all()
    assert jacobi.residuals[-1] < 1e-6 * values.max()  # the top has converged, the inside has not
    assert jacobi.residuals.max() > 1e-2


def test_orthogonality_survives_converged_eigenvalues(symmetric, generator):
    # Without reorthogonalization the top eigenvalue comes back as ghosts.
    values = [1e4, *torch.linspace(0, 1, 99).tolist()]
    _, jacobi = run(symmetric(*values), 60, generator)
    assert (jacobi.nodes > 2.0).sum() == 1


@pytest.mark.parametrize("steps", [5, 100])
def test_run_ends_where_the_space_is_exhausted(symmetric, generator, steps):
    matrix = symmetric(2.0, 2.0, 2.0, 5.0, 5.0, -1.0)  # three distinct eigenvalues
    _, jacobi = run(matrix, steps, generator)
    assert jacobi.steps == 3
    torch.testing.assert_close(jacobi.nodes, torch.tensor([-1.0, 2.0, 5.0], dtype=torch.float64))
    assert not jacobi.residuals.any()


def test_zero_operator_ends_at_once(generator):
    _, jacobi = run(torch.zeros(4, 4, dtype=torch.float64), 4, generator)
    assert jacobi.nodes.tolist() == [0.0]


def test_truncation_is_a_shorter_run(symmetric, generator):
    matrix = symmetric(*torch.linspace(-1, 1, 30).tolist())
    start = torch.randn(30, generator=generator, dtype=torch.float64)
    long, short = (lanczos(lambda v: matrix @ v, start, steps) for steps in (12, 6))
    torch.testing.assert_close(long.truncated(6).nodes, short.nodes)
    torch.testing.assert_close(long.truncated(6).residuals, short.residuals)
    assert long.truncated(50) is long


def test_single_precision_keeps_single_precision_accuracy(symmetric, generator):
    values = torch.linspace(0.1, 3, 40)
    _, jacobi = run(symmetric(*values.tolist()).float(), 40, generator)
    assert abs(jacobi.nodes[-1] - 3.0) < 1e-5


@pytest.mark.parametrize("rows", [2, 5])
def test_few_rows_bring_copies_of_eigenvalues_and_the_same_gauss_rule(symmetric, generator, rows):
    values = torch.cat([torch.tensor([1e4, 50.0]), torch.linspace(0, 1, 98)])
    matrix = symmetric(*values.tolist())
    start = torch.randn(100, generator=generator, dtype=torch.float64)
    whole, short = (lanczos(lambda v: matrix @ v, start, 60, rows=r) for r in (None, rows))
    assert (whole.nodes > 2.0).sum() == 2
    assert (short.nodes > 2.0).sum() > 2
    for function in (torch.abs, torch.sqrt, lambda t: torch.exp(-t)):
        rule, expected = ((j.weights * function(j.nodes.clamp_min(0.0))).sum() for j in (short, whole))
        torch.testing.assert_close(rule, expected, rtol=1e-4, atol=0)


def test_one_row_is_refused():
    with pytest.raises(ValueError, match="rows >= 2, got 1"):
        lanczos(lambda v: v, torch.ones(3), 3, rows=1)
