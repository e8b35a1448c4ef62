from collections.abc import Callable
from typing import Any

import pytest

from experiments.benchmarks.geometry import GEOMETRIES, GRADIENTS, Task, about, ascents, averages, memory, products
from experiments.benchmarks.geometry.product import PRODUCTS
from symmetries import ModelSymmetry

TASK = Task(subject="bert-tiny", batch=4, microbatch=2, steps=2, rounds=2, threads=1, seed=0)


@pytest.fixture(scope="module")
def symmetry() -> ModelSymmetry:
    told: list[dict[str, Any]] = []
    about(TASK, told.append)
    (each,) = told
    assert each["parameters"] > each["symmetry"].dimension > 0
    found: ModelSymmetry = each["symmetry"]
    return found


@pytest.mark.parametrize("who", GEOMETRIES)
@pytest.mark.parametrize(
    ("measure", "rounds", "evaluations"),
    [(ascents, TASK.rounds, TASK.steps), (averages, 1, TASK.steps + 1), (products, 1, PRODUCTS)],
)
def test_every_evaluation_has_a_plain_one_before_it(
    measure: Callable[..., None], rounds: int, evaluations: int, who: str, symmetry: ModelSymmetry
) -> None:
    runs: list[dict[str, Any]] = []
    measure(TASK, who, symmetry, runs.append)
    assert len(runs) == rounds
    for run in runs:
        assert len(run["passes"]) == len(run["plain"]) == len(run["between"]) + 1 == evaluations
        assert all(each["clock"] > 0 for key in ("passes", "plain", "between") for each in run[key])
        assert run["before"]["clock"] > 0
        assert run["after"]["clock"] > 0


def test_every_peak_is_taken_alone(symmetry: ModelSymmetry) -> None:
    peaks: list[dict[str, Any]] = []
    for who in (GRADIENTS, *GEOMETRIES):
        memory(TASK, who, symmetry, peaks.append)
    assert len(peaks) == 3
