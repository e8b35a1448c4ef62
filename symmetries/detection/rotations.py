"""Streams that may be rotated as a whole, and those between which a gain lies."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import TypeVar

from ..isospectral_curve import IsospectralCurve
from ..rotation import Rotation
from ..view import View
from .axes import Atom, Slot
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network, atoms, reader_over
from .norms import norms
from .parts import lineage
from .proposal import Proposal
from .stream import Seen, Stream

T = TypeVar("T")


def propose_rotations(network: Network) -> Iterator[Proposal]:
    """One rotation for every stream that linear maps write and that norms with linear readers, or linear maps, read.

    Streams that must turn together are one. Where the gain of a LayerNorm lies between two of them, they turn along its
    isospectral curve alone.
    """
    table = {norm.core: norm for norm in norms(network)}
    done: set[Node] = set()
    for core in table:
        if core in done:
            continue
        stream = Stream(network, table)
        try:
            stream.follow((core.operands[0], reader_over(core)))
            yield Proposal(((_curve(network, stream) if stream.gains else _rotation(network, stream),),))
        except Seen:
            pass
        except Unviewable as reason:
            yield Proposal((), str(reason), (core.module,))
        done |= set(stream.norms)


def _rotation(network: Network, stream: Stream) -> Rotation:
    """A stream as a factor; where it holds several that may turn apart, as heads may, with a copy for each.

    Raises:
        Seen: a part of a writer or reader that something else reads.
        Unviewable: a writer or reader that no view describes.
    """
    axis = atoms(next(iter(stream.writers.values())))
    copies = () if stream.gains else _copies(network, stream, axis)
    writers = tuple(_view(leaf, slots, copies) for leaf, slots in _whole(network, stream.writers).items())
    readers = tuple(
        (_view(leaf, slots, copies), _vector(gain, axis))
        for leaf, (slots, gain) in _whole(network, stream.readers).items()
    )
    shifts = tuple((_along(shift, axis), _vector(gain, axis)) for shift, gain in stream.shifts.items())
    fixes_ones = any(core.kind is Kind.LAYER_NORM for core in stream.norms)
    name = f"rotation of the stream of {title(min(stream.writers, key=lambda leaf: leaf.order))}"
    rotation = Rotation(name, writers, readers, shifts, fixes_ones, prod(atom.size for atom in copies))
    return replace(rotation, family="rotation of normalized vectors") if stream.is_compared else rotation


def _copies(network: Network, stream: Stream, axis: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """The axes along which everything has entries of its own, index by index."""
    leaves = (*stream.writers, *stream.readers, *stream.shifts)
    return tuple(
        atom
        for atom in atoms(leaves[0].free)
        if atom not in axis
        and all(atoms(node.free).count(atom) == 1 for node in (*leaves, *stream.values))
        and all(_is_kept(network, stream, node, atom) for node in stream.values)
    )


def _is_kept(network: Network, stream: Stream, node: Node, atom: Atom) -> bool:
    """Whether the uses of a value leave an axis as it is, or sum over it with the same axis of another."""
    (slot,) = node.where((atom,))
    return all(
        slot in user.back(place) if user in stream.values else atoms(user.free).count(atom) < 2
        for user, place in network.uses(node)
    )


def _curve(network: Network, stream: Stream) -> IsospectralCurve:
    """The streams on both sides of a gain as a factor.

    Raises:
        Seen: what is behind the gain is not centred everywhere, so that more of the gain than its spectrum counts.
        Unviewable: a gain, a writer or a reader that no view describes.
    """
    ((gain, partner),) = stream.gains.items()
    if stream.is_read_as_it_is or any(core.kind is not Kind.LAYER_NORM for core in stream.norms):
        raise Seen
    axis, name = atoms(next(iter(stream.writers.values()))), f"isospectral curve of {title(gain)}"
    return IsospectralCurve(name, _along(gain, axis), _rotation(network, stream), _vector(partner, axis))


def _whole(network: Network, table: dict[Node, T]) -> dict[Node, T]:
    """Without the parts of what is there as a whole; every leaf that holds their entries must be there."""
    for leaf in table:
        if any(other not in table for other in network.overlapping(leaf)):
            raise Seen
    return {leaf: value for leaf, value in table.items() if not any(up in table for up in lineage(leaf)[1:])}


def _along(leaf: Node, axis: tuple[Atom, ...]) -> View:
    return _view(leaf, split_by(leaf, axis)[0])


def _vector(leaf: Node | None, axis: tuple[Atom, ...]) -> View | None:
    return None if leaf is None else _along(leaf, axis)


def _view(leaf: Node, slots: tuple[Slot, ...], copies: tuple[Atom, ...] = ()) -> View:
    apart = leaf.where(copies)
    view = leaf_view(leaf, copies=apart, n=slots, h=[slot for slot in leaf.free if slot not in (*slots, *apart)])
    return view.plus(leaf.offset)
