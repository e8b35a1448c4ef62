import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from experiments.pool.frame import Column, Frame
from experiments.pool.reporting.case import Case
from experiments.pool.reporting.choice import choices, grids
from experiments.pool.reporting.comparison import at_every_order
from experiments.pool.reporting.document import panels
from experiments.pool.reporting.figures import svg
from experiments.pool.reporting.order_figures import choices as figure_of_choices
from experiments.pool.reporting.order_figures import orders
from experiments.pool.reporting.sensitivity import sensitivity
from measures import compare_correlations, select_setting


def setting(alpha: str, layer: str | None) -> str:
    return f"alpha={alpha}" if layer is None else f"alpha={alpha}, layer={layer}"


@pytest.fixture(scope="module")
def layered(case: Case) -> Case:
    """Two geometries at two orders, whole and of two layers, of which one knows the gap at one order in one of them."""
    gap = case.targets["loss gap"]
    asked = itertools.product(("standard", "geodesic"), ("0.5", "inf"), (None, "a", "b"))
    columns = {
        Column("entropy", geometry, None, setting(alpha, layer)): [float((k * i + 3 * i * i) % 23) for i in range(24)]
        for k, (geometry, alpha, layer) in enumerate(asked, 2)
    }
    columns[Column("entropy", "geodesic", None, setting("inf", "b"))] = [-g for g in gap]
    del columns[Column("entropy", "standard", None, setting("0.5", "a"))]
    return replace(case, frame=Frame(case.frame.members, columns))


def test_a_choice_of_order_and_layer_is_that_of_select_setting(layered: Case) -> None:
    rows = {(row["measure"], row["chosen"]): row for row in choices(layered, "loss gap")}
    chosen = ["order, whole model", "order, a", "order, b", "order and layer"]
    assert sorted(rows) == [(f"entropy, {g}", what) for g in ("geodesic", "standard") for what in sorted(chosen)]
    row = rows["entropy, geodesic", "order and layer"]
    family = next(f for f in layered.families if f.geometry == "geodesic")
    found = select_setting(
        dict(family.candidates),
        layered.targets["loss gap"],
        groups=layered.configurations,
        permutations=19,
        generator=layered.generator(),
    )
    assert (row["settings"], row["nested"], row["best by chance"]) == (6, found.nested, found.null)
    assert (row["setting"], row["best"]) == ("alpha inf, layer b", -1.0)
    assert rows["entropy, standard", "order, a"]["settings"] == 1


def test_a_search_among_more_settings_finds_more_by_chance(layered: Case) -> None:
    by_chance = {row["chosen"]: row["best by chance"] for row in choices(layered, "loss gap")[4:]}
    assert by_chance["order and layer"] > max(by_chance["order, whole model"], by_chance["order, a"])


def test_a_measure_without_layers_offers_no_choice_but_the_one_that_is_ranked(case: Case) -> None:
    assert choices(case, "loss gap") == []
    assert all(grids(family) == {} for family in case.families)


def test_geometries_are_compared_at_every_order_and_layer_that_both_have(layered: Case) -> None:
    rows = {(row["alpha"], row["layer"]): row for row in at_every_order(layered, "loss gap")}
    assert set(rows) == {("0.5", None), ("0.5", "b"), ("inf", None), ("inf", "a"), ("inf", "b")}
    columns = [layered.frame.columns[Column("entropy", g, None, setting("inf", "b"))] for g in ("standard", "geodesic")]
    found = compare_correlations(*columns, layered.targets["loss gap"], strengths=True, **layered.bootstrap())
    row = rows["inf", "b"]
    assert (row["difference"], row["low"], row["high"]) == (found.value, found.low, found.high)
    assert row["stronger"] == "second"


def test_every_layer_has_a_panel_and_every_geometry_a_line_with_a_point_for_each_order(layered: Case) -> None:
    figure = orders(sensitivity(layered, "loss gap"), panels(layered))
    lines = {
        axes.get_title(): {line.get_label(): list(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"}
        for axes in figure.axes
    }
    whole = {"standard": [0, 1], "geodesic": [0, 1]}
    assert lines["entropy, whole model"] == lines["entropy, b"] == whole
    assert lines["entropy, a"] == {"standard": [1], "geodesic": [0, 1]}
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0.5", r"$\infty$"]


def test_without_orders_there_is_no_figure_of_them(layered: Case) -> None:
    one = {column: values for column, values in layered.frame.columns.items() if column.settings["alpha"] == "inf"}
    single = replace(layered, frame=Frame(layered.frame.members, one))
    assert orders(sensitivity(single, "loss gap"), panels(single)) is None


def test_choices_are_drawn_a_line_for_each(layered: Case) -> None:
    rows = choices(layered, "loss gap")
    undetermined = rows[0] | {"nested": None}
    figure = figure_of_choices([undetermined, *rows[1:]])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"{row['measure']}: {row['chosen']}" for row in rows[1:]]
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
