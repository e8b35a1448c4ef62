"""Vectors carried along geodesics, by the differential of the exponential map."""

import math

import pytest
import torch

from quotient import Coordinates, Invariant, Quotient, dot, length, scaled
from tests.quotient.cases import GROUPS, parameters

CURVED, FLAT = ["query-key", "value-output", "rotary", "single rescaling"], ["chain of rescalings"]


def setting(name: str):
    generator = torch.Generator().manual_seed(0)
    geometry = Quotient(GROUPS[name](), metric=Invariant(), rest="frozen")
    chart = geometry.chart(geometry.representative(parameters(generator)))
    x, y = chart.random(generator), chart.random(generator)
    return geometry, chart, scaled(x, 1.0 / length(x)), scaled(y, 1.0 / length(y))


def defect(name: str, radius: float, by: str) -> float:
    """How far carrying is from an isometry: the change of a length and of an angle, over a step of some radius."""
    geometry, chart, x, y = setting(name)
    step = scaled(x, radius)
    end = geometry.chart(chart.exp(step))

    def carried(v: Coordinates) -> Coordinates:
        return end.project(end.coordinates(chart.transported(step, v) if by == "differential" else chart.vector(v)))

    there = [carried(v) for v in (x, y)]
    pairs = (((x, y), there), ((y, y), (there[1], there[1])))
    return math.hypot(*(float(dot(*before) - dot(*after)) for before, after in pairs))


@pytest.mark.parametrize("name", CURVED + FLAT)
def test_the_velocity_is_carried_to_the_velocity_at_the_end(name):
    geometry, chart, x, _ = setting(name)
    step = scaled(x, 0.5)
    tangent, h = chart.transported(step, step), 1e-5
    ahead, behind = (chart.exp(scaled(step, 1.0 + sign * h)) for sign in (1, -1))
    for key, velocity in tangent.items():
        torch.testing.assert_close(velocity, (ahead[key] - behind[key]) / (2 * h), rtol=1e-8, atol=1e-8)
    assert float(geometry.norm(chart.exp(step), tangent)) == pytest.approx(0.5, rel=1e-10)


@pytest.mark.parametrize("name", CURVED)
def test_it_is_an_isometry_up_to_second_order_where_projection_is_one_up_to_first(name):
    halvings = {by: math.log2(defect(name, 0.02, by) / defect(name, 0.01, by)) for by in ("differential", "projection")}
    assert halvings["differential"] == pytest.approx(2.0, abs=0.1)
    assert halvings["projection"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("name", FLAT)
def test_where_the_metric_is_flat_it_is_parallel_transport(name):
    """Lengths and angles are kept exactly: in logarithms of weights these quotients are Euclidean spaces."""
    assert defect(name, 0.5, "differential") < 1e-12
    assert defect(name, 0.5, "projection") > 1e-3
