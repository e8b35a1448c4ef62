import pytest

from experiments.benchmarks.curvature.problem import SIZES, problem
from experiments.benchmarks.curvature.product import errors, memory, times

OURS = ["this project"]


@pytest.fixture
def make(tmp_path):
    return lambda: problem(SIZES["tiny"], tmp_path / "point.safetensors", layer_norm=True, seed=0)


def test_gradient_and_products_take_turns(make):
    found = times(make, OURS, repeats=3, seed=0)
    assert list(found) == ["gradient", *OURS]
    assert found["gradient"]["gradients"] == 1.0
    assert all(x["seconds"] > 0 for x in found.values())


def test_this_project_is_exact_through_layer_norm_by_differences_of_gradients(make):
    found = errors(make, OURS, seed=0)["this project"]
    assert found["double"] < 1e-9  # the quotient's own error: of the fourth power of the step, and rounding over it
    assert found["single"] < 1e-5


def test_memory_of_gradient_and_product_is_measured(make):
    assert {name: set(memory(make, name, seed=0)) for name in ("gradient", *OURS)} == {
        "gradient": {"bytes"},
        "this project": {"bytes"},
    }
