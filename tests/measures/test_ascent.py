import math

import pytest
import torch

from measures.ascent import auto_pgd, auto_pgd_checkpoints, projected_ascent
from quotient import length

METHODS = pytest.mark.parametrize("method", [auto_pgd, projected_ascent])


class Plane:
    """A function of two variables with its gradient, and a record of where it was asked."""

    def __init__(self, function):
        self.function, self.visited = function, []

    def __call__(self, x):
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x):
        point = x[0].detach().requires_grad_()
        value = self.function(point)
        self.visited.append(point.detach().clone())  # an ascent writes over its points
        return value.detach(), torch.autograd.grad(value, [point])


LANDSCAPES = {
    "linear": lambda p: 3 * p[0] - 4 * p[1],
    "bowl": lambda p: p[0] ** 2 + 3 * p[1] ** 2 + 0.2 * p[0] + 0.1 * p[1],
    "saddle": lambda p: p[0] ** 2 - 2 * p[1] ** 2 + 0.1 * p[0] + 0.3 * p[1],
    "peak inside": lambda p: -((p[0] - 0.3) ** 2) - 5 * (p[1] - 0.2) ** 2,
    "waves": lambda p: torch.sin(2 * p[0] + 0.5) + torch.cos(3 * p[1] - 1.0) + 0.5 * p[0] * p[1],
}


def highest(function, radius):
    """The maximum over a polar grid of the disk."""
    r = torch.linspace(0, radius, 401, dtype=torch.float64)
    angle = torch.linspace(0, 2 * math.pi, 2001, dtype=torch.float64)
    r, angle = torch.meshgrid(r, angle, indexing="ij")
    return function(torch.stack([r * angle.cos(), r * angle.sin()])).max()


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("radius", [0.1, 0.5])
def test_auto_pgd_finds_the_maximum_on_a_disk(name, radius):
    function = LANDSCAPES[name]
    values = auto_pgd(Plane(function), (torch.zeros(2, dtype=torch.float64),), radius, 40)
    start = function(torch.zeros(2, dtype=torch.float64))
    # 1 % of the rise: what 40 steps leave, and what the grid does not see.
    assert values.max() - start == pytest.approx((highest(function, radius) - start).item(), rel=0.01)


@METHODS
@pytest.mark.parametrize("name", LANDSCAPES)
def test_every_point_visited_lies_in_the_ball_and_is_reported(method, name):
    plane = Plane(LANDSCAPES[name])
    values = method(plane, (torch.zeros(2, dtype=torch.float64),), 0.4, 15)
    assert len(values) == len(plane.visited) == 16
    assert all(length((p,)) <= 0.4 * (1 + 1e-14) for p in plane.visited)
    torch.testing.assert_close(values, torch.stack([LANDSCAPES[name](p) for p in plane.visited]))


@METHODS
def test_iterates_turn_with_the_coordinates(method):
    c, s = math.cos(1.0), math.sin(1.0)
    turn = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    function, start = LANDSCAPES["waves"], torch.tensor([0.1, 0.2], dtype=torch.float64)
    plane, turned = Plane(function), Plane(lambda p: function(turn.T @ p))
    method(plane, (start,), 0.5, 20)
    method(turned, (turn @ start,), 0.5, 20)
    torch.testing.assert_close(torch.stack(turned.visited), torch.stack(plane.visited) @ turn.T, rtol=0, atol=1e-11)


@METHODS
def test_first_step_goes_to_the_sphere_along_the_gradient(method):
    plane = Plane(LANDSCAPES["linear"])
    method(plane, (torch.zeros(2, dtype=torch.float64),), 0.5, 1)
    torch.testing.assert_close(plane.visited[-1], 0.5 * torch.tensor([0.6, -0.8], dtype=torch.float64))


def test_auto_pgd_follows_an_independent_transcription_of_the_algorithm():
    function, radius, steps = LANDSCAPES["waves"], 0.8, 20
    plane = Plane(function)
    auto_pgd(plane, (torch.zeros(2, dtype=torch.float64),), radius, steps)
    # Croce & Hein, Algorithm 1, with x[k], f[k] as arrays. W = {5, 9, ...} as printed for N = 20.
    marks, eta, alpha = [0, 5, 9, 12, 14, 16, 18, 19, 20], 2 * radius, 0.75

    def project(p):
        return p * min(1.0, radius / max(p.norm().item(), 1e-300))

    def move(p, eta):
        q = p.clone().requires_grad_()
        (g,) = torch.autograd.grad(function(q), [q])
        return project(p + eta * g / g.norm())

    x = [torch.zeros(2, dtype=torch.float64)]
    seen = [x[0], move(x[0], eta)]
    x.append(seen[1])
    best = max(x, key=function)
    up, etas, bests = [bool(function(x[1]) > function(x[0]))], [eta], [function(x[0])]
    for k in range(1, steps):
        if k in marks:
            last = marks[marks.index(k) - 1]
            few = sum(up[last:k]) < 0.75 * (k - last)
            same = etas[-1] == eta and bests[-1] == function(best)
            etas.append(eta)
            bests.append(function(best))
            if few or same:
                eta, x[k], x[k - 1] = eta / 2, best, best
        z = move(x[k], eta)
        new = project(x[k] + alpha * (z - x[k]) + (1 - alpha) * (x[k] - x[k - 1]))
        up.append(bool(function(new) > function(x[k])))
        x.append(new)
        seen.append(new)
        best = max(best, new, key=function)
    torch.testing.assert_close(torch.stack(plane.visited), torch.stack(seen), rtol=0, atol=1e-13)


@METHODS
def test_zero_gradient_leaves_the_ascent_where_it_is(method):
    values = method(Plane(lambda p: (p**2).sum()), (torch.zeros(2, dtype=torch.float64),), 1.0, 5)
    assert not values.any()


@pytest.mark.parametrize(
    ("steps", "expected"), [(1, [1]), (10, [3, 5, 6, 7, 8, 9, 10]), (100, [22, 41, 57, 70, 80, 87, 93, 99])]
)
def test_checkpoints_are_exact(steps, expected):
    assert auto_pgd_checkpoints(steps) == expected
