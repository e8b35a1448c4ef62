"""Constants that are added in one place and taken back in others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import networkx as nx

from ..absorption import Shear, Shift
from ..factor import EXACT
from ..view import View
from .absorbed import Absorbed, absorbed, chain_view, providers
from .axes import Atom, Slot
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network, atoms
from .norms import Norm, norms
from .proposal import Proposal

Axis = tuple[Atom, ...]


@dataclass(frozen=True)
class _Source:
    """Leaves that together add a constant to a value.

    Args:
        leaves: one, or one for every part of a join.
        node: the value: the leaf itself, or the join.
        axis: the atoms along which the constant's entries differ.
    """

    leaves: tuple[Node, ...]
    node: Node
    axis: Axis

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The axis in the value."""
        return self.node.where(self.axis)


def propose_shifts(network: Network, written: set[str]) -> Iterator[Proposal]:
    """Every leaf that is added to a value and whose constant part is taken back, or not seen.

    Args:
        network: the expression graph.
        written: parameters whose common component along the channels is removed as a mean of writers.
    """
    trades: nx.Graph = nx.Graph()  # leaves between which constants are traded: a spanning forest counts them all
    found: list[Shift | Shear] = []
    whole: set[Node] = set()  # leaves of which every entry moves already
    for source in (*_leaf_sources(network), *_join_sources(network), *_numbers(network, written)):
        if source.leaves[0] in whole:
            continue
        try:
            shift = _shift(network, source, trades)
            if shift is not None:
                found.append(shift)
                whole |= set(source.leaves) if len(source.axis) == len(source.leaves[0].free) else set()
        except Unviewable as reason:
            yield Proposal((), str(reason), (source.leaves[0].name.rpartition(".")[0],))
    found += _entries(network)
    trading = [shift for shift in found if isinstance(shift, Shift)]
    for shift in found:
        yield Proposal(((_untangled(shift, trading) if isinstance(shift, Shift) else shift,),))


def _untangled(shift: Shift, others: Sequence[Shift]) -> Shift:
    """The same trade with another source, where its section and that of another trade would undo each other.

    A class token traded for its position pins the token; a constant traded between all positions and the token must
    then pin neither, but a third term.
    """
    tangled = {
        view.parameter
        for other in others
        if other is not shift
        and other.source.parameter in shift.parameters
        and shift.source.parameter in other.parameters
        for view in other.views
    }
    for view in (*shift.followers, *shift.opposite):
        if tangled and not shift.readers and view.parameter not in tangled:
            along, against = (shift.source, *shift.followers), shift.opposite
            if view in against:
                along, against = against, along
            return replace(shift, source=view, followers=tuple(v for v in along if v != view), opposite=against)
    return shift


def _leaf_sources(network: Network) -> list[_Source]:
    """Leaves that are added, or looked up, each with the axis of a constant; the smallest first."""
    channels = list(dict.fromkeys(norm.atoms for norm in norms(network)))
    found: list[_Source] = []
    for leaf in network.leaves:
        kinds = {user.kind for user, _ in network.uses(leaf)}
        if not kinds & {Kind.SUM, Kind.SELECTION} or not network.is_alone(leaf):
            continue
        held = atoms(leaf.free)
        axes = [axis for axis in channels if len(axis) < len(held) and all(held.count(atom) == 1 for atom in axis)]
        if kinds == {Kind.SUM}:
            axes = [held, *axes]  # a bias as a whole, a table by entries
        found += [_Source((leaf,), leaf, axis) for axis in axes]
    return sorted(found, key=lambda source: (_rows(source), source.leaves[0].order))


def _rows(source: _Source) -> int:
    return prod(slot.size for slot in source.node.free if slot.atom.root() not in source.axis)


def _join_sources(network: Network) -> Iterator[_Source]:
    """Joins to every part of which a leaf of one axis is added."""
    for node in network.nodes:
        if node.kind is Kind.JOIN:
            held = [atoms(slot for slot in node.free if slot in node.map(i)) for i in range(len(node.operands))]
            for axis in dict.fromkeys(long[i:] for long in held for i in range(len(long))):
                leaves = providers(network, node, node.where(axis))
                if leaves and atoms(leaves[0].free) == axis:
                    yield _Source(leaves, node, axis)


def _numbers(network: Network, written: set[str]) -> Iterator[_Source]:
    """Leaves along a normalized axis, as sources of one number: norms do not see it, the end of the stream may."""
    channels = {norm.atoms for norm in norms(network) if norm.core.kind is Kind.LAYER_NORM}
    for leaf in network.leaves:
        use = network.only_use(leaf)
        if use is None or use[0].kind is not Kind.SUM or leaf.name in written:
            continue
        if atoms(leaf.free) in channels and network.is_alone(leaf):
            yield _Source((leaf,), leaf, ())


def _shift(network: Network, source: _Source, trades: nx.Graph) -> Shift | Shear | None:
    """The factor of a source, or None if its constant is seen or counted already."""
    leaf, *followers = source.leaves
    rest = tuple(_rows_by_channel(other, source.axis) for other in followers)
    if network.invisible(source.node, [slot for slot in source.node.free if slot not in source.slots]) == EXACT:
        return Shift(f"{title(leaf)} unseen", _rows_by_channel(leaf, source.axis), followers=rest, family="unseen bias")
    norm = next((norm for norm in norms(network) if norm.shift is leaf and norm.core.kind is Kind.LAYER_NORM), None)
    taken = absorbed(network, source.node, source.slots, norm)
    if taken is None or not (taken.readers or taken.opposite or taken.bare):
        return None
    if taken.tied:
        return _tied(network, source, taken)
    if taken.bare:
        return None if norm is None or not norm.is_trainable_or_absent else _shear(norm, source, taken)
    if not taken.readers:
        names, others = {title(leaf)}, [title(other) for other in (*followers, *taken.opposite)]
        if any(
            name in trades and other in trades and nx.has_path(trades, name, other)
            for name in names
            for other in others
        ):
            return None
        trades.add_edges_from((title(leaf), other) for other in others)
    return _factor(source, rest, taken)


