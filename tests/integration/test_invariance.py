"""The claim of the project: what is measured on the quotient does not depend on the representative.

Random elements of the whole detected group, absorptions included, of condition number up to 1e3, on five kinds of
network. The counter-test: Euclidean and adaptive sharpness change on the same elements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pytest
import torch
from torch import Tensor, nn

from experiments.data import cross_entropy
from experiments.models import Decoder, DecoderConfig, ViT, ViTConfig, conv_net, generic_, lora_mlp, mlp
from measures import (
    EmpiricalLoss,
    average_case_sharpness,
    fisher_spectrum,
    hessian_spectrum,
    pac_bayes_flatness,
    worst_case_sharpness,
)
from quotient import AbstractGeometry, Adaptive, Euclidean, Exact, Invariant, Mixed, Quotient, Taylor
from symmetries import Element, ModelSymmetry, Params, Tangent, detect, trainable_parameters, verify

GEOMETRIES = {
    "invariant, exact": (Invariant(), Exact()),
    "invariant, Taylor 2": (Invariant(), Taylor(2)),
    "mixed, Taylor 2": (Mixed(), Taylor(2)),
}
RADIUS = {"invariant": 0.1, "mixed": 0.02}
#: What is asked of the quotient: float64 at condition 1e3, and float32 at condition 100.
RTOL = {torch.float64: 1e-6, torch.float32: 1e-3}
#: What the function itself may change by, relative to its largest value.
FUNCTION_RTOL = 1e-9


@dataclass(frozen=True)
class Network:
    """A generic network with two batches of data, and its symmetry."""

    model: nn.Module
    batches: Sequence[tuple[Tensor, Tensor]]
    symmetry: ModelSymmetry

    @property
    def params(self) -> Params:
        return trainable_parameters(self.model)

    @property
    def loss(self) -> EmpiricalLoss:
        return EmpiricalLoss(self.model, cross_entropy, self.batches)


def vit(draws: torch.Generator) -> tuple[nn.Module, Callable[[], Tensor]]:
    model = ViT(ViTConfig(dim=8, depth=2, heads=2), draws)
    return model, lambda: model.example_inputs(draws, batch=3)


def decoder(draws: torch.Generator) -> tuple[nn.Module, Callable[[], Tensor]]:
    config = DecoderConfig(vocabulary=11, dim=8, depth=2, heads=4, kv_heads=2, head_dim=4, hidden=12)
    model = Decoder(config, draws)
    return model, lambda: model.example_inputs(draws, batch=2, length=5)


NETWORKS: dict[str, Callable[[torch.Generator], tuple[nn.Module, Callable[[], Tensor]]]] = {
    "MLP, one hidden layer": lambda d: (mlp((4, 6, 3), generator=d), lambda: torch.randn(5, 4, generator=d)),
    "MLP, leaky and deep": lambda d: (
        mlp((4, 6, 5, 3), nn.LeakyReLU, generator=d),
        lambda: torch.randn(5, 4, generator=d),
    ),
    "conv net": lambda d: (
        conv_net((1, 3, 4), image=4, classes=3, generator=d),
        lambda: torch.randn(4, 1, 4, 4, generator=d),
    ),
    "ViT": vit,
    "RoPE, grouped-query, SwiGLU decoder": decoder,
    "LoRA": lambda d: (
        lora_mlp((4, 6, 3), rank=2, generic=True, generator=d),
        lambda: torch.randn(5, 4, generator=d),
    ),
}
#: Each network and each geometry; the other combinations are slow but for the worst case, whose search sees most.
SOME = {(name, "invariant, exact") for name in NETWORKS} | {("ViT", geometry) for geometry in GEOMETRIES}
COMBINED = pytest.mark.parametrize(
    ("name", "geometry"),
    [
        pytest.param(name, geometry, marks=() if (name, geometry) in SOME else pytest.mark.slow)
        for name in NETWORKS
        for geometry in GEOMETRIES
    ],
)


@lru_cache
def network(name: str, dtype: torch.dtype) -> Network:
    draws = torch.Generator().manual_seed(0)
    model, inputs = NETWORKS[name](draws)
    generic_(model, draws)
    model = model.to(dtype).eval()
    batches = []
    for _ in range(2):
        x = inputs()
        x = x.to(dtype) if x.is_floating_point() else x
        logits = model(x)
        batches.append((x, torch.randint(logits.shape[-1], logits.shape[:-1], generator=draws)))
    return Network(model, batches, detect(model, batches[0][0]))


def element(net: Network, condition: float) -> Element:
    """A random element of everything a quotient takes out; shifts of order one."""
    return net.symmetry.random(torch.Generator().manual_seed(5), condition=condition)


def geometry_of(net: Network, name: str) -> Quotient:
    return Quotient(net.symmetry, *GEOMETRIES[name])


def transported(net: Network, g: Element, tangents: Sequence[Tangent]) -> list[Tangent]:
    return [net.symmetry.push(g, net.params, u) for u in tangents]


def worst(net: Network, params: Params, geometry: AbstractGeometry, radius: float) -> float:
    return worst_case_sharpness(net.loss, params, geometry, radius=radius, steps=20).value


@pytest.mark.parametrize("name", NETWORKS)
def test_function_does_not_change(name: str) -> None:
    net = network(name, torch.float64)
    draws = torch.Generator().manual_seed(1)
    assert verify(net.model, net.symmetry, net.batches[0][0], condition=1e3, generator=draws) < FUNCTION_RTOL


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("name", NETWORKS)
def test_worst_case_is_invariant(name: str, geometry: str) -> None:
    net = network(name, torch.float64)
    space, radius = geometry_of(net, geometry), RADIUS[geometry.split(",")[0]]
    moved = net.symmetry.act(element(net, 1e3), net.params)
    values = [worst(net, p, space, radius) for p in (net.params, moved)]
    assert values[0] > 0
    assert values[1] == pytest.approx(values[0], rel=RTOL[torch.float64])


@COMBINED
def test_average_case_and_spectrum_are_invariant(name: str, geometry: str) -> None:
    """With transported draws: what is compared are numbers, not distributions."""
    net = network(name, torch.float64)
    space, radius = geometry_of(net, geometry), RADIUS[geometry.split(",")[0]]
    g = element(net, 1e3)
    moved = net.symmetry.act(g, net.params)
    draws = torch.Generator().manual_seed(2)
    here = [space.random(net.params, draws) for _ in range(3)]
    there = transported(net, g, here)
    averages = [
        average_case_sharpness(net.loss, p, space, radius=radius, directions=u).value
        for p, u in ((net.params, here), (moved, there))
    ]
    assert averages[1] == pytest.approx(averages[0], rel=RTOL[torch.float64])
    spectra = [
        hessian_spectrum(net.loss, p, space, directions=u[:2], probes=2, steps=12)
        for p, u in ((net.params, here), (moved, there))
    ]
    assert spectra[1].trace == pytest.approx(spectra[0].trace, rel=RTOL[torch.float64])
    assert float(spectra[1].eigenvalues[0]) == pytest.approx(float(spectra[0].eigenvalues[0]), rel=RTOL[torch.float64])
    assert spectra[1].renyi(1.5) == pytest.approx(spectra[0].renyi(1.5), rel=RTOL[torch.float64])


@COMBINED
def test_fisher_spectrum_and_noise_that_is_borne_are_invariant(name: str, geometry: str) -> None:
    net = network(name, torch.float64)
    space, g = geometry_of(net, geometry), element(net, 1e3)
    moved = net.symmetry.act(g, net.params)
    here, there = (fisher_spectrum(net.loss, p, space) for p in (net.params, moved))
    rounding = 1e-9 * here.largest
    torch.testing.assert_close(there.eigenvalues, here.eigenvalues, rtol=RTOL[torch.float64], atol=rounding)
    directions = [space.random(net.params, torch.Generator().manual_seed(3))]
    widths = [
        pac_bayes_flatness(net.loss, p, space, tolerance=0.01, directions=u).value
        for p, u in ((net.params, directions), (moved, transported(net, g, directions)))
    ]
    assert widths[1] == pytest.approx(widths[0], rel=1e-5)  # each is found to 1e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_raw_fisher_spectrum_changes_on_the_same_elements(name: str) -> None:
    net = network(name, torch.float64)
    moved = net.symmetry.act(element(net, 1e3), net.params)
    values = [fisher_spectrum(net.loss, p).trace for p in (net.params, moved)]
    assert abs(values[1] / values[0] - 1.0) > 0.05


@COMBINED
def test_single_precision_is_invariant_to_a_thousandth(name: str, geometry: str) -> None:
    net = network(name, torch.float32)
    space, radius = geometry_of(net, geometry), RADIUS[geometry.split(",")[0]]
    moved = net.symmetry.act(element(net, 100.0), net.params)
    values = [worst(net, p, space, radius) for p in (net.params, moved)]
    assert values[1] == pytest.approx(values[0], rel=RTOL[torch.float32])


@pytest.mark.parametrize("raw", [Euclidean(), Adaptive()])
@pytest.mark.parametrize("name", NETWORKS)
def test_raw_sharpness_changes_on_the_same_elements(name: str, raw: AbstractGeometry) -> None:
    if isinstance(raw, Adaptive) and name in ("MLP, one hidden layer", "MLP, leaky and deep", "conv net"):
        raw = Adaptive("tensorwise")  # elementwise sharpness is invariant under rescaling, and only under that
    net = network(name, torch.float64)
    moved = net.symmetry.act(element(net, 1e3), net.params)
    values = [worst(net, p, raw, 0.05) for p in (net.params, moved)]
    assert abs(values[1] / values[0] - 1.0) > 0.05
