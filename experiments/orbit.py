r"""The invariance figure: every measure of one function, along an orbit of its parameters.

Claim
    Sharpness measured in raw or in elementwise relative weights says as much about the representative as about the
    function; measured on the quotient it is a property of the function. The experiment of [daSilva2025] section 6.2,
    with all measures: the basis of every attention head is changed by a random matrix times a, for a from
    1e-2 to 1e2, which leaves the function as it is.

Runs for
    about 2 minutes on 2 cores, --quick 15 seconds.

Writes
    results/orbit/orbit.json    sizes, values, ratios, change of the function; configuration and versions
    results/orbit/orbit.csv     one row for each measure and size
    results/orbit/orbit.png     the figure; with --readme also docs/orbit.png

Expect
    the function to change by less than 1e-9, geodesic measures by less than 1e-6, the standard trace and
    top eigenvalue by orders of magnitude.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from measures import MeasureTable
from symmetries import Element, ModelSymmetry, detect

from . import figures
from .command import option, require_positive
from .data import digits
from .report import provenance, read_json, write_csv, write_json
from .setting import Setting, adamw, fitted
from .survey import Survey, comparison
from .verdict import Movement, from_one, verdict

CONDITION = 10.0
"""The condition number of the random matrix of every head."""


@dataclass(frozen=True, kw_only=True)
class Config(Setting):
    """Options of the orbit experiment."""

    images: int = option(64, "training images that measures are taken on")
    probes: int = option(1, "probes of the spectrum")
    points: int = option(9, "group elements between the smallest and the largest size")
    smallest: float = option(1e-2, "size of the smallest group element")
    largest: float = option(1e2, "size of the largest group element")
    readme: bool = option(False, "write docs/orbit.png as well")
    output: Path = option(Path("results/orbit"), "folder to write to")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("points", "smallest", "largest"):
            require_positive(name, getattr(self, name))


QUICK = Config(epochs=2, dim=8, depth=1, images=32, steps=5, samples=2, lanczos=10, points=5)


def main(config: Config) -> None:
    """Train, walk along the orbit, measure, draw."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    data, _ = digits(config.generator())
    model, _ = fitted(config, data, adamw(config), epochs=config.epochs, label="training")
    symmetry = detect(model)
    survey = Survey.of(config, model, data, symmetry)
    sizes = np.geomspace(config.smallest, config.largest, config.points).tolist()
    generator = config.generator()
    elements = [heads(symmetry, size, generator) for size in sizes]
    reference = survey.table({})
    tables = [survey.table(g) for g in tqdm(elements, desc="along the orbit", unit="point")]
    document = provenance(config) | {
        "sizes": sizes,
        "defects": [survey.defect(g) for g in elements],
        "curves": curves(reference, tables),
        "seconds": perf_counter() - start,
    }
    path = config.output / "orbit.json"
    write_json(path, document)
    write_csv(config.output / "orbit.csv", rows(document))
    draw(read_json(path), config)
    print(summary(document))
    print(f"Tables and figure are in {config.output}. Took {document['seconds']:.0f} s.")


def draw(document: dict[str, Any], config: Config) -> None:
    """The figure, and its copy for the README where that is asked for."""
    for path in (config.output / "orbit.png", *((Path("docs/orbit.png"),) if config.readme else ())):
        figures.orbit(document, path)


def heads(symmetry: ModelSymmetry, size: float, generator: torch.Generator) -> Element:
    """A random matrix for every head, times ``size``."""
    return symmetry.random(generator, CONDITION, size, factors=symmetry.pairs)


def curves(reference: MeasureTable, tables: list[MeasureTable]) -> list[dict[str, Any]]:
    """Every measure along the orbit: values, ratios to the start, and whether it ever moved."""
    compared = [comparison(reference, table) for table in tables]
    return [
        {
            "measure": along[0]["measure"],
            "geometry": along[0]["geometry"],
            "reference": along[0]["theta"],
            "values": [row["g.theta"] for row in along],
            "ratios": [row["ratio"] for row in along],
            "invariant": all(row["invariant"] for row in along),
            "resolved": along[0]["resolved"],
        }
        for along in zip(*compared, strict=True)
    ]


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each measure and size."""
    return [
        {"measure": c["measure"], "geometry": c["geometry"], "size": size, "value": value, "ratio": ratio}
        for c in document["curves"]
        for size, value, ratio in zip(document["sizes"], c["values"], c["ratios"], strict=True)
    ]


def summary(document: dict[str, Any]) -> str:
    """What the figure shows, in words."""
    points, worst = len(document["sizes"]), max(document["defects"])
    farthest = [Movement.of(curve, max(curve["ratios"], key=from_one)) for curve in document["curves"]]
    return f"\nAt {points} points of one orbit the function changed by at most {worst:.0e}.\n" + verdict(farthest)
