"""The dimension of a group, family by family."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .absorption import AbstractAbsorption, independent_conditions
from .factor import AbstractFactor
from .params import Shapes
from .view import View


@dataclass(frozen=True)
class Family:
    """One line of the dimension table: how many dimensions a family of factors has, and what holds of it."""

    name: str
    dimension: int
    flags: frozenset[str]

    def __iter__(self) -> Iterator[object]:
        return iter((self.name, self.dimension, self.flags))


def contributions(factors: Sequence[AbstractFactor], shapes: Shapes) -> tuple[int, ...]:
    """What each factor adds to the dimension of those before it: absorptions may share directions, others do not."""
    found: list[int] = []
    held: dict[str, list[View]] = {}
    for factor in factors:
        if not isinstance(factor, AbstractAbsorption):
            found.append(factor.dimension(shapes))
            continue
        before = [view for name in {pin.parameter for pin in factor.pins} for view in held.get(name, ())]
        both = independent_conditions((*before, *factor.pins), shapes)
        found.append(both - independent_conditions(before, shapes))
        for pin in factor.pins:
            held.setdefault(pin.parameter, []).append(pin)
    return tuple(found)


def by_family(factors: Sequence[AbstractFactor], dimensions: Sequence[int]) -> tuple[Family, ...]:
    """Factors of one family and equal flags together, the largest first; ``dimensions`` are :func:`contributions`."""
    total: dict[tuple[str, frozenset[str]], int] = {}
    for factor, dimension in zip(factors, dimensions, strict=True):
        key = (factor.family, factor.flags)
        total[key] = total.get(key, 0) + dimension
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0][0]))
    return tuple(Family(name, dimension, flags) for (name, flags), dimension in ordered)
