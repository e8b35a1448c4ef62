import xml.etree.ElementTree as ElementTree

from experiments.pool.reporting.drawing import coloured, drawings, scatters
from experiments.pool.reporting.figures import svg


def test_every_target_has_a_forest_a_scatter_radii_orders_and_what_survives(document) -> None:
    found = dict(drawings(document))
    kinds = ("forest", "scatter", "radius", "orders", "survival")
    assert set(found) == {f"main {kind} {target}" for kind in kinds for target in document["targets"]}
    for figure in found.values():
        assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")


def test_a_scatter_shows_every_model_and_its_title_the_interval(document) -> None:
    figure = dict(drawings(document))["main scatter loss gap"]
    panel = next(axes for axes in figure.axes if axes.get_title().startswith("worst case, geodesic"))
    assert sum(len(line.get_xdata()) for line in panel.lines) == 24
    tables = document["plans"]["main"]["tables"]
    row = next(row for row in tables["ranking"] if row["measure"] == "worst case, geodesic")
    assert f"{row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" in panel.get_title()


def test_the_forest_has_a_line_for_every_row_in_the_order_of_the_ranking(document) -> None:
    figure = dict(drawings(document))["main forest loss gap"]
    ranked = [r["measure"] for r in document["plans"]["main"]["tables"]["ranking"] if r["target"] == "loss gap"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ranked


def test_without_radii_there_is_no_figure_of_them(document) -> None:
    plan = document["plans"]["main"]
    flat = [row | {"median rise": None} for row in plan["tables"]["sensitivity"]]
    changed = document | {"plans": {"main": plan | {"tables": plan["tables"] | {"sensitivity": flat}}}}
    assert not [name for name in dict(drawings(changed)) if " radius " in name]


def test_panels_without_a_tau_are_not_drawn(document) -> None:
    rows = [r for r in document["plans"]["main"]["tables"]["ranking"] if r["target"] == "loss gap"]
    shown = [panel["measure"] for panel in scatters(rows, document["plans"]["main"]["points"])]
    assert "constant trace, standard" not in shown
    assert shown[0] == "rarely known"


def test_colours_tell_the_hyperparameter_that_predicts_best(document) -> None:
    rows = [r for r in document["plans"]["main"]["tables"]["ranking"] if r["target"] == "loss gap"]
    names = ["weight decay", "learning rate", "optimizer"]
    assert coloured(rows, names) == "learning rate"
    assert coloured([], names) == "weight decay"


def test_the_same_figure_is_the_same_file(document) -> None:
    first, second = (svg(dict(drawings(document))["main radius loss gap"]) for _ in range(2))
    assert first == second
