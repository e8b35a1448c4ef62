"""Norms with their gain and shift, and the maps that read them."""

from collections.abc import Iterator
from dataclasses import dataclass

from .axes import Atom, Slot
from .expression import Kind, Node
from .network import Network, atoms, is_stochastic, reader_over, times_number


@dataclass(frozen=True)
class Norm:
    """A normalization and its affine part.

    Args:
        core: the normalization proper.
        output: what the rest of the network reads.
        gain: a leaf that multiplies it, or None.
        shift: a leaf that is added to it, or None.
        fixed_gain: data that multiplies it, a gain that is not trained, or None.
        fixed_shift: data that is added to it, or None where there is none or it is zero.
    """

    core: Node
    output: Node
    gain: Node | None
    shift: Node | None
    fixed_gain: Node | None = None
    fixed_shift: Node | None = None

    @property
    def is_trainable_or_absent(self) -> bool:
        """False when gain or shift are data, so that they cannot be viewed."""
        return self.fixed_gain is None and self.fixed_shift is None

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The normalized axis."""
        return atoms(reader_over(self.core))


def norms(network: Network) -> Iterator[Norm]:
    """Every normalization of the network."""
    for core in network.nodes:
        if core.kind not in (Kind.LAYER_NORM, Kind.RMS_NORM):
            continue
        output, gain, fixed_gain = _affine(network, core, core, Kind.PRODUCT)
        output, shift, fixed_shift = _affine(network, core, output, Kind.SUM)
        is_zero = fixed_shift is not None and fixed_shift.is_zero
        yield Norm(core, output, gain, shift, fixed_gain, None if is_zero else fixed_shift)


def _affine(network: Network, core: Node, value: Node, kind: Kind) -> tuple[Node, Node | None, Node | None]:
    """The next value if it is the given one times or plus a vector along the normalized axis: a leaf, or data."""
    use = network.only_use(value)
    if use is None or use[0].kind is not kind or len(use[0].operands) != 2:
        return value, None, None
    node, place = use
    vector = node.operands[1 - place]
    if node.sums() or sorted(map(id, atoms(vector.free))) != sorted(map(id, atoms(reader_over(core)))):
        return value, None, None
    if vector.kind is Kind.LEAF:
        return node, vector, None
    return (node, None, vector) if vector.kind is Kind.CONSTANT else (value, None, None)


@dataclass(frozen=True)
class Reader:
    """A map that contracts a value with a parameter.

    Args:
        product: the contraction.
        place: which of its operands is the parameter.
        leaf: the parameter.
    """

    product: Node
    place: int
    leaf: Node

    @property
    def rows(self) -> tuple[Slot, ...]:
        """The slots of the parameter that the product keeps."""
        return tuple(self.product.map(self.place).values())

    def columns(self, slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """The slots of the parameter that are contracted with these slots of the value."""
        partners = self.product.summed(1 - self.place)
        return tuple(slot for slot in map(partners.get, slots) if slot is not None)

    def bias(self, network: Network) -> Node | None:
        """The leaf that is added to the product and that has the parameter's free axes alone."""
        use = network.only_use(self.product)
        if use is None or use[0].kind is not Kind.SUM:
            return None
        node, _ = use
        back = node.back(use[1])
        rows = {back[slot] for slot in self.product.map(self.place) if slot in back}
        for i, term in enumerate(node.operands):
            if i != use[1] and term.kind is Kind.LEAF and set(node.map(i)) == rows and network.only_use(term):
                return term
        return None


def readers(network: Network, norm: Norm) -> Iterator[tuple[Reader, tuple[Slot, ...]]]:
    """The maps that contract a norm's output along the normalized axis, choices and averages of tokens between.

    Each with the slots of the parameter along that axis.
    """
    for node, slots in carriers(network, norm.output, norm.atoms):
        for product, place in network.uses(node):
            if product.kind is not Kind.PRODUCT or len(product.operands) != 2 or "padded" in product.name:
                continue
            leaf, partners = product.operands[1 - place], product.summed(place)
            if leaf.kind is Kind.LEAF and all(partners.get(slot) is not None for slot in slots):
                reader = Reader(product, 1 - place, leaf)
                yield reader, reader.columns(slots)


def carriers(
    network: Network, node: Node, axis: tuple[Atom, ...], *, scaled: bool = False
) -> Iterator[tuple[Node, tuple[Slot, ...]]]:
    """A value, and what chooses among its entries or averages them with the axis untouched.

    Args:
        network: the expression graph.
        node: the value.
        axis: the elementary atoms of the axis.
        scaled: what multiplies it by a number carries it too.
    """
    yield node, node.where(axis)
    for reader, place in network.uses(node):
        back = reader.back(place)
        passes = is_stochastic(reader, place) or (scaled and times_number(reader) == place)
        if passes and all(slot in back for slot in node.where(axis)):
            yield from carriers(network, reader, axis, scaled=scaled)
