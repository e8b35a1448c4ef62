r"""Pictures of the loss around and between models: of the function, beside those of its parameters.

Claim
    On a section spanned by horizontal geodesics the picture of the loss is the same for every representative of a
    model; the filter-normalised picture of [LiXu2018], and straight lines between parameters, change with it. Other
    models are reached along geodesics, found by shooting.

Runs for
    about half an hour on 1 core, --quick 30 seconds. Models and pictures that are finished are kept.

Writes
    results/landscape/landscape.json    losses, places of the models, residuals; configuration and versions
    results/landscape/landscape.csv     one row for each section, representative and point
    results/landscape/landscape.png     the figure; with --docs also docs/landscapes.png
    results/landscape/parts/            models and pictures, by configuration

Expect
    sections along geodesics to change by less than 1e-6 of the loss at condition 100, the raw ones by orders of
    magnitude; geodesics to other models to end on them, or off by the residuals that are stated: see
    docs/landscapes.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from measures import EmpiricalLoss
from quotient import Quotient
from symmetries import ModelSymmetry, Params, detect, trainable_parameters

from ..command import option, require_positive
from ..data import Split, cross_entropy, digits
from ..figures import REPRESENTATIVES
from ..models import ViT
from ..report import provenance, read_json, write_csv, write_json
from ..setting import Setting, adamw, fitted
from .directions import DIRECTIONS
from .figure import draw
from .parts import Parts
from .scene import Scene, View

#: A picture whose losses change by less than this part is the same.
BOUND = 1e-6


@dataclass(frozen=True, kw_only=True)
class Config(Setting):
    """Options of the landscapes."""

    models: int = option(3, "one, two or three, trained from different seeds")
    checkpoints: str = option("", "safetensors files of such transformers in place of training, separated by commas")
    directions: str = option("gradient", "of the section through one model: random, gradient or eigenvectors")
    extent: float = option(1.0, "of the sections through one model")
    points: int = option(25, "of the grid, along each axis")
    condition: float = option(100.0, "condition number of the group elements that move the models")
    tolerance: float = option(1e-8, "at which a geodesic has arrived, in units of how far the models are apart")
    shooting: int = option(400, "steps of Newton's method, to find a geodesic")
    docs: bool = option(False, "write docs/landscapes.png as well")
    output: Path = option(Path("results/landscape"), "folder to write to, and to go on from")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("extent", "tolerance", "shooting"):
            require_positive(name, getattr(self, name))
        if self.models not in (1, 2, 3):
            raise ValueError(f"--models must be 1, 2 or 3, got {self.models}")
        if self.directions not in DIRECTIONS:
            raise ValueError(f"--directions must be one of {', '.join(DIRECTIONS)}, got {self.directions!r}")
        if self.points < 2:
            raise ValueError(f"--points must be at least 2, got {self.points}")


QUICK = Config(epochs=2, dim=8, depth=1, images=32, models=2, points=5, shooting=20)


def main(config: Config) -> None:
    """Train, move along the orbits, draw."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    data, _ = digits(config.generator())
    parts = Parts.of(config)
    models = list(networks(config, data, parts))
    symmetry = detect(models[0])
    loss = EmpiricalLoss(models[0], cross_entropy, [next(data.first(config.images).batches(config.images))])
    scenes = representatives(config, loss, symmetry, [trainable_parameters(model) for model in models])
    sections = [pictures(config, scenes, name, parts) for name in kinds(len(models))]
    document = provenance(config) | {
        "sections": sections,
        "bound": BOUND,
        "guessing": torch.tensor(10.0).log().item(),
        "seconds": perf_counter() - start,
    }
    path = config.output / "landscape.json"
    write_json(path, document)
    write_csv(config.output / "landscape.csv", list(rows(document)))
    for target in (config.output / "landscape.png", *((Path("docs/landscapes.png"),) if config.docs else ())):
        draw(read_json(path), target)
    for row in sections:
        residuals = "".join(f", residual {residual:.1e}" for residual in row["theta"]["residuals"])
        print(f"{row['section']}: the losses change by at most {row['change']:.1e}{residuals}")
    print(f"Tables and figure are in {config.output}. Took {document['seconds']:.0f} s.")


def networks(config: Config, data: Split, parts: Parts) -> Iterator[ViT]:
    """The models: checkpoints, or trained from one seed after another."""
    files = [Path(file) for file in config.checkpoints.split(",") if file]
    for index in range(len(files) or config.models):
        seeded = replace(config, seed=config.seed + index)
        model = ViT(config.network(), seeded.generator()).double().eval()
        if files:
            model.load_state_dict(parts.read(files[index]))
        elif (kept := parts.weights(index)) is not None:
            model.load_state_dict(kept)
        else:
            model, _ = fitted(seeded, data, adamw(config), epochs=config.epochs, label=f"model {index + 1}")
            parts.keep(index, model)
        yield model


def representatives(config: Config, loss: EmpiricalLoss, symmetry: ModelSymmetry, models: list[Params]) -> list[Scene]:
    """The models as they are, and each moved by a random element of its own."""
    generator = config.generator()
    moved = [symmetry.act(symmetry.random(generator, config.condition), params) for params in models]
    geometry = Quotient(symmetry, rest="tensorwise")
    return [Scene(loss, geometry, points, config.extent, config.seed) for points in (models, moved)]


def kinds(models: int) -> list[str]:
    """The sections that are drawn."""
    around = ["geodesics", "filter-normalised"]
    return around if models == 1 else [*around, "geodesics between models", "straight lines between models"]


def pictures(config: Config, scenes: list[Scene], kind: str, parts: Parts) -> dict[str, Any]:
    """One kind of section at both representatives, and how much it changes."""
    row: dict[str, Any] = {"section": kind}
    for name, scene in zip(REPRESENTATIVES, scenes, strict=True):
        row[name] = parts.document(f"{kind}, {name}", partial(picture, config, scene, kind, name))
    before, after = (torch.tensor(row[name]["values"], dtype=torch.float64) for name in REPRESENTATIVES)
    row["change"] = ((after - before).abs() / before).max().item()
    return row


def picture(config: Config, scene: Scene, kind: str, name: str) -> dict[str, Any]:
    """The losses of one section."""
    shown = view(config, scene, kind)
    a, b = shown.grid(config.points)
    values = shown.section.values(scene.loss, a, b, f"{kind}, {name}")
    (line,) = shown.section.values(scene.loss, a, [0.0], "")
    return {"a": a, "b": b, "values": values, "line": line} | shown.facts()


def view(config: Config, scene: Scene, kind: str) -> View:
    """The section of that name."""
    match kind:
        case "geodesics":
            return scene.around(config.directions)
        case "filter-normalised":
            return scene.raw_around()
        case "geodesics between models":
            return scene.between(tolerance=config.tolerance, steps=config.shooting)
        case _:
            return scene.raw_between()


def rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row for each section, representative and point."""
    for section in document["sections"]:
        for name in REPRESENTATIVES:
            shown = section[name]
            for b, losses in zip(shown["b"], shown["values"], strict=True):
                for a, loss in zip(shown["a"], losses, strict=True):
                    yield {"section": section["section"], "representative": name, "a": a, "b": b, "loss": loss}
