"""The drawing of a symmetry: repeated layers once, every factor next to what it acts on."""

from pathlib import Path

import pytest
from torch import nn

from experiments import draw
from symmetries import declare, relu_rescaling


def net(depth: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(4, 4)]
    for _ in range(depth):
        layers += [nn.ReLU(), nn.Linear(4, 4)]
    return nn.Sequential(*layers)


def symmetry(depth: int):
    return declare(net(depth), *(relu_rescaling(str(2 * i), str(2 * i + 2)) for i in range(depth)))


def test_the_graph_is_bipartite_between_factors_and_what_they_move():
    graph = symmetry(2).graph()
    assert {node[0] for node in graph} == {"factor", "parameter"}
    assert all(a[0] != b[0] for a, b in graph.edges)
    first = next(node for node, data in graph.nodes(data=True) if data["label"] == "relu_rescaling(0, 2)")
    assert {name for _, name in graph[first]} == {"0.weight", "0.bias", "2.weight"}
    assert graph.nodes[first]["dimension"] == 4
    assert graph.nodes["parameter", "0.weight"]["dimension"] == 16


def test_layers_that_repeat_are_one_node():
    shallow, deep = (draw.collapsed(symmetry(depth).graph()) for depth in (2, 12))
    assert sorted(data["label"] for _, data in shallow.nodes(data=True)) == sorted(
        data["label"] for _, data in deep.nodes(data=True)
    )
    (units,) = (data for _, data in deep.nodes(data=True) if data["kind"] == "factor")
    assert (units["count"], units["dimension"]) == (12, 48)


def test_the_command_draws_a_published_model(tmp_path: Path):
    pytest.importorskip("transformers")
    draw.main(draw.Config(model="GPT-2 124M", output=tmp_path))
    assert (tmp_path / "gpt-2-124m.svg").stat().st_size > 10_000
    assert (tmp_path / "gpt-2-124m.png").exists()
    assert '"model": "GPT-2 124M"' in (tmp_path / "draw.json").read_text()


def test_an_unknown_model_is_refused():
    with pytest.raises(SystemExit, match="BERT-base"):
        draw.main(draw.Config(model="nonesuch"))
