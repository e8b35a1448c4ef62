"""How the parameters of a model fall into blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from symmetries import ModelSymmetry, Shapes, Symmetry, View

from .chain_block import Chain
from .pair_block import PairBatch
from .pins import covered_entries, row_normals
from .rest_block import RestLayout

#: Of pairs that are worked on together: few enough to need little memory, enough to keep several processors busy.
_ENTRIES = 2**23


@dataclass(frozen=True)
class Layout:
    """The blocks of a quotient's charts; depends on the symmetry alone, and is made once."""

    batches: tuple[PairBatch, ...]
    chains: tuple[Chain, ...]
    rest: RestLayout

    @classmethod
    def of(cls, symmetry: ModelSymmetry) -> "Layout":
        """Uncoupled pairs in batches of one shape, coupled ones as chains, the rest with its sections."""
        shapes = symmetry.shapes
        pins = [pin for absorption in symmetry.absorptions for pin in absorption.pins]
        held = {pin.parameter for pin in pins}
        for pair in symmetry.pairs:
            loose = [gain.parameter for _, gain in pair.gains if gain.parameter not in held]
            if loose:
                raise ValueError(
                    f"{pair.name!r} has {loose[0]!r} behind one of its maps, and no gain holds that at one: add the "
                    "Gain of it to the symmetry"
                )
        components = symmetry.components()
        chains = tuple(Chain.of(component, pins, shapes) for component in components if len(component) > 1)
        moved = sorted((view for pair in symmetry.pairs for view in pair.moved), key=lambda view: view.parameter)
        covered = {
            name: covered_entries(name, views, shapes)
            for name, views in groupby(moved, key=lambda view: view.parameter)
        }
        batches = _batches([component[0] for component in components if len(component) == 1], pins, shapes)
        return cls(batches, chains, RestLayout.of(covered, pins, shapes))


def _batches(pairs: Sequence[Symmetry], pins: Sequence[View], shapes: Shapes) -> tuple[PairBatch, ...]:
    """Pairs of one group, one shape and one kind of section together, several layers at a time."""
    keyed = []
    for pair in pairs:
        normals = (row_normals(pair.standard, pins, shapes), row_normals(pair.dual, pins, shapes))
        key = (str(pair.group), pair.rows(shapes), tuple(tuple(n.flatten().tolist()) for n in normals))
        keyed.append((key, pair, normals))
    keyed.sort(key=lambda item: item[0])
    batches = []
    for _, group in groupby(keyed, key=lambda item: item[0]):
        _, alike, normals = zip(*group, strict=True)
        entries = alike[0].copies(shapes) * alike[0].group.h * sum(alike[0].rows(shapes))
        count = max(1, _ENTRIES // entries)
        batches += [PairBatch(alike[i : i + count], normals[0]) for i in range(0, len(alike), count)]
    return tuple(batches)
