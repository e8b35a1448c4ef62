"""What normalizations and softmaxes do not see of the maps around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ..absorption import Channels, ReaderMean, WriterMean
from ..factor import EXACT, SOFTMAX
from .absorbed import absorbed, chain_view
from .axes import Atom, Slot
from .expression import Kind, Node
from .layout import Unviewable, entries_along, leaf_view, split_by, title
from .network import Network, atoms, reader_over
from .norms import Norm, Reader, norms, readers
from .parts import lineage
from .proposal import Proposal
from .unmixed import weighting


def propose_reader_means(network: Network) -> Iterator[Proposal]:
    """For every map that reads a LayerNorm, the component of its rows that the norm makes constant."""
    for norm in norms(network):
        if norm.core.kind is not Kind.LAYER_NORM:
            continue
        found = dict(readers(network, norm))
        leaves = {reader.leaf for reader in found}
        for reader, k in found.items():
            parts = network.overlapping(reader.leaf)  # of a projection that is read as a whole and in parts
            if (
                len(network.uses(reader.leaf)) > 1
                or not leaves.issuperset(parts)
                or leaves & set(lineage(reader.leaf)[1:])
            ):
                continue
            try:
                factor = _reader_mean(network, norm, reader, k)
            except Unviewable as reason:
                yield Proposal((), str(reason), (reader.product.module,))
                continue
            if factor is not None:
                yield Proposal(((factor,),))


def _reader_mean(network: Network, norm: Norm, reader: Reader, k: tuple[Slot, ...]) -> ReaderMean | None:
    leaf, rows = reader.leaf, reader.rows
    weight = leaf_view(leaf, copies=[slot for slot in leaf.free if slot not in (*k, *rows)], n=k, h=rows)
    gain, shift = (
        _channels(norm, vector, fixed)
        for vector, fixed in ((norm.gain, norm.fixed_gain), (norm.shift, norm.fixed_shift))
    )
    name = f"mean of {title(leaf)} as a reader"
    bias = None if shift is None else reader.bias(network)
    if shift is None or bias is not None:
        into = None if bias is None else leaf_view(bias, h=split_by(bias, atoms(rows))[0])
        return ReaderMean(name, weight, into, gain, None if into is None else shift)
    kept = tuple(slot for slot, own in reader.product.map(reader.place).items() if own in rows)
    taken = absorbed(network, reader.product, kept)
    if taken is None or taken.flag != EXACT:
        return None
    chains = tuple(chain_view(sink, atoms(rows)) for sink in taken.sinks)
    return ReaderMean(name, weight, None, gain, shift if chains else None, chains)


def _channels(norm: Norm, leaf: Node | None, fixed: Node | None) -> Channels | None:
    """A vector along a normalized axis: a view of what is trained, the values of what is not."""
    if leaf is not None:
        return leaf_view(leaf, n=split_by(leaf, norm.atoms)[0]).plus(leaf.offset)
    return None if fixed is None else entries_along(fixed, norm.atoms)


@dataclass(frozen=True)
class _Written:
    """How a parameter writes an axis of which the mean is removed.

    Args:
        slots: the axis in the parameter.
        scale: what its entries count by, a layer scale on the way for instance; None for ones.
        flag: what holds of it.
    """

    slots: tuple[Slot, ...]
    scale: Node | None
    flag: str


def propose_writer_means(network: Network) -> Iterator[Proposal]:
    """For every parameter, the component along an axis that every norm or softmax behind it removes."""
    grouped: dict[tuple[tuple[Atom, ...], Node | None], dict[Node, _Written]] = {}
    for channels in _removed(network):
        for leaf in filter(network.is_alone, network.leaves):
            for slots in _axes(leaf, channels):
                written = _written(network, leaf, slots)
                if written is not None:
                    grouped.setdefault((channels, written.scale), {})[leaf] = written
    for found in grouped.values():
        for leaves in _with_bias(network, set(found)):
            yield _writer_mean({leaf: found[leaf] for leaf in leaves})


def _written(network: Network, leaf: Node, slots: tuple[Slot, ...]) -> _Written | None:
    """How a parameter writes an axis, or None where its mean is seen."""
    verdict = network.invisible(leaf, slots)
    if verdict is not None:
        return _Written(slots, None, verdict)
    weight = weighting(network, leaf, slots)
    return None if weight is None or weight.flag is None else _Written(slots, weight.leaf, weight.flag)


def _writer_mean(found: dict[Node, _Written]) -> Proposal:
    first, written = next(iter(found.items()))
    try:
        views = [
            leaf_view(leaf, n=each.slots, h=[slot for slot in leaf.free if slot not in each.slots])
            for leaf, each in found.items()
        ]
        axis = atoms(written.slots)
        scale = written.scale
        gain = None if scale is None else leaf_view(scale, n=split_by(scale, axis)[0]).plus(scale.offset)
    except Unviewable as reason:
        return Proposal((), str(reason), (first.module,))
    family = "mean of class weights" if written.flag == SOFTMAX else "mean of writers"
    name = f"mean of {title(first)}"
    factor = WriterMean(name, tuple(views), gain, family=family, flags=frozenset({written.flag}))
    return Proposal(((factor,),))


def _axes(leaf: Node, channels: tuple[Atom, ...]) -> Iterator[tuple[Slot, ...]]:
    """The slots of a leaf that may stand for an axis: a square map holds it twice."""
    return product(*([slot for slot in leaf.free if slot.atom.root() is atom] for atom in channels))


def _removed(network: Network) -> list[tuple[Atom, ...]]:
    """The axes along which some norm, softmax or the head removes the mean."""
    found = dict.fromkeys(
        atoms(reader_over(node)) for node in network.nodes if node.kind in (Kind.LAYER_NORM, Kind.SOFTMAX)
    )
    for node in network.nodes:  # a row added to all rows of a table: the bias of relative positions
        if node.kind is Kind.SELECTION and node.operands[1].kind is Kind.LEAF:
            found[atoms(slot for slot in node.summed(1))] = None
    if network.classes:
        found[atoms(slot for slot in network.outputs[0].free if slot in network.classes)] = None
    return [axes for axes in found if axes]


def _with_bias(network: Network, leaves: set[Node]) -> Iterator[tuple[Node, ...]]:
    """Weights, each with the bias that is added to what it writes; biases that stand alone."""
    taken: set[Node] = set()
    for leaf in sorted(leaves, key=lambda leaf: (-len(leaf.free), leaf.order)):
        if leaf in taken:
            continue
        use = network.only_use(leaf)
        bias = None if use is None else Reader(use[0], use[1], leaf).bias(network)
        pair = (leaf,) if bias is None or bias not in leaves - taken else (leaf, bias)
        taken |= set(pair)
        yield pair
