from experiments.pool.reporting.summary import by_target, digits, illustrations, number, summary


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_document_shows_the_numbers_of_the_ranking(document) -> None:
    lines = list(summary(document, {}, name="drawn"))
    assert "--pool results/pools/drawn" in lines[0]
    assert "24 models, 25 tried" in lines[0]
    row = next(r for r in document["plans"]["main"]["tables"]["ranking"] if r["measure"] == "worst case, geodesic")
    shown = cells(next(line for line in lines if line.startswith("| worst case, geodesic |")))
    assert shown[1] == f"{row['nested']:.2f} ± {row['nested stderr']:.2f}"
    assert shown[4] == f"{row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def test_baselines_stand_out_and_missing_numbers_are_blank(document) -> None:
    lines = list(summary(document, {}, name="drawn"))
    assert any(line.startswith("| *learning rate* |") for line in lines)
    constant = cells(next(line for line in lines if line.startswith("| constant trace, standard |")))
    assert constant[4] == ""


def test_every_measure_has_its_nested_choice_for_every_target(document) -> None:
    rows = document["plans"]["main"]["tables"]["ranking"]
    table = {row["measure"]: row for row in by_target(rows, document["targets"])}
    assert len(table) * len(document["targets"]) == len(rows)
    assert all(table["*oracle*"][target].startswith("1.00") for target in document["targets"])


def test_figures_are_shown_where_they_are_given(document) -> None:
    (first, *_) = illustrations("main", "loss gap")
    assert f"\n![{first}](picture.svg)" in list(summary(document, {first: "picture.svg"}, name="drawn"))
    assert illustrations("other", "loss gap") == []


def test_numbers_have_as_many_digits_as_they_are_read_with() -> None:
    assert [number(value) for value in (None, 0.0, 0.123, -1.5)] == ["", "0.00", "0.12", "-1.50"]
    assert digits(0.12345) == "0.1235"
