r"""Which measures see which symmetry: every one at two representatives of one function, for five groups.

Claim
    Each measure of the literature is blind to some changes of parameters that keep the function, and sees others; on
    the quotient all that are measured there are blind to all.

Runs for
    about a minute on 2 cores, --quick 20 seconds.

Writes
    results/invariances/invariances.json    every measure at both representatives; configuration and versions
    results/invariances/invariances.md      the table; with --docs also docs/measures.md

Expect
    no change of any geodesic measure; the Fisher-Rao norm to move under shifts only, the relative flatness of a layer
    under changes of what it reads, and the path norm not at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from measures import EmpiricalLoss, Literature, MeasureTable, Row, renyi_sharpness, replacing
from symmetries import Element, ModelSymmetry, detect, trainable_parameters

from .command import option
from .data import cross_entropy
from .effort import Effort
from .models import ViT, ViTConfig, generic_, mlp
from .report import provenance, write_json
from .survey import Survey, comparison, geometries

CONDITION = 30.0
"""The condition number of the random group elements; the size of the one that scales a layer."""

ALPHA = 0.5
"""The order of the Rényi sharpness of one layer."""

INTRODUCTION = """\
# What the measures see

Written by `python -m experiments invariances --docs`. Every measure is taken at two sets of weights of one function,
with the same draws; `=` says that they agree to 1e-6, a number is their ratio. Two networks with generic weights,
float64: a ReLU network with one hidden layer, and a vision transformer with one block. The columns are the groups:

- **layer scale**: the hidden layer times 30, its reader divided by 30 [Dinh2017];
- **neuron scale**: every hidden unit by a factor of its own;
- **head basis**: queries and keys, values and output projection of every head by matrices that cancel, condition 30;
- **norm gain**: the gain of every LayerNorm traded with the weights that read it;
- **bias shift**: constants traded between biases: shifts of norms, biases of values.

*Writer* is the layer whose outputs are scaled or mixed (the hidden layer; queries, keys and values), *reader* the one
that takes them in (the output layer; the output projection). Ratios in brackets are of values that the draws do not
tell from zero; those of logarithms are ratios of the logarithms.

| measure | function | source |
|---|---|---|
| rise of the loss on a ball | `worst_case_sharpness`, `average_case_sharpness` | [Andriushchenko2023], [daSilva2025] |
| trace, largest eigenvalue of the Hessian | `hessian_spectrum` | |
| of the Gauss-Newton matrix | `curvature(..., kind="gauss-newton")` | [Schraudolph2002] |
| minus the entropy of its spectrum (Rényi) | `renyi_sharpness` | [RenyiSharpness2025] |
| second moment of the gradients of examples (Fisher) | `fisher_spectrum` | [Kunstner2019] |
| 1 / variance of the noise that costs 0.1 (PAC-Bayes) | `pac_bayes_flatness` | [Jiang2020], [Neyshabur2017] |
| length of the weights in the Fisher metric (Fisher-Rao) | `fisher_rao_norm` | [Liang2019] |
| trace of a layer's Hessian, weighted by its neurons' products | `relative_flatness` | [Petzka2021] |
| norms of the weights | `parameter_norm`, `log_norm_product` | [Jiang2020] |
| norm over all paths of a ReLU network | `path_norm` | [Neyshabur2015] |

