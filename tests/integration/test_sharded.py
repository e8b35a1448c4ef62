"""Parameters that ``fully_shard`` shares out among two processes: geometry, training and sharpness of whole ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from experiments.models import Decoder, DecoderConfig
from experiments.source_text import next_token
from measures import (
    EmpiricalLoss,
    average_case_sharpness,
    curvature,
    eigenpairs,
    fisher_rao_norm,
    hessian_spectrum,
    log_norm_product,
    parameter_norm,
    relative_flatness,
    worst_case_sharpness,
)
from quotient import (
    AbstractGeometry,
    Adaptive,
    Euclidean,
    Quotient,
    RiemannianSAM,
    Sharded,
    dot,
    length,
    scaled,
)
from symmetries import ModelSymmetry, Params, declare, detect, laid_out, relu_rescaling, whole
from tests.two_processes import WORLD, in_two_processes

#: Sums in another order, in float64.
ATOL = 1e-12
#: A search and a Krylov space amplify rounding, by the condition of what they follow.
ITERATED = 1e-9
STEPS = 2
RADIUS = 0.05

#: By name: how a geometry is made sharded, and how whole. Diagonal frames need no owners.
Place = Callable[[AbstractGeometry, Params], AbstractGeometry]
WAYS: dict[str, tuple[Callable[[ModelSymmetry], AbstractGeometry], dict[str, Any]]] = {
    "SAM": (lambda _: Euclidean(), {}),
    "ASAM": (lambda _: Adaptive(), {}),
    "quotient SAM": (Quotient, {"max_norm": 0.1}),
    "on the quotient, AdamW": (Quotient, {"mode": "riemannian", "max_norm": 0.1}),
    "on the quotient, SGD": (Quotient, {"mode": "riemannian", "base": torch.optim.SGD}),
}


def decoder() -> tuple[Decoder, Tensor]:
    """Two layers of grouped-query attention, RoPE and SwiGLU, and text; heads and rows do not divide evenly."""
    config = DecoderConfig(vocabulary=11, dim=6, depth=2, heads=4, kv_heads=2, head_dim=4, hidden=9)
    model = Decoder(config, torch.Generator().manual_seed(0)).double()
    return model, model.example_inputs(torch.Generator().manual_seed(1), batch=4, length=5)


def sharded(model: Decoder) -> Decoder:
    mesh = init_device_mesh("cpu", (WORLD,))
    for layer in model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def point(model: nn.Module) -> Params:
    return {name: p.detach() for name, p in model.named_parameters()}


def gathered(params: Params) -> Params:
    return {name: whole(p.detach()).clone() for name, p in params.items()}


def trained(way: str, symmetry: ModelSymmetry, model: Decoder, batch: Tensor, place: Place) -> Params:
    """The parameters after some steps."""
    make, options = WAYS[way]
    options = dict(options)
    base = options.pop("base", torch.optim.AdamW)
    more = {"momentum": 0.9} if base is torch.optim.SGD else {}
    geometry = place(make(symmetry), point(model))
    optimizer = RiemannianSAM(model.named_parameters(), geometry, base, radius=RADIUS, lr=1e-2, **options, **more)
    for _ in range(STEPS):
        optimizer.step(lambda tokens: next_token(model, tokens), [batch])
    return gathered(point(model))


def laws(symmetry: ModelSymmetry, params: Params, place: Place) -> dict[str, Params | float]:
    """Every method of a geometry, at a point off its section."""
    geometry = place(Quotient(symmetry), params)
    draws = torch.Generator().manual_seed(2)
    u, c = ({n: torch.randn(p.shape, generator=draws, dtype=p.dtype) / 4 for n, p in params.items()} for _ in range(2))
    u, c = ({n: laid_out(t, params[n]) for n, t in v.items()} for v in (u, c))
    chart = geometry.chart(params)
    x, y = chart.components(c), scaled(chart.coordinates(u), 0.01)  # geodesics as short as measures take
    found = {
        "vector": chart.vector(x),
        "covector": chart.covector(y),
        "projection": chart.vector(chart.project(y)),
        "second moments": chart.vector(tuple(m.expand_as(a) for m, a in zip(chart.second_moments(y), y, strict=True))),
        "end": chart.exp(y),
        "pulled back": chart.vector(chart.linearized(y)[1](c)),
        "transported": chart.transported(y, x),
        "representative": geometry.representative(params),
        "carried": geometry.carry(params, u),
    }
    numbers = {
        "length": float(length(y)),
        "product": float(dot(x, y)),
        "bending": float(chart.bending(c, y)),
        "dimension": float(chart.dimension),
    }
    return {name: gathered(v) for name, v in found.items()} | numbers


def measured(
    symmetry: ModelSymmetry, params: Params, place: Place, group: dist.ProcessGroup | None
) -> dict[str, float]:
    """Measures of each kind: by values, by gradients, by Hessian products."""
    model, tokens = decoder()
    if group is not None:
        model = model.to("meta")  # its values do not count
    loss = EmpiricalLoss(model, next_token, tokens.split(2), microbatch=1, group=group)
    geometry = place(Quotient(symmetry), params)
    draws = torch.Generator().manual_seed(4)
    tangent = {n: torch.randn(p.shape, generator=draws, dtype=p.dtype) for n, p in params.items()}
    directions = [{n: laid_out(t, params[n]) for n, t in tangent.items()}]
    spectrum = hessian_spectrum(loss, params, geometry, steps=3, directions=directions)
    block = curvature(loss, params, geometry, parameters=["layers.1.mlp.*", "layers.1.post*"], kind="gauss-newton")
    leading = eigenpairs(block, 1, tolerance=1e-10, generator=torch.Generator().manual_seed(3))
    return {
        "adaptive": worst_case_sharpness(loss, params, Adaptive(), radius=RADIUS, steps=3).value,
        "worst case": worst_case_sharpness(loss, params, geometry, radius=RADIUS, steps=3).value,
        "average case": average_case_sharpness(loss, params, geometry, radius=RADIUS, directions=directions).value,
        "trace": spectrum.trace,
        "Rényi": spectrum.renyi(1.5),
        "eigenvalue of a block": leading.values[0].item(),
        "norm": parameter_norm(params).value,
        "product of norms": log_norm_product(params, norm="spectral").value,
        "Fisher-Rao, of the data": fisher_rao_norm(loss, params).value,
        "Fisher-Rao, of the model": fisher_rao_norm(loss, params, labels="model").value,
        "relative flatness": relative_flatness(loss, params, "lm_head.weight", probes=1, generator=draws).value,
    }


def refusals(symmetry: ModelSymmetry, params: Params) -> dict[str, str]:
    """What both processes are told, whoever owns what is wrong."""
    geometry = Sharded.of(Quotient(symmetry), params)
    flat_head = params | {n: torch.zeros_like(params[n]) for n in params if n.startswith("layers.0.self_attn")}
    not_finite = params | {"lm_head.weight": params["lm_head.weight"] / 0.0}
    attempts = {
        "rank": lambda: geometry.chart(flat_head),
        "finite": lambda: geometry.chart(not_finite),
        "geometry": lambda: Quotient(symmetry).chart(params),
        "model": lambda: EmpiricalLoss(sharded(decoder()[0]), next_token, [decoder()[1]]),
    }
    told = {}
    for name, attempt in attempts.items():
        with pytest.raises(ValueError, match="parameters|rank") as error:
            attempt()
        told[name] = str(error.value)
    return told


def coupled() -> tuple[nn.Module, Tensor, ModelSymmetry]:
    """A chain whose units are all joined: a geometry of one part, that leaves a process with nothing."""
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    symmetry = declare(model, relu_rescaling("0", "2"), relu_rescaling("2", "4"))
    return model, torch.randn(6, 3, generator=torch.Generator().manual_seed(6), dtype=torch.float64), symmetry


def chained(params: Params, place: Place, group: dist.ProcessGroup | None) -> float:
    model, inputs, symmetry = coupled()
    loss = EmpiricalLoss(model, lambda f, x: f(x).square().mean(), [inputs], group=group)
    return worst_case_sharpness(loss, params, place(Quotient(symmetry), params), radius=RADIUS, steps=3).value


def own(geometry: AbstractGeometry, params: Params) -> AbstractGeometry:
    return Sharded.of(geometry, params) if isinstance(geometry, Quotient) else geometry


def as_it_is(geometry: AbstractGeometry, params: Params) -> AbstractGeometry:
    return geometry


def worker(rank: int, symmetry: ModelSymmetry) -> dict[str, Any]:
    batch = decoder()[1].chunk(WORLD)[rank]
    params = point(sharded(decoder()[0]))
    chain = coupled()[0]
    fully_shard(chain, mesh=init_device_mesh("cpu", (WORLD,)))
    return {
        "trained": {way: trained(way, symmetry, sharded(decoder()[0]), batch, own) for way in WAYS},
        "laws": laws(symmetry, params, own),
        "measured": measured(symmetry, params, own, dist.group.WORLD),
        "chained": chained(point(chain), own, dist.group.WORLD),
        "refusals": refusals(symmetry, params),
        "owner": dict(Sharded.of(Quotient(symmetry), params).ownership.owner),
    }


@pytest.fixture(scope="module")
def symmetry() -> ModelSymmetry:
    return detect(*decoder())


@pytest.fixture(scope="module")
def results(symmetry: ModelSymmetry, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return in_two_processes(worker, symmetry, tmp_path_factory.mktemp("sharded"))


@pytest.mark.parametrize("way", WAYS)
def test_training_steps_of_sharded_parameters_are_those_of_whole_ones(way, results, symmetry):
    model, batch = decoder()
    expected = trained(way, symmetry, model, batch, as_it_is)
    for result in results:
        for name, value in expected.items():
            torch.testing.assert_close(result["trained"][way][name], value, rtol=0, atol=ATOL)


def test_every_method_of_a_sharded_geometry_is_that_of_the_geometry(results, symmetry):
    expected = laws(symmetry, point(decoder()[0]), as_it_is)
    for result in results:
        for name, value in expected.items():
            torch.testing.assert_close(result["laws"][name], value, rtol=ATOL, atol=ATOL)


def test_measures_of_sharded_parameters_are_those_of_whole_ones(results, symmetry):
    expected = measured(symmetry, point(decoder()[0]), as_it_is, None)
    for result in results:
        assert result["measured"] == pytest.approx(expected, rel=ITERATED)


def test_a_process_that_owns_nothing_takes_part(results):
    expected = chained(point(coupled()[0]), as_it_is, None)
    for result in results:
        assert result["chained"] == pytest.approx(expected, rel=ATOL)


def test_parts_stay_together_and_owners_have_alike_much(results, symmetry):
    owner, shapes = results[0]["owner"], symmetry.shapes
    assert results[1]["owner"] == owner
    parts = Quotient(symmetry).parts(owner)
    assert all(len({owner[name] for name in part}) == 1 for part in parts)
    load = [sum(shapes[name].numel() for name in owner if owner[name] == place) for place in range(WORLD)]
    assert max(load) - min(load) <= max(sum(shapes[name].numel() for name in part) for part in parts)


def test_what_one_process_refuses_all_refuse(results):
    for result in results:
        told = result["refusals"]
        assert "layers.0" in told["rank"]
        assert "lm_head.weight" in told["finite"]
        assert "quotient.Sharded.of" in told["geometry"]
        assert "of the same class" in told["model"]


def test_parameters_that_are_whole_are_refused(symmetry):
    with pytest.raises(ValueError, match=r"expected sharded parameters .* got whole ones \['embed_tokens.weight'"):
        Sharded.of(Quotient(symmetry), point(decoder()[0]))
