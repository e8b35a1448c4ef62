"""Every measure, by two processes of one machine, against one process with all the data."""

import pytest
import torch
import torch.distributed as dist
from torch import nn

from measures import (
    EmpiricalLoss,
    Literature,
    average_case_sharpness,
    curvature,
    eigenpairs,
    measure,
    renyi_sharpness,
    trace,
    worst_case_sharpness,
)
from measures.processes import Processes, fingerprint
from quotient import Euclidean, Quotient
from symmetries import declare, relu_rescaling
from tests.two_processes import in_two_processes

#: Sums in another order, in float64.
RTOL = 1e-12
#: A search and a Krylov space amplify rounding, by the condition of what they follow.
ITERATED = 1e-9

Data = list[tuple[torch.Tensor, torch.Tensor]]


class Net(nn.Module):
    """A ReLU layer behind a trained norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(4), nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(self.up(self.norm(x)).relu())


def problem(
    data: Data, group: dist.ProcessGroup | None, microbatch: int | None
) -> tuple[EmpiricalLoss, dict, Quotient]:
    model = Net().double()
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=draws, dtype=p.dtype))
    loss = EmpiricalLoss(
        model, lambda f, b: nn.functional.cross_entropy(f(b[0]), b[1]), data, microbatch=microbatch, group=group
    )
    return (
        loss,
        {n: p.detach() for n, p in model.named_parameters()},
        Quotient(declare(model, relu_rescaling("up", "down"))),
    )


def unequal(count: int) -> Data:
    """Batches of 5, 4, 3, ... examples."""
    draws = torch.Generator().manual_seed(2)
    sizes = range(5, 5 - count, -1)
    return [(torch.randn(n, 4, generator=draws, dtype=torch.float64), torch.arange(n) % 3) for n in sizes]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def sums(group: dist.ProcessGroup | None) -> dict[str, torch.Tensor]:
    """What one pass over the data gives, for shares that are and are not equal, and for a process without any."""
    found = {}
    for count, microbatch in ((3, None), (3, 2), (1, None)):
        loss, params, geometry = problem(unequal(count), group, microbatch)
        tangent = geometry.random(params, seeded())
        gauss_newton = curvature(loss, params, Euclidean(), kind="gauss-newton")
        parts = {
            "loss": {"": loss(params)},
            "per batch": {"": loss.per_batch(params)},
            "gradient": loss.gradient(params),
            "product": loss.hvp(params, tangent),
            "kept product": loss.hessian(params)(tangent),
            "Gauss-Newton": gauss_newton.product(tangent),
            "restricted": loss.restricted(params, ["up.*"])[0].gradient(loss.restricted(params, ["up.*"])[1]),
            "part": loss.parts()[-1].gradient(params),
        }
        found |= {f"{n} {k}, {count} batches, {microbatch}": v for n, part in parts.items() for k, v in part.items()}
    return found


def measured(group: dist.ProcessGroup | None) -> dict[str, float]:
    """Every measure over a quotient."""
    loss, params, geometry = problem(unequal(3), group, 2)
    literature = Literature(layers={"up.weight": 0}, probes=2, gauss_newton=True)
    settings = {"radius": 0.1, "steps": 4, "samples": 2, "probes": 2, "lanczos_steps": 4}
    table = measure(loss, params, {"quotient": geometry}, literature=literature, generator=seeded(), **settings)
    found = {f"{row.measure} {row.geometry}": row.value for row in table.rows}
    operator = curvature(loss, params, geometry)
    found["jointly"] = worst_case_sharpness(loss, params, geometry, radius=0.1, steps=4, per_batch=False).value
    found["trace"] = trace(operator, probes=2, generator=seeded()).value
    found["eigenvalue"] = eigenpairs(operator, 1, tolerance=1e-6, generator=seeded()).values[0].item()
    return found


def refusals(group: dist.ProcessGroup, rank: int) -> dict[str, str]:
    """What processes that do not agree are told."""
    data = unequal(3)
    loss, params, geometry = problem(data, group, None)
    attempts = {
        "draws": lambda: average_case_sharpness(
            loss, params, geometry, radius=0.1, samples=1, generator=torch.Generator().manual_seed(rank)
        ),
        "tangents": lambda: renyi_sharpness(
            loss, params, alpha=2.0, probes=1, steps=2, generator=torch.Generator().manual_seed(rank)
        ),
        "batches": lambda: problem(data if rank else data[::-1], group, None),
    }
    told = {}
    for name, attempt in attempts.items():
        with pytest.raises(ValueError, match="processes hold different") as error:
            attempt()
        told[name] = str(error.value)
    return told


def worker(rank: int, _: None) -> tuple[dict[str, torch.Tensor], dict[str, float], dict[str, str]]:
    group = dist.group.WORLD
    return sums(group), measured(group), refusals(group, rank)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict, dict, dict]]:
    return in_two_processes(worker, None, tmp_path_factory.mktemp("processes"))


def test_sums_over_two_processes_are_those_of_one(results):
    expected = sums(None)
    assert expected.keys() == results[0][0].keys()
    for name, value in expected.items():
        torch.testing.assert_close(results[0][0][name], value, rtol=RTOL, atol=RTOL, msg=lambda m, n=name: f"{n}: {m}")


def test_every_measure_by_two_processes_is_that_of_one(results):
    assert results[0][1] == pytest.approx(measured(None), rel=ITERATED, nan_ok=True)


def test_all_processes_hold_the_same_numbers_bit_for_bit(results):
    (sums_here, measures_here, _), (sums_there, measures_there, _) = results
    assert all(torch.equal(value, sums_there[name]) for name, value in sums_here.items())
    assert measures_here == pytest.approx(measures_there, rel=0, abs=0, nan_ok=True)


def test_processes_that_disagree_are_all_told_what_about(results):
    for *_, told in results:
        assert "parameters" in told["draws"]
        assert "tangents" in told["tangents"]
        assert "batches" in told["batches"]


def test_a_process_by_itself_has_all_terms():
    alone = Processes()
    assert alone.count == 1
    assert alone.share([1, 2, 3]) == [1, 2, 3]


def test_fingerprints_tell_the_order_of_batches_apart():
    a, b = torch.arange(3.0), torch.arange(4)
    assert not fingerprint([a, b]).allclose(fingerprint([b, a]))
    assert fingerprint([]).tolist() == [0.0, 0.0]
