"""The number of independent conditions against the rank of the conditions themselves."""

import pytest
import torch

from symmetries import View
from symmetries.absorption import independent_conditions

SHAPES = {"w": torch.Size((6, 4)), "table": torch.Size((5, 3)), "b": torch.Size((6,)), "conv": torch.Size((4, 3, 2, 2))}
ROWS, COLUMNS = View("w", "n h -> 1 n h"), View("w", "h n -> 1 n h")
CASES = {
    "alone": (ROWS,),
    "twice the same": (ROWS, ROWS),
    "rows and columns": (ROWS, COLUMNS),
    "rows by head, and columns": (View("w", "(copies n) h -> copies n h", copies=2), COLUMNS),
    "rows by head, and all rows": (View("w", "(copies n) h -> copies n h", copies=2), ROWS),
    "all entries of a bias, and their mean": (View("b", "h -> 1 1 h"), View("b", "n -> 1 n 1")),
    "one head, and all": (View("w", "(p n) h -> p 1 n h", p=3).at(1), ROWS),
    "one row, all rows and columns": (View("table", "p h -> p 1 1 h").at(2), View("table", "n h -> 1 n h"),
                                      View("table", "h n -> 1 n h")),
    "every row but by parts": tuple(View("w", "(p n) h -> p 1 n h", p=2).at(i) for i in range(2)) + (ROWS, COLUMNS),
    "channels and taps": (View("conv", "n i x y -> 1 n (i x y)"), View("conv", "o n x y -> (x y) n o")),
    "a part of the rows, and all": (View("w", "h n -> 1 n h").within(h=(1, 4)), COLUMNS, ROWS),
    "parts that overlap": (View("w", "h n -> 1 n h").within(h=(1, 4)), View("w", "h n -> 1 n h").within(h=(2, 6)),
                           View("w", "n h -> 1 n h").within(n=(2, 6)), ROWS),
    "a part of every head": (View("w", "(copies h) n -> copies n h", copies=2).within(h=(1, 3)),
                             View("w", "(copies n) h -> copies n h", copies=2).within(n=(0, 2)), ROWS, COLUMNS),
    "rows and entries": (View("b", "n -> 1 n 1").within(n=(1, 5)), View("b", "h -> 1 1 h").within(h=(3, 6))),
    "blocks of another size": (View("w", "h n -> 1 n h").within(h=(2, 6)), View("w", "(p h) n -> p 1 n h", p=3).at(1),
                               View("w", "(copies n) h -> copies n h", copies=3)),
    "two parameters": (ROWS, View("b", "n -> 1 n 1"), COLUMNS),
}  # fmt: skip


def conditions(pin: View) -> list[torch.Tensor]:
    """The gradients of the sums over the rows of a pin, one for each of its columns."""
    params = {name: torch.zeros(shape, dtype=torch.float64, requires_grad=True) for name, shape in SHAPES.items()}
    sums = pin.read(params).sum(1).flatten()
    rows = [torch.autograd.grad(s, params.values(), retain_graph=True, materialize_grads=True, allow_unused=True)
            for s in sums]  # fmt: skip
    return [torch.cat([part.flatten() for part in row]) for row in rows]


@pytest.mark.parametrize("name", CASES)
def test_count_is_the_rank_of_the_conditions(name):
    rows = torch.stack([row for pin in CASES[name] for row in conditions(pin)])
    assert independent_conditions(CASES[name], SHAPES) == torch.linalg.matrix_rank(rows)


def test_axes_that_no_product_refines_count_as_independent():
    cuts = (View("b", "(copies n) -> copies n 1", copies=2), View("b", "(copies n) -> copies n 1", copies=3))
    assert independent_conditions(cuts, SHAPES) == 2 + 3


def test_count_needs_no_parameters_and_no_time_at_real_sizes():
    shapes = {"w": torch.Size((128_256, 4096))}
    assert independent_conditions((ROWS, COLUMNS), shapes) == 128_256 + 4096 - 1
