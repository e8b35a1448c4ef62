from experiments.benchmarks.curvature.table import product_rows, target_rows
from experiments.report import markdown_table


def result(*reports, failure=None):
    return {"reports": list(reports), "failure": failure}


def run(seconds, *, reached, error=1e-5, products=None):
    return {"seconds": seconds, "reached": reached, "error": error, "products": products}


def test_the_cheapest_run_that_reached_the_target_counts_relative_to_this_project():
    rows = target_rows(
        {
            "this project": result(run(2.0, reached=True, products=30)),
            "curvlinops": result(run(1.0, reached=False), run(9.0, reached=True), run(8.0, reached=True)),
            "PyHessian": result(run(50.0, reached=False, error=0.02), failure="not within 120 s"),
            "hessian-eigenthings": result(failure="RuntimeError: gone"),
        }
    )
    assert [row["times ours"] for row in rows] == ["1.00", "4.00", "—", "—"]
    assert [row["products"] for row in rows] == ["30", "—", "—", "—"]
    assert [row["remark"] for row in rows] == ["", "", "not within 120 s; nearest 2.0e-02", "RuntimeError: gone"]


def test_efforts_that_all_fall_short_are_told_from_a_limit_of_time():
    rows = target_rows({"PyHessian": result(run(1.0, reached=False, error=0.5))})
    assert (rows[0]["remark"], rows[0]["times ours"]) == ("not with any effort; nearest 5.0e-01", "—")


def test_products_are_told_in_gradients_with_error_and_memory():
    times = {"gradient": {"seconds": 0.1, "gradients": 1.0}, "this project": {"seconds": 0.2, "gradients": 2.04}}
    rows = product_rows(
        {"RMSNorm": result(times), "LayerNorm": result(failure="not within 1 s")},
        {"RMSNorm": result({"this project": {"double": 3e-11, "single": 1e-7}})},
        {"gradient": result({"bytes": 2**20}), "this project": result({"bytes": None})},
    )
    assert markdown_table(rows).splitlines() == [
        "| product | RMSNorm | LayerNorm | error, RMSNorm | memory |",
        "|---|--:|--:|--:|--:|",
        "| gradient | 1.00 (0.100 s) | not within 1 s | — | 1 MiB |",
        "| this project | 2.04 | not within 1 s | 3e-11 | unknown |",
    ]
