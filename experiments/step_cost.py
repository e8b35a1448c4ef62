r"""What a step of sharpness-aware training costs, as multiples of a plain SAM step.

Claim
    On a vision transformer of 12 layers, 384 wide, with 64 images in a batch, a step over the quotient by all detected
    symmetries takes at most 1.05 times as long as a step of SAM, and holds as many copies of the parameters.

Runs for
    two minutes a round on 4 idle cores, four on 2, --quick 10 seconds (sizes at which the claim is not made).

Writes
    results/step-cost/step-cost.json   seconds and memory of every step, configuration and versions
    results/step-cost/step-cost.md     the table; with --docs also a section of docs/training.md

Expect
    SAM, ASAM and the quotient within a few percent of each other, AdamW at half of them. Steps of all optimizers take
    turns, beginning with another one in every round. Their passes do the same work and share one median; whole steps
    are compared round by round beside that. The clock is read: seconds of the processor count threads that wait.
"""

import gc
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from tqdm import tqdm

from quotient import AbstractGeometry, Adaptive, Euclidean, Quotient, RiemannianSAM
from symmetries import detect

from .command import option, require_positive
from .console import cell, show
from .models import ViT, ViTConfig
from .report import markdown_table, provenance, write_json
from .section import write_section

Loss = Callable[[], Tensor]
Step = Callable[[Loss], object]
Mode = Literal["base", "riemannian"]

SAM = "SAM as published"
DOCS = Path("docs/training.md")

CAPTION = """\
Written by `python -m experiments step-cost --threads {threads} --repeats {repeats} --docs`, on {machine}.

A vision transformer of {depth} layers, {dim} wide, {batch} images of {image} x {image} pixels in a batch. All
passes do the same work, whoever asks for them: *beside* are the seconds of a step outside of its passes (the median of
{repeats}), and *of SAM* compares those, with two passes of the median length of all, to SAM as published. *Whole*
compares whole steps with SAM's in the same round (the median, and the range), with all that disturbs a machine.
"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the measurement.

    Raises:
        ValueError: a size that is not positive, or that does not fit the others.
    """

    image: int = option(224, "side of an image")
    patch: int = option(16, "side of a patch")
    dim: int = option(384, "width of the transformer")
    depth: int = option(12, "blocks of the transformer")
    heads: int = option(6, "attention heads")
    batch: int = option(64, "images in a batch")
    repeats: int = option(3, "steps of every optimizer, after one that is not counted")
    seed: int = option(0, "of the initial values and the images")
    threads: int = option(1, "CPU threads")
    docs: bool = option(False, f"write the section of {DOCS} as well")
    output: Path = option(Path("results/step-cost"), "folder to write to")

    def __post_init__(self) -> None:
        for name in ("batch", "repeats", "threads"):
            require_positive(name, getattr(self, name))
        self.network()

    def network(self) -> ViTConfig:
        """The sizes of the transformer."""
        return ViTConfig(
            image=self.image,
            channels=3,
            patch=self.patch,
            dim=self.dim,
            depth=self.depth,
            heads=self.heads,
            hidden=4 * self.dim,
        )


QUICK = Config(image=8, patch=4, dim=32, depth=2, heads=2, batch=4, repeats=2)


def main(config: Config) -> None:
    """Measure all optimizers in turns, write and show the table."""
    torch.set_num_threads(config.threads)
    generator = torch.Generator().manual_seed(config.seed)
    model = ViT(config.network(), generator)
    data = model.example_inputs(generator, batch=config.batch), torch.randint(10, (config.batch,), generator=generator)
    steps = {name: (copy, make(copy)) for name, make in optimizers(model, data).items() for copy in [deepcopy(model)]}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in steps}
    for first in tqdm(range(config.repeats + 1), desc="step-cost", unit="round"):
        for name in rotated(list(steps), first):
            copy, step = steps[name]
            found[name].append(measured(step, copy, data))
    rows = table({name: each[1:] for name, each in found.items()})
    facts = provenance(config)
    write_json(config.output / "step-cost.json", facts | {"rows": rows, "steps": found})
    caption = CAPTION.format(**asdict(config), machine=facts["machine"]["processor"])
    text = f"{caption}\n{markdown_table([{key: cell(value) for key, value in row.items()} for row in rows])}"
    for path in (config.output / "step-cost.md", *((DOCS,) if config.docs else ())):
        write_section(path, text, name="step-cost", title="What a step costs")
    show(rows)
    print(f"The table is in {config.output}.")


