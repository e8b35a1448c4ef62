import copy
import io
from functools import cache

import pytest
import torch
from scipy.optimize import brentq
from torch import nn

from measures import EmpiricalLoss, LocalLoss, worst_case_sharpness
from measures.worst_case import METHODS
from quotient import AbstractGeometry, Adaptive, Euclidean, Quotient
from symmetries import ModelSymmetry, Params, detect


def trust_region_maximum(matrix, slope, radius):
    """The maximum of ``slope'x + x'Ax/2`` on a sphere, from the secular equation ``|(m - A)^-1 slope| = r``."""
    values, vectors = torch.linalg.eigh(matrix)
    c = vectors.T @ slope

    def excess(m):
        return (c / (m - values)).norm().item() - radius

    top = values[-1].item()
    m = brentq(excess, top + 1e-12, top + slope.norm().item() / radius + 1.0, xtol=1e-15)
    x = vectors @ (c / (m - values))
    return (slope @ x + x @ matrix @ x / 2).item()


@pytest.mark.parametrize("radius", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("scale", ["euclidean", "adaptive"])
def test_quadratic_meets_its_closed_form(quadratic, symmetric, radius, scale):
    matrix = symmetric(9.0, 4.0, 1.0, 0.5, -2.0)
    w = torch.tensor([1.0, -0.5, 2.0, 0.3, 1.5], dtype=torch.float64)
    t = torch.ones_like(w) if scale == "euclidean" else w.abs()
    geometry = Euclidean() if scale == "euclidean" else Adaptive()
    found = worst_case_sharpness(quadratic(matrix), {"w": w}, geometry, radius=radius, steps=100)
    expected = trust_region_maximum(t.unsqueeze(1) * matrix * t, t * (matrix @ w), radius)
    assert found.value == pytest.approx(expected, rel=1e-4)
    assert found.value <= expected * (1 + 1e-12)


@pytest.mark.parametrize("method", ["auto_pgd", "ascent"])
def test_linear_loss_rises_by_the_radius_times_the_slope(quadratic, method):
    linear = torch.tensor([3.0, 4.0], dtype=torch.float64)
    loss = quadratic(torch.zeros(2, 2, dtype=torch.float64), linear=linear)
    found = worst_case_sharpness(loss, {"w": torch.ones_like(linear)}, Euclidean(), radius=0.1, method=method)
    assert found.value == pytest.approx(0.5, rel=1e-12)


def test_maximum_is_taken_per_batch_and_then_averaged_unless_told_otherwise(quadratic):
    a, b = torch.diag(torch.tensor([2.0, 0.0])).double(), torch.diag(torch.tensor([0.0, 4.0])).double()
    w = {"w": torch.tensor([1.0, 1.0], dtype=torch.float64)}
    loss = quadratic(a, b)
    each = worst_case_sharpness(loss, w, Euclidean(), radius=1.0, steps=100)
    assert each.per_batch == pytest.approx((3.0, 6.0), rel=1e-6)  # (2^2 - 1) * 2 / 2 and (2^2 - 1) * 4 / 2
    assert each.value == pytest.approx(4.5, rel=1e-6)
    assert worst_case_sharpness(loss, w, Euclidean(), radius=1.0, per_batch=False).value < 4.0


def test_worst_case_grows_with_the_radius(classifier):
    loss, params = classifier()
    values = [worst_case_sharpness(loss, params, Adaptive(), radius=r).value for r in (0.01, 0.03, 0.1, 0.3, 1.0)]
    assert values == sorted(values)
    assert values[0] > 0


@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()], ids=lambda g: type(g).__name__)
def test_worst_case_is_above_one_step_of_sam_and_above_random_points(classifier, generator, geometry):
    loss, params = classifier(attention=True)
    worst = worst_case_sharpness(loss, params, geometry, radius=0.5, steps=30)
    sam = worst_case_sharpness(loss, params, geometry, radius=0.5, steps=1, method="ascent")
    assert worst.value >= sam.value > 0
    for _ in range(20):
        u = geometry.random(params, generator)
        u = {n: 0.5 * a / geometry.norm(params, u) for n, a in u.items()}
        assert loss(geometry.exp(params, u)) - loss(params) < worst.value


