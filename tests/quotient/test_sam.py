"""SAM on any geometry: against implementations of the papers, along orbits, and in everyday use."""

import copy
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, Exact, Mixed, Quotient, RiemannianSAM, Taylor
from symmetries import (
    ModelSymmetry,
    declare,
    gated_mlp,
    key_bias,
    lora_pair,
    query_key,
    relu_rescaling,
    value_bias,
    value_output,
)

pytestmark = pytest.mark.usefixtures("float64")

RADIUS = 0.05
SGD, ADAMW = torch.optim.SGD, torch.optim.AdamW


class GatedMLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Adapter(nn.Module):
    """A frozen layer with a LoRA pair, read by another layer."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.head = nn.Linear(4, 5).requires_grad_(False), nn.Linear(5, 3)
        self.lora_A, self.lora_B = (nn.Parameter(torch.randn(s)) for s in ((2, 4), (5, 2)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.base(x) + x @ self.lora_A.T @ self.lora_B.T))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn, self.head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)
        for p in (self.attn.in_proj_bias, self.attn.out_proj.bias):
            nn.init.normal_(p, std=0.3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.stack([x, x.flip(1), x.roll(1, 1)], dim=1)  # a sequence of three tokens
        return self.head(self.attn(x, x, x, need_weights=False)[0].mean(1))


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def smooth_mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


@pytest.fixture
def data(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(12, 4, generator=generator), torch.randint(3, (12,), generator=generator)


def closure_of(model: nn.Module, optimizer: torch.optim.Optimizer, data: tuple[Tensor, Tensor]) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        return loss

    return closure


def train(model: nn.Module, optimizer: torch.optim.Optimizer, data: tuple[Tensor, Tensor], steps: int) -> list[float]:
    closure = closure_of(model, optimizer, data)
    return [optimizer.step(closure).item() for _ in range(steps)]


def values(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def assert_same(a: list[Tensor], b: list[Tensor], *, atol: float = 0.0) -> None:
    torch.testing.assert_close(a, b, rtol=0.0, atol=atol)


def reference(
    model: nn.Module,
    base: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    steps: int,
    scale: Callable[[Tensor], Tensor],
) -> list[float]:
    """SAM [Foret2021, Algorithm 1] for scale 1; ASAM [Kwon2021, Algorithm 1] for scale T: r T^2 g / |T g|."""
    losses = []
    for _ in range(steps):
        base.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        old = [p.detach().clone() for p in model.parameters()]
        scales = [scale(p) for p in old]
        norm = sum(float(((t * p.grad) ** 2).sum()) for t, p in zip(scales, model.parameters(), strict=True)) ** 0.5
        for t, p in zip(scales, model.parameters(), strict=True):
            p.data += RADIUS * t**2 * p.grad / norm
        base.zero_grad()
        F.cross_entropy(model(data[0]), data[1]).backward()
        for p, o in zip(model.parameters(), old, strict=True):
            p.data = o
        base.step()
        losses.append(loss.item())
    return losses


BASES = {
    "SGD": (SGD, {"lr": 0.2}),
    "momentum": (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
    "AdamW": (ADAMW, {"lr": 0.01, "weight_decay": 0.1}),
}
SCALES = {
    "SAM": (Euclidean(), torch.ones_like),
    "ASAM": (Adaptive(eta=0.01, biases=False), lambda p: p.abs() + 0.01 if p.ndim > 1 else torch.ones_like(p)),
    "ASAM, all scaled": (Adaptive(), torch.abs),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("scale", SCALES)
def test_flat_geometries_reproduce_the_published_algorithms(base, scale, data):
    (make, options), (geometry, formula) = BASES[base], SCALES[scale]
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    optimizer = RiemannianSAM(ours.named_parameters(), geometry, make, radius=RADIUS, **options)
    losses = train(ours, optimizer, data, 50)
    expected = reference(theirs, make(theirs.parameters(), **options), data, 50, formula)
    assert losses == pytest.approx(expected, rel=1e-12)
    assert_same(values(ours), values(theirs), atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_riemannian_mode_is_sam_where_the_geometry_is_euclidean(momentum, data):
    ours = smooth_mlp()
    theirs = copy.deepcopy(ours)
    options = {"lr": 0.1, "momentum": momentum}
    optimizer = RiemannianSAM(ours.named_parameters(), Euclidean(), SGD, mode="riemannian", **options)
    losses = train(ours, optimizer, data, 50)
    expected = reference(theirs, SGD(theirs.parameters(), **options), data, 50, torch.ones_like)
    assert losses == pytest.approx(expected, rel=1e-12)
    assert_same(values(ours), values(theirs), atol=1e-12)


# --- orbits ---------------------------------------------------------------------------------------------------------

ORBITS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], ModelSymmetry]]] = {
    "MLP": (mlp, lambda m: declare(m, relu_rescaling("0", "2"))),
    "attention": (Attention, lambda m: declare(m, query_key("attn"), value_output("attn"))),
    "attention, with sections": (
        Attention,
        lambda m: declare(m, query_key("attn"), value_output("attn"), key_bias("attn"), value_bias("attn")),
    ),
    "LoRA": (Adapter, lambda m: declare(m, lora_pair("lora_A", "lora_B"))),
    "gated MLP": (GatedMLP, lambda m: declare(m, gated_mlp(up="up", down="down"))),
}
METRICS = {
    "invariant": Quotient,
    "mixed": partial(Quotient, metric=Mixed(), geodesic=Taylor(2), rest="tensorwise"),
}


@pytest.fixture(params=ORBITS)
def orbit(request: pytest.FixtureRequest) -> tuple[ModelSymmetry, nn.Module, nn.Module]:
    """A model, and the same function at other parameters."""
    make, declared = ORBITS[request.param]
    model = make()
    symmetry = declared(model)
    moved = copy.deepcopy(model)
    g = symmetry.random(torch.Generator().manual_seed(1), condition=30.0)
    there = symmetry.act(g, {n: p.detach() for n, p in model.named_parameters() if p.requires_grad})
    moved.load_state_dict(there, strict=False)
    return symmetry, model, moved


def losses_of(
    models: tuple[nn.Module, ...], data: tuple[Tensor, Tensor], steps: int, **options: object
) -> list[Tensor]:
    runs = []
    for model in models:
        optimizer = RiemannianSAM(model.named_parameters(), **options)  # type: ignore[arg-type]
        runs.append(torch.tensor(train(model, optimizer, data, steps)))
    return runs


@pytest.mark.parametrize(("metric", "momentum"), [("invariant", 0.9), ("mixed", 0.0)])
def test_two_starts_on_one_orbit_give_the_same_losses(metric, momentum, orbit, data):
    symmetry, *models = orbit
    geometry = METRICS[metric](symmetry)
    options = {"mode": "riemannian", "lr": 0.02, "momentum": momentum}
    one, other = losses_of(models, data, 100, geometry=geometry, base_optimizer=SGD, **options)
    assert (one - other).abs().max() < 1e-8
    assert one[-1] < one[0]


@pytest.mark.parametrize("base", [SGD, ADAMW])
@pytest.mark.parametrize("geometry", [Euclidean(), Adaptive()])
def test_sam_and_asam_give_other_losses_on_the_same_orbit(base, geometry, orbit, data):
    _, *models = orbit
    one, other = losses_of(models, data, 20, geometry=geometry, base_optimizer=base, lr=0.02)
    assert (one[0] - other[0]).abs() < 1e-10
    assert (one - other).abs().max() > 1e-3


def test_the_loss_at_the_perturbed_point_does_not_depend_on_the_representative(orbit, data):
    symmetry, *models = orbit
    perturbed = {}
    for geometry in (Quotient(symmetry), Euclidean()):
        losses = []
        for model in models:
            optimizer = RiemannianSAM(model.named_parameters(), geometry, ADAMW, radius=0.3)
            closure_of(model, optimizer, data)()
            with optimizer.perturbed():
                losses.append(F.cross_entropy(model(data[0]), data[1]).item())
        perturbed[type(geometry)] = losses[0] - losses[1]
    assert abs(perturbed[Quotient]) < 1e-10
    assert abs(perturbed[Euclidean]) > 1e-4


def test_the_run_starts_at_the_representative_and_the_function_is_the_same(orbit, data):
    symmetry, _, model = orbit
    before, outputs = values(model), model(data[0]).detach()
    optimizer = RiemannianSAM(model.named_parameters(), Quotient(symmetry), SGD, mode="riemannian", lr=0.1)
    assert_same(values(model), before)
    closure_of(model, optimizer, data)()
    with pytest.raises(RuntimeError, match="to_representative"):
        optimizer.first_step()
    optimizer.to_representative()
    assert any(not torch.equal(a, b) for a, b in zip(values(model), before, strict=True))
    torch.testing.assert_close(model(data[0]), outputs)
    there = values(model)
    optimizer.to_representative()
    assert_same(values(model), there)


def test_rank_deficient_heads_are_named_and_nothing_is_changed(data):
    model = Adapter()
    nn.init.zeros_(model.lora_B)
    geometry = Quotient(declare(model, lora_pair("lora_A", "lora_B")), geodesic=Exact())
    optimizer = RiemannianSAM(model.named_parameters(), geometry, ADAMW)
    before = values(model)
    with pytest.raises(ValueError, match="rank") as caught:
        optimizer.step(closure_of(model, optimizer, data))
    assert any("RiemannianSAM" in note for note in caught.value.__notes__)
    assert_same(values(model), before)


# --- everyday use ---------------------------------------------------------------------------------------------------

Make = Callable[[nn.Module], RiemannianSAM]
OPTIMIZERS: dict[str, Make] = {
    "SAM, SGD": lambda m: RiemannianSAM(m.named_parameters(), Euclidean(), SGD, lr=0.1, momentum=0.9),
    "ASAM, AdamW": lambda m: RiemannianSAM(m.named_parameters(), Adaptive(), ADAMW, lr=0.01),
    "quotient, riemannian": lambda m: RiemannianSAM(
        m.named_parameters(),
        Quotient(declare(m, relu_rescaling("0", "2"))),
        SGD,
        mode="riemannian",
        lr=0.05,
        momentum=0.9,
    ),
}


@pytest.fixture(params=OPTIMIZERS)
def make(request: pytest.FixtureRequest) -> Make:
    return OPTIMIZERS[request.param]


def by_halves(model: nn.Module, optimizer: RiemannianSAM, closure: Callable[[], Tensor]) -> Iterator[Tensor]:
    optimizer.to_representative()
    while True:
        loss = closure()
        optimizer.first_step(zero_grad=True)
        F.cross_entropy(model(DATA[0]), DATA[1]).backward()
        optimizer.second_step(zero_grad=True)
        yield loss


def by_context(model: nn.Module, optimizer: RiemannianSAM, closure: Callable[[], Tensor]) -> Iterator[Tensor]:
    optimizer.to_representative()
    while True:
        loss = closure()
        with optimizer.perturbed():
            closure()
        optimizer.step()
        yield loss


DATA = (torch.randn(12, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64), torch.arange(12) % 3)


@pytest.mark.parametrize("loop", [by_halves, by_context])
def test_loops_without_a_closure_take_the_same_steps_bit_for_bit(loop, make):
    model = mlp()
    twin = copy.deepcopy(model)
    expected = train(model, make(model), DATA, 10)
    optimizer = make(twin)
    steps = loop(twin, optimizer, closure_of(twin, optimizer, DATA))
    assert [next(steps).item() for _ in range(10)] == expected
    assert_same(values(twin), values(model))


def test_step_returns_what_the_closure_returned_at_the_point(make, data):
    model = mlp()
    optimizer = make(model)
    closure, seen = closure_of(model, optimizer, data), []

    def recording() -> float:
        assert torch.is_grad_enabled()
        seen.append((closure().item(), optimizer.is_perturbed))
        return seen[-1][0]

    with torch.no_grad():
        loss = optimizer.step(recording)
    assert loss == seen[0][0] != seen[1][0]
    assert [perturbed for _, perturbed in seen] == [False, True]
    assert not optimizer.is_perturbed


def test_the_perturbation_has_the_radius_and_is_undone_bit_for_bit(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure_of(model, optimizer, data)()
    point = dict(zip(dict(model.named_parameters()), values(model), strict=True))
    optimizer.radius = 1e-4  # so short that the geodesic is straight, and a schedule may set it
    with optimizer.perturbed():
        away = {name: p.detach() - point[name] for name, p in model.named_parameters()}
    assert optimizer.geometry.norm(point, away).item() == pytest.approx(1e-4, rel=1e-3)
    assert_same(values(model), list(point.values()))


def test_an_exception_in_the_closure_leaves_the_model_at_its_point(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure, before = closure_of(model, optimizer, data), values(model)

    def failing() -> Tensor:
        if optimizer.is_perturbed:
            raise MemoryError
        return closure()

    with pytest.raises(MemoryError):
        optimizer.step(failing)
    assert_same(values(model), before)
    with pytest.raises(RuntimeError, match="first_step"):
        optimizer.step()
    assert len(train(model, optimizer, data, 1)) == 1


def test_a_learning_rate_scheduler_acts_on_the_step(make, data):
    model = mlp()
    optimizer = make(model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.0)
    train(model, optimizer, data, 1)
    scheduler.step()  # raises if it thinks that no step was taken: warnings are errors here
    before = values(model)
    assert scheduler.get_last_lr() == [0.0]
    train(model, optimizer, data, 1)
    assert_same(values(model), before, atol=1e-15)  # a geodesic of length zero ends at its start up to rounding


def test_second_step_counts_as_a_step_for_schedulers_and_hooks(data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    calls: list[object] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(None))
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    closure = closure_of(model, optimizer, data)
    closure()
    optimizer.first_step()
    closure()
    optimizer.second_step()
    scheduler.step()
    assert len(calls) == 1
    assert optimizer.base_optimizer.param_groups[0]["lr"] == 0.05


# --- checkpoints ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights_first", [True, False])
def test_training_resumes_from_a_checkpoint_bit_for_bit(weights_first, make, data, tmp_path):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 5)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint.pt")
    expected = train(model, optimizer, data, 5)

    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    resumed = mlp()
    if weights_first:
        resumed.load_state_dict(checkpoint["model"])
        again = make(resumed)
    else:
        again = make(resumed)
        resumed.load_state_dict(checkpoint["model"])
    again.load_state_dict(checkpoint["optimizer"])
    assert train(resumed, again, data, 5) == expected
    assert_same(values(resumed), values(model))


def test_a_checkpoint_without_momentum_would_not_resume(make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 5)
    resumed = copy.deepcopy(model)
    expected = train(model, optimizer, data, 5)
    assert abs(train(resumed, make(resumed), data, 5)[-1] - expected[-1]) > 1e-4


def test_a_copy_of_model_and_optimizer_goes_on_like_the_original(make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 3)
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    assert train(twin, twin_optimizer, data, 3) == train(model, optimizer, data, 3)
    assert twin_optimizer.base_optimizer.state is twin_optimizer.state


def test_the_state_of_the_base_optimizer_alone_can_be_taken_over(data):
    model = mlp()
    plain = ADAMW(model.parameters(), lr=0.01)
    train(model, plain, data, 3)
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), ADAMW, lr=0.5)
    optimizer.load_state_dict(plain.state_dict())
    assert optimizer.param_groups is optimizer.base_optimizer.param_groups
    assert optimizer.param_groups[0]["lr"] == 0.01
    weight = model[0].weight
    assert torch.equal(optimizer.base_optimizer.state[weight]["exp_avg"], plain.state[weight]["exp_avg"])
    train(model, optimizer, data, 1)
    assert optimizer.state[weight]["step"] == 4


def test_the_names_of_a_wrapped_model_do_not_replace_those_of_this_one(data):
    model = mlp()
    wrapped = [(f"module.{name}", p) for name, p in model.named_parameters()]
    saved = RiemannianSAM(wrapped, Euclidean(), SGD, lr=0.1).state_dict()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["param_names"] == [name for name, _ in model.named_parameters()]


def test_a_state_of_the_other_mode_is_refused():
    model = mlp()
    build = partial(RiemannianSAM, list(model.named_parameters()), Euclidean(), SGD, lr=0.1)
    with pytest.raises(ValueError, match="'riemannian', got one of mode 'base'"):
        build(mode="riemannian").load_state_dict(build().state_dict())


@pytest.mark.parametrize(
    "action",
    [
        lambda o, c: o.state_dict(),
        lambda o, c: o.load_state_dict({}),
        lambda o, c: o.first_step(),
        lambda o, c: o.step(c),
        lambda o, c: copy.deepcopy(o),
    ],
    ids=["save", "load", "perturb", "step", "copy"],
)
def test_nothing_else_may_happen_while_the_model_is_perturbed(action, make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    closure, point = closure_of(model, optimizer, data), values(model)
    closure()
    optimizer.first_step()
    assert optimizer.is_perturbed
    with pytest.raises(RuntimeError, match="restore"):
        action(optimizer, closure)
    optimizer.restore()
    optimizer.restore()
    assert_same(values(model), point)
    assert optimizer.state_dict()["param_groups"]


# --- gradients that are zero, missing or not finite -------------------------------------------------------------------


def test_a_zero_gradient_perturbs_nothing(make):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    before = values(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum(p.sum() for p in model.parameters()) * 0.0
        loss.backward()
        assert_same(values(model), before)
        return loss

    assert optimizer.step(closure).item() == 0.0
    assert all(bool(torch.isfinite(p).all()) for p in values(model))


@pytest.mark.parametrize("failing_pass", [1, 2])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_skips_the_step(value, failing_pass, make, data):
    model = mlp()
    optimizer = make(model)
    train(model, optimizer, data, 2)
    state, before, calls = copy.deepcopy(optimizer.state_dict()["state"]), values(model), []
    closure = closure_of(model, optimizer, data)

    def spoiling() -> Tensor:
        loss = closure()
        calls.append(loss)
        if len(calls) == failing_pass:
            model[0].weight.grad[0, 0] = value
        return loss

    with pytest.warns(RuntimeWarning, match="step skipped"):
        optimizer.step(spoiling)
    assert len(calls) == failing_pass
    assert_same(values(model), before)
    torch.testing.assert_close(optimizer.state_dict()["state"], state, rtol=0.0, atol=0.0)
    assert len(train(model, optimizer, data, 1)) == 1


def test_parameters_that_the_loss_does_not_reach_are_left_to_the_base_optimizer(make, data):
    model = mlp()
    optimizer = make(model)
    optimizer.to_representative()
    before = values(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model[0](data[0]).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    after = values(model)
    assert not torch.equal(after[0], before[0])
    if optimizer.mode == "base":  # torch optimizers pass over parameters without a gradient
        assert_same(after[2:], before[2:])


# --- parameters -----------------------------------------------------------------------------------------------------


def test_frozen_parameters_stay_where_they_are(data):
    model = mlp()
    model[0].requires_grad_(False)
    before = values(model)
    optimizer = RiemannianSAM(model.named_parameters(), Adaptive(), ADAMW, lr=0.1)
    train(model, optimizer, data, 3)
    assert_same(values(model)[:2], before[:2])
    assert optimizer.param_groups[0]["param_names"] == ["2.weight", "2.bias"]


def test_parameter_groups_have_options_of_their_own(data):
    model = mlp()
    before = values(model)
    named = dict(model.named_parameters())
    groups = [
        {"params": [(n, p) for n, p in named.items() if n.startswith("0.")], "lr": 0.0},
        {"params": [(n, p) for n, p in named.items() if n.startswith("2.")]},
    ]
    optimizer = RiemannianSAM(groups, Euclidean(), SGD, lr=0.1)
    train(model, optimizer, data, 2)
    assert_same(values(model)[:2], before[:2])
    assert not torch.equal(values(model)[2], before[2])
    assert "lr" not in groups[1], "the groups of the caller are not written into"


@pytest.mark.parametrize("kept", [True, False])
def test_running_statistics_are_those_of_the_first_pass_where_buffers_are_given(kept, data):
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    twin = copy.deepcopy(model)
    twin(data[0])
    buffers = model.buffers() if kept else ()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, radius=0.5, lr=0.1, buffers=buffers)
    train(model, optimizer, data, 1)
    same = all(torch.equal(a, b) for a, b in zip(model.buffers(), twin.buffers(), strict=True))
    assert same is kept


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"radius": 0.0}, ValueError, "radius must be positive"),
        ({"radius": -1.0}, ValueError, "got -1.0"),
        ({"radius": float("nan")}, ValueError, "radius"),
        ({"mode": "quotient"}, ValueError, "'base' or 'riemannian', got 'quotient'"),
        ({"mode": "riemannian", "base_optimizer": ADAMW}, ValueError, "torch.optim.SGD, got AdamW"),
        ({"mode": "riemannian", "weight_decay": 0.1}, ValueError, "weight_decay"),
        ({"mode": "riemannian", "momentum": 0.9, "nesterov": True}, ValueError, "nesterov"),
        ({"named_parameters": []}, ValueError, "at least one parameter"),
        ({"named_parameters": [("w", torch.zeros(2))]}, ValueError, "at least one parameter"),
        ({"named_parameters": [nn.Parameter(torch.zeros(2))]}, TypeError, "named_parameters"),
        ({"named_parameters": [("w", nn.Parameter(torch.zeros(2)))] * 2}, ValueError, r"\['w'\] again"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, error, message):
    options = {"named_parameters": mlp().named_parameters(), "base_optimizer": SGD, "lr": 0.1} | arguments
    with pytest.raises(error, match=message):
        RiemannianSAM(geometry=Euclidean(), **options)


def test_riemannian_mode_takes_one_parameter_group():
    groups = [{"params": list(layer.named_parameters(prefix=n))} for n, layer in mlp().named_children()]
    with pytest.raises(ValueError, match="one parameter group, got 2"):
        RiemannianSAM(groups, Euclidean(), SGD, mode="riemannian", lr=0.1)


def test_halves_out_of_order_are_refused(data):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    with pytest.raises(RuntimeError, match="first_step"):
        optimizer.step()
    with pytest.raises(RuntimeError, match="backward"):
        optimizer.first_step()


def test_no_warning_is_given_in_a_plain_run(make, data):
    model = mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = train(model, make(model), data, 30)
    assert losses[-1] < losses[0]
