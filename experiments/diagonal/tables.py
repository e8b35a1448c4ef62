"""What the pool says: how every measure orders the networks, and which of the open choices that depends on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from measures import UndefinedStatisticError, baselines, correlate

from .closed_form import CLOSED_FORMS
from .pool import DiagonalPool
from .regression import SparseRegression
from .search import searched
from .setup import DiagonalSetup

Row = dict[str, Any]

#: Kendall's tau with the generalization gap in [daSilva2025] Table 1, without error bars there.
PUBLISHED = {"adaptive": -0.68, "invariant": -0.83, "mixed": -0.86}

#: The open choices, one changed at a time.
VARIANTS: dict[str, dict[str, Any]] = {
    "as above": {},
    "60 samples": {"samples": 60},
    "80 samples": {"samples": 80},
    "120 samples": {"samples": 120},
    "150 samples": {"samples": 150},
    "noise 0.1": {"noise": 0.1},
    "noise 0.3": {"noise": 0.3},
    "Gaussian entries of the target": {"gaussian": True},
    "initial values from 0.001 to 0.02": {"largest": 0.02},
    "initial values from 0.01 to 1": {"smallest": 0.01, "largest": 1.0},
    "all initial values 0.01, other draws": {"smallest": 0.01, "largest": 0.01},
    "all initial values 0.1, other draws": {"smallest": 0.1, "largest": 0.1},
    "learning rate 0.02": {"lr": 0.02},
    "training loss 1e-3": {"loss": 1e-3},
    "gap on 1,000 samples": {"gap": "test set"},
    "radius 0.001": {"radius": 1e-3},
    "radius 0.01": {"radius": 1e-2},
}


def measured(
    setup: DiagonalSetup, problem: SparseRegression, pool: DiagonalPool, *, radii: Sequence[float], steps: int
) -> Iterator[tuple[Row, list[float]]]:
    """Every measure of every network: what it is, and its values."""
    for radius in radii:
        for (geometry, how), form in CLOSED_FORMS.items():
            values = [form(problem, predictor, radius) for predictor in pool.products]
            yield {"measure": geometry, "by": how, "radius": radius}, values
        for geometry in ("adaptive", "invariant"):
            values = list(searched(problem, pool, geometry, radius=radius, steps=steps))
            yield {"measure": geometry, "by": "search", "radius": radius}, values
    truncated = list(searched(problem, pool, "mixed, truncated", radius=setup.radius, steps=steps))
    yield {"measure": "mixed", "by": "search, second-order geodesics", "radius": setup.radius}, truncated


def known(problem: SparseRegression, pool: DiagonalPool) -> dict[str, Tensor]:
    """What is known of the networks without any measure of sharpness."""
    predictors = pool.products
    return {
        "initial scale": pool.scales,
        "length of the predictor": predictors.norm(dim=1),
        "sum of its moduli": predictors.abs().sum(dim=1),
        "its largest modulus": predictors.abs().amax(dim=1),
        "length of the weights": torch.cat([pool.u, pool.v], dim=1).norm(dim=1),
        "training loss": problem.loss(predictors),
    }


def baseline_rows(problem: SparseRegression, pool: DiagonalPool, gaps: Tensor, seed: int) -> list[Row]:
    """How those numbers, and noise, order the networks."""
    generator = torch.Generator().manual_seed(seed)
    columns = baselines(
        gaps.tolist(), {name: v.tolist() for name, v in known(problem, pool).items()}, generator=generator
    )
    return [
        {"measure": name, "by": "baseline", "radius": None} | judged(values, gaps, seed) | {"published": None}
        for name, values in columns.items()
        if name not in ("constant", "oracle")
    ]


def judged(values: Sequence[float], gaps: Tensor, seed: int) -> Row:
    """Kendall's tau with the gap, with its bootstrap interval over networks, and the range of the values."""
    found = correlate(values, gaps.tolist(), generator=torch.Generator().manual_seed(seed))
    return {"tau": found.tau, "low": found.low, "high": found.high, "least": min(values), "most": max(values)}


def variant_rows(setup: DiagonalSetup, variants: Sequence[str], repeats: int) -> list[Row]:
    """The taus of the closed forms where one of the open choices is another, and for other draws of the problem."""
    changed = {name: replace(setup, **VARIANTS[name]) for name in variants}
    changed |= {f"problem {i}": replace(setup, seed=setup.seed + i) for i in range(1, repeats + 1)}
    return [_variant(name, other) for name, other in tqdm(changed.items(), desc="open choices", unit="pool")]


def _variant(name: str, setup: DiagonalSetup) -> Row:
    problem, pool = setup.pool()
    gaps = problem.gap(pool.products, setup.gap)
    row: Row = {"choice": name, "gaps": f"{gaps.min():.2g} to {gaps.max():.2g}"}
    for (geometry, how), form in CLOSED_FORMS.items():
        values = [form(problem, predictor, setup.radius) for predictor in pool.products]
        row[geometry if how == "closed form" else f"{geometry}, {how}"] = _tau(values, gaps, setup.seed)
    columns = known(problem, pool)
    return row | {
        column: _tau(columns[column].tolist(), gaps, setup.seed)
        for column in ("length of the predictor", "sum of its moduli")
    }


def _tau(values: Sequence[float], gaps: Tensor, seed: int) -> float | None:
    """Kendall's tau; None where it is not defined."""
    try:
        return judged(values, gaps, seed)["tau"]
    except UndefinedStatisticError:
        return None
