r"""The main job: a small network, its symmetries, and what sharpness is modulo them.

On the handwritten digits it
    1. trains a vision transformer, finds its symmetries, tries them out and counts them;
    2. measures sharpness at theta and at g.theta, another set of weights of the same function;
    3. trains again with SAM and with quotient SAM, at an equal number of gradient evaluations.

Runs for
    2 to 3 minutes on 2 cores, --quick 15 seconds.

Writes, to results/demo/
    demo.json         everything, with configuration, commit and versions
    symmetries.csv    the families of symmetries, with their dimensions
    invariance.csv    every measure at theta and at g.theta, and the ratio
    training.csv      accuracy and every measure of the three training runs
    invariance.png    the ratios; geodesics.png: the loss along geodesics; density.png: spectral densities

Expect
    geodesic measures to agree at theta and g.theta to 1e-6, and standard and adaptive ones to differ, most by
    factors of 10 to 1e6. One seed says nothing about which training is better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from tqdm import tqdm

from measures import MeasureTable
from quotient import AbstractGeometry, Euclidean, Quotient, RiemannianSAM
from symmetries import Element, ModelSymmetry, detect, verify

from . import figures
from .command import option, require_positive
from .console import heading, show
from .data import Split, accuracy, digits
from .models import ViT
from .report import provenance, read_json, write_csv, write_json
from .setting import Setting, adamw, fitted
from .survey import RADII, Survey, comparison
from .training import History
from .verdict import Movement, verdict


@dataclass(frozen=True, kw_only=True)
class Config(Setting):
    """Options of the demonstration."""

    condition: float = option(100.0, "condition number of the group element g")
    sam_radius: float = option(0.05, "radius of SAM, in weights")
    quotient_radius: float = option(0.1, "radius of quotient SAM, relative to the weights")
    output: Path = option(Path("results/demo"), "folder to write to")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("sam_radius", "quotient_radius"):
            require_positive(name, getattr(self, name))
        if self.epochs % 2:
            raise ValueError(f"--epochs must be even, SAM runs for half of them, got {self.epochs}")
        if not self.condition >= 1.0:
            raise ValueError(f"--condition must be at least 1, got {self.condition}")


SHOWN = ("measure", "geometry", "theta", "g.theta", "ratio", "invariant")
"""The columns of the invariance table that fit on a screen."""

QUICK = Config(epochs=2, dim=8, depth=1, images=32, steps=5, samples=2, probes=1, lanczos=10)


def main(config: Config) -> None:
    """Train, find the symmetries, measure on the orbit, train sharpness-aware, report."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    data, held_out = digits(config.generator())

    heading("1. A vision transformer on the digits, and its symmetries")
    model, history = fitted(config, data, adamw(config), epochs=config.epochs, label="AdamW")
    symmetry = detect(model)
    found = symmetries(config, model, symmetry, data)
    show(found["families"])

    heading("2. The same function at theta and at g.theta")
    survey = Survey.of(config, model, data, symmetry)
    g = symmetry.random(config.generator(), config.condition)
    table = survey.table({}, progress=True)
    invariance = comparison(table, survey.table(g, progress=True))
    show([{key: row[key] for key in SHOWN} for row in invariance])

    heading("3. Sharpness-aware training, at an equal number of gradients")
    runs = [outcome("AdamW", model, history, held_out, table)]
    for name, geometry, radius in (
        ("SAM", Euclidean(), config.sam_radius),
        ("quotient SAM", Quotient(symmetry), config.quotient_radius),
    ):
        optimizer = sharpness_aware(config, geometry, radius)
        model, history = fitted(config, data, optimizer, epochs=config.epochs // 2, label=name)
        table = Survey.of(config, model, data, symmetry).table(progress=True)
        runs.append(outcome(name, model, history, held_out, table))
    show(side_by_side(runs))

    document = provenance(config) | {
        "symmetry": found,
        "change of the function": survey.defect(g),
        "invariance": invariance,
        "training": runs,
        "geodesics": geodesics(survey, g),
        "density": densities(survey, g),
        "seconds": perf_counter() - start,
    }
    write(document, config.output)
    heading("In short")
    print(summary(document, config.output))


def symmetries(config: Config, model: ViT, symmetry: ModelSymmetry, data: Split) -> dict[str, Any]:
    """The dimension table, and how far random group elements change the function."""
    return {
        "dimension": symmetry.dimension,
        "parameters": sum(shape.numel() for shape in symmetry.shapes.values()),
        "defect": verify(model, symmetry, data.first(64).images, generator=config.generator()),
        "families": [
            {"family": family.name, "dimension": family.dimension, "holds": ", ".join(sorted(family.flags))}
            for family in symmetry.families
        ],
        "unrecognised": symmetry.unrecognised,
    }


def sharpness_aware(
    config: Config, geometry: AbstractGeometry, radius: float
) -> Callable[[ViT], torch.optim.Optimizer]:
    """SAM over a geometry, with AdamW as its base."""
    return lambda model: RiemannianSAM(
        model.named_parameters(),
        geometry,
        torch.optim.AdamW,
        radius=radius,
        lr=config.lr,
        weight_decay=config.weight_decay,
    )


def outcome(name: str, model: ViT, history: History, held_out: Split, table: MeasureTable) -> dict[str, Any]:
    """One row for a training run."""
    return {
        "optimizer": name,
        "epochs": len(history.losses),
        "gradients": history.gradients,
        "training loss": history.losses[-1],
        "test accuracy": accuracy(model, held_out),
    } | {f"{row.measure} {row.geometry}".strip(): row.value for row in table.rows}


def side_by_side(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs as columns, with the measures that are looked at most; the files hold all."""
    shown = [key for key in runs[0] if not key.startswith(("optimizer", "average", "gradient norm", "trace", "Rényi"))]
    return [{"": key} | {run["optimizer"]: run[key] for run in runs} for key in shown]


def geodesics(survey: Survey, g: Element) -> list[dict[str, Any]]:
    """The loss in the direction of the gradient from both representatives, twice the ball's radius either way."""
    panels = []
    for name, radius in tqdm(RADII.items(), desc="geodesics"):
        distances = torch.linspace(-2.0 * radius, 2.0 * radius, 21, dtype=torch.float64).tolist()
        curves = {
            "theta": survey.along_gradient({}, name, distances),
            "g.theta": survey.along_gradient(g, name, distances),
        }
        panels.append({"geometry": name, "distances": distances} | curves)
    return panels


def densities(survey: Survey, g: Element) -> list[dict[str, Any]]:
    """The spectral density at both representatives, each smoothed at its own scale."""
    panels = []
    for name in tqdm(("standard", "geodesic"), desc="densities"):
        spectra = {"theta": survey.spectrum({}, name), "g.theta": survey.spectrum(g, name)}
        curves = {}
        for label, spectrum in spectra.items():
            grid = spectrum.grid(400)
            curves[label] = {"grid": grid.tolist(), "density": spectrum.density(grid).tolist()}
        panels.append({"geometry": name} | curves)
    return panels


def write(document: dict[str, Any], folder: Path) -> None:
    """The document, its tables, and the figures drawn from it."""
    write_json(folder / "demo.json", document)
    write_csv(folder / "symmetries.csv", document["symmetry"]["families"])
    write_csv(folder / "invariance.csv", document["invariance"])
    write_csv(folder / "training.csv", document["training"])
    read = read_json(folder / "demo.json")
    figures.ratios(read, folder / "invariance.png")
    figures.geodesics(read, folder / "geodesics.png")
    figures.density(read, folder / "density.png")


def summary(document: dict[str, Any], folder: Path) -> str:
    """What was found, in words."""
    found, runs = document["symmetry"], document["training"]
    accuracies, losses, rises = (
        ", ".join(f"{run['optimizer']} {run[key]:{form}}" for run in runs)
        for key, form in (("test accuracy", ".1%"), ("training loss", ".2g"), ("worst case geodesic", ".2g"))
    )
    return f"""
{found["dimension"]:,} of the {found["parameters"]:,} dimensions of parameter space are symmetry: random elements of the
group change the function by at most {found["defect"]:.0e}. From theta to g.theta it changed by \
{document["change of the function"]:.0e}.

{verdict(Movement.of(row, row["ratio"]) for row in document["invariance"])}

After {runs[0]["gradients"]:,} gradients each, which are half as many steps for SAM:
  test accuracy             {accuracies}
  training loss             {losses}
  worst case (geodesic)     {rises}
One seed, radii that were not tuned, losses that differ: no claim about which training is better.

Tables and figures are in {folder}. Took {document["seconds"]:.0f} s.""".strip()
