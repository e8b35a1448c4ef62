"""A pool that was never trained: cards and measurements drawn so that the truth about them is known."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import torch

from experiments.pool import Pool, identifier
from experiments.report import write_json

GRID = list(itertools.product([0.01, 0.1, 1.0], [0.0, 0.1], ["sgd", "adam"], [0, 1]))
RADII = {"adaptive": (0.1, 0.2, 0.4), "geodesic": (0.05, 0.1, 0.2)}
MOVED = {"adaptive": 5.0, "geodesic": 1.0}


def cards() -> Iterator[tuple[str, dict[str, Any]]]:
    """Two seeds of twelve configurations; the gap grows with the rate, and with something that only models know."""
    own = torch.randn(len(GRID), generator=torch.Generator().manual_seed(1), dtype=torch.float64).tolist()
    for (rate, decay, optimizer, seed), hidden in zip(GRID, own, strict=True):
        configuration = {"learning rate": rate, "weight decay": decay, "optimizer": optimizer}
        gap = 1.0 + 0.3 * math.log10(rate) + 0.2 * hidden
        yield (
            identifier(configuration, seed),
            {
                "configuration": configuration,
                "seed": seed,
                "targets": {"train loss": 0.01 * (1.0 + rate), "loss gap": gap, "test error": 0.1 + 0.01 * hidden},
                "covariates": {"logit norm": 3.0 + hidden**2, "hidden": hidden},
                "seconds": 1.5,
                "failure": None,
            },
        )


def measurements(model: str, card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Geodesic sharpness knows the gap, adaptive sharpness the rate; the latter is another at other weights."""
    known = {"geodesic": card["targets"]["loss gap"], "adaptive": card["configuration"]["learning rate"]}
    for geometry, radii in RADII.items():
        for place, radius in enumerate(radii):
            for sample, representative in ((0, "trained"), (1, "trained"), (0, "moved")):
                noise = 0.01 * math.sin(code_of(model, geometry, place, sample))
                value = (known[geometry] + 2.0) * radius * (1.0 + noise)
                value *= MOVED[geometry] ** (math.sin(code_of(model)) if representative == "moved" else 0.0)
                yield row(model, "worst case", geometry, radius, "", sample, representative, value)
    for alpha in (0.5, 2.0):
        value = card["covariates"]["hidden"] if alpha == 2.0 else math.sin(code_of(model))
        yield row(model, "renyi", "geodesic", None, f"alpha={alpha}", 0, "trained", value)
    yield row(model, "constant trace", "standard", None, "", 0, "trained", 1.0)
    if card["seed"] == 0:
        yield row(model, "rarely known", "", None, "", 0, "trained", known["geodesic"])


def code_of(*parts: object) -> int:
    """A number that is the same in every process."""
    return sum(ord(letter) * (i + 1) for i, letter in enumerate(" ".join(map(str, parts))))


def row(*fields: Any) -> dict[str, Any]:
    """A row of a table of measurements."""
    names = ("model", "measure", "geometry", "radius", "setting", "sample", "representative", "value")
    return dict(zip(names, fields, strict=True)) | {"stderr": None, "seconds": 0.1}


def draw(folder: Path) -> Pool:
    """Cards of 24 models, and of one that has failed; the plan ``main``."""
    write_json(folder / "pool.json", {"task": "drawn", "options": {}, "versions": {"torch": "2.13.0"}})
    rows: list[dict[str, Any]] = []
    for model, card in cards():
        write_json(folder / "models" / model / "model.json", card)
        rows += measurements(model, card)
    diverged = {"configuration": {"learning rate": 10.0, "weight decay": 0.0, "optimizer": "sgd"}, "seed": 0}
    empty = {"targets": {}, "covariates": {}, "seconds": 0.1, "failure": "the loss is not finite"}
    write_json(folder / "models" / "diverged" / "model.json", diverged | empty)
    write_table(folder / "measures" / "main.parquet", rows)
    return Pool(folder)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as a parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), path)
