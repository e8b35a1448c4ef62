import gc
import weakref

import pytest
import torch

from measures.operators.graphs import Graphs

LENGTH = 1000  # of a float64 vector: 8000 bytes, of which the graph of a cube holds some


def cubes(leaf, count):
    """Functions that build the gradient of the sum of cubes, counted in ``built``."""
    built = []

    def build():
        built.append(None)
        return torch.autograd.grad((leaf * 2.0).pow(3).sum(), leaf, create_graph=True)[0]

    return [build] * count, built


@pytest.mark.parametrize(("memory", "kept"), [(0, 0), (10_000_000, 4), (None, 4), (1, 0)])
def test_as_many_graphs_are_kept_as_fit(memory, kept):
    leaf = torch.randn(LENGTH, dtype=torch.float64, requires_grad=True)
    build, built = cubes(leaf, 4)
    graphs = Graphs(build, {"w": leaf}, memory)
    assert graphs.kept == kept
    before = len(built)
    for _ in range(2):
        for gradient in graphs:
            (second,) = torch.autograd.grad(gradient.sum(), leaf, retain_graph=True)
            torch.testing.assert_close(second, 48.0 * leaf.detach())
    assert len(built) == before + 2 * (4 - kept)


def test_the_budget_is_counted_in_bytes_that_a_graph_holds():
    leaf = torch.randn(LENGTH, dtype=torch.float64, requires_grad=True)
    build, _ = cubes(leaf, 4)
    one = next(memory for memory in range(1000, 10**6, 1000) if Graphs(build[:1], {"w": leaf}, memory).kept)
    assert 8000 <= one <= 6 * 8000
    assert Graphs(build, {"w": leaf}, 3 * one).kept == 3


def test_measuring_does_not_keep_a_graph_alive():
    """The result of exp is saved by its own node: kept with its graph, the two would hold each other."""
    leaf = torch.zeros(LENGTH, dtype=torch.float64, requires_grad=True)
    made = []

    class Marked(torch.autograd.Function):
        """The identity, whose node is held by its context."""

        @staticmethod
        def forward(ctx, x):
            made.append(weakref.ref(ctx))
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    graphs = Graphs(
        [lambda: torch.autograd.grad(Marked.apply(leaf).exp().sum(), leaf, create_graph=True)[0]], {"w": leaf}
    )
    assert graphs.kept == 1
    assert made[0]() is not None
    del graphs
    gc.collect()
    assert made[0]() is None


def test_a_negative_budget_is_refused():
    with pytest.raises(ValueError, match="not negative, got -1"):
        Graphs([], {"w": torch.zeros(1)}, -1)
