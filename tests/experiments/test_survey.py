import pytest
import torch

from experiments.data import digits
from experiments.setting import Setting, adamw, fitted
from experiments.survey import RADII, Survey, comparison
from symmetries import Element, detect

SETTING = Setting(dim=8, depth=1, images=16, steps=2, samples=2, probes=1, lanczos=3, epochs=1)


@pytest.fixture(scope="module")
def survey() -> Survey:
    data = digits(SETTING.generator())[0]
    model, _ = fitted(SETTING, data.first(256), adamw(SETTING), epochs=1, label="")
    return Survey.of(SETTING, model, data, detect(model))


@pytest.fixture(scope="module")
def g(survey: Survey) -> Element:
    return survey.symmetry.random(torch.Generator().manual_seed(1), 100.0)


def test_the_function_is_the_same_along_the_orbit(survey: Survey, g: Element) -> None:
    # Rounding, amplified by a condition number of 100 in a handful of maps.
    assert survey.defect(g) < 1e-11
    assert survey.defect({}) == 0.0


def test_transported_directions_have_the_same_length(survey: Survey, g: Element) -> None:
    geometry = survey.geometries["geodesic"]
    for before, after in zip(survey.directions["geodesic"], survey.transported(g)["geodesic"], strict=True):
        lengths = geometry.norm(survey.theta, before), geometry.norm(survey.point(g), after)
        torch.testing.assert_close(*lengths, rtol=1e-7, atol=0)


def test_geodesic_rows_are_invariant_and_standard_ones_are_not(survey: Survey, g: Element) -> None:
    rows = {(row["measure"], row["geometry"]): row for row in comparison(survey.table({}), survey.table(g))}
    for geometry in ("geodesic", "geodesic mixed"):
        for measure in ("worst case", "average case", "gradient norm", "trace", "lambda max"):
            assert rows[measure, geometry]["invariant"], rows[measure, geometry]
    for geometry in ("standard", "adaptive"):
        for measure in ("worst case", "gradient norm", "lambda max"):
            assert not rows[measure, geometry]["invariant"], rows[measure, geometry]
    assert rows["loss", ""]["invariant"]


def test_the_loss_along_geodesics_depends_on_the_representative_only_off_the_quotient(
    survey: Survey, g: Element
) -> None:
    distances = [0.0, 0.1]
    for name in RADII:
        before, after = (survey.along_gradient(element, name, distances) for element in ({}, g))
        assert before[0] == pytest.approx(after[0], rel=1e-10)
        assert (before[1] == pytest.approx(after[1], rel=1e-7)) is name.startswith("geodesic")


def test_the_spectrum_of_the_quotient_is_invariant(survey: Survey, g: Element) -> None:
    before, after = (survey.spectrum(element, "geodesic").eigenvalues for element in ({}, g))
    torch.testing.assert_close(before, after, rtol=1e-7, atol=1e-9)
