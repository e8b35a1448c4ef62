r"""What detection, verification and the canonical representative cost, in seconds and in memory.

Claim
    Detection and verification of a model of 12 layers and 768 channels take less than 30 s on 2 cores together, and
    less than three times the memory of the model beside the model itself.

Runs for
    about 3 minutes on 2 cores, --quick 40 seconds (BERT-base only).

Writes
    results/detection-cost/cost.json    seconds, peak memory and defects; configuration and versions
    results/detection-cost/cost.md      the same as a table; with --docs also docs/detection_cost.md

Needs
    Linux, whose kernel keeps the peak of a process; the extras 'hf' and 'vision'.

Expect
    detection and verification together below 30 s, on idle cores, and their peaks below 3.0; a canonical
    representative a little above 1, its result, since few parameters at a time are in double precision; every defect
    below 1e-9.
"""

import gc
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal, get_args

import torch
from torch import Generator, nn
from tqdm import tqdm

from measures import replacing
from symmetries import ModelSymmetry, detect, trainable_parameters, verify

from .command import option, require_positive
from .models import generic_
from .models.zoo import SPECIMENS, Arguments, RealSize
from .report import provenance, write_json

Stage = Literal["detect", "verify", "canonical"]

STAGES: tuple[Stage, ...] = get_args(Stage)

#: Twelve layers of 768 channels, from two libraries.
MODELS = ("BERT-base", "GPT-2 124M", "ViT-B/16", "vit_base_patch16_224")

QUICK_MODELS = ("BERT-base",)

#: Where Linux keeps what a process holds, and the most it ever held, in KiB.
STATUS = Path("/proc/self/status")

#: Tokens of an example are below this, in the vocabulary of every model.
VOCABULARY = 1000

#: Of the noise on initial weights, which are about as large: new models have gains of zero, which have no section.
SPREAD = 0.02

INTRODUCTION = """\
# What it costs

Written by `python -m experiments detection-cost --threads {threads} --docs`, on {machine}.

Every stage runs in a process of its own, on a float32 model with random weights and one short input (of an image, all
of it). Seconds are those of a clock, and in brackets those of the processor, all threads together: the first are longer
where other programs run. Memory is the peak above what the process holds once the model is loaded, in units of the
model: its parameters in double precision alone are 2.
"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the table of costs.

    Raises:
        ValueError: a number of threads that is not positive.
    """

    models: str = option("", f"models whose name contains this (default {', '.join(MODELS)})")
    seed: int = option(0, "of weights, inputs and group elements")
    threads: int = option(2, "CPU threads")
    docs: bool = option(False, "write docs/detection_cost.md as well")
    output: Path = option(Path("results/detection-cost"), "folder to write to")

    def __post_init__(self) -> None:
        require_positive("threads", self.threads)


QUICK = Config(models="quick")


@dataclass(frozen=True)
class Cost:
    """What one stage took.

    Args:
        seconds: of wall time.
        processor: seconds of all threads together, which a busy machine changes least.
        memory: peak above the loaded model, in units of its size.
        result: what it returned.
    """

    seconds: float
    processor: float
    memory: float
    result: Any


def main(config: Config) -> None:
    """Measure every stage in a fresh process, write the table."""
    chosen = list(sizes(config.models))
    if not chosen:
        raise SystemExit(f"no model whose name contains {config.models!r}")
    records = [record(size, config) for size in tqdm(chosen, desc="cost", unit="model")]
    document = provenance(config) | {"models": records}
    write_json(config.output / "cost.json", document)
    introduction = INTRODUCTION.format(threads=config.threads, machine=document["machine"]["processor"])
    text = "\n".join([introduction, *table(records), ""])
    for path in (config.output / "cost.md", *((Path("docs/detection_cost.md"),) if config.docs else ())):
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    print(text)


def sizes(part: str) -> Iterator[RealSize]:
    """The published sizes of the zoo that are asked for."""
    for specimen in SPECIMENS.values():
        for size in specimen.sizes:
            names = QUICK_MODELS if part == "quick" else MODELS
            if size.name in names if part in ("", "quick") else part in size.name:
                yield size


def record(size: RealSize, config: Config) -> dict[str, Any]:
    """The costs of all stages on one model: what detection found is handed on to the others."""
    symmetry: ModelSymmetry | None = None
    found: dict[str, Any] = {"model": size.name}
    for stage in STAGES:
        context = multiprocessing.get_context("spawn")  # nothing of this process is in the memory of the other
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            cost = pool.submit(measured, size.name, stage, symmetry, config).result()
        symmetry = cost.result if stage == "detect" else symmetry
        units = {"seconds": cost.seconds, "processor": cost.processor, "memory": cost.memory}
        found |= {f"{stage} {unit}": value for unit, value in units.items()}
        if stage == "verify":
            found["defect"] = cost.result
    assert symmetry is not None
    parameters = sum(shape.numel() for shape in symmetry.shapes.values())
    return found | {"parameters": parameters, "dimension": symmetry.dimension}


def measured(name: str, stage: Stage, symmetry: ModelSymmetry | None, config: Config) -> Cost:
    """One stage, in this process, on a model that is built first."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)  # the initial values of other libraries come from there
    (size,) = (size for size in sizes(name) if size.name == name)
    draws = Generator().manual_seed(config.seed)
    model, example = size.build().eval(), filled(size.example(torch.device("cpu")), draws)
    generic_(model, draws, spread=SPREAD)
    gc.collect()
    before, start, spent = held("VmRSS"), perf_counter(), process_time()
    result = run(stage, model, example, symmetry, draws)
    seconds, processor = perf_counter() - start, process_time() - spent
    whole = sum(p.numel() * p.element_size() for p in model.parameters())
    return Cost(seconds, processor, (held("VmHWM") - before) / whole, result)


def run(stage: Stage, model: nn.Module, example: Arguments, symmetry: ModelSymmetry | None, draws: Generator) -> Any:
    """The symmetry, the defect, or nothing for a canonical representative, which is large."""
    if stage == "detect":
        return detect(model, dict(example), head="raw")
    assert symmetry is not None
    if stage == "verify":
        return verify(model, symmetry, dict(example), generator=draws)
    symmetry.canonical(trainable_parameters(model))
    return None


def filled(example: Arguments, draws: Generator) -> Arguments:
    """An example with random entries in the place of ones; zeros, of a mask, stay."""
    return {
        name: value * torch.randn(value.shape, generator=draws)
        if value.is_floating_point()
        else value * torch.randint(1, VOCABULARY, value.shape, generator=draws)
        for name, value in example.items()
    }


def held(line: str) -> int:
    """Bytes that this process holds (``VmRSS``), or held at most (``VmHWM``)."""
    found = next(text for text in STATUS.read_text().splitlines() if text.startswith(f"{line}:"))
    return int(found.split()[1]) * 1024


def table(records: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each model."""
    yield "| model | parameters | dimension | detect | verify | canonical | defect |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for found in records:
        costs = (
            f"{found[f'{stage} seconds']:.1f} s ({found[f'{stage} processor']:.1f} s), {found[f'{stage} memory']:.2f}"
            for stage in STAGES
        )
        counts = f"{found['parameters']:,} | {found['dimension']:,}"
        yield f"| {found['model']} | {counts} | {' | '.join(costs)} | {found['defect']:.0e} |"
