r"""What a geometry costs: worst-case sharpness beside as many plain gradients, scaling laws, accuracy of geodesics.

Claim
    Worst-case geodesic sharpness in 20 steps is meant to take at most 1.05 times as long as 20 gradients of a 12-layer
    vision transformer, 384 wide, at 64 images in a batch, and at most 1.3 times the memory of a gradient and three
    copies of the parameters; docs/benchmarks.md tells what was measured. The geometry's time is linear in the number of
    heads, and of the order n h^2 + h^3 in their size.

Runs for
    with --threads 4 on idle cores about 20 minutes for each of the models, 5 for the rest; three times that on one
    core. --quick half a minute (tiny models: no result). Every part is kept in a file of its own, contestant by
    contestant: what is interrupted goes on where it was. --parts names those to measure, --anew forgets what is known
    of them; all known ones are reported.

Writes
    results/benchmark-geometry/PART.json        seconds, peaks, exponents, errors; configuration and machine
    results/benchmark-geometry/benchmarks.md    the tables; with --docs also a section of docs/benchmarks.md
    results/benchmark-geometry/geodesics.png    error against time; with --docs also docs/geodesics.png

Needs
    Linux for the memory, whose kernel keeps the peak of a process.

Expect
    20 steps to cost a third of a gradient more than 20 gradients in any geometry, for the value at the last point: a
    ratio of 1.016 before anything else; a step to cost the same seconds whatever the batch, so that the ratio falls as
    it grows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from tqdm import tqdm

from . import figures
from .benchmark import markdown
from .benchmark.isolation import isolated
from .command import option, require_positive
from .geometry_cost import (
    ASCENTS,
    AXES,
    GRADIENTS,
    SUBJECTS,
    AscentTask,
    Run,
    about,
    accuracy,
    ascents,
    exponents,
    memory,
)
from .report import provenance, read_json, write_json
from .section import write_section

DOCS, FIGURE = Path("docs/benchmarks.md"), Path("docs/geodesics.png")
SCALING, ACCURACY = "scaling", "accuracy"
#: An ascent may hold as much more than a gradient, as copies of the parameters.
COPIES = 3
#: Of geodesics: small balls, and the largest that are in use.
LENGTHS = (0.03, 0.1, 0.3)

ASCENTS_TEXT = """\
Seconds of an ascent, from its call to its number, over those of as many plain gradients (`zero_grad`, forward,
`backward`) of the same model and batch, by the clock on the wall. They take turns in one process, a plain gradient
before every one of the ascent, which does the same work: *adaptive* and *quotient* count that as one, and add all that
the ascent does besides. *Whole* counts the gradients of the ascent by what they took, with all that disturbs a machine;
in brackets the middle half of the ratios of single ones to the plain ones before. An ascent in n steps takes n
gradients and one more value, a third of a gradient, in any geometry. *Before* (a representative, and a chart there) and
*a step* (the median of what it does beside its gradient) are seconds of the quotient, which do not grow with the batch.
Memory is the peak of a fresh process above the loaded model, *more* what adaptive / quotient hold beyond a gradient;
*bar* is the quotient's peak over a gradient and three copies of the parameters.
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
    batch: str = option("", "examples in a batch where they are not those of the model, such as vit=16,bert=8")
    microbatch: int = option(0, "examples at once (0: all)")
    steps: int = option(20, "of every ascent")
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
        if unknown := set(self.chosen) - {*SUBJECTS, SCALING, ACCURACY}:
            raise ValueError(f"--parts: expected some of {', '.join((*SUBJECTS, SCALING, ACCURACY))}, got {unknown}")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts to measure."""
        return tuple(part for part in self.parts.split(",") if part)

    @property
    def batches(self) -> dict[str, int]:
        """Examples in a batch, of the models that are named."""
        named = (part.partition("=") for part in self.batch.split(",") if part)
        return {subject: int(count or 0) for subject, _, count in named}

    def task(self, subject: str) -> AscentTask:
        """What is measured on one model."""
        return AscentTask(
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
    text = "\n".join((*report(known), ""))
    write_section(config.output / "benchmarks.md", text, name="benchmark", title="Benchmarks")
    if ACCURACY in known:
        figures.geodesic_accuracy(known[ACCURACY]["found"], config.output / FIGURE.name)
    if config.docs:
        write_section(DOCS, text, name="benchmark", title="Benchmarks")
        if ACCURACY in known:
            figures.geodesic_accuracy(known[ACCURACY]["found"], FIGURE)
    print(text)


def measure(part: str, config: Config) -> None:
    """Write the numbers of one part, of an ascent after every contestant."""
    path = config.output / f"{part}.json"

    def keep(found: Mapping[str, Any]) -> None:
        write_json(path, provenance(config) | {"found": found})

    if part in SUBJECTS:
        known = read_json(path)["found"] if path.exists() and not config.anew else {}
        compare(config.task(part), config.limit, known, keep)
    elif part == SCALING:
        sizes = {axis: values[: config.sizes] for axis, (_, values) in AXES.items()}
        keep({"rows": [asdict(row) for row in exponents(sizes, repeats=config.repeats, seed=config.seed)]})
    else:
        rows = accuracy(LENGTHS, repeats=config.repeats, seed=config.seed)
        keep({"lengths": LENGTHS, "rows": [asdict(row) for row in rows]})


def compare(
    task: AscentTask, limit: float, known: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]
) -> None:
    """Seconds and memory of ascents on one model, every contestant and every peak in a process of its own.

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
    for kind in ("runs", "bytes"):
        found[kind] = dict(known[kind]) if same else {}
    pieces = [("runs", who) for who in ASCENTS] + [("bytes", who) for who in (GRADIENTS, *ASCENTS)]
    bar = tqdm([piece for piece in pieces if piece[1] not in found[piece[0]]], unit="contestant")
    for kind, who in bar:
        bar.set_description(f"{task.subject}: {who}, {kind}")
        if kind == "runs":
            found[kind][who] = required(task, limit, ascents, who, told["symmetry"])
        else:
            reports = isolated(memory, task, who, told["symmetry"], limit=limit).reports
            found[kind][who] = reports[-1]["bytes"] if reports else None
        keep(found)


