"""Norms that a model writes out in arithmetic."""

from .axes import Slot, resolved
from .expression import EPS, Kind, Node
from .value import Value


def normalized(value: Value, inverse: Value) -> Value | None:
    """A norm that is written out: x times the inverse root of the mean of its squares, along the averaged slots."""
    source, over, eps = inverse_root_mean_square(inverse.node)
    if source is None or not over:
        return None
    centre = centred(source, over)
    if value.node is not source and (centre is None or centred(value.node, over) is not centre):
        return None
    kind, node = (Kind.RMS_NORM, value.node) if centre is None else (Kind.LAYER_NORM, centre)
    slots = along(node, over)
    new = {s: Slot(s.atom) for s in value.node.free}
    by_atom = {s.atom.root(): new[s] for s in new}
    maps = (tuple((by_atom[s.atom.root()], s) for s in node.free),)
    return value.renamed(Node(kind, tuple(new.values()), (node,), maps, over=slots, name=EPS if eps else ""), new)


def inverse_root_mean_square(node: Node) -> tuple[Node | None, tuple[Slot, ...], bool]:
    """The x of ``(mean(x^2) + eps)^-1/2``, or of a sum, its averaged slots, whether there is an eps; or nothing."""
    names = []
    while node.kind is Kind.FUNCTION and node.name in ("rsqrt", "reciprocal", "sqrt", "power", "clamp"):
        names.append(node.name)
        node = node.operands[0]
    if not ({"rsqrt"} & set(names) or {"reciprocal", "sqrt"} <= set(names) or "power" in names):
        return None, (), False
    terms = [term for term in node.operands if term.kind is not Kind.CONSTANT] if node.kind is Kind.SUM else [node]
    if len(terms) != 1 or terms[0].kind not in (Kind.AVERAGE, Kind.PRODUCT) or len(terms[0].operands) != 1:
        return None, (), False
    square, over = terms[0].operands[0], resolved(terms[0].over)
    if square.kind is Kind.FUNCTION and square.name == "square":
        return square.operands[0], tuple(square.map(0)[s] for s in over), node.kind is Kind.SUM
    if square.kind is Kind.PRODUCT and len(square.operands) == 2 and square.operands[0] is square.operands[1]:
        return square.operands[0], tuple(square.map(0)[s] for s in over), node.kind is Kind.SUM
    return None, (), False


def centred(node: Node, over: tuple[Slot, ...]) -> Node | None:
    """The x of ``x - mean(x)`` with the mean along the atoms of these slots, or nothing."""
    if node.kind is not Kind.SUM or len(node.operands) != 2:
        return None
    source, minus = node.operands
    average = minus.operands[0] if minus.kind is Kind.PRODUCT and minus.name == "minus" else minus
    if minus is average or average.kind is not Kind.AVERAGE or average.operands[0] is not source:
        return None
    atoms = {s.atom.root() for s in resolved(average.over)}
    return source if atoms == {s.atom.root() for s in resolved(over)} else None


def along(node: Node, over: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots of a node with the atoms of others."""
    return node.where(s.atom for s in resolved(over))
