r"""Hessian products, eigenvalues, traces and densities, side by side with three other libraries.

Claim
    A product costs two gradients, and is right. How fast three targets are reached is a question: the ten eigenvalues
    of largest modulus to 1e-4, the trace to a standard error of 1 %, the spectral density to an L1 distance of 0.001.

Runs for
    about 15 minutes for the small size on 2 quiet cores, --quick 1 minute (a tiny model: no result).
    Interrupted, it goes on where it was: every cell is kept as soon as it is there.

Writes
    results/benchmark/cells/           every cell, as JSON; removed, it is computed anew
    results/benchmark/benchmark.json   all of them, with configuration, commit, versions and machine
    results/benchmark/benchmark.md     the tables; with --docs also in docs/curvature.md, between two marks

Needs
    the extra 'peers'; libraries that are missing are left out, and named.

Expect
    products at 1.9 to 2.0 gradients; curvlinops wrong by some percent through LayerNorm; no density from PyHessian.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from measures import replacing

from .benchmarks.curvature import (
    COMPETITORS,
    GRADIENT,
    NORMS,
    SIZES,
    TARGETS,
    Cell,
    Row,
    measured,
    product_rows,
    target_rows,
)
from .command import option, require_positive
from .console import heading, show
from .models.zoo import library
from .report import installed, markdown_table, provenance, write_json
from .section import write_section

#: Seconds for what nobody is charged with: fitting, and the spectrum taken as true.
PREPARATION = 3600.0

DOCS = Path("docs/curvature.md")

EXPLANATION = """\
*In gradients*: the median over rounds in which the plain gradient and every product are taken in turns, in float32;
vectors as each library has them: a tensor for every parameter, as gradients come, or one flat tensor
(hessian-eigenthings).
*Error*: of the product in float64, against a fourth-order difference quotient of gradients. *Memory*: by how much the
first product, its preparation included, raises the peak of the process over the loaded model. *Times ours*: seconds
relative to this project. *Products*: where the library tells. *Error* of a target: against a tight run of this
project, whose trace has a standard error of 0.5 % (1 % for 20M); every competitor that comes to it confirms it in its
own way.

A library that takes a number of steps, or whose criterion is not the target, has the smallest sufficient number found
for it, and only that run is charged. One that reports no standard error of a trace has independent calls pooled until
their spread gives it. All compute on the RMSNorm model, where all are exact, with the math kernel of attention
selected for them, and with GeGLU: the backward of SiLU has no forward derivative under the maps that curvlinops takes.
The allocator of every process keeps what it once had from the kernel; left to itself it costs everybody up to a tenth
more.
"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the comparison.

    Raises:
        ValueError: an unknown size or competitor, or a value that is not positive.
    """

    sizes: str = option("0.8M", f"which transformers, with commas between: {', '.join(SIZES)}")
    competitors: str = option("all", f"who, with commas between: {', '.join(COMPETITORS)}")
    threads: int = option(2, "CPU threads")
    repeats: int = option(15, "rounds of timing for products")
    limit: float = option(120.0, "seconds for one cell, the search for its smallest effort included")
    seed: int = option(0, "of initial values, data and all draws")
    docs: bool = option(False, f"write the section of {DOCS} as well")
    output: Path = option(Path("results/benchmark"), "folder to write to")

    def __post_init__(self) -> None:
        for name in ("threads", "repeats", "limit"):
            require_positive(name, getattr(self, name))
        for asked, known in ((self.chosen_sizes, SIZES), (self.chosen, COMPETITORS)):
            if not set(asked) <= set(known):
                raise ValueError(f"expected some of {', '.join(known)}, got {', '.join(set(asked) - set(known))}")

    @property
    def chosen_sizes(self) -> tuple[str, ...]:
        """Names in ``SIZES``."""
        return tuple(self.sizes.split(","))

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names in ``COMPETITORS``."""
        return tuple(COMPETITORS) if self.competitors == "all" else tuple(self.competitors.split(","))


QUICK = Config(sizes="tiny", repeats=5, limit=30.0, output=Path("results/benchmark-quick"))


