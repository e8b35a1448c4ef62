import pytest
import torch
from torch import nn

from measures import EmpiricalLoss
from measures.published.relative_flatness import relative_flatness


def network(*layers, inputs, generator):
    model = nn.Sequential(*layers)
    data = [(torch.randn(6, *inputs, generator=generator), torch.randint(3, (6,), generator=generator))]
    loss = EmpiricalLoss(model, lambda f, b: nn.functional.cross_entropy(f(b[0]), b[1]), data)
    return loss, {name: p.detach() for name, p in model.named_parameters()}


def mlp(generator):
    layers = nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)
    return network(*layers, inputs=(4,), generator=generator)


def conv(generator):
    layers = nn.Conv2d(2, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3)
    return network(*layers, inputs=(2, 3, 3), generator=generator)


class Transposed(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))

    def forward(self, x):
        return x @ self.weight


def definition(loss, params, layer, dense_hessian, neurons=0):
    """The sum over pairs of neurons, from the dense Hessian of the layer."""
    part, chosen = loss.restricted(params, [layer])
    shape = params[layer].shape
    hessian = dense_hessian(part, chosen).view(*shape, *shape)
    hessian = hessian.movedim((neurons, len(shape) + neurons), (0, 1)).reshape(shape[neurons], shape[neurons], -1)
    inputs = params[layer].numel() // shape[neurons]
    rows = params[layer].movedim(neurons, 0).flatten(1)
    total = 0.0
    for s in range(len(rows)):
        for t in range(len(rows)):
            total += (rows[s] @ rows[t]).item() * hessian[s, t].view(inputs, inputs).trace().item()
    return total


CASES = {
    "wide layer": (mlp, "0.weight", 0),
    "narrow layer": (mlp, "2.weight", 0),
    "last layer": (mlp, "4.weight", 0),
    "convolution": (conv, "0.weight", 0),
    "transposed": (lambda g: network(Transposed(), inputs=(4,), generator=g), "0.weight", 1),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_sum_over_pairs_of_neurons(case, float64, generator, dense_hessian):
    make, layer, neurons = CASES[case]
    loss, params = make(generator)
    found = relative_flatness(loss, params, layer, neurons=neurons)
    assert found.value == pytest.approx(definition(loss, params, layer, dense_hessian, neurons), rel=1e-9)
    assert found.stderr is None


def test_for_least_squares_it_is_the_norm_of_the_weights_times_that_of_the_data(float64, generator):
    model, x = nn.Linear(4, 1, bias=False), torch.randn(9, 4, generator=generator)
    loss = EmpiricalLoss(model, lambda f, b: (f(b) - 1).square().mean(), [x])
    w = torch.randn(1, 4, generator=generator)
    expected = 2 * w.square().sum() * x.square().sum(1).mean()
    assert relative_flatness(loss, {"weight": w}, "weight").value == pytest.approx(expected.item(), rel=1e-12)


def test_probes_estimate_it_within_their_standard_error(float64, generator):
    loss, params = mlp(generator)
    exact = relative_flatness(loss, params, "2.weight").value
    hits = 0
    for _ in range(60):
        found = relative_flatness(loss, params, "2.weight", probes=20, generator=generator)
        hits += abs(found.value - exact) < 2 * found.stderr
    assert 51 <= hits <= 60  # 94 % of a t with 19 degrees, less three standard deviations


def test_one_probe_has_no_error(float64, generator):
    loss, params = mlp(generator)
    assert relative_flatness(loss, params, "2.weight", probes=1, generator=generator).stderr is None


def test_a_change_of_the_basis_of_its_outputs_leaves_it_and_one_of_its_inputs_moves_it(float64, generator):
    layers = nn.Linear(4, 5, bias=False), nn.Linear(5, 4, bias=False), nn.Tanh(), nn.Linear(4, 3)
    loss, params = network(*layers, inputs=(4,), generator=generator)
    basis = torch.randn(5, 5, generator=generator)
    moved = params | {"0.weight": basis @ params["0.weight"], "1.weight": params["1.weight"] @ basis.inverse()}
    torch.testing.assert_close(loss(moved), loss(params))
    for layer, same in (("0.weight", True), ("1.weight", False), ("3.weight", True)):
        before, after = (relative_flatness(loss, p, layer).value for p in (params, moved))
        assert (after == pytest.approx(before, rel=1e-8)) is same


def test_the_invariance_holds_draw_by_draw(float64, generator):
    layers = nn.Linear(4, 5, bias=False), nn.Linear(5, 3, bias=False)
    loss, params = network(*layers, inputs=(4,), generator=generator)
    moved = {"0.weight": 7 * params["0.weight"], "1.weight": params["1.weight"] / 7}
    before, after = (
        relative_flatness(loss, p, "0.weight", probes=3, generator=torch.Generator().manual_seed(0))
        for p in (params, moved)
    )
    assert after.value == pytest.approx(before.value, rel=1e-10)


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("0.wight", {}, "0.weight"),
        ("0.bias", {}, r"shape \(5,\): expected at least two axes"),
        ("0.weight", {"neurons": 2}, "neurons=2"),
        ("0.weight", {"probes": 0}, "probes must be positive"),
    ],
)
def test_what_is_no_layer_is_refused(float64, generator, layer, options, message):
    loss, params = mlp(generator)
    with pytest.raises(ValueError, match=message):
        relative_flatness(loss, params, layer, **options)
