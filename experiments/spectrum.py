r"""The Hessian spectrum of a causal transformer on source text: top eigenvalues, trace, density, Rényi sharpness.

Claim
    Curvature of models of practical size fits into a stated amount of memory, and an interrupted run loses minutes.

Runs for
    about 2 minutes on 2 cores for 1M parameters; --size 100M about an hour; --quick 10 seconds. Stop it with Ctrl-C
    and start it again: what is finished is kept. Several processes share the microbatches:

        torchrun --nproc-per-node 2 -m experiments spectrum --microbatch 4

Writes
    results/spectrum/spectrum.json    values with their errors, products, seconds, peak memory; configuration, versions
    results/spectrum/spectrum.png     the density, and the leading eigenvalues
    results/spectrum/state/           what an interrupted run goes on from

Expect
    a few eigenvalues far above a bulk next to zero, and some negative ones: the loss is not at a minimum.
"""

import resource
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_model, save_model
from torch import nn
from tqdm import tqdm

from measures import (
    AbstractOperator,
    Eigenpairs,
    EmpiricalLoss,
    Spectrum,
    curvature,
    eigenpairs,
    operator_spectrum,
    replacing,
    timed,
)
from quotient import AbstractGeometry, Euclidean, Quotient
from symmetries import detect

from . import console, figures, source_text, torchrun
from .command import option, require_positive
from .models import Decoder, DecoderConfig
from .report import provenance, read_json, write_json