def test_one_step_is_the_sam_perturbation(classifier):
    loss, params = classifier(batches=1)
    gradient = loss.gradient(params)
    norm = torch.stack([c.norm() for c in gradient.values()]).norm()
    perturbed = {n: p + 0.05 * gradient[n] / norm for n, p in params.items()}
    expected = (loss(perturbed) - loss(params)).item()
    for method in ("auto_pgd", "ascent"):
        found = worst_case_sharpness(loss, params, Euclidean(), radius=0.05, steps=1, method=method)
        assert found.value == pytest.approx(expected, rel=1e-12)


def test_stationary_point_needs_a_start_and_says_so(quadratic, symmetric):
    loss, w = quadratic(symmetric(5.0, 1.0, 0.5)), {"w": torch.zeros(3, dtype=torch.float64)}
    with pytest.warns(UserWarning, match=r"gradient is zero.*pass start="):
        assert worst_case_sharpness(loss, w, Euclidean(), radius=0.2).value == 0.0
    start = {"w": torch.ones(3, dtype=torch.float64)}
    found = worst_case_sharpness(loss, w, Euclidean(), radius=0.2, steps=60, start=start)
    assert found.value == pytest.approx(0.2**2 / 2 * 5.0, rel=1e-4)


@pytest.mark.parametrize("method", ["auto_pgd", "ascent"])
def test_number_found_on_the_quotient_belongs_to_the_orbit(low_rank, generator, method):
    loss, params, symmetry = low_rank
    moved = symmetry.act(symmetry.random(generator, condition=1e3), params)
    for geometry, invariant in ((Quotient(symmetry), True), (Euclidean(), False), (Adaptive(), False)):
        here, there = (
            worst_case_sharpness(loss, p, geometry, radius=0.1, method=method).value for p in (params, moved)
        )
        assert (abs(there / here - 1) < 1e-6) is invariant


