r"""How every value of a network scales with its parameters.

If every parameter is multiplied by :math:`\lambda^{e}`, with an exponent e of its own, every value that linear and
positively homogeneous operations make of them is multiplied by a power too. The exponents of values are linear forms in
those of the parameters; sums need equal ones, nonlinear functions and outputs the exponent zero, and a norm gives the
exponent zero whatever it reads. What solves these equations, and not those in which norms read exponent zero, is a
scale that some norm forgets; what solves those too is a scale that parameters trade among each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sympy import QQ, lcm
from sympy.polys.matrices import DomainMatrix

from .axes import Atom, Slot
from .expression import Kind, Node
from .network import Network

#: The exponents of parameters that an exponent of a value is the sum of, with integer coefficients.
Form = dict[int, int]
Exponents = dict[Node, int]

_NORMS = (Kind.LAYER_NORM, Kind.RMS_NORM)
_PASSING = (Kind.SUM, Kind.JOIN, Kind.AVERAGE, Kind.RECTIFIER, Kind.MASK, Kind.POOL)
_POSITIVE = (Kind.RECTIFIER, Kind.POOL)


class Homogeneity:
    """The linear equations between the exponents of parameters."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._leaves = network.leaves
        self._place = {leaf: i for i, leaf in enumerate(self._leaves)}
        self.norms = [node for node in network.nodes if node.kind in _NORMS]
        self.forms: dict[Node, Form] = {}
        self._equations: list[Form] = []
        for node in network.nodes:
            self.forms[node] = self._form(node)
        self._equations += [self.forms[node] for node in network.outputs]
        for leaf in self._leaves:
            for other in network.overlapping(leaf):
                self._equations.append(_difference(self.forms[leaf], self.forms[other]))

    def _form(self, node: Node) -> Form:
        operands = [self.forms[operand] for operand in node.operands]
        if node.kind is Kind.LEAF:
            return {self._place[node]: 1}
        if node.kind is Kind.PRODUCT:
            return _total(operands)
        if node.kind is Kind.SELECTION:
            self._equations += operands[:-1]
            return operands[-1]
        if node.kind in _PASSING and operands:
            self._equations += [_difference(operands[0], other) for other in operands[1:]]
            return operands[0]
        if node.kind is Kind.FUNCTION and node.name == "square":
            return _total([operands[0], operands[0]])
        if node.kind not in _NORMS:
            self._equations += operands
        return {}

    def forgotten(self) -> Iterator[Exponents]:
        """Independent solutions, modulo those in which every norm reads exponent zero."""
        if not self._leaves or not self.norms:
            return
        free = self._matrix(self._equations).nullspace()  # (solutions, leaves)
        read = self._matrix([self.forms[core.operands[0]] for core in self.norms])
        # What the norms read comes first, reduced: one solution for every norm, or for those that read one stream.
        reduced, pivots = (free * read.transpose()).hstack(free).rref()
        for row in range(sum(pivot < len(self.norms) for pivot in pivots)):
            yield self._exponents(reduced.to_list()[row][len(self.norms) :])

    def traded(self, known: Sequence[Exponents]) -> Iterator[Exponents]:
        """Independent solutions in which every norm reads exponent zero, modulo known ones."""
        if not self._leaves:
            return
        free = self._matrix([*self._equations, *(self.forms[core.operands[0]] for core in self.norms)]).nullspace()
        spanned = self._matrix([{self._place[leaf]: e for leaf, e in each.items()} for each in known])
        _, pivots = spanned.vstack(free).transpose().rref()  # the pivots are rows that those before do not span
        for row in (pivot - spanned.shape[0] for pivot in pivots if pivot >= spanned.shape[0]):
            yield self._exponents(free.to_list()[row])

    def _exponents(self, row: Sequence[Any]) -> Exponents:
        """A rational solution as the smallest integer one, without zeros."""
        solution = [QQ.to_sympy(entry) for entry in row]
        scale = lcm([entry.q for entry in solution])
        return {leaf: int(solution[i] * scale) for leaf, i in self._place.items() if solution[i]}

    def _matrix(self, forms: list[Form]) -> DomainMatrix:
        rows = {i: {j: QQ(c) for j, c in form.items()} for i, form in enumerate(forms) if form}
        return DomainMatrix(rows, (max(len(forms), 1), len(self._leaves)), QQ)

    def value(self, form: Form, exponents: Exponents) -> int:
        """The exponent of a value for given exponents of the parameters."""
        return sum(c * exponents.get(self._leaves[i], 0) for i, c in form.items())

    def is_positive(self, exponents: Exponents) -> bool:
        """Whether an operation scales that only positive factors pass."""
        return any(n.kind in _POSITIVE and self.value(self.forms[n], exponents) for n in self._network.nodes)

    def kept(self, exponents: Exponents) -> list[Atom]:
        """The axes along which every scaled value may have a factor of its own: heads, groups of channels."""
        scaled = [node for node in self._network.nodes if self.value(self.forms[node], exponents)]
        shared = [slot.atom.root() for slot in scaled[0].free] if scaled else []
        for node in scaled:
            shared = [atom for atom in shared if atom in _atoms(node.free)]
        for core in self.norms:
            if self.value(self.forms[core.operands[0]], exponents):
                shared = [atom for atom in shared if atom not in _atoms(s for x in core.over for s in x.resolved())]
        return [
            atom for atom in shared if all(_atoms(leaf.free).count(atom) == 1 for leaf in scaled if leaf in self._place)
        ]


def _atoms(slots: Iterable[Slot]) -> list[Atom]:
    return [slot.atom.root() for slot in slots]


def _total(forms: list[Form]) -> Form:
    total: Form = {}
    for form in forms:
        for key, coefficient in form.items():
            total[key] = total.get(key, 0) + coefficient
    return {key: coefficient for key, coefficient in total.items() if coefficient}


def _difference(a: Form, b: Form) -> Form:
    return _total([a, {key: -coefficient for key, coefficient in b.items()}])
