from experiments.pool.reporting.markdown_tables import TABLES
from experiments.pool.reporting.summary import SHOWN, illustrations, summary


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_document_shows_the_numbers_of_the_ranking(document) -> None:
    lines = list(summary(document, {}, name="drawn"))
    assert "--pool results/pools/drawn" in lines[0]
    assert "24 models, 25 tried" in lines[0]
    row = next(r for r in document["plans"]["main"]["tables"]["ranking"] if r["measure"] == "worst case, geodesic")
    begin = next(i for i, line in enumerate(lines) if "Measures and baselines" in line)
    shown = cells(next(line for line in lines[begin:] if line.startswith("| worst case, geodesic |")))
    assert shown[1] == f"{row['nested']:.2f} ± {row['nested stderr']:.2f}"
    assert shown[4] == f"{row['tau']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def test_what_is_looked_for_comes_first(document) -> None:
    headings = [line.strip() for line in summary(document, {}, name="drawn") if "##" in line]
    assert headings[0] == "## Plan `main`, 24 models"
    assert headings[1].startswith("### Geometry against geometry")


def test_figures_are_shown_where_they_are_given(document) -> None:
    forest = "main forest loss gap"
    assert forest in illustrations("main", "loss gap")
    assert f"\n![{forest}](picture.svg)" in list(summary(document, {forest: "picture.svg"}, name="drawn"))
    assert illustrations("other", "loss gap") == []


def test_everything_that_is_shown_is_a_table_or_a_figure() -> None:
    figures = {"forest", "scatter", "radius", "orders", "choices", "survival"}
    assert {kind for kinds in SHOWN.values() for kind in kinds} <= figures | set(TABLES)
