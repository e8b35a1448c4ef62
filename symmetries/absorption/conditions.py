r"""How many of the conditions that sections put on a parameter are independent.

The section of an absorption holds means over the rows of its pins. A section meets every orbit once, and across it, so
the dimension of the orbits of several absorptions together is the number of independent conditions: directions that
belong to two absorptions, such as the row of ones times the column of ones of a matrix whose rows and columns may both
be shifted, are counted once.

Every condition is a product over the axes of the parameter: along some consecutive entries of an axis it sums (their
indicator), or there is one condition for each of them (all functions on them). The entries where these ranges start and
end cut the axis t into segments. With :math:`U_t` the span of the indicators of the segments, and :math:`K_{t, s}` the
functions of sum zero on the segment s, the space of all conditions is the direct sum over the choices of a segment
:math:`s_t` for each axis of a set T:

.. math:: \operatorname{rank} = \sum_{T, s} \; \prod_{t \in T} \dim K_{t, s_t} \;\cdot\;
          \operatorname{rank} \Bigl( \text{pins with all functions on the segments } s_t,
          \text{ restricted to } \textstyle\bigotimes_{t \notin T} U_t \Bigr),

which for means alone is the count of an analysis of variance. No parameter is read: it costs the same on the meta
device.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import accumulate, chain, groupby, pairwise, product
from math import prod

import torch
from torch import Tensor

from ..params import Shapes
from ..view import Extent, View


def independent_conditions(pins: Iterable[View], shapes: Shapes) -> int:
    """The rank of the conditions that pins hold the means over their rows."""
    distinct = sorted(dict.fromkeys(pins), key=lambda pin: pin.parameter)
    return sum(_rank(list(views), shapes) for _, views in groupby(distinct, key=lambda pin: pin.parameter))


def _rank(pins: Sequence[View], shapes: Shapes) -> int:
    """The rank of the pins of one parameter."""
    refined = _refined([pin.extents(shapes[pin.parameter]) for pin in pins]) if len(pins) > 1 else None
    if refined is None:  # alone, or cut where no product of axes describes both
        return sum(copies * h for copies, _, h in (pin.shape(shapes) for pin in pins))
    segments = [_segments(along) for along in zip(*refined, strict=True)]
    choices = [[None, *(s for s in cut if s[1] - s[0] > 1)] for cut in segments]
    total = 0
    for chosen in product(*choices):
        held = [
            pin for pin in refined if all(s is None or _has_all(axis, s) for axis, s in zip(pin, chosen, strict=True))
        ]
        outside = [t for t, segment in enumerate(chosen) if segment is None]
        rows = [reduce(torch.kron, (_rows(pin[t], segments[t]) for t in outside), _ONE) for pin in held]
        rank = int(torch.linalg.matrix_rank(torch.cat(rows))) if rows else 0
        total += rank * prod(stop - start - 1 for start, stop in filter(None, chosen))
    return total


_ONE = torch.ones(1, 1, dtype=torch.float64)

_Segment = tuple[int, int]


def _segments(along: Sequence[Extent]) -> list[_Segment]:
    """An axis, cut where a pin starts or ends."""
    cuts = sorted({0, along[0].length, *(end for axis in along for end in (axis.start, axis.stop))})
    return list(pairwise(cuts))


def _has_all(axis: Extent, segment: _Segment) -> bool:
    """Whether there is a condition for every entry of a segment."""
    return axis.role in ("copies", "h") and axis.start <= segment[0] and segment[1] <= axis.stop


def _rows(axis: Extent, segments: Sequence[_Segment]) -> Tensor:
    """The part of a condition in U, in the basis of the indicators."""
    inside = torch.tensor([axis.start <= start and stop <= axis.stop for start, stop in segments])
    rows = torch.eye(len(segments), dtype=torch.float64)[inside]
    return rows if axis.role in ("copies", "h") else rows.sum(0, keepdim=True)


def _refined(layouts: Sequence[tuple[tuple[Extent, ...], ...]]) -> list[list[Extent]] | None:
    """The same axes for all layouts of one parameter, or None where none refines them all."""
    result: list[list[Extent]] = [[] for _ in layouts]
    for dims in zip(*layouts, strict=True):
        strides = [list(accumulate((axis.length for axis in reversed(dim)), initial=1, func=_times)) for dim in dims]
        cuts = sorted(set(chain.from_iterable(strides)))
        if any(outer % inner for inner, outer in pairwise(cuts)):
            return None
        for axes, dim, starts in zip(result, dims, strides, strict=True):
            for low, high in pairwise(cuts):
                at = max(i for i, start in enumerate(starts[:-1]) if start <= low)
                part = _part(dim[len(dim) - 1 - at], low // starts[at], high // starts[at])
                if part is None:
                    return None
                axes.append(part)
    return result


def _part(axis: Extent, low: int, high: int) -> Extent | None:
    """The factor of an axis between two strides, or None where its range is no product of ranges of the factors."""
    length, first, last = high // low, axis.start, axis.stop - 1
    if first // high != last // high:  # several blocks of the factor: whole ones
        return Extent(length, axis.role, 0, length) if axis.start % high == axis.stop % high == 0 else None
    at, to = first // low % length, last // low % length
    if at != to and (axis.start % low or axis.stop % low):
        return None
    return Extent(length, axis.role, at, to + 1)


def _times(a: int, b: int) -> int:
    return a * b
