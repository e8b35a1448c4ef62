"""Mixed precision and clipping."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, Quotient, RiemannianSAM, length
from symmetries import declare, relu_rescaling
from tests.quotient.sam.models import ADAMW, SGD, Data, assert_same, closure_of, mlp, train, values

GEOMETRIES = {
    "SAM": lambda m: {"geometry": Euclidean()},
    "ASAM": lambda m: {"geometry": Adaptive()},
    "quotient": lambda m: {"geometry": Quotient(declare(m, relu_rescaling("0", "2"))), "mode": "riemannian"},
}
SCALE = 2.0**12  # a power of two: scaling is exact


@pytest.fixture
def small(data: Data) -> Data:
    return data[0].float(), data[1]


@pytest.fixture(params=GEOMETRIES)
def options(request: pytest.FixtureRequest) -> Callable[[nn.Module], dict]:
    return GEOMETRIES[request.param]


def scaled_loop(model: nn.Module, data: Data, options: dict, way: str) -> Iterator[float]:
    """Every way of taking steps with a scaler."""
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    own = {} if way == "halves" else {"scaler": scaler}
    optimizer = RiemannianSAM(model.named_parameters(), base_optimizer=SGD, lr=0.1, momentum=0.9, **own, **options)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        scaler.scale(loss).backward()
        return loss.detach()

    optimizer.to_representative()
    while True:
        if way == "closure":
            yield optimizer.step(closure).item()
        elif way == "halves":
            loss = closure()
            with optimizer.perturbed():
                closure()
            scaler.step(optimizer)
            scaler.update()
            yield loss.item()
        else:
            m = way == "m-sharpness"
            yield optimizer.step(lambda d: F.cross_entropy(model(d[0]), d[1]), [data], m_sharpness=m).item()


@pytest.mark.parametrize("way", ["closure", "micro-batches", "m-sharpness", "halves"])
def test_the_scale_of_the_loss_changes_nothing(way, options, small):
    model = mlp()
    twin = copy.deepcopy(model)
    optimizer = RiemannianSAM(model.named_parameters(), base_optimizer=SGD, lr=0.1, momentum=0.9, **options(model))
    expected = train(model, optimizer, small, 5)
    steps = scaled_loop(twin, small, options(twin), way)
    assert [next(steps) for _ in range(5)] == pytest.approx(expected, rel=1e-5)
    assert_same(values(twin), values(model), atol=1e-6)  # float32


@pytest.mark.parametrize("failing_pass", [1, 2])
def test_an_overflow_skips_the_step_and_lowers_the_scale_without_a_warning(failing_pass, options, small):
    model = mlp()
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    optimizer = RiemannianSAM(model.named_parameters(), base_optimizer=ADAMW, lr=0.1, scaler=scaler, **options(model))
    optimizer.to_representative()
    before, passes = values(model), []

    def loss_fn(batch: Data) -> Tensor:
        passes.append(optimizer.is_perturbed)
        return F.cross_entropy(model(batch[0]), batch[1]) * (1e38 if len(passes) == failing_pass else 1.0)

    optimizer.step(loss_fn, [small])
    assert len(passes) == failing_pass
    assert_same(values(model), before)
    assert scaler.get_scale() == SCALE / 2
    optimizer.step(loss_fn, [small])
    assert any(not torch.equal(a, b) for a, b in zip(values(model), before, strict=True))
    assert scaler.get_scale() == SCALE / 2


def test_a_model_is_put_back_where_the_scaler_skips_the_second_half(small):
    model = mlp()
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    before = values(model)
    closure_of(model, optimizer, small)()
    optimizer.first_step(zero_grad=True)
    scaler.scale(F.cross_entropy(model(small[0]), small[1]) * 1e38).backward()
    scaler.step(optimizer)
    scaler.update()
    assert not optimizer.is_perturbed
    assert_same(values(model), before)
    assert scaler.get_scale() == SCALE / 2


def test_a_disabled_scaler_is_as_good_as_none(small):
    model = mlp()
    twin = copy.deepcopy(model)
    off = torch.amp.GradScaler("cpu", enabled=False)
    losses = [
        train(m, RiemannianSAM(m.named_parameters(), Euclidean(), SGD, lr=0.1, scaler=scaler), small, 5)
        for m, scaler in ((model, None), (twin, off))
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_training_under_autocast(dtype, options, small):
    model = mlp()
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE, enabled=dtype == torch.float16)
    optimizer = RiemannianSAM(model.named_parameters(), base_optimizer=SGD, lr=0.1, scaler=scaler, **options(model))

    def loss_fn(batch: Data) -> Tensor:
        with torch.autocast("cpu", dtype=dtype):
            output = model(batch[0])
        assert output.dtype == dtype
        return F.cross_entropy(output.float(), batch[1])

    losses = [optimizer.step(loss_fn, [small]).item() for _ in range(20)]
    assert losses[-1] < losses[0]
    assert all(p.dtype == torch.float32 for p in model.parameters())


# --- clipping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scaler", [None, torch.amp.GradScaler("cpu", init_scale=SCALE)])
def test_gradients_are_clipped_at_the_point_unscaled(scaler, small):
    model = mlp()
    before = values(model)
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=1.0, max_norm=0.01, scaler=scaler)
    optimizer.step(lambda d: F.cross_entropy(model(d[0]), d[1]), [small])
    moved = [b - a for a, b in zip(values(model), before, strict=True)]
    assert float(length(moved)) == pytest.approx(0.01, rel=1e-3)


def test_in_riemannian_mode_the_norm_is_that_of_the_metric(float64, data):
    model = mlp()
    geometry = Quotient(declare(model, relu_rescaling("0", "2")))
    optimizer = RiemannianSAM(
        model.named_parameters(), geometry, SGD, mode="riemannian", lr=1e-4, max_norm=0.01, radius=0.1
    )
    optimizer.to_representative()
    point = dict(zip(dict(model.named_parameters()), values(model), strict=True))
    train(model, optimizer, data, 1)
    step = {name: p.detach() - point[name] for name, p in model.named_parameters()}
    assert float(geometry.norm(point, step)) == pytest.approx(1e-6, rel=1e-4)  # so short that it is straight


def test_a_hook_of_the_base_optimizer_sees_the_gradients_of_the_second_pass(small):
    model = mlp()
    before = values(model)
    optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), SGD, lr=1.0)
    optimizer.base_optimizer.register_step_pre_hook(
        lambda *_: torch.nn.utils.clip_grad_value_(model.parameters(), 1e-3) and None
    )
    train(model, optimizer, small, 1)
    moved = torch.cat([(b - a).flatten() for a, b in zip(values(model), before, strict=True)])
    assert moved.abs().max().item() == pytest.approx(1e-3, rel=1e-3)
