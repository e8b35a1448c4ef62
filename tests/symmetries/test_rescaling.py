"""Scales that norms forget: an action, found in the computation, apart from the exact group."""

import pytest
import torch
from torch import nn

from symmetries import Rescaling, SymmetryError, View, defects, detect, trainable_parameters
from symmetries.factor import APPROXIMATE, COUNTED, EXACT

FACTOR = Rescaling(
    "scale",
    (
        (View("w", "(copies h) n -> copies (h n) 1", copies=2), 1.0),
        (View("gain", "(copies h) -> copies h 1", copies=2).plus(1.0), -2.0),
    ),
)


@pytest.fixture
def params(generator):
    return {
        "w": torch.randn(4, 3, generator=generator, dtype=torch.float64),
        "gain": torch.randn(4, generator=generator, dtype=torch.float64),
    }


def shapes(params):
    return {name: value.shape for name, value in params.items()}


def test_powers_of_a_positive_number_for_every_copy(params):
    moved = FACTOR.act(torch.tensor([2.0, 3.0], dtype=torch.float64), params)
    torch.testing.assert_close(moved["w"][:2], 2 * params["w"][:2])
    torch.testing.assert_close(moved["w"][2:], 3 * params["w"][2:])
    torch.testing.assert_close(moved["gain"][2:] + 1, (params["gain"][2:] + 1) / 9)


def test_action_inverse_and_derivative(params, generator):
    g, h = (FACTOR.random(shapes(params), generator=generator, condition=10.0, scale=1.0) for _ in range(2))
    for name, value in FACTOR.act(g * h, params).items():
        torch.testing.assert_close(FACTOR.act(g, FACTOR.act(h, params))[name], value)
        torch.testing.assert_close(FACTOR.act(FACTOR.inverse(g), FACTOR.act(g, params))[name], params[name])
    x = FACTOR.random_algebra(shapes(params), generator=generator)
    _, velocity = torch.func.jvp(
        lambda t: FACTOR.act(FACTOR.exponential(t * x), params),
        (torch.zeros((), dtype=torch.float64),),
        (torch.ones((), dtype=torch.float64),),
    )
    for name, value in FACTOR.infinitesimal(x, params).items():
        torch.testing.assert_close(velocity[name], value)


def test_views_that_do_not_fit_are_an_error(params):
    other = Rescaling("scale", ((View("w", "h n -> 1 (h n) 1"), 1.0), *FACTOR.terms[1:]))
    with pytest.raises(SymmetryError, match="1 copies of one column .* got shape"):
        other.check(shapes(params))


class Normalized(nn.Module):
    """A linear map into a norm; heads of it where asked for."""

    def __init__(self, heads: int, eps: float):
        super().__init__()
        self.heads, self.eps = heads, eps
        self.write, self.read = nn.Linear(3, 4 * heads), nn.Linear(4 * heads, 2)

    def forward(self, x):
        x = self.write(x).unflatten(-1, (self.heads, -1))
        x = x / (x.square().mean(-1, keepdim=True) + self.eps).sqrt() if self.eps else x / x.norm(dim=-1, keepdim=True)
        return self.read(torch.tanh(x).flatten(-2))


@pytest.mark.parametrize("heads", [1, 3])
def test_every_head_has_a_scale_of_its_own(heads, generator):
    model = Normalized(heads, 1e-3).double()
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x)
    (factor,) = (factor for factor in symmetry.factors if isinstance(factor, Rescaling))
    assert factor.dimension(symmetry.shapes) == heads
    assert factor.flags == {APPROXIMATE}
    assert defects(model, symmetry, x)[factor.name] > 1e-6
    model.eps = 1e-300
    assert defects(model, symmetry, x)[factor.name] < 1e-12


def test_without_an_eps_it_is_exact_and_counted(generator):
    model = Normalized(1, 0.0).double()
    symmetry = detect(model, torch.randn(5, 3, generator=generator, dtype=torch.float64))
    (factor,) = (factor for factor in symmetry.factors if isinstance(factor, Rescaling))
    assert factor.flags == {EXACT, COUNTED}
    assert symmetry.dimension >= 1


def test_a_second_reader_of_the_stream_sees_the_scale(generator):
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.write, self.norm = nn.Linear(3, 4), nn.RMSNorm(4)

        def forward(self, x):
            x = self.write(x)
            return torch.tanh(x) + self.norm(x)

    symmetry = detect(Skip().double(), torch.randn(5, 3, generator=generator, dtype=torch.float64))
    assert not any(isinstance(factor, Rescaling) for factor in symmetry.factors)
    assert trainable_parameters(Skip()).keys() == symmetry.shapes.keys()