def required(task: AscentTask, limit: float, function: Callable[..., None], *arguments: Any) -> list[dict[str, Any]]:
    """What a process of its own reports, which has to end well."""
    outcome = isolated(function, task, *arguments, limit=limit)
    if outcome.failure:
        raise SystemExit(f"{task.subject}: {outcome.failure}")
    return list(outcome.reports)


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
    """One model, as far as it was measured."""
    found = document["found"]
    runs = found["runs"]
    every = [each for by in runs.values() for run in by for each in run["gradients"]]
    row = {
        "model": found["title"],
        "parameters": f"{found['parameters'] / 1e6:.1f}M",
        "batch": str(found["batch"]),
        "steps": str(found["task"]["steps"]),
        "gradient": f"{median(each['clock'] for each in every):.2f} s" if every else "",
    }
    for who in ASCENTS:
        row[who] = f"{median(map(beside, runs[who])):.3f}" if who in runs else ""
        row[f"{who}, whole"] = whole(runs[who]) if who in runs else ""
    quotient = runs.get("quotient", [])
    steps = [step["clock"] for run in quotient for step in run["between"]]
    row["before"] = f"{median(run['before']['clock'] for run in quotient):.2f} s" if quotient else ""
    row["a step"] = f"{median(steps):.2f} s" if quotient else ""
    return row | memory_columns(found["bytes"], 4 * found["parameters"])


def beside(run: Run) -> float:
    """One, and what an ascent does beside its gradients over the seconds of as many plain ones."""
    own = total([run["before"], *run["between"], run["after"]])
    return 1.0 + own / total(run["gradients"])


def whole(runs: Sequence[Run]) -> str:
    """Ascents over as many plain gradients, the median of rounds; and the middle half over gradients of all rounds."""
    ratios = [beside(run) - 1.0 + total(run["passes"]) / total(run["gradients"]) for run in runs]
    pairs = [pair for run in runs for pair in zip(run["passes"], run["gradients"], strict=True)]
    low, _, high = quantiles([own["clock"] / plain["clock"] for own, plain in pairs], n=4, method="inclusive")
    return f"{median(ratios):.3f} ({low:.2f} to {high:.2f})"


def total(spans: Iterable[Mapping[str, float]]) -> float:
    """Seconds on the wall."""
    return sum(span["clock"] for span in spans)


def memory_columns(held: Mapping[str, int | None], copy: int) -> dict[str, str]:
    """Peaks, in bytes and in copies of the parameters."""
    peaks = {who: held.get(who) for who in (GRADIENTS, *ASCENTS)}
    known = {who: peak for who, peak in peaks.items() if peak is not None}
    if len(known) < len(peaks):
        return dict.fromkeys(("memory of a gradient", "more, in copies", "bar"), "unknown")
    return {
        "memory of a gradient": f"{known[GRADIENTS] / 2**20:,.0f} MiB",
        "more, in copies": " / ".join(f"{(known[who] - known[GRADIENTS]) / copy:.1f}" for who in ASCENTS),
        "bar": f"{known['quotient'] / (known[GRADIENTS] + COPIES * copy):.2f}",
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
