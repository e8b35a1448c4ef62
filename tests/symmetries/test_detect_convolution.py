"""Convolutional networks with batch norm in evaluation mode, against the counts of every family."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from experiments.models import generic_, settle_statistics_
from quotient import Quotient
from symmetries import audit, detect, distance, trainable_parameters, verify


class PreActivation(nn.Module):
    """Two residual blocks of norm, activation, convolution: the stream itself is not normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1, bias=False) for _ in range(2))
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        x = self.stem(x)
        for norm, conv in zip(self.norms, self.convs, strict=False):
            x = x + conv(F.leaky_relu(norm(x)))
        return self.head(F.leaky_relu(self.norms[-1](x)).mean((2, 3)))


class Bottlenecks(nn.Module):
    """A stream of three channels that linear maps write and read, norms between."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.branch, self.last = self.block(2, 3), self.block(3, 3), self.block(3, 4)

    def block(self, read, written):
        layers = nn.Sequential(
            *(nn.Conv2d(read, 4, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU6()),
            *(nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(4), nn.ReLU6()),
            *(nn.Conv2d(4, written, 1, bias=False), nn.BatchNorm2d(written)),
        )
        for norm in (layers[1], layers[4]):
            nn.init.constant_(norm.weight, 6.0)  # channels reach both ends of their activation
        return layers

    def forward(self, x):
        stream = self.first(x)
        return self.last(stream + self.branch(stream)).mean((2, 3))


class Dense(nn.Module):
    """Two layers that read all that came before, a transition, one more layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (3, 3, 5, 7, 3, 5))
        self.convs = nn.ModuleList(
            nn.Conv2d(n, m, k, padding=k // 2, bias=False) for n, m, k in ((3, 2, 3), (5, 2, 3), (7, 3, 1), (3, 2, 3))
        )
        self.head = nn.Linear(5, 4)

    def normed(self, i, x):
        return F.leaky_relu(self.norms[i](x), 0.4)  # what is rectified steeply stays on one side of the next kink

    def forward(self, x):
        x = self.normed(0, self.stem(x))
        for i in (0, 1):
            x = torch.cat([x, self.convs[i](self.normed(i + 1, x))], 1)
        x = F.avg_pool2d(self.convs[2](self.normed(3, x)), 2)
        x = torch.cat([x, self.convs[3](self.normed(4, x))], 1)
        return self.head(self.normed(5, x).mean((2, 3)))


class UNet(nn.Module):
    """One level down, one up: by a transposed convolution, or by repeating pixels."""

    def __init__(self, *, learned: bool) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)])
        self.up = nn.ConvTranspose2d(4, 3, 2, 2) if learned else nn.Upsample(scale_factor=2)
        self.merge = nn.Conv2d(6 if learned else 7, 3, 3, padding=1)
        self.head = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        high = F.leaky_relu(self.down[0](x))
        low = F.leaky_relu(self.down[1](F.max_pool2d(high, 2)))
        return self.head(F.leaky_relu(self.merge(torch.cat([high, self.up(low)], 1)))).flatten(1)


