"""Constants that are added in one place and taken back in others."""

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx

from ..absorption import Shift
from ..factor import EXACT
from ..view import View
from .axes import Atom, Slot
from .expression import Kind, Node, in_whole
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network, atoms
from .norms import Reader, is_stochastic, norms
from .proposal import Proposal


@dataclass(frozen=True)
class _Absorbed:
    """Where a constant goes.

    Args:
        readers: maps that read it, with their bias and their slots along the constant's axis.
        opposite: leaves that are added beside it, with their slots along the axis.
    """

    readers: tuple[tuple[Reader, Node, tuple[Slot, ...]], ...]
    opposite: tuple[Node, ...]


def propose_shifts(network: Network, centred: set[str]) -> Iterator[Proposal]:
    """Every leaf that is added to a value and whose constant part is taken back, or not seen.

    Args:
        network: the expression graph.
        centred: parameters whose common component along the channels is already counted as a mean of writers.
    """
    trades: nx.Graph = nx.Graph()  # leaves between which constants are traded: a spanning forest counts them all
    for leaf, axis in _sources(network):
        try:
            slots, _ = split_by(leaf, axis)
            if network.invisible(leaf, [s for s in leaf.free if s not in slots]) == EXACT:
                yield Proposal(((Shift(f"{title(leaf)} unseen", _source(leaf, axis), family="unseen bias"),),))
                continue
            absorbed = _absorbed(network, leaf, slots)
            if absorbed is None or not (absorbed.readers or absorbed.opposite):
                continue
            if not absorbed.readers:
                if any(_connected(trades, leaf, other) for other in absorbed.opposite):
                    continue
                trades.add_edges_from((title(leaf), title(other)) for other in absorbed.opposite)
            yield Proposal(((_shift(leaf, axis, absorbed, centred),),))
        except Unviewable as reason:
            yield Proposal((), str(reason), (leaf.name.rpartition(".")[0],))
    yield from _propose_entries(network, centred)


def _connected(trades: nx.Graph, a: Node, b: Node) -> bool:
    return title(a) in trades and title(b) in trades and bool(nx.has_path(trades, title(a), title(b)))


def _sources(network: Network) -> list[tuple[Node, tuple[Atom, ...]]]:
    """Leaves that are added, or looked up, each with the axis of a constant; the smallest first."""
    channels = list(dict.fromkeys(norm.atoms for norm in norms(network)))
    found: list[tuple[Node, tuple[Atom, ...]]] = []
    for leaf in network.leaves:
        use = network.only_use(leaf)
        if use is None or use[0].kind not in (Kind.SUM, Kind.SELECTION) or not network.is_alone(leaf):
            continue
        held = atoms(leaf.free)
        narrow = [axis for axis in channels if all(held.count(atom) == 1 for atom in axis)]
        if use[0].kind is Kind.SUM and not any(len(axis) < len(held) for axis in narrow):
            found.append((leaf, held))
        found += [(leaf, axis) for axis in narrow if len(axis) < len(held)]
    return sorted(found, key=lambda source: (_rows(*source), source[0].order))


def _rows(leaf: Node, axis: tuple[Atom, ...]) -> int:
    rows = 1
    for slot in leaf.free:
        rows *= 1 if slot.atom.root() in axis else slot.size
    return rows


def _absorbed(network: Network, leaf: Node, slots: tuple[Slot, ...]) -> _Absorbed | None:
    """Follow a constant along some slots of a leaf to everything that takes it back; None if something sees it."""
    todo, readers, opposite = [(leaf, slots)], [], []
    seen = set()
    while todo:
        node, slots = todo.pop()
        if (node, slots) in seen:
            continue
        seen.add((node, slots))
        if node in network.outputs:
            return None
        for user, place in network.uses(node):
            back = user.back(place)
            if user.kind is Kind.PRODUCT and len(user.operands) == 2 and user.operands[1 - place].kind is Kind.LEAF:
                reader = Reader(user, 1 - place, user.operands[1 - place])
                partners = [user.summed(place).get(slot) for slot in slots]
                if None in partners or "padded" in user.name:
                    return None
                if reader.ignores_constants(network):
                    continue
                bias = reader.bias(network)
                if bias is None or not network.is_alone(bias):
                    return None
                readers.append((reader, bias, tuple(slot for slot in partners if slot is not None)))
            elif all(slot in back for slot in slots) and (
                user.kind in (Kind.SUM, Kind.POOL) or is_stochastic(user, place)
            ):
                outer = tuple(back[slot] for slot in slots)
                beside = _beside(network, user, place, outer) if user.kind is Kind.SUM else ()
                opposite += beside
                todo += [] if beside else [(user, outer)]
            else:
                return None
    return _Absorbed(tuple(readers), tuple(dict.fromkeys(opposite)))


