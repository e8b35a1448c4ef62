r"""The symmetry graph of a model: which groups act on which parameters.

Claim
    A picture that is readable for any depth: layers that repeat are drawn once, with their number.

Runs for
    a few seconds on 2 cores, --quick the same.

Writes
    results/draw/NAME.svg    parameters on the left, groups on the right, one colour for each family
    results/draw/NAME.png    the same; with --docs also under docs/
    results/draw/draw.json   nodes and edges; configuration and versions

Needs
    the extra 'hf' or 'vision' for published models by name; --path takes a checkpoint folder in the layout of
    transformers.

Expect
    every parameter of BERT-base in at least one group.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import torch

from symmetries import ModelSymmetry, detect

from . import figures
from .command import option
from .models.zoo import SPECIMENS, RealSize, library
from .report import provenance, write_json


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the drawing."""

    model: str = option("BERT-base", "a published model, as 'python -m experiments dimensions' names it")
    path: Path = option(Path(), "folder of a checkpoint, in place of a published model")
    docs: bool = option(False, "write docs/NAME.png as well")
    output: Path = option(Path("results/draw"), "folder to write to")


QUICK = Config()


def main(config: Config) -> None:
    """Detect, collapse, draw."""
    name, symmetry = found(config)
    graph = collapsed(symmetry.graph())
    file = "".join(c if c.isalnum() else "-" for c in name.lower())
    docs = (Path(f"docs/{file}.png"),) if config.docs else ()
    for path in (config.output / f"{file}.svg", config.output / f"{file}.png", *docs):
        figures.symmetry_graph(graph, f"{name}: symmetry of dimension {symmetry.dimension:,}", path)
    number = {node: i for i, node in enumerate(graph)}
    nodes = [data for _, data in graph.nodes(data=True)]
    edges = [[number[a], number[b]] for a, b in graph.edges]
    write_json(config.output / "draw.json", provenance(config) | {"model": name, "nodes": nodes, "edges": edges})
    print(f"The drawing of {name} is in {config.output}.")


def found(config: Config) -> tuple[str, ModelSymmetry]:
    """The model that was asked for, and its symmetry, from shapes alone."""
    if config.path != Path():
        transformers: Any = library("transformers")
        with torch.device("meta"):
            model = transformers.AutoModel.from_config(transformers.AutoConfig.from_pretrained(config.path)).eval()
        ids = torch.ones(1, 4, dtype=torch.long, device="meta")
        return config.path.name, detect(model, {"input_ids": ids})
    sizes: dict[str, RealSize] = {size.name: size for specimen in SPECIMENS.values() for size in specimen.sizes}
    if config.model not in sizes:
        raise SystemExit(f"no published model named {config.model!r}; there are {sorted(sizes)}")
    model, example = sizes[config.model].on_meta()
    return config.model, detect(model, dict(example), head="raw")


def collapsed(graph: nx.Graph) -> nx.Graph:
    """Parameters whose names differ in numbers alone as one node, and factors of one family on the same parameters.

    Nodes have ``kind``, ``label``, ``count`` and ``dimension`` (of all that they stand for), factors ``flags`` too.
    """
    small: nx.Graph = nx.Graph()
    place = {
        node: ("parameter", pattern(data["label"])) for node, data in graph.nodes(data=True) if node[0] == "parameter"
    }
    for node, data in graph.nodes(data=True):
        if data["kind"] == "factor":
            place[node] = ("factor", data["family"], *sorted({place[other][1] for other in graph[node]}))
        key = place[node]
        label = data["family"] if data["kind"] == "factor" else key[1]
        if key not in small:
            small.add_node(key, kind=data["kind"], label=label, flags=data.get("flags", []), count=0, dimension=0)
        small.nodes[key]["count"] += 1
        small.nodes[key]["dimension"] += data["dimension"]
    small.add_edges_from((place[a], place[b]) for a, b in graph.edges)
    return small


def pattern(name: str) -> str:
    """The name with its layer numbers left open."""
    return ".".join("*" if part.isdigit() else part for part in name.split("."))