SIZES = {
    "tiny": DecoderConfig(source_text.VOCABULARY, dim=32, depth=2, heads=2, kv_heads=1, head_dim=16, hidden=64),
    "1M": DecoderConfig(source_text.VOCABULARY, dim=128, depth=5, heads=4, kv_heads=4, head_dim=32, hidden=320),
    "20M": DecoderConfig(source_text.VOCABULARY, dim=512, depth=6, heads=8, kv_heads=8, head_dim=64, hidden=1536),
    "100M": DecoderConfig(source_text.VOCABULARY, dim=768, depth=12, heads=12, kv_heads=12, head_dim=64, hidden=2560),
}
ALPHAS = (0.5, 0.9, 1.0, 1.1, 1.5, 2.0)
GIB = 2**30
#: What may differ between a run and the one that goes on from it.
FREE = {"threads", "memory", "output"}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the spectrum experiment.

    Raises:
        ValueError: an unknown size or geometry, or a value that is not positive.
    """

    size: str = option("1M", f"of the model: {', '.join(SIZES)} parameters")
    geometry: str = option("euclidean", "euclidean, or quotient: modulo the symmetries that detection finds")
    kind: str = option("hessian", "hessian or gauss-newton")
    training: int = option(200, "AdamW steps before the spectrum is taken; 0 keeps the initial values")
    windows: int = option(16, "stretches of text in the loss")
    length: int = option(128, "bytes of a stretch")
    microbatch: int = option(8, "stretches that are differentiated at once")
    top: int = option(10, "leading eigenvalues")
    tolerance: float = option(1e-4, "relative error of a leading eigenvalue")
    probes: int = option(8, "random vectors of the trace, the density and Rényi sharpness")
    lanczos: int = option(40, "Lanczos steps from each")
    memory: float = option(4.0, "GiB for kept graphs, and as much for a Krylov basis")
    seed: int = option(0, "of the initial values, the text and the random vectors")
    threads: int = option(2, "CPU threads")
    device: str = option("cpu", "cpu, or cuda")
    output: Path = option(Path("results/spectrum"), "folder to write to, and to go on from")

    def __post_init__(self) -> None:
        for name, known in (("size", tuple(SIZES)), ("geometry", ("euclidean", "quotient"))):
            if getattr(self, name) not in known:
                raise ValueError(f"--{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        for name in ("windows", "length", "microbatch", "top", "tolerance", "probes", "lanczos", "memory", "threads"):
            require_positive(name, getattr(self, name))


QUICK = Config(size="tiny", training=20, windows=4, length=32, probes=2, lanczos=10)


def main(config: Config) -> None:
    """By all processes that ``torchrun`` started, or by this one."""
    torch.set_num_threads(config.threads)
    with torchrun.joined(config.device) as group:
        run(config, group)


def run(config: Config, group: dist.ProcessGroup | None) -> None:
    """Train, find the leading eigenvalues, then the rest of the spectrum."""
    state = config.output / "state"
    console.heading(f"a decoder of {config.size} parameters")
    with torchrun.one_first(group):
        claim(config, state)
        model = trained(config, state / "model.safetensors")
    operator, seconds = measured(config, model, group)
    console.heading("leading eigenvalues")
    pairs, seconds["eigenvalues"] = timed(lambda: leading(config, operator, state, torchrun.leads(group)))
    rows = [{"eigenvalue": v, "error": e} for v, e in zip(pairs.values.tolist(), pairs.errors.tolist(), strict=True)]
    console.show(rows)
    console.heading("trace, density, Rényi sharpness")
    spectrum, seconds["spectrum"] = timed(lambda: estimated(config, operator, state, torchrun.leads(group)))
    sums = summary(spectrum)
    console.show(sums)
    if not torchrun.leads(group):
        return
    grid = spectrum.grid()
    document = provenance(config) | {
        "processes": 1 if group is None else dist.get_world_size(group),
        "parameters": sum(p.numel() for p in model.parameters()),
        "dimension": operator.dimension,
        "eigenvalues": rows,
        "products": pairs.products,
        "converged": pairs.converged,
        "estimates": sums,
        "density": {"grid": grid.tolist(), "values": spectrum.density(grid).tolist()},
        "seconds": seconds,
        "peak_memory_gib": peak_memory(operator.device),
    }
    write_json(config.output / "spectrum.json", document)
    figures.spectrum(document, config.output / "spectrum.png")
    print(f"Peak memory {document['peak_memory_gib']:.1f} GiB. Table and figure are in {config.output}.")


def leading(config: Config, operator: AbstractOperator, state: Path, progress: bool) -> Eigenpairs:
    """The eigenvalues of largest modulus, from where an interrupted run was."""
    return eigenpairs(
        operator,
        config.top,
        tolerance=config.tolerance,
        memory=int(config.memory * GIB),
        generator=torch.Generator().manual_seed(config.seed),
        checkpoint=state / "eigenpairs.safetensors",
        progress=progress,
    )


def estimated(config: Config, operator: AbstractOperator, state: Path, progress: bool) -> Spectrum:
    """All of the spectrum, from the probes that an interrupted run has finished."""
    return operator_spectrum(
        operator,
        probes=config.probes,
        steps=config.lanczos,
        memory=int(config.memory * GIB),
        generator=torch.Generator().manual_seed(config.seed + 1),
        checkpoint=state,
        progress=progress,
    )


def claim(config: Config, state: Path) -> None:
    """Note the configuration in the folder of the state, or see that it is the one noted there.

    Raises:
        SystemExit: the folder belongs to another configuration.
    """
    file = state / "config.json"
    noted: dict[str, Any] = provenance(config)["config"]
    noted = {name: value for name, value in noted.items() if name not in FREE}
    if file.exists() and (other := read_json(file)) != noted:
        changed = sorted(name for name in noted if other.get(name) != noted[name])
        raise SystemExit(
            f"{state} is of a run with other options ({', '.join(changed)}); give the same ones, or another --output"
        )
    write_json(file, noted)


def trained(config: Config, file: Path) -> nn.Module:
    """The model after some AdamW steps, from the file if it is there."""
    generator = torch.Generator().manual_seed(config.seed)
    model = Decoder(SIZES[config.size], generator)
    if file.exists():
        load_model(model, file)
        return model.to(config.device).eval()
    model.to(config.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    stream = source_text.batches(source_text.standard_library("train"), config.microbatch, config.length, generator)
    with tqdm(range(config.training), desc="training", unit="step") as bar:
        for _, batch in zip(bar, stream, strict=False):
            optimizer.zero_grad()
            loss = source_text.next_token(model, batch.to(config.device))
            loss.backward()
            optimizer.step()
            bar.set_postfix(loss=f"{loss.item():.3f}")
    with replacing(file) as draft:
        save_model(model, str(draft))
    return model.eval()


def measured(
    config: Config, model: nn.Module, group: dist.ProcessGroup | None
) -> tuple[AbstractOperator, dict[str, float]]:
    """The curvature of the loss on some windows, and what it took to set up."""
    start = perf_counter()
    generator = torch.Generator().manual_seed(config.seed)
    data = source_text.windows(source_text.standard_library("train"), config.windows, config.length, generator)
    batches = [data.to(config.device)]
    loss = EmpiricalLoss(model, source_text.next_token, batches, microbatch=config.microbatch, group=group)
    geometry: AbstractGeometry = Euclidean()
    if config.geometry == "quotient":
        geometry = Quotient(detect(model, data[:1, :-1].to(config.device)))
    params = {name: p.detach() for name, p in model.named_parameters()}
    operator = curvature(loss, params, geometry, kind=config.kind, memory=int(config.memory * GIB))  # type: ignore[arg-type]
    return operator, {"setup": perf_counter() - start}


def summary(spectrum: Spectrum) -> list[dict[str, Any]]:
    """Every sum over the spectrum, with its standard error."""
    found = [("trace", spectrum.sum(lambda t: t)), ("Frobenius norm", spectrum.frobenius_norm())]
    found += [(f"Rényi sharpness, order {alpha:g}", spectrum.renyi_estimate(alpha)) for alpha in ALPHAS]
    return [{"measure": name, "value": e.value, "standard error": e.stderr} for name, e in found]


def peak_memory(device: torch.device) -> float:
    """The most memory the process has held, in GiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