def rotated(names: list[str], first: int) -> list[str]:
    """The names in their order, beginning with another one in every round: what ran before a step may change it."""
    start = first % len(names)
    return names[start:] + names[:start]


def optimizers(model: nn.Module, data: tuple[Tensor, Tensor]) -> dict[str, Callable[[nn.Module], Step]]:
    """What makes the step of each, for a model of its own; the learning rate is zero, so that a point stays a point."""
    geometries = {"SAM": Euclidean(), "ASAM": Adaptive(), "quotient SAM": Quotient(detect(model, data[0][:2]))}

    def sam(geometry: AbstractGeometry, mode: Mode) -> Callable[[nn.Module], Step]:
        return lambda m: RiemannianSAM(m.named_parameters(), geometry, AdamW, mode=mode, lr=0.0).step

    return {
        "AdamW": lambda m: partial(plain_step, AdamW(m.parameters(), lr=0.0)),
        SAM: lambda m: partial(published_sam, list(m.parameters()), AdamW(m.parameters(), lr=0.0)),
        **{name: sam(geometry, "base") for name, geometry in geometries.items()},
        "quotient SAM, riemannian": sam(geometries["quotient SAM"], "riemannian"),
    }


def plain_step(base: torch.optim.Optimizer, loss: Loss) -> None:
    """One gradient, one step."""
    loss()
    base.step()


def published_sam(
    parameters: list[nn.Parameter], base: torch.optim.Optimizer, loss: Loss, radius: float = 0.05
) -> None:
    """One step of SAM [Foret2021, Algorithm 1] and nothing else: what the others are compared with."""
    loss()
    with torch.no_grad():
        point = [p.clone() for p in parameters]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        for p in parameters:
            if p.grad is not None:
                p.add_(p.grad * (radius / norm))
    loss()
    with torch.no_grad():
        for p, old in zip(parameters, point, strict=True):
            p.copy_(old)
    base.step()


def measured(step: Step, model: nn.Module, data: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Seconds of the clock, in passes and beside, and the copies of the parameters that the last pass finds held."""
    held, passes = [0.0], list[float]()

    def loss() -> Tensor:
        start = perf_counter()
        model.zero_grad()
        held[0] = tensor_bytes()
        value = F.cross_entropy(model(data[0]), data[1])
        value.backward()
        passes.append(perf_counter() - start)
        return value.detach()

    model.zero_grad()
    before, start = tensor_bytes(), perf_counter()
    step(loss)
    seconds = perf_counter() - start
    copies = (held[0] - before) / sum(p.nbytes for p in model.parameters())
    return {
        "seconds": seconds,
        "beside": seconds - sum(passes),
        "pass": passes[-1],
        "passes": len(passes),
        "held": copies,
    }


def tensor_bytes() -> float:
    """The memory of all tensors there are, each storage once."""
    storages = [t.untyped_storage() for t in gc.get_objects() if issubclass(type(t), Tensor)]
    return float(sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values()))


def table(found: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Seconds beside the passes, and steps as multiples of those of SAM: by parts, and as they were."""
    one = median(each["pass"] for steps in found.values() for each in steps)
    beside = {name: median(each["beside"] for each in steps) for name, steps in found.items()}
    parts = {name: steps[0]["passes"] * one + beside[name] for name, steps in found.items()}
    rows = []
    for name, steps in found.items():
        whole = [each["seconds"] / sam["seconds"] for each, sam in zip(steps, found[SAM], strict=True)]
        rows.append(
            {
                "optimizer": name,
                "seconds": median(each["seconds"] for each in steps),
                "beside": beside[name],
                "of SAM": parts[name] / parts[SAM],
                "whole": median(whole),
                "from": min(whole),
                "to": max(whole),
                "copies held": median(each["held"] for each in steps),
            }
        )
    return rows
