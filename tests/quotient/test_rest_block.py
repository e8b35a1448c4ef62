"""The sections of absorptions in the tangent space, against dense least squares."""

import pytest
import torch

from quotient import Quotient
from quotient.column_means import ColumnMeans, Columns, pinned_columns
from quotient.pins import row_normals
from symmetries import View
from tests.quotient.cases import GROUPS, QUERY_KEY, ROTARY, SHAPES, parameters

VIEWS = {
    "rows": View("w", "a b -> 1 b a"),
    "columns": View("w", "a b -> 1 a b"),
    "some rows": View("w", "(two a) b -> two 1 b a", two=2).at(0),
}
ENTRY_AND_ALL = ("1 (a b)", "(a b) 1")


def columns(view: View, shape: torch.Size) -> Columns:
    return Columns.of(view, {"w": shape})


SIZES = {name: torch.Size(shape) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("kinds", [("rows",), ("columns",), ("rows", "columns"), ("columns", "some rows")])
@pytest.mark.parametrize("frame", ["constant", "generic", "with zeros"])
def test_column_means_is_the_orthogonal_projection(
    kinds: tuple[str, ...], frame: str, generator: torch.Generator
) -> None:
    e = torch.ones(4, 3, dtype=torch.float64)
    if frame != "constant":
        e = torch.randn(4, 3, generator=generator, dtype=torch.float64).abs()
    if frame == "with zeros":
        e[1], e[2, 2] = 0.0, 0.0
    chosen = [columns(VIEWS[kind], e.shape) for kind in kinds]
    section = ColumnMeans(e, chosen)
    conditions = torch.stack(
        [(e * (each.labels(e.shape) == k)).flatten() for each in chosen for k in range(each.count)]
    )
    x = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    expected = x.flatten() - torch.linalg.pinv(conditions) @ (conditions @ x.flatten())
    torch.testing.assert_close(section(x, e).flatten(), expected, rtol=0, atol=1e-12)
    assert section.rank == int(torch.linalg.matrix_rank(conditions))


def test_weights_that_are_rounding_noise_make_no_conditions_of_their_own(generator: torch.Generator) -> None:
    """A token that its section holds at zero, up to rounding: every entry is a column, and so is all of it."""
    noise = 1e-17 * torch.randn(1, 6, generator=generator, dtype=torch.float64)
    section = ColumnMeans(noise, [columns(View("w", f"a b -> 1 {column}"), noise.shape) for column in ENTRY_AND_ALL])
    assert section.rank == 6
    x = torch.randn(1, 6, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(section(x, noise), torch.zeros_like(x), rtol=0, atol=1e-12)


def test_three_overlapping_sections_are_refused() -> None:
    ones = torch.ones(2, 2)
    with pytest.raises(ValueError, match="at most two"):
        ColumnMeans(ones, [columns(VIEWS["rows"], ones.shape)] * 3)


def test_disjoint_columns_of_several_views_are_one_set(generator: torch.Generator) -> None:
    """Both halves of the rows, as of a fused weight: numbered through, summed and moved together."""
    shapes = {"w": torch.Size((4, 3))}
    pins = [View("w", "(two a) b -> two 1 b a", two=2).at(i) for i in (1, 0)]
    (joined,) = pinned_columns("w", torch.ones(4, 3, dtype=torch.bool), pins, shapes)
    frame, values = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    expected = torch.zeros(joined.count, dtype=torch.float64).index_add(
        0, joined.labels(values.shape).flatten(), (frame * values).flatten()
    )
    torch.testing.assert_close(joined.sums(frame, values), expected)
    joined.subtract_(values, frame, expected / joined.sums(frame, frame))
    torch.testing.assert_close(joined.sums(frame, values), torch.zeros_like(expected), rtol=0, atol=1e-14)


def test_pins_become_row_conditions_of_the_factors() -> None:
    """A centred reader pins one direction per side, grouped queries one for each query, a bias its own row."""
    reader = View("q", "o i -> 1 i o")
    assert row_normals(QUERY_KEY.standard, [reader], SIZES).shape == (7, 1)
    assert row_normals(QUERY_KEY.dual, [reader], SIZES).shape == (7, 0)
    bias = row_normals(QUERY_KEY.dual, [View("kb", "k -> 1 1 k")], SIZES)
    torch.testing.assert_close(bias[:, 0], torch.eye(7, dtype=torch.float64)[6])
    assert row_normals(ROTARY.standard, [View("rq", "o i -> 1 i o")], SIZES).shape == (12, 2)


def test_pins_across_heads_are_no_row_condition_and_reported() -> None:
    """The mean over output units of a projection mixes heads: it commutes with no change of basis."""
    with pytest.warns(UserWarning, match="'q'.*stay in the ball"):
        assert row_normals(QUERY_KEY.standard, [View("q", "o i -> 1 o i")], SIZES).shape == (7, 0)


@pytest.mark.parametrize("rest", ["elementwise", "tensorwise", "euclidean"])
def test_random_tangents_keep_to_the_section(rest: str, generator: torch.Generator) -> None:
    symmetry = GROUPS["everything"]()
    space = Quotient(symmetry, rest=rest)  # type: ignore[arg-type]
    point = space.representative(parameters(generator))
    u = space.random(point, generator)
    for absorption in symmetry.absorptions:
        for pin in absorption.pins:
            means = pin.read(u).mean(dim=1)
            torch.testing.assert_close(means, torch.zeros_like(means), rtol=0, atol=1e-12)
