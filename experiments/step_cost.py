r"""What a step of sharpness-aware training costs, as multiples of a plain SAM step.

Claim
    On a vision transformer of 12 layers, 384 wide, with 64 images in a batch, a step over the quotient by all detected
    symmetries takes at most 1.05 times as long as a step of SAM, and holds as many copies of the parameters.

Runs for
    about 10 minutes on 2 idle cores, --quick 10 seconds (sizes at which the claim is not made).

Writes
    results/step-cost/step-cost.json   seconds and memory of every step, configuration and versions

Expect
    SAM, ASAM and the quotient within a few percent of each other, AdamW at half of them. Steps of all optimizers take
    turns, and the seconds of the processor are compared, which a busy machine changes least.
"""

import gc
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW
from tqdm import tqdm

from quotient import AbstractGeometry, Adaptive, Euclidean, Quotient, RiemannianSAM
from symmetries import detect

from .command import option, require_positive
from .console import show
from .models import ViT, ViTConfig
from .report import provenance, write_json

Loss = Callable[[], Tensor]
Step = Callable[[Loss], object]
Mode = Literal["base", "riemannian"]


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
    for _ in tqdm(range(config.repeats + 1), desc="step-cost", unit="round"):
        for name, (copy, step) in steps.items():
            found[name].append(measured(step, copy, data))
    rows = table({name: each[1:] for name, each in found.items()})
    write_json(config.output / "step-cost.json", provenance(config) | {"rows": rows, "steps": found})
    show(rows)
    print(f"The table is in {config.output}.")


def optimizers(model: nn.Module, data: tuple[Tensor, Tensor]) -> dict[str, Callable[[nn.Module], Step]]:
    """What makes the step of each, for a model of its own; the learning rate is zero, so that a point stays a point."""
    geometries = {"SAM": Euclidean(), "ASAM": Adaptive(), "quotient SAM": Quotient(detect(model, data[0][:2]))}

    def sam(geometry: AbstractGeometry, mode: Mode) -> Callable[[nn.Module], Step]:
        return lambda m: RiemannianSAM(m.named_parameters(), geometry, AdamW, mode=mode, lr=0.0).step

    return {
        "AdamW": lambda m: partial(plain_step, AdamW(m.parameters(), lr=0.0)),
        "SAM as published": lambda m: partial(published_sam, list(m.parameters()), AdamW(m.parameters(), lr=0.0)),
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
    """Seconds of the clock and of the processor; and the copies of the parameters that the last pass finds held."""
    held = [0.0]

    def loss() -> Tensor:
        model.zero_grad()
        held[0] = tensor_bytes()
        value = F.cross_entropy(model(data[0]), data[1])
        value.backward()
        return value.detach()

    model.zero_grad()
    before, clock, processor = tensor_bytes(), perf_counter(), process_time()
    step(loss)
    seconds = {"seconds": perf_counter() - clock, "cpu seconds": process_time() - processor}
    return seconds | {"held": (held[0] - before) / sum(p.nbytes for p in model.parameters())}


def tensor_bytes() -> float:
    """The memory of all tensors there are, each storage once."""
    storages = [t.untyped_storage() for t in gc.get_objects() if issubclass(type(t), Tensor)]
    return float(sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values()))


def table(found: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Medians, and the seconds as multiples of those of the SAM step."""
    middle = {name: {key: median(each[key] for each in steps) for key in steps[0]} for name, steps in found.items()}
    sam = middle["SAM as published"]["cpu seconds"]
    return [
        {
            "optimizer": name,
            "seconds": m["seconds"],
            "cpu seconds": m["cpu seconds"],
            "of SAM": m["cpu seconds"] / sam,
            "copies held": m["held"],
        }
        for name, m in middle.items()
    ]
