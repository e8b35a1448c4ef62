r"""Which scalings of a hidden axis cancel, solved as a linear system for their exponents.

Give every value v that holds an axis i an exponent :math:`s_v`: its entries along i are multiplied by
:math:`\lambda_i^{s_v}`. Every operation is a linear equation: a sum needs equal exponents, a contraction opposite
ones, an elementwise product adds them, a nonlinear function needs zero. The solutions, read on the parameters, are all
symmetries that scale along i. Where every equation that a solution meets holds for matrices in the place of
:math:`\lambda` too, it is one of the general linear group.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import lcm

from .axes import Atom, Slot
from .expression import Kind, Node
from .network import Network
from .parts import shared_slots

Variable = tuple[Node, Slot]


class Freedom(Enum):
    """What an equation leaves free, the largest group first."""

    MATRIX = 0
    SCALING = 1
    POSITIVE = 2


@dataclass(frozen=True)
class Equation:
    """``sum of signs * exponents = 0`` over the variables."""

    terms: tuple[tuple[Variable, int], ...]
    freedom: Freedom = Freedom.MATRIX

    def middle(self, exponents: dict[Variable, int]) -> Node | None:
        """The vector that a value is multiplied with elementwise and that stays as it is, the only one to do so."""
        still, moving = (
            [node for node, slot in dict(self.terms) if ((node, slot) in exponents) is m] for m in (False, True)
        )
        if self.freedom is not Freedom.SCALING or len(moving) != 2 or len(still) != 1 or still[0].kind is not Kind.LEAF:
            return None
        held = [{slot.atom.root() for slot in node.free} for node in moving]
        return still[0] if all({slot.atom.root() for slot in still[0].free} <= atoms for atoms in held) else None


@dataclass(frozen=True)
class Solution:
    """One family of cancelling scalings.

    Args:
        exponents: of every value that changes, with the slot along which it does.
        freedom: the largest group that the equations allow.
        middles: parameters that stay as they are, between those that change: the group is conjugated by them.
    """

    exponents: dict[Variable, int]
    freedom: Freedom
    middles: tuple[Node, ...] = ()

    @property
    def leaves(self) -> dict[Variable, int]:
        """The exponents of the parameters."""
        return {(node, slot): s for (node, slot), s in self.exponents.items() if node.kind is Kind.LEAF}


def equations(network: Network) -> Iterator[Equation]:
    """The equations of all nodes of a network, for all axes at once."""
    for node in network.nodes:
        match node.kind:
            case Kind.LEAF:
                continue
            case Kind.CONSTANT if node.is_zero:
                continue
            case Kind.FUNCTION if node.name == "square":
                yield from (_power((node, a), (node.operands[0], b), 2) for a, b in node.map(0).items())
            case Kind.CONSTANT | Kind.OPAQUE | Kind.SOFTMAX | Kind.LAYER_NORM | Kind.RMS_NORM | Kind.FUNCTION:
                yield from _fixed(node, *node.operands)
            case Kind.SUM | Kind.MASK | Kind.JOIN | Kind.RECTIFIER | Kind.POOL:
                yield from _kept(node)
            case Kind.PRODUCT | Kind.SELECTION | Kind.AVERAGE:
                yield from _multiplied(node)
    for node in network.outputs:
        yield from _fixed(node)
    for leaf in network.leaves:
        for other in network.overlapping(leaf):
            yield from (_equal((leaf, a), (other, b)) for a, b in shared_slots(leaf, other))


def _fixed(*nodes: Node) -> Iterator[Equation]:
    for node in nodes:
        for slot in node.free:
            yield Equation((((node, slot), 1),))


def _equal(a: Variable, b: Variable, freedom: Freedom = Freedom.MATRIX) -> Equation:
    return Equation(((a, 1), (b, -1)), freedom)


def _power(node: Variable, operand: Variable, exponent: int) -> Equation:
    return Equation(((node, 1), (operand, -exponent)), Freedom.SCALING)


def _kept(node: Node) -> Iterator[Equation]:
    """Operations whose result scales with every operand."""
    freedom = Freedom.POSITIVE if node.kind in (Kind.RECTIFIER, Kind.POOL) else Freedom.MATRIX
    for i, operand in enumerate(node.operands):
        inner = node.map(i)
        if node.kind is Kind.MASK and i:
            continue
        yield from (_equal((node, a), (operand, b), freedom) for a, b in inner.items())
        yield from (Equation((((operand, b), 1),)) for b in operand.free if b not in inner.values())
        yield from (Equation((((node, a), 1),)) for a in node.free if a not in inner)
    if node.kind is Kind.MASK:
        yield from _fixed(node)


def _multiplied(node: Node) -> Iterator[Equation]:
    """Products: carried slots keep their exponent, shared ones add, contracted ones cancel."""
    maps = [node.map(i) for i in range(len(node.operands))]
    for slot in node.free:
        sources = Counter((node.operands[i], inner[slot]) for i, inner in enumerate(maps) if slot in inner)
        freedom = Freedom.MATRIX if sources.total() == 1 else Freedom.SCALING
        yield Equation((((node, slot), 1), *((source, -times) for source, times in sources.items())), freedom)
    for pair in node.sums():
        members = [(node.operands[i], slot) for i, slot in enumerate(pair) if slot is not None]
        if len(members) == 2:
            yield Equation(tuple((member, 1) for member in members))
        else:
            yield Equation(((members[0], 1),))


def solutions(network: Network) -> list[Solution]:
    """A sparse basis of the cancelling scalings, axis by axis."""
    by_atom: dict[Atom, list[Equation]] = {}
    for equation in equations(network):
        by_atom.setdefault(equation.terms[0][0][1].atom.root(), []).append(equation)
    held = {slot.atom.root() for leaf in network.leaves for slot in leaf.free}
    return [solution for atom in by_atom if atom in held for solution in _solved(by_atom[atom])]


def _solved(system: list[Equation]) -> list[Solution]:
    classes = _Classes()
    for equation in system:
        classes.impose(dict(equation.terms))
    while classes.simplify():
        pass
    found = []
    positive = (variable for e in system if e.freedom is Freedom.POSITIVE for variable, _ in e.terms)
    for basis in classes.nullspace(positive):
        exponents = {v: basis[root] * sign for v, (root, sign) in classes.members().items() if basis.get(root)}
        touched = [e for e in system if any(variable in exponents for variable, _ in e.terms)]
        middles = {e: e.middle(exponents) for e in touched}
        freedom = max((e.freedom for e in touched if middles[e] is None), key=lambda freedom: freedom.value)
        found.append(Solution(exponents, freedom, tuple(dict.fromkeys(m for m in middles.values() if m is not None))))
    return found


class _Classes:
    """Variables that are equal up to sign, those that are zero, and the equations among three or more that remain."""

    def __init__(self) -> None:
        self._parent: dict[Variable, tuple[Variable, int]] = {}
        self._zero: set[Variable] = set()
        self._open: list[dict[Variable, int]] = []

    def _find(self, variable: Variable) -> tuple[Variable, int]:
        path, sign = [], 1
        while self._parent.setdefault(variable, (variable, 1))[0] != variable:
            path.append(variable)
            variable = self._parent[variable][0]
        for step in reversed(path):
            sign *= self._parent[step][1]
            self._parent[step] = (variable, sign)
        return variable, sign

    def _reduced(self, terms: dict[Variable, int]) -> dict[Variable, int]:
        total: dict[Variable, int] = {}
        for variable, coefficient in terms.items():
            root, sign = self._find(variable)
            if root not in self._zero:
                total[root] = total.get(root, 0) + sign * coefficient
        return {root: coefficient for root, coefficient in total.items() if coefficient}

    def impose(self, terms: dict[Variable, int]) -> bool:
        """Use one equation; False when it must wait, because it ties more than two unknowns."""
        terms = self._reduced(terms)
        if len(terms) == 1:
            self._zero |= set(terms)
        elif len(terms) == 2 and len({abs(c) for c in terms.values()}) == 1:
            (a, one), (b, other) = terms.items()
            self._parent[a] = (b, -1 if one == other else 1)
        elif terms:
            self._open.append(terms)
            return False
        return True

    def simplify(self) -> bool:
        """Use the waiting equations again; whether that decided one."""
        waiting, self._open = self._open, []
        decided = [self.impose(terms) for terms in waiting]  # all of them, not up to the first
        return any(decided)

    def members(self) -> dict[Variable, tuple[Variable, int]]:
        """The class of every variable, and its sign there."""
        return {variable: self._find(variable) for variable in list(self._parent)}

    def nullspace(self, positive: Iterable[Variable] = ()) -> list[dict[Variable, int]]:
        """Integer exponents of the classes: a basis with one free class each; the others are determined by them."""
        rows = [{k: Fraction(v) for k, v in self._reduced(terms).items()} for terms in self._open]
        restricted = {self._find(variable)[0] for variable in positive}
        determined = self._determined(rows, restricted)
        pivots: dict[Variable, dict[Variable, Fraction]] = {}
        for i, row in sorted(enumerate(rows), key=lambda item: item[0] not in determined):
            row = _eliminated(row, pivots)
            if not row:
                continue
            pivot = determined.get(i, next(iter(row)))  # the first term is the product's own exponent
            row = {k: v / row[pivot] for k, v in row.items()}
            for other, known in pivots.items():
                if pivot in known:
                    pivots[other] = _sum(known, row, -known[pivot])
            pivots[pivot] = row
        roots = dict.fromkeys(root for root, _ in self.members().values() if root not in self._zero)
        basis = []
        for free in roots:
            if free not in pivots:
                vector = {free: Fraction(1)} | {p: -row[free] for p, row in pivots.items() if free in row}
                scale = lcm(*(value.denominator for value in vector.values()))
                basis.append({root: int(value * scale) for root, value in vector.items()})
        return basis

    def _determined(self, rows: Sequence[dict[Variable, Fraction]], restricted: set[Variable]) -> dict[int, Variable]:
        """Products with a gain of which not the product is determined by its factors, by row.

        Where the value that a gain multiplies may be scaled by any numbers, and nothing else ties it, the value is:
        then the gain folds into what writes the value, and the rest scales without it. Where other gains multiply that
        value too, and their products may only be scaled by positive numbers, the gain is: then what writes the value
        scales against all of them.
        """
        computed = {root for variable, (root, _) in self.members().items() if variable[0].kind is not Kind.LEAF}
        count = Counter(root for row in rows for root in row)
        found = {}
        for i, (product, *factors) in enumerate(rows):
            values = [root for root in factors if root in computed]
            gains = [root for root in factors if root not in computed and count[root] == 1]
            if len(values) != 1 or len(gains) != 1:
                continue
            if count[values[0]] == 1 and values[0] not in restricted:
                found[i] = values[0]
            elif count[values[0]] > 1 and product in restricted:
                found[i] = gains[0]
        return found


def _eliminated(
    row: dict[Variable, Fraction], pivots: dict[Variable, dict[Variable, Fraction]]
) -> dict[Variable, Fraction]:
    for pivot, known in pivots.items():
        if pivot in row:
            row = _sum(row, known, -row[pivot])
    return row


def _sum(a: dict[Variable, Fraction], b: dict[Variable, Fraction], factor: Fraction) -> dict[Variable, Fraction]:
    total = {key: a.get(key, Fraction(0)) + factor * b.get(key, Fraction(0)) for key in dict.fromkeys([*a, *b])}
    return {key: value for key, value in total.items() if value}


def common_atoms(nodes: Sequence[Node], own: set[Atom]) -> tuple[Atom, ...]:
    """The atoms that every node holds, once or as one of its own, in the order of the first."""
    held = [[slot.atom.root() for slot in node.free] for node in nodes]
    atoms = dict.fromkeys(held[0])
    return tuple(a for a in atoms if all(other.count(a) == 1 or (a in own and a in other) for other in held))
