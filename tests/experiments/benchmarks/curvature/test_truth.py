from dataclasses import replace

import pytest
import torch

from experiments.benchmarks.curvature.competitors import Density
from experiments.benchmarks.curvature.truth import Truth

TRUTH = Truth((3.0, -2.0), 1.0, 0.01, nodes=(0.0, 1.0), weights=(0.5, 0.5))


def density(nodes, weights):
    return Density(torch.tensor(nodes), torch.tensor(weights), 2)


def test_distance_of_equal_measures_is_zero_and_of_disjoint_ones_two():
    assert TRUTH.distance(density([1.0, 0.0], [0.5, 0.5])) < 1e-12
    assert TRUTH.distance(density([0.5, 2.0], [0.5, 0.5])) == pytest.approx(2.0, abs=1e-6)


def test_distance_is_the_mass_that_has_moved_twice_over():
    assert TRUTH.distance(density([0.0, 1.0], [0.4, 0.6])) == pytest.approx(0.2, abs=1e-6)


def test_nodes_nearer_than_the_width_are_hardly_told_apart():
    # Gaussians of equal width w at a distance h have the L1 distance 2 erf(h / (w 2 sqrt 2)), 0.08 for h = w / 10.
    shift = 0.1 * 0.005
    expected = 2 * torch.erf(torch.tensor(0.1 / 8**0.5)).item()
    moved = replace(TRUTH, nodes=(0.0, 1.0))
    assert moved.distance(density([shift, 1.0 + shift], [0.5, 0.5])) == pytest.approx(expected, rel=1e-2)
