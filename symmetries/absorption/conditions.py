r"""How many of the conditions that sections put on a parameter are independent.

The section of an absorption holds means over the rows of its pins. A section meets every orbit once, and across it, so
the dimension of the orbits of several absorptions together is the number of independent conditions: directions that
belong to two absorptions, such as the row of ones times the column of ones of a matrix whose rows and columns may both
be shifted, are counted once.

Every condition is a product over the axes of the parameter: along an axis it sums (the constant function), or takes one
fixed entry (a unit vector), or there is one condition for each entry (all functions). With :math:`U_t` the span of the
constant and of the unit vectors that occur along axis t, and :math:`K_t` a complement of it, the space of all
conditions is the direct sum over the sets T of axes along which a pin takes the part in :math:`K_t`:

.. math:: \operatorname{rank} = \sum_T \; \prod_{t \in T} \dim K_t \;\cdot\;
          \operatorname{rank} \Bigl( \text{pins with all functions along } T,
          \text{ restricted to } \textstyle\bigotimes_{t \notin T} U_t \Bigr),

which for means alone is the count of an analysis of variance. No parameter is read: it costs the same on the meta
device.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import accumulate, chain, combinations, groupby, pairwise
from math import prod

import torch
from torch import Tensor

from ..params import Shapes
from ..view import Role, View

_Axis = tuple[int, Role]


def independent_conditions(pins: Iterable[View], shapes: Shapes) -> int:
    """The rank of the conditions that pins hold the means over their rows."""
    distinct = sorted(dict.fromkeys(pins), key=lambda pin: pin.parameter)
    return sum(_rank(list(views), shapes) for _, views in groupby(distinct, key=lambda pin: pin.parameter))


def _rank(pins: Sequence[View], shapes: Shapes) -> int:
    """The rank of the pins of one parameter."""
    refined = _refined([pin.roles(shapes[pin.parameter]) for pin in pins]) if len(pins) > 1 else None
    if refined is None:  # alone, or cut where no product of axes describes both
        return sum(copies * h for copies, _, h in (pin.shape(shapes) for pin in pins))
    lengths = [length for length, _ in refined[0]]
    fixed = [sorted({axes[t][1] for axes in refined} - {"copies", "n", "h"}) for t in range(len(lengths))]
    width = [min(len(at) + 1, length) for at, length in zip(fixed, lengths, strict=True)]  # of U
    total = 0
    for inside in _subsets([t for t, length in enumerate(lengths) if length > width[t]]):
        free = [axes for axes in refined if all(_is_free(axes[t][1]) for t in inside)]
        outside = [t for t in range(len(lengths)) if t not in inside]
        rows = [reduce(torch.kron, (_rows(axes[t][1], fixed[t], width[t]) for t in outside), _ONE) for axes in free]
        rank = int(torch.linalg.matrix_rank(torch.cat(rows))) if rows else 0
        total += rank * prod(lengths[t] - width[t] for t in inside)
    return total


_ONE = torch.ones(1, 1, dtype=torch.float64)


def _is_free(role: Role) -> bool:
    """Whether there is a condition for every entry of the axis."""
    return role in ("copies", "h")


def _rows(role: Role, fixed: Sequence[Role], width: int) -> Tensor:
    """The part of a condition in U, in the basis of the fixed entries and of all others together."""
    if _is_free(role):
        return torch.eye(width, dtype=torch.float64)
    if role == "n":
        return torch.ones(1, width, dtype=torch.float64)
    return torch.eye(width, dtype=torch.float64)[fixed.index(role)][None]


def _subsets(items: Sequence[int]) -> Iterable[tuple[int, ...]]:
    return chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))


def _refined(layouts: Sequence[tuple[tuple[_Axis, ...], ...]]) -> list[list[_Axis]] | None:
    """The same axes for all layouts of one parameter, or None where none refines them all."""
    result: list[list[_Axis]] = [[] for _ in layouts]
    for dims in zip(*layouts, strict=True):
        strides = [list(accumulate((length for length, _ in reversed(dim)), initial=1, func=_times)) for dim in dims]
        cuts = sorted(set(chain.from_iterable(strides)))
        if any(outer % inner for inner, outer in pairwise(cuts)):
            return None
        for axes, dim, starts in zip(result, dims, strides, strict=True):
            for low, high in pairwise(cuts):
                at = max(i for i, start in enumerate(starts[:-1]) if start <= low)
                role = dim[len(dim) - 1 - at][1]
                if isinstance(role, int):
                    role = role // (low // starts[at]) % (high // low)
                axes.append((high // low, role))
    return result


def _times(a: int, b: int) -> int:
    return a * b
