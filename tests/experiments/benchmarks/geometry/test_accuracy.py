import math

from experiments.benchmarks.geometry import accuracy
from experiments.benchmarks.geometry.accuracy import ACCURACY


def test_errors_fall_with_the_length_by_the_order_of_the_method() -> None:
    rows = {row.method: row for row in accuracy((0.1, 0.2), repeats=1, seed=0)}
    assert set(rows) == set(ACCURACY)
    for name, (_, method) in ACCURACY.items():
        small, large = rows[name].errors
        if name.startswith("mixed, Taylor") or name.startswith("invariant, Taylor"):
            assert abs(math.log2(large / small) - method.order) < 0.3  # relative to the distance gone
    assert max(rows["invariant, Exact()"].errors) < 1e-12