def test_start_is_carried_to_the_representative(low_rank, generator):
    loss, params, symmetry = low_rank
    geometry, g = Quotient(symmetry), symmetry.random(generator, condition=100.0)
    start = geometry.random(params, generator)
    here = worst_case_sharpness(loss, params, geometry, radius=0.1, steps=3, start=start)
    moved, carried = symmetry.act(g, params), symmetry.act(g, start)  # this action is linear
    there = worst_case_sharpness(loss, moved, geometry, radius=0.1, steps=3, start=carried)
    assert there.value == pytest.approx(here.value, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0.0}, "radius must be positive and finite, got 0.0"),
        ({"radius": -1.0}, "radius must be positive and finite, got -1.0"),
        ({"radius": float("nan")}, "radius must be positive and finite, got nan"),
        ({"radius": 1.0, "steps": 0}, "steps must be positive"),
        ({"radius": 1.0, "method": "newton"}, r"method must be one of \['auto_pgd', 'ascent'\], got 'newton'"),
    ],
)
def test_bad_arguments_are_refused(quadratic, arguments, message):
    w = {"w": torch.ones(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=message):
        worst_case_sharpness(quadratic(torch.eye(2).double()), w, Euclidean(), **arguments)


def test_loss_that_overflows_on_the_ball_is_refused(quadratic):
    w = {"w": torch.ones(2, dtype=torch.float64)}
    loss = EmpiricalLoss(quadratic(torch.eye(2).double()).model, lambda f, b: f.w.exp().sum(), [0])
    with pytest.raises(ValueError, match="at finite parameters.*smaller radius"):
        worst_case_sharpness(loss, w, Euclidean(), radius=1e4)


def test_gradient_that_is_not_finite_is_refused(quadratic):
    loss = EmpiricalLoss(quadratic(torch.eye(2).double()).model, lambda f, b: f.w.norm().sqrt(), [0])
    with pytest.raises(ValueError, match="gradient is not finite although the loss is"):
        worst_case_sharpness(loss, {"w": torch.zeros(2, dtype=torch.float64)}, Euclidean(), radius=1.0)


def test_parameters_that_are_nan_are_named(quadratic):
    with pytest.raises(ValueError, match=r"NaN or Inf in \['w'\]"):
        worst_case_sharpness(
            quadratic(torch.eye(2).double()), {"w": torch.full((2,), torch.nan).double()}, Euclidean(), radius=1.0
        )


@cache
def relu_chain() -> tuple[EmpiricalLoss, Params, ModelSymmetry]:
    """Rescalings that share weights, in front of a normalized transformer layer: every kind of block."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = nn.Sequential(
        nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 8), layer, nn.Linear(8, 3)
    )
    model, generator = model.eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=generator))
    x, y = torch.randn(4, 5, 3, generator=generator), torch.randint(3, (4, 5), generator=generator)
    loss = EmpiricalLoss(model, lambda f, b: nn.functional.cross_entropy(f(b[0]).mT, b[1]), [(x, y)])
    return loss, {name: p.detach() for name, p in model.named_parameters()}, detect(model, x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("space", ["euclidean", "adaptive", "quotient"])
def test_an_ascent_reads_no_number_off_its_device(space: str, method: str) -> None:
    """On the device called meta there are no numbers: reading one is an error."""
    loss, params, symmetry = relu_chain()
    steps = 8  # enough for six checkpoints
    geometry = {"euclidean": Euclidean(), "adaptive": Adaptive(), "quotient": Quotient(symmetry)}[space]
    chart = geometry.chart(geometry.representative(params))
    chart.project(chart.zeros())  # what is read once for all steps
    file = io.BytesIO()
    torch.save(chart, file)
    file.seek(0)
    there = torch.load(file, map_location="meta", weights_only=False)
    batch = tuple(part.to("meta") for part in loss.batches[0])
    elsewhere = EmpiricalLoss(copy.deepcopy(loss.model).to("meta"), loss.loss_fn, [batch])
    function = LocalLoss(elsewhere, there.within(0.1), checked=False)
    values = METHODS[method](function, there.zeros(), 0.1, steps)
    assert (values.device.type, values.shape) == ("meta", (steps + 1,))
    with pytest.raises(RuntimeError, match="item"):
        METHODS[method](LocalLoss(elsewhere, there.within(0.1)), there.zeros(), 0.1, steps)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16 autocast"])
@pytest.mark.parametrize("space", ["adaptive", "quotient"])
def test_an_ascent_on_a_gpu_waits_for_nothing(space: str, precision: torch.dtype) -> None:
    loss, params, symmetry = relu_chain()
    geometry: AbstractGeometry = {"adaptive": Adaptive(), "quotient": Quotient(symmetry)}[space]
    expected = worst_case_sharpness(loss, params, geometry, radius=0.1).value

    def half(model, batch):
        with torch.autocast("cuda", dtype=precision, enabled=precision != torch.float32):
            return loss.loss_fn(model, batch)

    batch = tuple(part.cuda() for part in loss.batches[0])
    elsewhere = EmpiricalLoss(copy.deepcopy(loss.model).cuda(), half, [batch])
    params = {name: p.cuda() for name, p in params.items()}
    found = worst_case_sharpness(elsewhere, params, geometry, radius=0.1).value
    # The rise is a small difference of losses, which half precision leaves two digits of.
    assert found == pytest.approx(expected, rel=1e-3 if precision == torch.float32 else 0.3)
    chart = geometry.chart(geometry.representative(params))
    function = LocalLoss(elsewhere, chart.within(0.1), checked=False)
    METHODS["auto_pgd"](function, chart.zeros(), 0.1, 2)
    try:
        torch.cuda.set_sync_debug_mode("error")
        METHODS["auto_pgd"](function, chart.zeros(), 0.1, 20)
    finally:
        torch.cuda.set_sync_debug_mode("default")
