"""Geometries as manifolds of geoopt: its optimizers, its checks, and orbits."""

import copy
import pickle
import subprocess
import sys

import geoopt
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, Mixed, PackedManifold, Quotient, Taylor
from symmetries import ModelSymmetry, Params, declare, relu_rescaling

pytestmark = pytest.mark.usefixtures("float64")

SGD, ADAM = geoopt.optim.RiemannianSGD, geoopt.optim.RiemannianAdam


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def point(model: nn.Module) -> Params:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.fixture
def data(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(12, 4, generator=generator), torch.randint(3, (12,), generator=generator)


@pytest.fixture(params=["Euclidean", "Adaptive", "Quotient", "Quotient, mixed"])
def manifold(request: pytest.FixtureRequest) -> PackedManifold:
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    geometries = {
        "Euclidean": Euclidean(),
        "Adaptive": Adaptive(),
        "Quotient": Quotient(symmetry),
        "Quotient, mixed": Quotient(symmetry, metric=Mixed(), geodesic=Taylor(3)),
    }
    return PackedManifold(geometries[request.param], point(model))


def train(
    manifold: PackedManifold,
    theta: Tensor,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    steps: int,
) -> list[float]:
    model, losses = mlp(), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(functional_call(model, manifold.unpack(theta), data[0]), data[1])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_packing_and_unpacking_are_inverse_and_differentiable(manifold: PackedManifold):
    params = point(mlp())
    x = manifold.pack(params)
    assert x.shape == (manifold.size,) == (51,)
    torch.testing.assert_close(manifold.unpack(x), params, rtol=0.0, atol=0.0)
    x.requires_grad_()
    manifold.unpack(x)["2.bias"].sum().backward()
    assert x.grad.sum() == 3.0


def test_riemannian_sgd_on_the_euclidean_manifold_is_sgd(data):
    model = mlp()
    manifold = PackedManifold(Euclidean(), point(model))
    theta = manifold.parameter(point(model))
    losses = train(manifold, theta, SGD([theta], lr=0.2), data, 30)
    plain, expected = torch.optim.SGD(model.parameters(), lr=0.2), []
    for _ in range(30):
        plain.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        plain.step()
        expected.append(loss.item())
    assert losses == pytest.approx(expected, rel=1e-13)
    torch.testing.assert_close(manifold.unpack(theta.detach()), point(model), rtol=1e-12, atol=1e-12)


def test_riemannian_sgd_on_the_adaptive_manifold_scales_steps_by_the_squared_parameters(data):
    model = mlp()
    manifold = PackedManifold(Adaptive(), point(model))
    theta = manifold.parameter(point(model))
    before = theta.detach().clone()
    train(manifold, theta, SGD([theta], lr=0.2), data, 1)
    F.cross_entropy(model(data[0]), data[1]).backward()
    slope = torch.cat([p.grad.reshape(-1) for p in model.parameters()])
    torch.testing.assert_close(theta.detach(), before - 0.2 * before**2 * slope)


@pytest.mark.parametrize("make", [SGD, ADAM])
def test_optimizers_of_geoopt_lower_the_loss(make, manifold, data):
    theta = manifold.parameter(point(mlp()))
    losses = train(manifold, theta, make([theta], lr=0.05, stabilize=5), data, 30)
    assert losses[-1] < losses[0]
    assert manifold.check_point_on_manifold(theta)


def moved_by(symmetry: ModelSymmetry, params: Params) -> Params:
    return symmetry.act(symmetry.random(torch.Generator().manual_seed(1), condition=30.0), params)


@pytest.mark.parametrize("make", [SGD, ADAM])
@pytest.mark.parametrize("options", [{}, {"metric": Mixed(), "geodesic": Taylor(2)}], ids=["invariant", "mixed"])
def test_two_starts_on_one_orbit_give_the_same_losses(make, options, data):
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    manifold = PackedManifold(Quotient(symmetry, **options), point(model))
    runs = []
    for start in (point(model), moved_by(symmetry, point(model))):
        theta = geoopt.ManifoldParameter(manifold.pack(start), manifold=manifold)
        runs.append(torch.tensor(train(manifold, theta, make([theta], lr=0.02), data, 50)))
    assert (runs[0] - runs[1]).abs().max() < 1e-8


def test_the_euclidean_manifold_gives_other_losses_on_the_same_orbit(data):
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    manifold = PackedManifold(Euclidean(), point(model))
    runs = []
    for start in (point(model), moved_by(symmetry, point(model))):
        theta = manifold.parameter(start)
        runs.append(torch.tensor(train(manifold, theta, SGD([theta], lr=0.02), data, 50)))
    assert (runs[0] - runs[1]).abs().max() > 1e-3


def test_a_parameter_starts_at_the_representative():
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    geometry = Quotient(symmetry)
    manifold = PackedManifold(geometry, point(model))
    start = moved_by(symmetry, point(model))
    expected = manifold.pack(geometry.representative(start))
    assert torch.equal(manifold.parameter(start).detach(), expected)


def test_gradients_are_horizontal_and_represent_the_differential(manifold, generator):
    x, c, u = manifold.pack(point(mlp())), *torch.randn(2, manifold.size, generator=generator)
    gradient, horizontal = manifold.egrad2rgrad(x, c), manifold.proju(x, u)
    assert manifold.check_vector_on_tangent(x, gradient)
    torch.testing.assert_close(manifold.inner(x, gradient, horizontal), c @ horizontal)
    torch.testing.assert_close(manifold.norm(x, horizontal) ** 2, manifold.inner(x, horizontal))
    assert manifold.inner(x, horizontal, keepdim=True).shape == (1,)


def test_transport_ends_in_the_tangent_space_of_the_new_point(manifold, generator):
    x = manifold.pack(point(mlp()))
    u, v = (0.1 * manifold.proju(x, a) for a in torch.randn(2, manifold.size, generator=generator))
    y, carried = manifold.retr_transp(x, u, v)
    torch.testing.assert_close(y, manifold.expmap(x, u))
    assert manifold.check_vector_on_tangent(y, carried)


def test_vertical_vectors_are_not_tangent(generator):
    model = mlp()
    symmetry = declare(model, relu_rescaling("0", "2"))
    manifold = PackedManifold(Quotient(symmetry), point(model))
    x = manifold.pack(point(model))
    vertical = manifold.pack(symmetry.infinitesimal(symmetry.random_algebra(generator), point(model)))
    ok, reason = manifold.check_vector_on_tangent(x, vertical, explain=True)
    assert not ok
    assert "vertical part" in reason
    assert manifold.norm(x, manifold.proju(x, vertical)) < 1e-10


def test_maps_are_differentiable_in_tangents(manifold, generator):
    x = manifold.pack(point(mlp()))
    u = 0.01 * torch.randn(manifold.size, generator=generator)
    u.requires_grad_()
    manifold.expmap(x, u).sum().backward()
    assert bool(torch.isfinite(u.grad).all())


def test_the_chart_follows_a_point_that_is_written_into(manifold, generator):
    x = manifold.pack(point(mlp()))
    u = torch.randn(manifold.size, generator=generator)
    before = manifold.norm(x, u)
    x.data.mul_(2.0)
    fresh = PackedManifold(manifold.geometry, point(mlp())).norm(x, u)
    torch.testing.assert_close(manifold.norm(x, u), fresh, rtol=0.0, atol=0.0)
    assert isinstance(manifold.geometry, Euclidean) or not torch.isclose(before, fresh)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_manifold_parameter_can_be_copied_and_saved(duplicate, manifold):
    theta = manifold.parameter(point(mlp()))
    manifold.norm(theta.detach(), theta.detach())
    again = duplicate(theta)
    assert torch.equal(again, theta)
    assert again.manifold.shapes == manifold.shapes
    assert "51 parameters" in repr(again)


def test_points_of_another_shape_are_refused(manifold):
    with pytest.raises(ValueError, match=r"expected 'x' of shape \(51,\), got \(3,\)"):
        geoopt.ManifoldParameter(torch.zeros(3), manifold=manifold)


def test_points_that_are_not_finite_are_not_on_the_manifold(manifold):
    ok, reason = manifold.check_point_on_manifold(torch.full((51,), torch.nan), explain=True)
    assert not ok
    assert "finite" in reason


@pytest.mark.parametrize(
    "params", [{}, {"a": torch.zeros(2), "b": torch.zeros(2, dtype=torch.bfloat16)}], ids=["none", "mixed"]
)
def test_parameters_of_one_dtype_are_expected(params):
    with pytest.raises(ValueError, match="one dtype"):
        PackedManifold(Euclidean(), params)


def test_importing_the_package_does_not_import_geoopt():
    code = "import sys, quotient; sys.exit('geoopt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_package_has_no_other_hidden_names():
    import quotient

    with pytest.raises(AttributeError, match="PackedManifolds"):
        _ = quotient.PackedManifolds
