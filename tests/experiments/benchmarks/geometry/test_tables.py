from experiments.benchmarks.geometry.tables import ascent_row, measures_row


def seconds(clock: float) -> dict[str, float]:
    return {"processor": 9.0, "clock": clock}


RUN = {
    "before": seconds(0.5),
    "passes": [seconds(s) for s in (2.0, 2.2, 2.4)],
    "plain": [seconds(2.0)] * 3,
    "between": [seconds(0.1), seconds(0.3)],
    "after": seconds(0.6),
}


def test_ratios_are_to_the_gradients_before_and_memory_is_in_copies() -> None:
    size = 4 * 10**6
    held = {who: [{"bytes": n * size}] for who, n in {"gradients": 10, "adaptive": 12, "quotient": 13}.items()}
    runs = {"adaptive": [RUN], "quotient": [RUN, RUN | {"before": seconds(1.1)}, RUN | {"before": seconds(3.0)}]}
    task = {"steps": 3}
    found = {"title": "m", "batch": 2, "parameters": 10**6, "ascents": runs, "memory": held, "task": task}
    row = ascent_row({"found": found})
    assert row["gradient"] == "2.00 s"
    assert row["adaptive"] == "1.250"  # 0.5 + 0.1 + 0.3 + 0.6 over 6
    assert row["adaptive, whole"] == "1.350 (1.05 to 1.15)"  # 6.6 in place of 6
    assert row["quotient"] == "1.350"  # of three rounds
    assert row["quotient, whole"] == "1.450 (1.00 to 1.20)"  # the middle half of nine gradients
    assert (row["before"], row["a step"]) == ("1.10 s", "0.20 s")
    assert (row["more, in copies"], row["bar"]) == ("2.0 / 3.0", "1.00")
    assert ascent_row({"found": found | {"ascents": {}, "memory": {}}})["quotient"] == ""


def test_averages_count_what_lies_around_values_and_products_what_lies_between() -> None:
    found = {"title": "m", "batch": 2, "averages": {"quotient": [RUN]}, "products": {"adaptive": [RUN]}}
    row = measures_row({"found": found})
    assert (row["value"], row["plain product"]) == ("2.00 s", "2.00 s")
    assert row["average, quotient"] == "1.250"  # 1.5 over 6
    assert row["product, adaptive"] == "1.100"  # 0.2 over 2
    assert (row["average, adaptive"], row["product, quotient"]) == ("", "")