def plain(*middle, bias=False):
    """A convolution, what is asked for, a pool and a linear head."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=bias), *middle, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)
    )


# By family: gains that fold into filters, positive scalings through activations, biases that fold into shifts.
CASES = {
    "conv, norm, ReLU": (lambda: plain(nn.BatchNorm2d(3), nn.ReLU()), 3 + 3),
    "with a bias": (lambda: plain(nn.BatchNorm2d(3), nn.ReLU(), bias=True), 3 + 3 + 3),
    "VGG": (
        lambda: plain(
            *(nn.BatchNorm2d(3), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 3, 3, padding=1)),
            *(nn.BatchNorm2d(3), nn.LeakyReLU()),
            bias=True,
        ),
        2 * (3 + 3 + 3),
    ),
    "clamped on both sides, which only the filter passes": (lambda: plain(nn.BatchNorm2d(3), nn.Hardtanh(0, 1)), 3),
    "SiLU": (lambda: plain(nn.BatchNorm2d(3), nn.SiLU(), bias=True), 3 + 3),
    "conv, ReLU, norm": (lambda: plain(nn.LeakyReLU(), nn.BatchNorm2d(3), bias=True), 3 + 3 + 3),
    "pre-activation": (PreActivation, 3 + 2 * 3 + 3),
    # gains, the basis of the stream, its constants that two of its writers and its readers trade
    "MobileNet": (Bottlenecks, 3 * (4 + 4) + 3 + 3 + 4 + 3**2 + 3 + 3),
    # the gain of the stem, what every layer writes, and what every norm writes behind a join
    "DenseNet": (Dense, 3 + (3 + 2 + 2 + 3 + 2) + (3 + 5 + 7 + 3 + 5)),
    "U-Net": (lambda: UNet(learned=False), 3 + 4 + 3),
    "U-Net, the way up learned": (lambda: UNet(learned=True), 3 + 4 + 3 + 3**2),
}


def settled(make, generator, count=120):
    model = make().double()
    generic_(model, generator)
    x = 2.0 * torch.randn(count, 2, 6, 6, generator=generator, dtype=torch.float64)
    settle_statistics_(model, x)
    return model.eval(), x


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_batch_norm_is_missed(name, generator):
    make, dimension = CASES[name]
    model, x = settled(make, generator)
    symmetry = detect(model, x[:3], head="raw")
    assert not symmetry.unrecognised
    assert symmetry.dimension == dimension
    assert verify(model, symmetry, x[:8], rtol=1e-9, generator=generator) < 1e-9
    found = audit(model, symmetry, x, generator=generator)
    assert (found.unexplained, found.declared) == (0, dimension)
    assert found.vertical_defect < 1e-12


def test_canonical_norms_leave_channels_as_they_are(generator):
    model, x = settled(CASES["with a bias"][0], generator)
    symmetry = detect(model, x[:3], head="raw")
    params = trainable_parameters(model)
    canonical = symmetry.canonical(params)
    norm = model[1]
    torch.testing.assert_close(canonical["1.weight"], (norm.running_var + norm.eps).sqrt())
    torch.testing.assert_close(canonical["0.bias"], torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(torch.func.functional_call(model, canonical, (x,)), model(x))


def test_two_points_of_one_orbit_have_no_distance(generator):
    model, x = settled(CASES["VGG"][0], generator)
    symmetry = detect(model, x[:3], head="raw")
    params = trainable_parameters(model)
    moved = symmetry.act(symmetry.random(generator, 100.0), params)
    assert distance(symmetry, params, moved).relative < 1e-9
    assert distance(symmetry, params, params | {"9.weight": 2 * params["9.weight"]}).relative > 1e-3


def test_norms_of_tangents_are_the_same_along_an_orbit(generator):
    model, x = settled(CASES["VGG"][0], generator)
    symmetry = detect(model, x[:3], head="raw")
    params, g = trainable_parameters(model), symmetry.random(generator, 100.0)
    geometry = Quotient(symmetry)
    u = geometry.random(params, generator)
    moved, pushed = symmetry.act(g, params), symmetry.push(g, params, u)
    torch.testing.assert_close(geometry.norm(moved, pushed), geometry.norm(params, u))
    canonical = symmetry.canonical(params)
    vertical = symmetry.infinitesimal(symmetry.random_algebra(generator, factors=symmetry.pairs), canonical)
    assert geometry.norm(canonical, geometry.project(canonical, vertical)) < 1e-9 * geometry.norm(canonical, vertical)


def test_statistics_of_the_batch_forget_scale_and_bias(generator):
    norm = nn.BatchNorm2d(3, eps=1e-40, track_running_stats=False)  # zero is refused
    model = plain(norm, nn.LeakyReLU(), bias=True).double().eval()
    generic_(model, generator)
    x = 2.0 * torch.randn(90, 2, 6, 6, generator=generator, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    by_family = {family.name: family.dimension for family in symmetry.families}
    assert by_family == {"unseen bias": 3, "rescaling of units": 3, "scale before a norm": 3}
    found = audit(model, symmetry, x, generator=generator)
    assert (found.unexplained, found.approximate) == (0, 3)


def test_pooling_of_channels_that_are_last_in_memory_is_read(generator):
    model, x = settled(CASES["conv, norm, ReLU"][0], generator, count=3)
    symmetry = detect(model, x.to(memory_format=torch.channels_last), head="raw")
    assert (symmetry.dimension, symmetry.unrecognised) == (6, ())
