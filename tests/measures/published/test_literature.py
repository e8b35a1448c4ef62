import math

import pytest
import torch
from torch import nn

from measures import (
    EmpiricalLoss,
    Literature,
    curvature,
    fisher_rao_norm,
    fisher_spectrum,
    measure,
    pac_bayes_flatness,
    path_norm,
    relative_flatness,
)
from quotient import Adaptive, Euclidean, unflattened

FEW = {"steps": 3, "samples": 4, "probes": 2, "lanczos_steps": 4}


@pytest.fixture
def relu_net(float64, generator):
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    data = [(torch.randn(6, 4, generator=generator), torch.randint(3, (6,), generator=generator))]
    loss = EmpiricalLoss(model, lambda f, b: nn.functional.cross_entropy(f(b[0]), b[1]), data)
    return loss, {name: p.detach() for name, p in model.named_parameters()}


def test_rows_are_added_after_those_of_their_geometry(relu_net):
    loss, params = relu_net
    geometries = {"standard": Euclidean(), "adaptive": Adaptive()}
    literature = Literature(layers={"0.weight": 0}, inputs=torch.zeros(1, 4), gauss_newton=True)
    options = {"radius": 0.1, "alphas": (), **FEW}
    plain, table = (
        measure(loss, params, geometries, literature=chosen, generator=torch.Generator().manual_seed(0), **options)
        for chosen in (None, literature)
    )
    names = [(row.measure, row.geometry) for row in table.rows]
    ahead = [
        "Fisher-Rao norm",
        "log Frobenius norms",
        "log spectral norms",
        "relative flatness 0.weight",
        "path norm",
    ]
    after = [
        "Gauss-Newton trace",
        "Gauss-Newton lambda max",
        "Fisher trace",
        "Fisher lambda max",
        "PAC-Bayes flatness",
    ]
    assert names[2:7] == [(name, "") for name in ahead]
    for geometry in geometries:
        assert [name for name, of in names if of == geometry][-5:] == after
    assert len(names) - len(plain.rows) == literature.count(2)


def test_values_are_those_of_the_functions(relu_net):
    loss, params = relu_net
    directions = [Adaptive().random(params, torch.Generator().manual_seed(i)) for i in range(4)]
    literature = Literature(layers={"2.weight": 0}, tolerance=0.02, block=2, inputs=torch.zeros(1, 4))
    table = measure(
        loss, params, {"a": Adaptive()}, radius=0.1, directions={"a": directions}, literature=literature, **FEW
    )
    fisher = fisher_spectrum(loss, params, Adaptive())
    flatness = pac_bayes_flatness(loss, params, Adaptive(), tolerance=0.02, directions=directions)
    expected = {
        ("Fisher-Rao norm", ""): fisher_rao_norm(loss, params).value,
        ("relative flatness 2.weight", ""): relative_flatness(loss, params, "2.weight").value,
        ("path norm", ""): path_norm(loss.model, params, torch.zeros(1, 4)).value,
        ("Fisher trace", "a"): fisher.trace,
        ("Fisher lambda max", "a"): fisher.largest,
        ("PAC-Bayes flatness", "a"): flatness.value,
    }
    assert {key: table[key].value for key in expected} == pytest.approx(expected, rel=1e-9)
    assert table["PAC-Bayes flatness", "a"].stderr == pytest.approx(flatness.stderr)


def test_gauss_newton_rows_are_those_of_the_dense_matrix(relu_net):
    loss, params = relu_net
    units = torch.eye(sum(p.numel() for p in params.values()))
    origin = tuple(params.values())
    directions = [dict(zip(params, unflattened(row, origin), strict=True)) for row in units]
    options = {"radius": 0.1, "directions": {"s": directions}, "steps": 1, "probes": len(units), "alphas": ()}
    table = measure(loss, params, {"s": Euclidean()}, literature=Literature(gauss_newton=True), **options)
    operator = curvature(loss, params, kind="gauss-newton")
    eigenvalues = torch.linalg.eigvalsh(torch.stack([operator(row) for row in units]))
    assert table["Gauss-Newton trace", "s"].value == pytest.approx(eigenvalues.sum().item(), rel=1e-9)
    assert table["Gauss-Newton lambda max", "s"].value == pytest.approx(eigenvalues[-1].item(), rel=1e-9)


def test_a_loss_that_no_noise_raises_is_a_missing_value(relu_net):
    loss, params = relu_net
    table = measure(loss, params, {"a": Adaptive()}, radius=0.1, literature=Literature(tolerance=1e9), **FEW)
    assert math.isnan(table["PAC-Bayes flatness", "a"].value)
