import pytest
import torch
from torch import nn

from experiments import Decoder
from experiments.benchmarks.curvature.problem import SIZES, problem

TINY = SIZES["tiny"]


@pytest.mark.parametrize(("name", "count"), [("0.8M", 0.8e6), ("20M", 20e6)])
def test_names_of_sizes_count_their_parameters(name, count):
    with torch.device("meta"):
        model = Decoder(SIZES[name].decoder)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(count, rel=0.03)


@pytest.mark.parametrize(("layer_norm", "kind"), [(False, nn.RMSNorm), (True, nn.LayerNorm)])
def test_a_problem_is_fitted_once_and_the_same_from_then_on(tmp_path, layer_norm, kind):
    path = tmp_path / "point.safetensors"
    first = problem(TINY, path, layer_norm=layer_norm, seed=0)
    again = problem(TINY, path, layer_norm=layer_norm, seed=0)
    assert first.loss() == again.loss() < 5.0  # less than log 256, the loss of a uniform guess
    assert torch.equal(first.inputs, again.inputs)
    assert first.inputs.shape == (TINY.batch, TINY.length)
    assert torch.equal(first.inputs[:, 1:], first.targets.view_as(first.inputs)[:, :-1])
    assert any(isinstance(module, kind) for module in first.model.modules())
    assert not any(p.grad is not None for p in first.parameters)
