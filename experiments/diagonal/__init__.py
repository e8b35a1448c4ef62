r"""Fifty diagonal linear networks: how sharpness orders them, by closed form and by search.

Claim
    [daSilva2025] section 5.1 gives Kendall's tau with the generalization gap as -0.68 (adaptive), -0.83 (invariant)
    and -0.86 (mixed), without error bars, radius or initial values. Here with intervals, and with each open choice
    changed in turn.

Runs for
    about 10 minutes on 1 core, --quick 10 seconds.

Writes
    results/diagonal/diagonal.json    every value of every network; configuration and versions
    results/diagonal/diagonal.csv     one row for each measure, and how it orders the networks
    results/diagonal/choices.csv      one row for each of the open choices
    results/diagonal/diagonal.md      both as tables
    results/diagonal/diagonal.png     the figure; with --docs also docs/results/diagonal.png

Expect
    search and closed form to agree; negative tau of adaptive and invariant sharpness with wide intervals, which
    coincide at small radii; a mixed sharpness that is nearly the same for all networks, where the published formula
    for it orders them by the length of the predictor: see docs/results/diagonal.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from measures import replacing

from ..command import option, require_positive
from ..report import markdown_table, provenance, read_json, write_csv, write_json
from .figure import draw
from .search import agreement
from .setup import DiagonalSetup
from .tables import PUBLISHED, VARIANTS, baseline_rows, judged, measured, variant_rows


@dataclass(frozen=True, kw_only=True)
class Config(DiagonalSetup):
    """Options of the diagonal networks."""

    steps: int = option(20, "ascent steps of the search")
    radii: str = option("0.001,0.01,0.5", "other radii that measures are taken at, separated by commas")
    choices: int = option(len(VARIANTS), "how many of the open choices are varied")
    repeats: int = option(9, "other draws of the problem")
    threads: int = option(1, "CPU threads")
    docs: bool = option(False, "write docs/results/diagonal.png as well")
    output: Path = option(Path("results/diagonal"), "folder to write to")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("steps", self.steps)
        require_positive("threads", self.threads)
        for radius in self.all_radii:
            require_positive("radii", radius)

    @property
    def all_radii(self) -> list[float]:
        """Increasing, with that of the setup."""
        return sorted({self.radius, *(float(radius) for radius in self.radii.split(",") if radius)})


QUICK = Config(networks=8, features=40, samples=20, nonzero=4, loss=1e-3, steps=5, radii="", choices=2, repeats=1)


def main(config: Config) -> None:
    """Train, measure, judge, vary, draw."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    problem, pool = config.pool()
    gaps = problem.gap(pool.products, config.gap)
    table, values = [], {}
    for row, found in measured(config, problem, pool, radii=config.all_radii, steps=config.steps):
        published = PUBLISHED[row["measure"]] if row["radius"] == config.radius else None
        table.append(row | judged(found, gaps, config.seed) | {"published": published})
        values[" / ".join((row["measure"], row["by"], f"{row['radius']:g}"))] = found
    document = provenance(config) | {
        "gaps": gaps.tolist(),
        "scales": pool.scales.tolist(),
        "steps of training": pool.steps,
        "agreement": agreement(problem, pool, steps=config.steps),
        "measures": table,
        "values": values,
        "baselines": baseline_rows(problem, pool, gaps, config.seed),
        "choices": variant_rows(config, list(VARIANTS)[: config.choices], config.repeats),
    }
    write(document | {"seconds": perf_counter() - start}, config)


def write(document: Mapping[str, Any], config: Config) -> None:
    """Tables and the figure, on disk and on the terminal."""
    path = config.output / "diagonal.json"
    write_json(path, document)
    rows = [*document["measures"], *document["baselines"]]
    write_csv(config.output / "diagonal.csv", rows)
    write_csv(config.output / "choices.csv", document["choices"])
    for target in (config.output / "diagonal.png", *((Path("docs/results/diagonal.png"),) if config.docs else ())):
        draw(read_json(path), target)
    tables = [[told(row) for row in rows], [brief(row) for row in document["choices"]]]
    text = "\n".join(map(markdown_table, tables))
    with replacing(config.output / "diagonal.md") as draft:
        draft.write_text(text, encoding="utf-8")
    print(text)
    differences = ", ".join(f"{name} {worst:.1e}" for name, worst in document["agreement"].items())
    print(f"Search and closed form differ by at most: {differences}.")
    print(f"Tables and figure are in {config.output}. Took {document['seconds']:.0f} s.")


def told(row: Mapping[str, Any]) -> dict[str, str]:
    """A row of the first table, in few columns."""
    return {
        "measure": row["measure"],
        "by": row["by"],
        "radius": "" if row["radius"] is None else f"{row['radius']:g}",
        "tau": f"{row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
        "published": "" if row["published"] is None else f"{row['published']:.2f}",
        "values": f"{row['least']:.3g} to {row['most']:.3g}",
    }


def brief(row: Mapping[str, Any]) -> dict[str, str]:
    """A row of the second table, in two digits."""
    return {
        column: value if isinstance(value, str) else "" if value is None else f"{value:.2f}"
        for column, value in row.items()
    }
