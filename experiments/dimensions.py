r"""How large the symmetry groups of published models are, by family.

Claim
    Detection on shapes alone gives the dimension of the continuous symmetry group of a model of any size, equal to the
    closed form where one was worked out by hand.

Runs for
    about 2 minutes on 2 cores, --quick 10 seconds (the smallest models only).

Writes
    results/dimensions/dimensions.json    every family of every model; configuration and versions
    results/dimensions/dimensions.md      the same as tables; with --docs also docs/symmetries.md

Needs
    the extras 'hf' and 'vision'; models whose library is missing are left out, and named.

Expect
    no difference to the closed forms but those the text explains.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from tqdm import tqdm

from measures import replacing
from symmetries import detect

from .command import option
from .models.zoo import SPECIMENS, RealSize, library
from .report import provenance, write_json

QUICK_MODELS = ("BERT-base", "GPT-2 124M", "resnet18")

INTRODUCTION = """\
# The symmetry groups of published models

Written by `python -m experiments dimensions --docs`. Every model is built without values (on the meta device) and
detected from one forward pass; nothing is listed by hand. A *closed form* is the dimension worked out on paper for the
class, and checked against the null space of the parameter Jacobian of tiny configurations
(`tests/integration/test_zoo.py`).

What the families mean for a quotient:

- **exact** families are taken out: pairs (heads, units, adapters) by the metric, everything else by a section, on
  which gains are 1, shifts 0, readers and writers centred;
- **counted** ones are declared, verified and counted, and stay in the ball: rotations of a residual stream or of
  normalized vectors (a Frobenius or a Gram metric does not see them, `rest="tensorwise"` neither, an elementwise one
  does), scales that are taken back in other powers (an elementwise metric does not see them), and isospectral curves,
  one dimension each, along which gains change size, which every metric sees;
- **softmax** ones hold for probabilities, not for logits; `head="raw"` leaves them out;
- **approximate** ones hold where the eps of a norm is zero; they are never taken out, and not part of the dimension.

T5: the closed form counts, for every head of the encoder, one bucket of relative positions that no pair of tokens
reaches. Nothing depends on these 12 numbers; they are no symmetry of the computation, and detection leaves them out (an
audit lists them as *without influence*).
"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the table of dimensions."""

    models: str = option("", "only models whose name contains this")
    threads: int = option(2, "CPU threads")
    docs: bool = option(False, "write docs/symmetries.md as well")
    output: Path = option(Path("results/dimensions"), "folder to write to")


QUICK = Config(models="quick")


def main(config: Config) -> None:
    """Detect every published size, write the tables."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    chosen = list(sizes(config.models))
    if not chosen:
        raise SystemExit(f"no model whose name contains {config.models!r}, or its library is not installed")
    records = [record(size, head) for size, head in tqdm(chosen, desc="dimensions", unit="model")]
    document = provenance(config) | {"models": records, "seconds": perf_counter() - start}
    write_json(config.output / "dimensions.json", document)
    text = "\n".join(markdown(records))
    for path in (config.output / "dimensions.md", *((Path("docs/symmetries.md"),) if config.docs else ())):
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    print(text.removeprefix(INTRODUCTION))
    print(f"Tables are in {config.output}. Took {document['seconds']:.0f} s.")


def sizes(part: str) -> Iterator[tuple[RealSize, str]]:
    """The published sizes of the zoo whose library is there, with how their outputs are read."""
    for specimen in SPECIMENS.values():
        for size in specimen.sizes:
            if size.name not in QUICK_MODELS if part == "quick" else part not in size.name:
                continue
            try:
                library(specimen.library)
            except ImportError as missing:
                print(f"left out: {size.name} ({missing})")
                continue
            yield from ((size, head) for head in size.dimension or ("raw",))


def record(size: RealSize, head: str) -> dict[str, Any]:
    """What detection finds on the shapes of a model."""
    start = perf_counter()
    model, example = size.on_meta()
    symmetry = detect(model, dict(example), head=head)  # type: ignore[arg-type]
    return {
        "model": size.name,
        "head": head,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "dimension": symmetry.dimension,
        "closed form": size.dimension.get(head),  # type: ignore[call-overload]
        "families": [{"family": f.name, "dimension": f.dimension, "flags": sorted(f.flags)} for f in symmetry.families],
        "unrecognised": list(symmetry.unrecognised),
        "seconds": perf_counter() - start,
    }


def markdown(records: list[dict[str, Any]]) -> Iterator[str]:
    """One table of all models, and one of families for each."""
    yield INTRODUCTION
    yield "| model | outputs | parameters | dimension | share | closed form | seconds |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for found in records:
        share = f"{found['dimension'] / found['parameters']:.2%}"
        form = "" if found["closed form"] is None else f"{found['closed form']:,}"
        counts = f"{found['parameters']:,} | {found['dimension']:,} | {share} | {form}"
        yield f"| {found['model']} | {found['head']} | {counts} | {found['seconds']:.1f} |"
    for found in records:
        yield f"\n## {found['model']}, {found['head']}\n"
        yield "| family | dimension | share | holds |"
        yield "|---|--:|--:|---|"
        for family in found["families"]:
            share = family["dimension"] / found["parameters"]
            yield f"| {family['family']} | {family['dimension']:,} | {share:.4%} | {', '.join(family['flags'])} |"
        if found["unrecognised"]:
            yield f"\nNot recognised: {', '.join(f'`{name}`' for name in found['unrecognised'])}."
    yield ""
