"""The tables of the benchmark of geometries."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from ...report import markdown_table
from .ascent import GRADIENTS
from .subject import SUBJECTS
from .task import GEOMETRIES
from .turns import Run

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
MEASURES_TEXT = """\
*Average*: seconds of an average over as many draws as steps above, over those of as many plain values, and one more at
the point, in turns with them as above. *Product*: seconds of a product with the Hessian on the horizontal space over
those of the Euclidean product of the same loss and the same graphs, on a quarter of the batch, which is taken once more
before each; medians.
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

#: An ascent may hold as much more than a gradient, as copies of the parameters.
COPIES = 3
SCALING, ACCURACY = "scaling", "accuracy"
#: The picture beside the table of accuracies.
FIGURE = "geodesics.png"

Document = Mapping[str, Any]
Span = Mapping[str, float]
Runs = Mapping[str, Sequence[Run]]


def sections(known: Mapping[str, Document]) -> Iterator[str]:
    """The sections of the document."""
    subjects = {part: found for part, found in known.items() if part in SUBJECTS}
    yield "Written by `python -m experiments benchmark --docs`; every part says where it ran.\n"
    if subjects:
        yield from subjects_section(
            "Worst-case sharpness beside plain gradients", ASCENTS_TEXT, subjects.values(), ascent_row
        )
        yield from subjects_section(
            "Average cases and Hessian products", MEASURES_TEXT, subjects.values(), measures_row
        )
        yield from (f"- {document['found']['title']}: {machine(document)}." for document in subjects.values())
        yield ""
    if SCALING in known:
        yield from scaling_section(known[SCALING])
    if ACCURACY in known:
        yield from accuracy_section(known[ACCURACY])


def subjects_section(
    title: str, text: str, documents: Collection[Document], row: Callable[[Document], dict[str, str]]
) -> Iterator[str]:
    """A row for every model."""
    yield f"## {title}\n"
    yield text
    yield from markdown_table([row(document) for document in documents]).splitlines()
    yield ""


def ascent_row(document: Document) -> dict[str, str]:
    """Ascents on one model, as far as they were measured."""
    found = document["found"]
    runs = found["ascents"]
    row = {
        "model": found["title"],
        "parameters": f"{found['parameters'] / 1e6:.1f}M",
        "batch": str(found["batch"]),
        "steps": str(found["task"]["steps"]),
        "gradient": seconds(plain(runs)),
    }
    for who in GEOMETRIES:
        row[who] = ratio(runs, who, beside)
        row[f"{who}, whole"] = whole(runs[who]) if who in runs else ""
    quotient = runs.get("quotient", [])
    row["before"] = seconds([run["before"] for run in quotient])
    row["a step"] = seconds([span for run in quotient for span in run["between"]])
    return row | memory_columns(found["memory"], 4 * found["parameters"])


def measures_row(document: Document) -> dict[str, str]:
    """Averages and products on one model, as far as they were measured."""
    found = document["found"]
    averages, products = found["averages"], found["products"]
    return (
        {"model": found["title"], "batch": str(found["batch"]), "value": seconds(plain(averages))}
        | {f"average, {who}": ratio(averages, who, beside) for who in GEOMETRIES}
        | {"plain product": seconds(plain(products))}
        | {f"product, {who}": ratio(products, who, between) for who in GEOMETRIES}
    )


def ratio(runs: Runs, who: str, of: Callable[[Run], float]) -> str:
    """The median over somebody's runs; nothing if there are none."""
    return f"{median(map(of, runs[who])):.3f}" if who in runs else ""


def beside(run: Run) -> float:
    """One, and what a measure does beside its evaluations over the seconds of as many plain ones."""
    own = total([run["before"], *run["between"], run["after"]])
    return 1.0 + own / total(run["plain"])


def between(run: Run) -> float:
    """One, and what lies between two products over a plain one."""
    return 1.0 + median(s["clock"] for s in run["between"]) / median(s["clock"] for s in run["plain"])


def whole(runs: Sequence[Run]) -> str:
    """Ascents over as many plain gradients, the median of rounds; and the middle half over gradients of all rounds."""
    ratios = [beside(run) - 1.0 + total(run["passes"]) / total(run["plain"]) for run in runs]
    pairs = [pair for run in runs for pair in zip(run["passes"], run["plain"], strict=True)]
    low, _, high = quantiles([own["clock"] / plain["clock"] for own, plain in pairs], n=4, method="inclusive")
    return f"{median(ratios):.3f} ({low:.2f} to {high:.2f})"


def plain(runs: Runs) -> list[Span]:
    """The plain evaluations in all runs of everybody."""
    return [span for by in runs.values() for run in by for span in run["plain"]]


def seconds(spans: Sequence[Span]) -> str:
    """Their median, on the wall; nothing if there are none."""
    return f"{median(span['clock'] for span in spans):.2f} s" if spans else ""


def total(spans: Iterable[Span]) -> float:
    """Seconds on the wall."""
    return sum(span["clock"] for span in spans)


def memory_columns(reports: Mapping[str, Sequence[Mapping[str, int | None]]], copy: int) -> dict[str, str]:
    """Peaks, in bytes and in copies of the parameters."""
    peaks = {who: peak for who, (report,) in reports.items() if (peak := report["bytes"]) is not None}
    if not {GRADIENTS, *GEOMETRIES} <= set(peaks):
        return dict.fromkeys(("memory of a gradient", "more, in copies", "bar"), "")
    return {
        "memory of a gradient": f"{peaks[GRADIENTS] / 2**20:,.0f} MiB",
        "more, in copies": " / ".join(f"{(peaks[who] - peaks[GRADIENTS]) / copy:.1f}" for who in GEOMETRIES),
        "bar": f"{peaks['quotient'] / (peaks[GRADIENTS] + COPIES * copy):.2f}",
    }


def scaling_section(document: Document) -> Iterator[str]:
    """Exponents."""
    yield "## How the geometry scales\n"
    yield SCALING_TEXT
    yield from markdown_table([scaling_row(row) for row in document["found"]["rows"]]).splitlines()
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
    yield from markdown_table([accuracy_row(row, found["lengths"]) for row in found["rows"]]).splitlines()
    yield f"\n{machine(document)}.\n\n![Error of geodesics against their time]({FIGURE})\n"


def accuracy_row(row: Document, lengths: Sequence[float]) -> dict[str, str]:
    """One way to follow a geodesic."""
    errors = {f"error at {length:g}": f"{error:.0e}" for length, error in zip(lengths, row["errors"], strict=True)}
    return {"metric, geodesic": row["method"], **errors, "milliseconds": f"{1e3 * row['seconds']:.1f}"}


def machine(document: Document) -> str:
    """Where a part ran."""
    config, where = document["config"], document["machine"]
    return f"{where['processor']}, {config['threads']} threads, torch {document['versions']['torch']}"
