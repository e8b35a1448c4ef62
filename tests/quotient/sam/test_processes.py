"""Data-parallel training, in two processes of one machine."""

import copy
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from quotient import Quotient, RiemannianSAM
from symmetries import declare, relu_rescaling
from tests.quotient.sam.models import ADAMW, Data, assert_same, mlp, values
from tests.two_processes import WORLD, in_two_processes

STEPS = 5
ATOL = 1e-12  # float64, sums in another order


def make(model: torch.nn.Module, **options: object) -> RiemannianSAM:
    geometry = Quotient(declare(model, relu_rescaling("0", "2")))
    return RiemannianSAM(model.named_parameters(), geometry, ADAMW, lr=0.01, **options)


def share(data: Data, rank: int) -> list[Data]:
    """The micro-batches of one process."""
    pieces = list(zip(data[0].split(3), data[1].split(3), strict=True))
    return pieces[rank::WORLD]


WAYS = ("global", "riemannian", "local", "m-sharpness", "nan, local", "nan, m-sharpness")


def parallel_run(way: str, start: dict[str, Tensor], batches: list[Data], spoil: bool) -> list[Tensor]:
    """The parameters of one process after training."""
    model = mlp().double()
    model.load_state_dict(start)
    parallel = DistributedDataParallel(model)
    options = {"mode": "riemannian"} if way == "riemannian" else {"local": way in ("local", "nan, local")}
    optimizer = make(model, no_sync=parallel.no_sync, **options)

    def loss_fn(batch: Data) -> Tensor:
        return F.cross_entropy(parallel(batch[0]), batch[1]) * (float("nan") if spoil else 1.0)

    with pytest.warns(RuntimeWarning, match="skipped") if "nan" in way else nullcontext():
        for _ in range(STEPS):
            optimizer.step(loss_fn, batches, m_sharpness="m-sharpness" in way)
    return values(model)


def worker(rank: int, problem: tuple[dict[str, Tensor], Data]) -> dict[str, list[Tensor]]:
    """Train in every way."""
    start, data = problem
    return {way: parallel_run(way, start, share(data, rank), "nan" in way and rank == 0) for way in WAYS}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Tensor], Data, list[dict[str, list[Tensor]]]]:
    draws = torch.Generator().manual_seed(3)
    start = {k: torch.randn(v.shape, generator=draws, dtype=torch.float64) for k, v in mlp().state_dict().items()}
    data = torch.randn(12, 4, generator=draws, dtype=torch.float64), torch.arange(12) % 3
    return start, data, in_two_processes(worker, (start, data), tmp_path_factory.mktemp("processes"))


def single(start: dict[str, Tensor], batches: list[Data], m_sharpness: bool, **options: object) -> list[Tensor]:
    model = mlp().double()
    model.load_state_dict(copy.deepcopy(start))
    optimizer = make(model, **options)
    for _ in range(STEPS):
        optimizer.step(lambda d: F.cross_entropy(model(d[0]), d[1]), batches, m_sharpness=m_sharpness)
    return values(model)


def test_all_processes_hold_the_same_parameters(trained):
    *_, results = trained
    for way in results[0]:
        assert_same(results[0][way], results[1][way])


@pytest.mark.parametrize("mode", ["global", "riemannian"])
def test_by_default_processes_perturb_together_as_one_with_the_large_batch(mode, trained):
    start, data, results = trained
    expected = single(start, [data], False, **({"mode": mode} if mode == "riemannian" else {}))
    assert_same(results[0][mode], expected, atol=ATOL)


def test_locally_every_process_perturbs_along_its_own_gradient(trained):
    start, data, results = trained
    halves = [tuple(map(torch.cat, zip(*share(data, rank), strict=True))) for rank in range(WORLD)]
    assert_same(results[0]["local"], single(start, halves, True), atol=ATOL)


def test_m_sharpness_is_that_of_all_micro_batches_of_all_processes(trained):
    start, data, results = trained
    batches = share(data, 0) + share(data, 1)
    assert_same(results[0]["m-sharpness"], single(start, batches, True), atol=ATOL)


@pytest.mark.parametrize("way", ["nan, local", "nan, m-sharpness"])
def test_a_gradient_that_is_not_finite_in_one_process_skips_the_step_in_all(way, trained):
    start, _, results = trained
    assert_same(results[1][way], list(start.values()))


def test_local_perturbations_are_refused_where_they_cannot_be_pulled_back_together():
    with pytest.raises(ValueError, match="local"):
        make(mlp(), mode="riemannian", local=True)
    model = mlp()
    optimizer = make(model, mode="riemannian", no_sync=lambda: nullcontext())
    with pytest.raises(ValueError, match="leave m_sharpness out"):
        optimizer.step(lambda x: model(x).square().mean(), [torch.ones(2, 4)], m_sharpness=True)
