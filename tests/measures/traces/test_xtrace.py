import math

import pytest
import torch

from measures import MatrixOperator
from measures.traces.xtrace import XTrace


def by_hand(matrix, vectors, chosen):
    """The definition, one QR decomposition for every vector left out."""
    d = len(matrix)
    estimates = []
    for i in chosen:
        others = torch.stack([vectors[j] for j in chosen if j != i], dim=1)
        q = torch.linalg.qr(matrix @ others).Q
        r = vectors[i] - q @ (q.mT @ vectors[i])
        r = r * math.sqrt(d - len(chosen) + 1) / torch.linalg.vector_norm(r)
        estimates.append((q.mT @ matrix @ q).trace() + r @ matrix @ r)
    return torch.stack(estimates)


@pytest.fixture
def grown(float64, generator, symmetric):
    matrix = symmetric(*[0.8**i * (-1) ** (i % 3) for i in range(30)])
    state = XTrace(MatrixOperator(matrix), generator)
    for _ in range(7):
        state.grow()
    return matrix, state


def test_estimates_are_those_of_the_definition(grown):
    matrix, state = grown
    expected = by_hand(matrix, state._vectors, range(7))
    torch.testing.assert_close(state._estimates()[0], expected, rtol=1e-10, atol=1e-10)
    assert state.value == pytest.approx(expected.mean().item(), rel=1e-10)
    assert state.products == 14


def test_error_is_the_jackknife_of_the_whole_estimator(grown):
    matrix, state = grown
    without = torch.stack([by_hand(matrix, state._vectors, [j for j in range(7) if j != i]).mean() for i in range(7)])
    jackknife = (6 / 7 * (without - without.mean()).square().sum()).sqrt().item()
    student = 2.4469  # the 97.5 % point with 6 degrees of freedom
    assert state.stderr == pytest.approx(jackknife * student / 2, rel=1e-4)


@pytest.mark.parametrize("eigenvalues", [[5.0, -1.0, 2.0] + 20 * [0.0], [1.0, 2.0, 3.0, 4.0]])
def test_exhausted_range_gives_the_trace_itself(float64, generator, symmetric, eigenvalues):
    state = XTrace(MatrixOperator(symmetric(*eigenvalues)), generator)
    while not state.exhausted:
        state.grow()
    assert len(state) == sum(x != 0 for x in eigenvalues)
    assert state.value == pytest.approx(sum(eigenvalues), rel=1e-12)
    assert state.stderr == 0.0


def test_two_vectors_tell_no_error(grown):
    matrix, _ = grown
    state = XTrace(MatrixOperator(matrix), torch.Generator().manual_seed(0))
    state.grow()
    state.grow()
    assert state.stderr == math.inf
    assert math.isfinite(state.value)
