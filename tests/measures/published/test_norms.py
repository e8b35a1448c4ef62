import itertools
import math

import pytest
import torch
from torch import nn

from measures.published.norms import log_norm_product, parameter_norm, path_norm


def relu_net():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))


def params_of(model):
    return {name: p.detach() for name, p in model.named_parameters()}


def rescaled(params, scales):
    return params | {
        "0.weight": params["0.weight"] * scales[:, None],
        "0.bias": params["0.bias"] * scales,
        "2.weight": params["2.weight"] / scales,
    }


def test_parameter_norm_counts_every_entry(float64):
    params = params_of(relu_net())
    expected = math.sqrt(sum(p.square().sum().item() for p in params.values()))
    assert parameter_norm(params).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
def test_log_product_is_of_weights_alone_and_reads_filters_as_rows(float64, norm):
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Linear(4, 5))
    params = params_of(model)
    total = 0.0
    for name in ("0.weight", "1.weight"):
        singular = torch.linalg.svdvals(params[name].reshape(params[name].shape[0], -1))
        total += math.log(singular[0] ** 2 if norm == "spectral" else singular.square().sum())
    assert log_norm_product(params, norm=norm).value == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
def test_log_product_ignores_scales_of_layers_and_sees_those_of_neurons(float64, norm):
    params = params_of(relu_net())
    value = log_norm_product(params, norm=norm).value
    layers, neurons = rescaled(params, torch.full((4,), 7.0)), rescaled(params, torch.tensor([9.0, 1.0, 0.2, 1.0]))
    assert log_norm_product(layers, norm=norm).value == pytest.approx(value, rel=1e-10)
    assert abs(log_norm_product(neurons, norm=norm).value - value) > 0.01


def test_a_weight_that_is_zero_makes_the_product_zero():
    assert log_norm_product({"B": torch.zeros(3, 2), "A": torch.ones(2, 3)}).value == -math.inf


def test_path_norm_is_the_sum_over_paths(float64):
    model = relu_net()
    params = params_of(model)
    one, two, three = (params[f"{i}.weight"] for i in (0, 2, 4))
    total = 0.0
    for i, j, k, o in itertools.product(range(3), range(4), range(5), range(2)):
        total += (one[j, i] * two[k, j] * three[o, k]).item() ** 2
    for j, k, o in itertools.product(range(4), range(5), range(2)):
        total += (params["0.bias"][j] * two[k, j] * three[o, k]).item() ** 2
    for k, o in itertools.product(range(5), range(2)):
        total += (params["2.bias"][k] * three[o, k]).item() ** 2
    total += params["4.bias"].square().sum().item()
    assert path_norm(model, params, torch.zeros(1, 3)).value == pytest.approx(math.sqrt(total), rel=1e-12)


def test_path_norm_ignores_scales_of_neurons_and_the_norm_does_not(float64):
    model = relu_net()
    params = params_of(model)
    moved = rescaled(params, torch.tensor([9.0, 1.0, 0.2, 1.0]))
    value = path_norm(model, params, torch.zeros(1, 3)).value
    assert path_norm(model, moved, torch.zeros(1, 3)).value == pytest.approx(value, rel=1e-12)
    assert abs(parameter_norm(moved).value / parameter_norm(params).value - 1) > 0.1


def test_path_norm_of_a_convolution_counts_every_position(float64):
    model = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    weight = torch.tensor([[[[1.0, -2.0], [3.0, 4.0]]]])
    found = path_norm(model, {"0.weight": weight}, torch.zeros(1, 1, 5, 5))
    assert found.value == pytest.approx(math.sqrt(30.0))


LAYERS = {
    "layer norm": lambda: nn.LayerNorm(4),
    "smooth activation": nn.GELU,
    "softmax": lambda: nn.Softmax(-1),
    "batch norm with a mean": lambda: nn.BatchNorm1d(4),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_networks_without_paths_are_refused(float64, layer):
    model = nn.Sequential(nn.Linear(3, 4), LAYERS[layer](), nn.ReLU(), nn.Linear(4, 2)).eval()
    for mean in (b for name, b in model.named_buffers() if name.endswith("running_mean")):
        mean.add_(0.5)
    with pytest.raises(ValueError, match="not affine on nonnegative values"):
        path_norm(model, params_of(model), torch.zeros(1, 3))


def test_other_norms_and_vectors_alone_are_refused():
    with pytest.raises(ValueError, match="'frobenius' or 'spectral', got 'nuclear'"):
        log_norm_product({"w": torch.eye(2)}, norm="nuclear")
    with pytest.raises(ValueError, match="two axes or more"):
        log_norm_product({"b": torch.ones(2)})