def _factor(source: _Source, followers: tuple[View, ...], taken: Absorbed) -> Shift:
    leaf = source.leaves[0]
    into = dict.fromkeys(sink.bias.name for sink in (*taken.sinks[len(taken.readers) :], *taken.readers))
    return Shift(
        f"{title(leaf)} into {', '.join(into)}",
        _rows_by_channel(leaf, source.axis),
        tuple(chain_view(sink, source.axis) for sink in taken.readers),
        tuple(_rows_by_channel(other, source.axis) for other in taken.opposite),
        followers,
        family="shift into bias" if taken.readers else "trade of constants",
        flags=frozenset({taken.flag}),
    )


def _tied(network: Network, source: _Source, taken: Absorbed) -> Shift | None:
    """A constant in an embedding that is the head too, whose bias takes back what the norm before it shows."""
    norm, reader = taken.tied[0]
    bias = None if norm.shift is None else reader.bias(network)
    if len(taken.tied) > 1 or norm.gain is None or taken.bare or not norm.is_trainable_or_absent:
        return None
    if norm.shift is not None and bias is None:
        return None
    shift = _factor(source, (), taken)
    vectors = (leaf for leaf in (norm.gain, norm.shift) if leaf)
    gain, *shown = (leaf_view(leaf, h=split_by(leaf, norm.atoms)[0]).plus(leaf.offset) for leaf in vectors)
    chains = () if bias is None else ((*shown, leaf_view(bias, h=bias.free)),)
    return replace(shift, readers=(*shift.readers, *chains), along=gain, family="trade of constants")


def _shear(norm: Norm, source: _Source, taken: Absorbed) -> Shear:
    """The shift of a norm that some maps read without a bias."""
    leaf, gain = source.leaves[0], norm.gain
    return Shear(
        f"{title(leaf)} into {', '.join(dict.fromkeys(title(reader.leaf) for reader, _ in taken.bare))}",
        leaf_view(leaf, h=split_by(leaf, source.axis)[0]),
        tuple(_rows_by_slots(reader.leaf, columns) for reader, columns in taken.bare),
        None if gain is None else leaf_view(gain, h=split_by(gain, source.axis)[0]).plus(gain.offset),
        tuple(chain_view(sink, source.axis) for sink in taken.sinks),
        flags=frozenset({taken.flag}),
    )


def _rows_by_slots(leaf: Node, columns: tuple[Slot, ...]) -> View:
    return leaf_view(leaf, n=[slot for slot in leaf.free if slot not in columns], h=columns)


def _rows_by_channel(leaf: Node, axis: Axis) -> View:
    slots, rows = split_by(leaf, axis)
    return leaf_view(leaf, n=rows, h=slots)


def _entries(network: Network) -> Iterator[Shift]:
    """A join plus a table with a row for each of its entries: what is added to one entry alone, against its row."""
    for node in network.nodes:
        if node.kind is not Kind.SUM or len(node.operands) != 2:
            continue
        for place, (join, table) in enumerate((node.operands, node.operands[::-1])):
            leaf = table.operands[1] if table.kind is Kind.SELECTION else table
            single = all(network.only_use(each) is not None for each in (join, table, leaf))
            if single and join.kind is Kind.JOIN and leaf.kind is Kind.LEAF and network.is_alone(leaf):
                yield from _entry_shifts(network, node, place, leaf)


def _entry_shifts(network: Network, node: Node, place: int, table: Node) -> Iterator[Shift]:
    join, row = node.operands[place], _row(node, place, table)
    if row is None or row.size != sum(join.lengths) or len(set(join.lengths)) == 1:
        return
    axis = atoms(slot for slot in table.free if slot is not row)
    pieces = []
    for i, piece in enumerate(join.operands):
        slots = [join.map(i).get(slot) for slot in join.where(axis)]
        pieces.append(() if None in slots else providers(network, piece, tuple(slot for slot in slots if slot)))
    longest = join.lengths.index(max(join.lengths)) if all(pieces) else None  # its trade is that of all entries
    for i, leaves in enumerate(pieces):
        if len(leaves) == 1 and join.lengths[i] == 1 and i != longest:
            entry = _entry(table, row, sum(join.lengths[:i]))
            yield Shift(
                f"{title(leaves[0])} into {title(entry)}",
                _rows_by_channel(leaves[0], axis),
                opposite=(_rows_by_channel(entry, axis),),
                family="trade of constants",
            )


def _row(node: Node, place: int, table: Node) -> Slot | None:
    """The axis of a table that is added along a join; a table that is looked up may hold its rows in that order."""
    added, back = node.operands[1 - place], node.back(place)
    along = [node.map(1 - place).get(back[slot]) for slot in node.operands[place].over if slot in back]
    if added is not table and along and along[0] in added.map(0):
        along = [slot for _, slot in added.sums()]
    return along[0] if len(along) == 1 else None


def _entry(table: Node, row: Slot, at: int) -> Node:
    """One row of a table."""
    kept = tuple(slot for slot in table.free if slot is not row)
    maps = (tuple((slot, slot) for slot in kept),)
    entry = Node(Kind.LEAF, kept, (), maps, name=table.name, whole=table, chosen=(row, at, at + 1))
    entry.order = table.order
    return entry
