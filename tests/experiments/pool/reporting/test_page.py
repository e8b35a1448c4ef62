import re
from html.parser import HTMLParser

import pytest

from experiments.pool.reporting.page import MISSING, page


class Tables(HTMLParser):
    """The tables of a page by name: lists of cells, as shown and as kept for sorting."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[list[tuple[str, str]]]]] = {}
        self.cell: list[str] | None = None
        self.resources: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.resources += [value for name, value in given.items() if name in ("src", "href", "srcset")]
        if tag == "table":
            self.rows = []
            self.tables.setdefault(given["data-name"], []).append(self.rows)
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.kept, self.cell = given.get("data-value"), []

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(("".join(self.cell), self.kept))
            self.cell = None


@pytest.fixture(scope="module")
def text(document) -> str:
    picture = b"<svg/>"
    return page(document | {"made": {"seed": 7}}, {"main forest loss gap": picture}, title="a <pool>")


@pytest.fixture(scope="module")
def parsed(text: str) -> Tables:
    parser = Tables()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("name", ["ranking", "comparisons", "survival", "sensitivity", "findings"])
def test_cells_hold_the_numbers_of_the_document(document, parsed: Tables, name: str) -> None:
    rows = document["plans"]["main"]["tables"][name]
    for target, (head, *body) in zip(document["targets"], parsed.tables[f"main {name}"], strict=True):
        expected = [row for row in rows if row["target"] == target]
        columns = [key for key in expected[0] if any(row[key] is not None for row in expected) and key != "baseline"]
        assert [shown for shown, _ in head] == columns
        assert len(body) == len(expected)
        for row, cells in zip(expected, body, strict=True):
            for key, (shown, kept) in zip(columns, cells, strict=True):
                if row[key] is None:
                    assert (shown, kept) == (MISSING, "")
                elif isinstance(row[key], float):
                    assert float(kept) == row[key]
                    assert float(shown) == pytest.approx(row[key], rel=5e-3)
                elif isinstance(row[key], int) and not isinstance(row[key], bool):
                    assert (shown, kept) == (str(row[key]), str(row[key]))
                else:
                    assert (shown, kept) == (str(row[key]), None)


def test_a_page_loads_nothing(parsed: Tables, text: str) -> None:
    pictures = [resource for resource in parsed.resources if not resource.startswith("#")]
    assert pictures
    assert all(picture.startswith("data:image/svg+xml;base64,") for picture in pictures)
    assert not re.search(r"https?://|@import|url\(|<link|<iframe", text)


def test_links_lead_to_every_plan_and_target_on_the_page(document, parsed: Tables, text: str) -> None:
    places = [resource for resource in parsed.resources if resource.startswith("#")]
    assert places == ["#main", *(f"#main-{i + 1}" for i in range(len(document["targets"]))), "#models", "#made"]
    assert all(text.count(f'id="{place[1:]}"') == 1 for place in places)


def test_every_table_can_be_sorted_by_the_script_of_the_page(text: str) -> None:
    assert text.count("<table") == text.count('<table class="sortable"') > 10
    assert text.count("<script>") == 1
    assert 'querySelectorAll("table.sortable th")' in text


def test_names_are_text_and_not_markup(text: str) -> None:
    assert "<h1>a &lt;pool&gt;</h1>" in text


def test_the_page_says_how_it_was_made(text: str) -> None:
    assert "2.13.0" in text
    assert "seed&#34;: 7" in text or '"seed": 7' in text


def test_models_that_failed_are_on_the_page(parsed: Tables) -> None:
    ((head, *body),) = parsed.tables["models"]
    column = [shown for shown, _ in head].index("failure")
    assert [row[column][0] for row in body].count("the loss is not finite") == 1


def test_a_table_without_rows_for_a_target_is_left_out_there(document) -> None:
    first, *others = document["targets"]
    plan = document["plans"]["main"]
    kept = [row for row in plan["tables"]["comparisons"] if row["target"] != first]
    plans = {"main": plan | {"tables": plan["tables"] | {"comparisons": kept}}}
    parser = Tables()
    parser.feed(page(document | {"plans": plans, "made": {}}, {}, title="pool"))
    assert len(parser.tables["main comparisons"]) == len(others)