def _beside(network: Network, node: Node, place: int, slots: tuple[Slot, ...]) -> tuple[Node, ...]:
    """Leaves in the other terms of a sum that can take a constant back."""
    for i, term in enumerate(node.operands):
        inner = node.map(i)
        if i != place and all(slot in inner for slot in slots):
            found = providers(network, term, tuple(inner[slot] for slot in slots))
            if found:
                return found
    return ()


def providers(network: Network, node: Node, slots: tuple[Slot, ...]) -> tuple[Node, ...]:
    """Leaves that together add a constant to a value that is read once: one, or one for every part of a join."""
    if network.only_use(node) is None:
        return ()
    inner = [node.map(i) for i in range(len(node.operands))]
    through = [
        (operand, tuple(inner[i][slot] for slot in slots))
        for i, operand in enumerate(node.operands)
        if all(slot in inner[i] for slot in slots) and (node.kind in (Kind.SUM, Kind.JOIN) or is_stochastic(node, i))
    ]
    if node.kind is Kind.LEAF:
        return (node,) if network.is_alone(node) else ()
    found = [providers(network, *step) for step in through]
    if node.kind is Kind.JOIN:
        return tuple(leaf for leaves in found for leaf in leaves) if all(found) and len(found) == len(inner) else ()
    return next((leaves for leaves in found if leaves), ())


def _source(leaf: Node, axis: tuple[Atom, ...]) -> View:
    slots, rows = split_by(leaf, axis)
    return leaf_view(leaf, n=rows, h=slots)


def _shift(leaf: Node, axis: tuple[Atom, ...], absorbed: _Absorbed, centred: set[str]) -> Shift:
    readers = tuple(_reader(*reader) for reader in absorbed.readers)
    opposite = tuple(_source(other, axis) for other in absorbed.opposite)
    return Shift(
        f"{title(leaf)} into {', '.join(dict.fromkeys(view.parameter for view in (*opposite, *(b for _, b in readers))))}",
        _source(leaf, axis),
        readers,
        opposite,
        centred=not readers and {leaf.name, *(other.name for other in absorbed.opposite)} <= centred,
        family="shift into bias" if readers else "trade of constants",
    )


def _reader(reader: Reader, bias: Node, k: tuple[Slot, ...]) -> tuple[View, View]:
    """Weight ``(copies, out, k)`` and bias ``(1, out, 1)``."""
    rows = tuple(reader.product.map(reader.place).values())
    taps = tuple(slot for slot in reader.leaf.free if slot not in rows and slot not in k)
    return leaf_view(reader.leaf, copies=taps, n=rows, h=k), leaf_view(bias, n=split_by(bias, atoms(rows))[0])


def _propose_entries(network: Network, centred: set[str]) -> Iterator[Proposal]:
    """A join plus a table with one row for each of its entries: a part of one entry against its row."""
    for node in network.nodes:
        if node.kind is not Kind.SUM or len(node.operands) != 2:
            continue
        for join, table, place in ((*node.operands, 0), (*node.operands[::-1], 1)):
            if (
                join.kind is Kind.JOIN
                and table.kind is Kind.LEAF
                and network.only_use(table)
                and network.is_alone(table)
            ):
                yield from _entries(network, node, place, centred)


def _entries(network: Network, node: Node, place: int, centred: set[str]) -> Iterator[Proposal]:
    join, table = node.operands[place], node.operands[1 - place]
    along = [node.map(1 - place).get(node.back(place).get(slot)) for slot in join.over]  # type: ignore[arg-type]
    if len(along) != 1 or along[0] is None or network.only_use(join) is None or len(set(join.lengths)) == 1:
        return
    row = along[0]
    axis = atoms(slot for slot in table.free if slot is not row)
    pieces = []
    for i, piece in enumerate(join.operands):
        slots = tuple(join.map(i).get(slot) for slot in join.where(axis))
        pieces.append(() if None in slots else providers(network, piece, slots))  # type: ignore[arg-type]
    longest = join.lengths.index(max(join.lengths))
    for i, leaves in enumerate(pieces):
        if len(leaves) == 1 and join.lengths[i] == 1 and not (all(pieces) and i == longest):
            start = sum(join.lengths[:i])
            entry = _entry(table, row, start)
            both = {leaves[0].name, table.name} <= centred
            shift = Shift(
                f"{title(leaves[0])} into {title(entry)}",
                _source(leaves[0], axis),
                opposite=(_source(entry, axis),),
                centred=both,
                family="trade of constants",
            )
            yield Proposal(((shift,),))


def _entry(table: Node, row: Slot, at: int) -> Node:
    """One row of a table."""
    kept = tuple(slot for slot in table.free if slot is not row)
    whole = in_whole(table)
    maps = (tuple((slot, whole[slot]) for slot in kept),)
    chosen = (*table.chosen, (whole[row], at, at + 1))
    return Node(
        Kind.LEAF, kept, (), maps, name=table.name, chosen=chosen, whole=table.whole or table, order=table.order
    )