def main(config: Config) -> None:
    """Measure every cell, write the tables."""
    names = tuple(present(config.chosen))
    sizes = {size: compared(config, size, names) for size in config.chosen_sizes}
    facts = provenance(config) | {"packages": {name: installed(COMPETITORS[name].package) for name in names}}
    write_json(config.output / "benchmark.json", facts | {"sizes": sizes})
    text = "\n".join(report(facts, sizes))
    write(config.output / "benchmark.md", text)
    if config.docs:
        write_section(DOCS, text, name=f"curvature-benchmark {config.sizes}", title="Curvature")
    for size, tables in sizes.items():
        for title, rows in tables.items():
            heading(f"{size}: {title}")
            show(rows)


def present(names: tuple[str, ...]) -> Iterator[str]:
    """The competitors whose library is there; the others are named."""
    for name in names:
        try:
            library(COMPETITORS[name].module)
        except ImportError as missing:
            print(f"left out: {name} ({missing})")
            continue
        yield name


def compared(config: Config, size: str, names: tuple[str, ...]) -> dict[str, list[Row]]:
    """The tables of one size, by title."""
    bar = tqdm(total=2 * len(NORMS) + 3 + (1 + len(TARGETS)) * len(names) + 1, desc=size, unit="cell")

    def cell(task: str, *who: str, norm: str = "rms", limit: float = config.limit) -> dict[str, Any]:
        bar.set_postfix_str(" ".join((task, *who)) if len(who) < 2 else task)
        asked = Cell(
            size=size,
            task=task,
            competitors=who,
            norm=norm,
            threads=config.threads,
            repeats=config.repeats,
            seed=config.seed,
        )
        found = measured(asked, config.output / "cells", limit=limit)
        bar.update()
        return found

    with bar:
        # The preparations are nobody's, and have no limit worth the name.
        for norm in NORMS:
            cell("fit", norm=norm, limit=PREPARATION)
        if failure := cell("truth", limit=PREPARATION)["failure"]:
            raise SystemExit(f"{size}: nothing to compare with: {failure}")
        times = {told: cell("times", *names, norm=norm) for norm, told in NORMS.items()}
        errors = {told: cell("errors", *names, norm=norm) for norm, told in NORMS.items()}
        memory = {name: cell("memory", name) for name in (GRADIENT, *names)}
        tables = {"one product": product_rows(times, errors, memory)}
        for target, goal in TARGETS.items():
            tables[goal.title] = target_rows({name: cell(target, name) for name in names})
    return tables


def report(facts: dict[str, Any], sizes: dict[str, dict[str, list[Row]]]) -> Iterator[str]:
    """What was compared, on what, and the tables."""
    config, machine = facts["config"], facts["machine"]
    yield f"## Side by side with other libraries: {config['sizes']}\n"
    options = f"--sizes {config['sizes']} --threads {config['threads']}"
    yield f"Written by `python -m experiments curvature-benchmark {options} --docs`.\n"
    yield (
        f"{machine['processor']}, {config['threads']} threads; torch {facts['versions']['torch']}; seed "
        f"{config['seed']}; {config['repeats']} rounds of timing; at most {config['limit']:g} s for a cell.\n"
    )
    yield EXPLANATION
    who = [
        {
            "who": name,
            "version": version or "of this commit",
            "calls": COMPETITORS[name].calls,
            "see": COMPETITORS[name].source,
        }
        for name, version in facts["packages"].items()
    ]
    yield from markdown_table(who).splitlines()
    for size, tables in sizes.items():
        decoder, data = SIZES[size].decoder, f"{SIZES[size].batch} x {SIZES[size].length} bytes"
        yield f"\n### {size}: {decoder.depth} layers of width {decoder.dim}, {data}"
        for title, rows in tables.items():
            yield f"\n{title[0].upper()}{title[1:]}.\n"
            yield from markdown_table(rows).splitlines()
    yield ""


def write(path: Path, text: str) -> None:
    """Write a text, whole."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
