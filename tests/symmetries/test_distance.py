"""A metric on orbits."""

import pytest
import torch
from torch import nn

from symmetries import (
    SymmetryError,
    aligned,
    declare,
    distance,
    gated_mlp,
    lora_pair,
    norm_gain,
    norm_shift,
    query_key,
    relu_rescaling,
    value_output,
)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(6), nn.MultiheadAttention(6, 2, batch_first=True)


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(5, 4)


class Adapter(nn.Module):
    def __init__(self):
        super().__init__()
        self.lora_A, self.lora_B = nn.Linear(6, 2, bias=False), nn.Linear(2, 5, bias=False)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


CASES = {
    "attention": (
        Attention,
        (query_key("attn"), value_output("attn"), norm_gain("norm", "attn"), norm_shift("norm", "attn")),
    ),
    "ReLU chain": (mlp, (relu_rescaling("0", "2"), relu_rescaling("2", "4"))),
    "gated": (Gated, (gated_mlp(up="up", down="down"),)),
    "LoRA": (Adapter, (lora_pair("lora_A", "lora_B"),)),
}


@pytest.fixture(params=CASES)
def symmetry(request):
    build, declarations = CASES[request.param]
    return declare(build().double(), *declarations)


def draw(symmetry, generator):
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in symmetry.shapes.items()
    }


def test_zero_on_an_orbit_however_far_the_parameters(symmetry, generator):
    a = draw(symmetry, generator)
    found = distance(symmetry, a, symmetry.act(symmetry.random(generator, 100.0), a))
    assert found.value < 1e-9 * found.size  # balancing is stable: condition 100 costs two digits of sixteen, squared
    assert found.naive > 0.1 * found.size


def test_the_same_for_all_points_of_two_orbits(symmetry, generator):
    a, b = draw(symmetry, generator), draw(symmetry, generator)
    moved = (symmetry.act(symmetry.random(generator, 100.0), point) for point in (a, b))
    assert distance(symmetry, *moved).value == pytest.approx(distance(symmetry, a, b).value, rel=1e-9)


def test_symmetric_and_with_the_triangle_inequality(symmetry, generator):
    for _ in range(5):
        a, b, c = (draw(symmetry, generator) for _ in range(3))
        ab, bc, ac = (distance(symmetry, *pair).value for pair in ((a, b), (b, c), (a, c)))
        assert distance(symmetry, b, a).value == pytest.approx(ab, rel=1e-12)
        assert 0 < ac <= ab + bc


def test_no_unitary_element_is_a_better_alignment(generator):
    """Against random search over the compact group: for LoRA, O(2)."""
    build, declarations = CASES["LoRA"]
    symmetry = declare(build().double(), *declarations)
    a, b = (symmetry.canonical(draw(symmetry, generator)) for _ in range(2))
    found = distance(symmetry, a, b).value
    rivals = []
    for _ in range(2_000):
        q = torch.linalg.qr(torch.randn(1, 2, 2, generator=generator, dtype=torch.float64))[0]
        signs = torch.randn(2, generator=generator, dtype=torch.float64).sign()  # Householder's Q has one determinant
        moved = symmetry.act({symmetry.pairs[0].name: q * signs}, b)
        rivals.append(sum((a[name] - moved[name]).square().sum() for name in a).sqrt().item())
    assert found <= min(rivals) < found * 1.001


def test_parts_add_up(symmetry, generator):
    found = distance(symmetry, draw(symmetry, generator), draw(symmetry, generator))
    assert sum(part**2 for part in found.parameters.values()) == pytest.approx(found.value**2, rel=1e-12)
    assert "modulo symmetry" in str(found)


def test_bad_input_is_refused(generator):
    build, declarations = CASES["LoRA"]
    symmetry = declare(build().double(), *declarations)
    a = draw(symmetry, generator)
    with pytest.raises(ValueError, match="same names"):
        distance(symmetry, a, {**a, "other": torch.ones(1)})
    with pytest.raises(ValueError, match="NaN"):
        distance(symmetry, a, {**a, "lora_A.weight": torch.full((2, 6), float("nan"))})
    with pytest.raises(SymmetryError, match="lack full rank"):
        distance(symmetry, a, {**a, "lora_B.weight": torch.zeros(5, 2)})
    with pytest.raises(SymmetryError, match="shape"):
        distance(symmetry, a, {**a, "lora_B.weight": torch.ones(6, 2)})


def test_aligned_points_are_on_the_orbits_and_that_far_apart(symmetry, generator):
    a, b = draw(symmetry, generator), draw(symmetry, generator)
    first, second = aligned(symmetry, a, b)
    assert distance(symmetry, first, a).relative < 1e-9
    assert distance(symmetry, second, b).relative < 1e-9
    apart = sum((first[name] - second[name]).square().sum() for name in a).sqrt().item()
    assert apart == pytest.approx(distance(symmetry, a, b).value, rel=1e-12)
