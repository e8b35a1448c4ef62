r"""What a geometry costs: worst-case sharpness beside as many plain gradients, scaling laws, accuracy of geodesics.

Claim
    Worst-case geodesic sharpness in 20 steps is meant to take at most 1.05 times as long as 20 gradients of a 12-layer
    vision transformer, 384 wide, at 64 images in a batch, and at most 1.3 times the memory of a gradient and three
    copies of the parameters; docs/benchmarks.md tells what was measured. The geometry's time is linear in the number of
    heads, and of the order n h^2 + h^3 in their size.

Runs for
    about an hour and a half on an idle core, --quick half a minute (tiny models: no result). Every part is kept in a
    file of its own; --parts names those to measure anew, the others are reported as they are.

Writes
    results/benchmark-geometry/PART.json        seconds, peaks, exponents, errors; configuration and machine
    results/benchmark-geometry/benchmarks.md    the tables; with --docs also a section of docs/benchmarks.md
    results/benchmark-geometry/geodesics.png    error against time; with --docs also docs/geodesics.png

Needs
    Linux for the memory, whose kernel keeps the peak of a process.

Expect
    20 steps to cost a third of a gradient more than 20 gradients in any geometry, for the value at the last point: a
    ratio of 1.017 before anything else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from . import figures
from .benchmark import markdown
from .benchmark.isolation import isolated
from .command import option, require_positive
from .geometry_cost import ASCENTS, AXES, GRADIENTS, SUBJECTS, AscentTask, accuracy, ascents, exponents, memory
from .report import provenance, read_json, write_json
from .section import write_section

DOCS, FIGURE = Path("docs/benchmarks.md"), Path("docs/geodesics.png")
SCALING, ACCURACY = "scaling", "accuracy"
#: An ascent may hold as much more than a gradient, as copies of the parameters.
COPIES = 3
#: Of geodesics: small balls, and the largest that are in use.
LENGTHS = (0.03, 0.1, 0.3)

ASCENTS_TEXT = """\
Seconds of the processor of an ascent over those of as many plain gradients (`zero_grad`, forward, `backward`) of the
same model and batch; they take turns in one process: median over rounds, and their range. An ascent in n steps takes n
gradients and one more value, a third of a gradient, in any geometry. *Added to a step* is the difference of quotient
and gradients, which does not grow with the batch but for that value. Memory is the peak of a fresh process above the
loaded model, *more* what adaptive / quotient hold beyond a gradient; *bar* is the quotient's peak over a gradient and
three copies of the parameters.
"""
SCALING_TEXT = """\
Query-key pairs of a transformer of 4 layers, 384 wide, with 6 heads of size 64; one of these is varied. Milliseconds of
an exponential map, its transpose and a projection, in single precision, with the exponent of the power law through
them, and that of the number of multiplications, copies times (18 n h^2 + 60 h^3).
"""
ACCURACY_TEXT = """\
Distance from the end of an integration in 128 Runge-Kutta steps, relative to the distance gone, in double precision, at
several lengths; in units in which the parameters are as long in either metric. Milliseconds of an exponential map and
its transpose, for 4 heads of size 16.
"""

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the benchmark.

    Raises:
        ValueError: an unknown part, or a value that is not positive.
    """

    parts: str = option(f"vit,bert,decoder,{SCALING},{ACCURACY}", "what to measure, with commas between; or nothing")
    batch: int = option(0, "examples in a batch (0: those of each model)")
    microbatch: int = option(0, "examples at once (0: all)")
    steps: int = option(20, "of every ascent")
    rounds: int = option(3, "in which gradients and ascents take turns")
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
        if unknown := set(self.chosen) - {*SUBJECTS, SCALING, ACCURACY}:
            raise ValueError(f"--parts: expected some of {', '.join((*SUBJECTS, SCALING, ACCURACY))}, got {unknown}")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts to measure."""
        return tuple(part for part in self.parts.split(",") if part)

    def task(self, subject: str) -> AscentTask:
        """What is measured on one model."""
        return AscentTask(
            subject=subject,
            batch=self.batch,
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
        write_json(config.output / f"{part}.json", provenance(config) | {"found": measured(part, config)})
    files = {part: config.output / f"{part}.json" for part in (*SUBJECTS, SCALING, ACCURACY)}
    known = {part: read_json(path) for part, path in files.items() if path.exists()}
    text = "\n".join((*report(known), ""))
    write_section(config.output / "benchmarks.md", text, name="benchmark", title="Benchmarks")
    if ACCURACY in known:
        figures.geodesic_accuracy(known[ACCURACY]["found"], config.output / FIGURE.name)
    if config.docs:
        write_section(DOCS, text, name="benchmark", title="Benchmarks")
        if ACCURACY in known:
            figures.geodesic_accuracy(known[ACCURACY]["found"], FIGURE)
    print(text)


def measured(part: str, config: Config) -> dict[str, Any]:
    """The numbers of one part."""
    if part == SCALING:
        sizes = {axis: values[: config.sizes] for axis, (_, values) in AXES.items()}
        return {"rows": [asdict(row) for row in exponents(sizes, repeats=config.repeats, seed=config.seed)]}
    if part == ACCURACY:
        rows = accuracy(LENGTHS, repeats=config.repeats, seed=config.seed)
        return {"lengths": LENGTHS, "rows": [asdict(row) for row in rows]}
    return compared(config.task(part), config.limit)


def compared(task: AscentTask, limit: float) -> dict[str, Any]:
    """Seconds and memory of ascents on one model, every peak in a process of its own."""
    outcome = isolated(ascents, task, limit=limit)
    if outcome.failure:
        raise SystemExit(f"{task.subject}: {outcome.failure}")
    about, *rounds = outcome.reports
    symmetry = about["symmetry"]
    peaks = {who: isolated(memory, task, who, symmetry, limit=limit) for who in (GRADIENTS, *ASCENTS)}
    return {
        "title": SUBJECTS[task.subject].title,
        "batch": task.batch or SUBJECTS[task.subject].batch,
        "parameters": about["parameters"],
        "dimension": symmetry.dimension,
        "rounds": rounds,
        "bytes": {who: peak.reports[-1]["bytes"] if peak.reports else None for who, peak in peaks.items()},
    }


def report(known: Mapping[str, Document]) -> Iterator[str]:
    """The sections of the document."""
    subjects = {part: found for part, found in known.items() if part in SUBJECTS}
    yield "Written by `python -m experiments benchmark --docs`; every part says where it ran.\n"
    if subjects:
        yield from ascent_section(subjects)
    if SCALING in known:
        yield from scaling_section(known[SCALING])
    if ACCURACY in known:
        yield from accuracy_section(known[ACCURACY])


def ascent_section(subjects: Mapping[str, Document]) -> Iterator[str]:
    """Ratios, and peaks."""
    yield "## Worst-case sharpness beside plain gradients\n"
    yield ASCENTS_TEXT
    yield from markdown([ascent_row(document) for document in subjects.values()])
    yield ""
    yield from (f"- {document['found']['title']}: {machine(document)}." for document in subjects.values())
    yield ""


def ascent_row(document: Document) -> dict[str, str]:
    """One model."""
    found, config = document["found"], document["config"]
    held, copy = found["bytes"], 4 * found["parameters"]
    per_gradient = [each[GRADIENTS]["processor"] / config["steps"] for each in found["rounds"]]
    row = {
        "model": found["title"],
        "parameters": f"{found['parameters'] / 1e6:.1f}M",
        "batch": str(found["batch"]),
        "steps": str(config["steps"]),
        "rounds": str(len(found["rounds"])),
        "gradient": f"{median(per_gradient):.2f} s",
    }
    added = [
        (each["quotient"]["processor"] - each[GRADIENTS]["processor"]) / config["steps"] for each in found["rounds"]
    ]
    for who in ASCENTS:
        ratios = [each[who]["processor"] / each[GRADIENTS]["processor"] for each in found["rounds"]]
        row[who] = f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    row["added to a step"] = f"{median(added):.2f} s"
    if None in held.values():
        return row | {"memory of a gradient": "unknown", "more, in copies": "unknown", "bar": "unknown"}
    more = " / ".join(f"{(held[who] - held[GRADIENTS]) / copy:.1f}" for who in ASCENTS)
    return row | {
        "memory of a gradient": f"{held[GRADIENTS] / 2**20:,.0f} MiB",
        "more, in copies": more,
        "bar": f"{held['quotient'] / (held[GRADIENTS] + COPIES * copy):.2f}",
    }


def scaling_section(document: Document) -> Iterator[str]:
    """Exponents."""
    yield "## How the geometry scales\n"
    yield SCALING_TEXT
    yield from markdown([scaling_row(row) for row in document["found"]["rows"]])
    yield f"\n{machine(document)}.\n"


def scaling_row(row: Document) -> dict[str, str]:
    """One axis."""
    return {
        "varied": row["axis"],
        "over": ", ".join(map(str, row["sizes"])),
        "milliseconds": ", ".join(f"{1e3 * seconds:.1f}" for seconds in row["seconds"]),
        "exponent": f"{row['measured']:.2f}",
        "predicted": f"{row['predicted']:.2f}",
    }


def accuracy_section(document: Document) -> Iterator[str]:
    """Errors."""
    found = document["found"]
    yield "## Accuracy of geodesics\n"
    yield ACCURACY_TEXT
    yield from markdown([accuracy_row(row, found["lengths"]) for row in found["rows"]])
    yield f"\n{machine(document)}.\n\n![Error of geodesics against their time]({FIGURE.name})\n"


def accuracy_row(row: Document, lengths: Sequence[float]) -> dict[str, str]:
    """One way to follow a geodesic."""
    errors = {f"error at {length:g}": f"{error:.0e}" for length, error in zip(lengths, row["errors"], strict=True)}
    return {"metric, geodesic": row["method"], **errors, "milliseconds": f"{1e3 * row['seconds']:.1f}"}


def machine(document: Document) -> str:
    """Where a part ran."""
    config, where = document["config"], document["machine"]
    return f"{where['processor']}, {config['threads']} threads, torch {document['versions']['torch']}"