"""


@dataclass(frozen=True, kw_only=True)
class Config(Effort):
    """Options of the table of invariances."""

    steps: int = option(10, "ascent steps of the worst case")
    samples: int = option(8, "draws of the average case and of PAC-Bayes flatness")
    probes: int = option(4, "probes of the spectrum")
    lanczos: int = option(10, "Lanczos steps of the spectrum, from each probe")
    examples: int = option(64, "examples that measures are taken on")
    docs: bool = option(False, "write docs/measures.md as well")
    output: Path = option(Path("results/invariances"), "folder to write to")


QUICK = Config(steps=4, samples=4, probes=1, lanczos=6, examples=16)


@dataclass(frozen=True)
class Network:
    """A function, the groups that leave it unchanged, and the two layers that they act on.

    Args:
        survey: how it is measured.
        groups: an element of each, by name.
        writer: the weight whose outputs they change.
        reader: the weight that undoes it.
    """

    survey: Survey
    groups: Mapping[str, Element]
    writer: str
    reader: str

    def table(self, g: Element) -> MeasureTable:
        """Every measure at the representative that ``g`` leads to, layers by their roles."""
        found = self.survey.table(g)
        roles = {f"relative flatness {layer}": f"relative flatness, {role}" for layer, role in self._roles.items()}
        rows = [replace(row, measure=roles.get(row.measure, row.measure)) for row in found.rows]
        return MeasureTable((*rows, *self._of_one_layer(g)))

    @property
    def _roles(self) -> dict[str, str]:
        return {self.writer: "writer", self.reader: "reader"}

    def _of_one_layer(self, g: Element) -> Iterator[Row]:
        effort = self.survey.effort
        for layer, role in self._roles.items():
            found = renyi_sharpness(
                self.survey.loss,
                self.survey.point(g),
                alpha=ALPHA,
                parameters=[layer],
                probes=effort.probes,
                steps=effort.lanczos,
                outliers=0,  # a search may draw more random vectors at one representative than at the other
                generator=effort.generator(),
            )
            yield Row(f"Rényi {ALPHA:g}, {role} alone", "standard", found.value, found.stderr)


def main(config: Config) -> None:
    """Measure both networks at the identity and at an element of every group."""
    start = perf_counter()
    torch.set_num_threads(config.threads)
    networks = [relu_network(config), transformer(config)]
    bar = tqdm(total=sum(1 + len(network.groups) for network in networks), desc="invariances", unit="point")
    compared = [pair for network in networks for pair in movements(network, bar)]
    bar.close()
    document = provenance(config) | {"groups": dict(compared), "seconds": perf_counter() - start}
    write_json(config.output / "invariances.json", document)
    text = "\n".join(markdown(document["groups"]))
    for path in (config.output / "invariances.md", *((Path("docs/measures.md"),) if config.docs else ())):
        with replacing(path) as draft:
            draft.write_text(INTRODUCTION + text, encoding="utf-8")
    print(text)
    print(f"Table is in {config.output}. Took {document['seconds']:.0f} s.")


def relu_network(config: Config) -> Network:
    """One hidden layer of ReLU units."""
    draws = config.generator()
    model = mlp([4, 6, 3], generator=draws)
    model.double()
    generic_(model, draws)
    inputs = torch.randn(config.examples, 4, generator=draws, dtype=torch.float64)
    survey = surveyed(config, model, inputs, detect(model, inputs), ("0.weight", "2.weight"), inputs[:1])
    (units,) = survey.symmetry.pairs
    groups = {
        "layer scale": survey.symmetry.random(draws, 1.0, CONDITION, factors=[units]),
        "neuron scale": survey.symmetry.random(draws, CONDITION, factors=[units]),
    }
    return Network(survey, groups, "0.weight", "2.weight")


def transformer(config: Config) -> Network:
    """A vision transformer with one block."""
    draws = config.generator()
    model = ViT(ViTConfig(image=4, dim=6, depth=1, heads=2, hidden=8, classes=3), draws)
    model.double()
    generic_(model, draws)
    inputs = model.example_inputs(draws, batch=config.examples)
    symmetry = detect(model, inputs)
    layers = ("blocks.0.attn.qkv.weight", "blocks.0.attn.proj.weight")
    survey = surveyed(config, model, inputs, symmetry, layers, None)
    families = {"head basis": "change of basis", "norm gain": "gain into readers", "bias shift": "shift into bias"}
    groups = {
        name: symmetry.random(draws, CONDITION, factors=[f for f in symmetry.quotiented if f.family == family])
        for name, family in families.items()
    }
    return Network(survey, groups, *layers)


def surveyed(
    config: Config,
    model: nn.Module,
    inputs: Tensor,
    symmetry: ModelSymmetry,
    layers: Sequence[str],
    path_inputs: Tensor | None,
) -> Survey:
    """Measures on labels that the model itself draws, for which it is near a minimum, but not at one."""
    with torch.no_grad():
        labels = torch.multinomial(model(inputs).softmax(-1), 1, generator=config.generator()).squeeze(-1)
    loss = EmpiricalLoss(model, cross_entropy, [(inputs, labels)])
    literature = Literature(layers=dict.fromkeys(layers, 0), inputs=path_inputs, gauss_newton=True)
    return Survey(config, loss, symmetry, trainable_parameters(model), geometries(symmetry), literature)


def movements(network: Network, bar: "tqdm[Any]") -> Iterator[tuple[str, list[dict[str, object]]]]:
    """For every group, each measure before and after."""
    reference = network.table({})
    bar.update()
    for name, g in network.groups.items():
        yield name, comparison(reference, network.table(g))
        bar.update()


def markdown(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """One row for each measure and geometry, one column for each group."""
    cells = {name: {(r["measure"], r["geometry"]): cell(r) for r in rows} for name, rows in groups.items()}
    keys = dict.fromkeys(key for rows in cells.values() for key in rows)
    yield f"| measure | geometry | {' | '.join(groups)} |"
    yield f"|---|---|{'--:|' * len(groups)}"
    for measure, geometry in sorted(keys, key=lambda key: bool(key[1])):
        row = " | ".join(cells[name].get((measure, geometry), "") for name in groups)
        yield f"| {measure} | {geometry} | {row} |"
    yield ""


def cell(row: Mapping[str, Any]) -> str:
    """``=`` where a measure did not move, and otherwise by what factor."""
    if row["invariant"]:
        return "="
    return f"{row['ratio']:.3g}" if row["resolved"] else f"({row['ratio']:.3g})"
