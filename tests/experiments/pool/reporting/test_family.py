from dataclasses import replace

from experiments.pool.frame import Column, Frame
from experiments.pool.reporting.family import chosen, families


def family_names(frame: Frame) -> list[str]:
    return [family.name for family in families(frame)]


def test_radii_and_orders_are_chosen_and_do_not_make_measures_of_their_own(case) -> None:
    found = {family.name: family for family in case.families}
    assert set(found) == {
        "worst case, adaptive",
        "worst case, geodesic",
        "renyi, geodesic",
        "constant trace, standard",
        "rarely known",
    }
    assert [chosen(column) for column in found["worst case, adaptive"].radii] == [
        "radius 0.1",
        "radius 0.2",
        "radius 0.4",
    ]
    assert [chosen(column) for column in found["renyi, geodesic"].candidates] == ["alpha 0.5", "alpha 2.0"]


def test_measures_along_a_radius_have_a_row_of_rises_for_every_model(case) -> None:
    family = next(f for f in case.families if f.name == "worst case, geodesic")
    first = next(iter(family.rises()))
    assert first == [case.frame.columns[column][0] for column in family.radii]
    assert not next(f for f in case.families if f.name == "renyi, geodesic").radii


def test_other_settings_make_variants_only_where_they_vary() -> None:
    columns = {
        Column("worst case", "standard", 0.1, "logits=raw, steps=20"): [1.0],
        Column("worst case", "standard", 0.1, "logits=normalized, steps=20"): [1.0],
        Column("trace", "standard", None, "steps=20"): [1.0],
    }
    assert family_names(Frame((), columns)) == [
        "worst case, standard, logits raw",
        "worst case, standard, logits normalized",
        "trace, standard",
    ]


def test_other_samples_and_other_weights_are_no_candidates() -> None:
    columns = {
        Column("trace", sample=3): [1.0],
        Column("trace", sample=4): [2.0],
        Column("trace", sample=3, representative="moved"): [3.0],
    }
    (family,) = families(Frame((), columns))
    assert list(family.candidates.values()) == [[1.0]]


def test_what_is_known_without_measuring_is_no_measure(case) -> None:
    measured = dict(case.frame.columns) | {Column("logit norm"): case.frame.covariates["logit norm"]}
    again = replace(case, frame=replace(case.frame, columns=measured))
    assert {family.name for family in again.families} == {family.name for family in case.families}
