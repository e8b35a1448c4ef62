r"""What a geometry costs: measures beside the gradients they take, scaling laws, accuracy of geodesics.

Claim
    Worst-case geodesic sharpness in 20 steps is meant to take at most 1.05 times as long as 20 gradients of a 12-layer
    vision transformer, 384 wide, at 64 images in a batch, and of a BERT and a decoder of 768 at about as many tokens;
    and at most 1.3 times the memory of a gradient and three copies of the parameters. docs/benchmarks.md tells what was
    measured. The geometry's time is linear in the number of heads, and of the order n h^2 + h^3 in their size.

Runs for
    with --threads 4 on idle cores 20 minutes for the vision transformer, 70 for each of the others, 5 for the rest;
    three times that on one core. --quick half a minute (tiny models: no result). Every part is kept in a file of its
    own, contestant by contestant: what is interrupted goes on where it was. --parts names those to measure, --measures
    what of them, --anew forgets what is known of them; all known ones are reported.

Writes
    results/benchmark-geometry/PART.json        seconds, peaks, exponents, errors; configuration and machine
    results/benchmark-geometry/benchmarks.md    the tables; with --docs also a section of docs/benchmarks.md
    results/benchmark-geometry/geodesics.png    error against time; with --docs also docs/geodesics.png

Needs
    Linux for the memory, whose kernel keeps the peak of a process.

Expect
    20 steps to cost a third of a gradient more than 20 gradients in any geometry, for the value at the last point: a
    ratio of 1.016 before anything else; a step to do the same work whatever the batch, so that the ratio falls as it
    grows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from . import figures
from .benchmarks.geometry import (
    ACCURACY,
    AXES,
    FIGURE,
    GEOMETRIES,
    GRADIENTS,
    SCALING,
    SUBJECTS,
    Task,
    about,
    accuracy,
    ascents,
    averages,
    exponents,
    memory,
    products,
    sections,
)
from .benchmarks.isolation import isolated
from .command import option, require_positive
from .report import provenance, read_json, write_json
from .section import write_section

DOCS = Path("docs/benchmarks.md")
#: What is measured of a model, by what, and who is.
MEASURES: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "ascents": (ascents, GEOMETRIES),
    "averages": (averages, GEOMETRIES),
    "products": (products, GEOMETRIES),
    "memory": (memory, (GRADIENTS, *GEOMETRIES)),
}
#: Of geodesics: small balls, and the largest that are in use.
LENGTHS = (0.03, 0.1, 0.3)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the benchmark.

    Raises:
        ValueError: an unknown part or measure, or a value that is not positive.
    """

    parts: str = option(f"vit,bert,decoder,{SCALING},{ACCURACY}", "what to measure, with commas between; or nothing")
    measures: str = option(",".join(MEASURES), "what to measure of a model, with commas between")
    batch: str = option("", "examples in a batch where they are not those of the model, such as vit=16,bert=8")
    microbatch: int = option(0, "examples at once (0: all)")
    steps: int = option(20, "of every ascent, and draws of every average")
    rounds: int = option(1, "ascents in every geometry, whose steps and plain gradients take turns")
    anew: bool = option(False, "measure again what is known")
    repeats: int = option(7, "of the timing of geodesics")
    sizes: int = option(5, "points on every axis of the scaling laws")
    limit: float = option(7200.0, "seconds for one process")
    threads: int = option(1, "CPU threads")
    seed: int = option(0, "of weights and data")
    docs: bool = option(False, f"write {DOCS} and its figure as well")
    output: Path = option(Path("results/benchmark-geometry"), "folder to write to")

    def __post_init__(self) -> None:
        for name in ("steps", "rounds", "repeats", "sizes", "limit", "threads"):
            require_positive(name, getattr(self, name))
        if unknown := set(self.batches) - set(SUBJECTS):
            raise ValueError(f"--batch: expected numbers for some of {', '.join(SUBJECTS)}, got {unknown}")
        if unknown := set(self.measured) - set(MEASURES):
            raise ValueError(f"--measures: expected some of {', '.join(MEASURES)}, got {unknown}")
        if unknown := set(self.chosen) - {*SUBJECTS, SCALING, ACCURACY}:
            raise ValueError(f"--parts: expected some of {', '.join((*SUBJECTS, SCALING, ACCURACY))}, got {unknown}")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts to measure."""
        return tuple(part for part in self.parts.split(",") if part)

    @property
    def measured(self) -> tuple[str, ...]:
        """What to measure of a model."""
        return tuple(part for part in self.measures.split(",") if part)

    @property
    def batches(self) -> dict[str, int]:
        """Examples in a batch, of the models that are named."""
        named = (part.partition("=") for part in self.batch.split(",") if part)
        return {subject: int(count or 0) for subject, _, count in named}

    def task(self, subject: str) -> Task:
        """What is measured on one model."""
        return Task(
            subject=subject,
            batch=self.batches.get(subject) or SUBJECTS[subject].batch,
            microbatch=self.microbatch,
            steps=self.steps,
            rounds=self.rounds,
            threads=self.threads,
            seed=self.seed,
        )


QUICK = Config(
    parts=f"vit-tiny,bert-tiny,decoder-tiny,{SCALING},{ACCURACY}",
    steps=3,
    rounds=1,
    repeats=1,
    sizes=2,
    output=Path("results/benchmark-geometry-quick"),
)


def main(config: Config) -> None:
    """Measure what is asked for; write and show all that is known."""
    torch.set_num_threads(config.threads)
    for part in config.chosen:
        measure(part, config)
    files = {part: config.output / f"{part}.json" for part in (*SUBJECTS, SCALING, ACCURACY)}
    known = {part: read_json(path) for part, path in files.items() if path.exists()}
    text = "\n".join((*sections(known), ""))
    write_section(config.output / "benchmarks.md", text, name="benchmark", title="Benchmarks")
    if ACCURACY in known:
        figures.geodesic_accuracy(known[ACCURACY]["found"], config.output / FIGURE)
    if config.docs:
        write_section(DOCS, text, name="benchmark", title="Benchmarks")
        if ACCURACY in known:
            figures.geodesic_accuracy(known[ACCURACY]["found"], DOCS.parent / FIGURE)
    print(text)


def measure(part: str, config: Config) -> None:
    """Write the numbers of one part, of a model after every contestant."""
    path = config.output / f"{part}.json"

    def keep(found: Mapping[str, Any]) -> None:
        write_json(path, provenance(config) | {"found": found})

    if part in SUBJECTS:
        known = read_json(path)["found"] if path.exists() and not config.anew else {}
        compare(config.task(part), config.measured, config.limit, known, keep)
    elif part == SCALING:
        sizes = {axis: values[: config.sizes] for axis, (_, values) in AXES.items()}
        keep({"rows": [asdict(row) for row in exponents(sizes, repeats=config.repeats, seed=config.seed)]})
    else:
        rows = accuracy(LENGTHS, repeats=config.repeats, seed=config.seed)
        keep({"lengths": LENGTHS, "rows": [asdict(row) for row in rows]})


def compare(
    task: Task,
    measures: Sequence[str],
    limit: float,
    known: Mapping[str, Any],
    keep: Callable[[Mapping[str, Any]], None],
) -> None:
    """Seconds and memory of measures on one model, every contestant and every peak in a process of its own.

    What is known of the same task is not measured again.
    """
    (told,) = required(task, limit, about)
    found: dict[str, Any] = {
        "task": asdict(task),
        "title": SUBJECTS[task.subject].title,
        "batch": task.batch,
        "parameters": told["parameters"],
        "dimension": told["symmetry"].dimension,
    }
    same = known.get("task") == found["task"]
    for kind in MEASURES:
        found[kind] = dict(known.get(kind, {})) if same else {}
    pieces = [(kind, who) for kind in measures for who in MEASURES[kind][1]]
    bar = tqdm([(kind, who) for kind, who in pieces if who not in found[kind]], unit="contestant")
    for kind, who in bar:
        bar.set_description(f"{task.subject}: {who}, {kind}")
        function, _ = MEASURES[kind]
        found[kind][who] = required(task, limit, function, who, told["symmetry"])
        keep(found)


def required(task: Task, limit: float, function: Callable[..., None], *arguments: Any) -> list[dict[str, Any]]:
    """What a process of its own reports, which has to end well."""
    outcome = isolated(function, task, *arguments, limit=limit)
    if outcome.failure:
        raise SystemExit(f"{task.subject}: {outcome.failure}")
    return list(outcome.reports)
