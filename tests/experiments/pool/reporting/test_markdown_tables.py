import pytest

from experiments.pool.reporting.markdown_tables import TABLES, digits, number, ranking, resolved


@pytest.fixture(scope="module")
def tables(document):
    found = document["plans"]["main"]["tables"]
    return {name: list(cells(found[source], document["targets"])) for name, (_, source, cells) in TABLES.items()}


def test_cells_are_texts_and_rows_of_a_table_have_the_same_columns(tables) -> None:
    empty = ("choices", "order differences")
    for name, rows in tables.items():
        assert len({tuple(row) for row in rows}) == (0 if name in empty else 1), name
        assert all(isinstance(cell, str) for row in rows for cell in row.values())


def test_baselines_stand_out_and_missing_numbers_are_blank(tables) -> None:
    by_name = {row["measure"]: row for row in tables["ranking"]}
    assert "*learning rate*" in by_name
    assert by_name["constant trace, standard"]["τ"] == ""
    assert not any(row["measure"].startswith("*") for row in tables["variants"])


def test_rivals_and_baselines_have_their_nested_choice_for_every_target(document, tables) -> None:
    by_name = {row["measure"]: row for row in tables["by target"]}
    assert all(by_name["*oracle*"][target].startswith("1.00") for target in document["targets"])
    assert "worst case, geodesic" in by_name
    assert "rarely known" not in by_name


def test_a_pair_of_geometries_has_one_row_for_all_targets(document, tables) -> None:
    (row,) = tables["comparisons"]
    assert (row["first"], row["second"]) == ("adaptive", "geodesic")
    found = {r["target"]: r for r in document["plans"]["main"]["tables"]["comparisons"]}
    for target in document["targets"]:
        assert f"{found[target]['difference']:.2f} [{found[target]['low']:.2f}" in row[target]
        assert row[target].startswith("**") == (found[target]["stronger"] != "not resolved")


def test_the_strongest_of_what_is_known_stands_in_the_heading(tables) -> None:
    assert [list(row) for row in tables["known"]][0][1:] == ["loss gap: learning rate", "test error: hidden"]


def test_numbers_of_models_are_told_where_they_differ(document, tables) -> None:
    by_name = {row["measure"]: row["models"] for row in tables["ranking"]}
    assert (by_name["rarely known"], by_name["*oracle*"]) == ("12", "24")
    rows = [row for row in document["plans"]["main"]["tables"]["ranking"] if row["measure"] != "rarely known"]
    assert all("models" not in row for row in ranking(rows, document["targets"]))


def test_orders_are_beside_each_other(document, tables) -> None:
    (row,) = tables["orders"]
    assert (row["measure"], row["of"]) == ("renyi, geodesic", "whole model")
    assert list(row)[2:] == ["α = 0.5", "α = 2.0"]
    found = document["plans"]["main"]["tables"]["sensitivity"]
    tau = next(r["tau"] for r in found if r["setting"] == "alpha 2.0" and r["target"] == "loss gap")
    assert row["α = 2.0"].startswith(f"{tau:.2f} [")


def test_numbers_have_as_many_digits_as_they_are_read_with() -> None:
    assert [number(value) for value in (None, -0.001, 0.123, -1.5)] == ["", "0.00", "0.12", "-1.50"]
    assert digits(0.12345) == "0.1235"


@pytest.mark.parametrize(("low", "bold"), [(0.01, True), (-0.01, False), (0.0, False)])
def test_a_difference_is_bold_where_its_interval_leaves_zero_out(low: float, bold: bool) -> None:
    assert resolved(0.1, low, 0.2).startswith("**") == bold
    assert resolved(-0.1, -0.2, -low).startswith("**") == bold
