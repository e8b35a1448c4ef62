import csv
import itertools
import re
from pathlib import Path

import pytest

from experiments import report_pool
from experiments.report import read_json
from tests.experiments.pool.drawn_pool import cards, draw, row, write_table


def test_a_report_is_a_page_a_document_and_tables(tmp_path: Path) -> None:
    pool = draw(tmp_path / "pool")
    report_pool.main(report_pool.Config(pool=pool.folder, resamples=50, permutations=5))
    written = {path.name for path in (pool.folder / "report").iterdir()}
    tables = ("ranking", "findings", "comparisons", "known", "sensitivity", "survival", "moved", "reliability")
    assert written == {"report.html", "report.json"} | {f"main-{name}.csv" for name in (*tables, "invariance")}
    document = read_json(pool.folder / "report" / "report.json")
    assert document["made"]["config"]["resamples"] == 50
    with (pool.folder / "report" / "main-ranking.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = document["plans"]["main"]["tables"]["ranking"]
    assert [float(r["nested"]) if r["nested"] else None for r in rows] == [r["nested"] for r in expected]
    assert "worst case, geodesic" in (pool.folder / "report" / "report.html").read_text()


def test_documents_get_a_section_and_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pool = draw(tmp_path / "drawn")
    rows = [
        row(model, "renyi", "geodesic", None, "alpha=2.0", 0, "moved", card["covariates"]["hidden"])
        for model, card in cards()
    ]
    write_table(pool.folder / "measures" / "rescaled-pool.parquet", rows)
    entropies = [
        row(model, "renyi", "geodesic", None, f"alpha={alpha}, layer={layer}", 0, "trained", alpha + hidden * hidden)
        for model, hidden in ((model, card["covariates"]["hidden"]) for model, card in cards())
        for alpha, layer in itertools.product((0.5, 2.0), ("h.0", "h.1"))
    ]
    write_table(pool.folder / "measures" / "renyi.parquet", entropies)
    docs = tmp_path / "docs" / "results"
    docs.mkdir(parents=True)
    (docs / "drawn.md").write_text("# Drawn\n\nWords of an author.\n")
    report_pool.main(report_pool.Config(pool=pool.folder, resamples=50, permutations=5, docs=True))
    text = (docs / "drawn.md").read_text()
    assert text.startswith("# Drawn\n\nWords of an author.\n")
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert sorted(pictures) == sorted(path.name for path in docs.glob("*.svg"))
    assert {name.removeprefix("drawn-").removesuffix("-loss-gap.svg") for name in pictures} == {
        *("main-radius", "main-forest", "main-scatter", "rescaled-pool-survival", "renyi-choices", "renyi-orders")
    }
    assert str(tmp_path) not in text


def test_a_pool_that_was_not_measured_is_told_what_comes_first(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="measure-pool"):
        report_pool.main(report_pool.Config(pool=tmp_path))


@pytest.mark.parametrize("option", ["resamples", "permutations"])
def test_numbers_of_draws_are_positive(option: str) -> None:
    with pytest.raises(ValueError, match=f"--{option} must be positive, got 0"):
        report_pool.Config(**{option: 0})
