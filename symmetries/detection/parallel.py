"""Low-rank maps of one value whose results are added: one pair of the sum of their ranks."""

from collections.abc import Iterator
from math import prod

from ..columns import Columns
from ..group import GeneralLinear
from ..symmetry import Symmetry
from .axes import Slot
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, title
from .low_rank import LowRank, beside, low_rank
from .network import Network
from .proposal import Proposal

Term = tuple[LowRank, dict[Slot, Slot]]
"""A product of two maps, and its rows by those of the first."""


def propose_parallel(network: Network) -> Iterator[Proposal]:
    """Every set of two or more, as several adapters of one weight that are active at once."""
    taken: set[Node] = set()
    for node in network.nodes:
        for operand in node.operands if node.kind is Kind.SUM else ():
            first = low_rank(network, operand)
            if first is None or first.left in taken:
                continue
            terms = [(first, {slot: slot for slot in first.rows.values()}), *_parallel(network, operand, first)]
            if len(terms) > 1:
                taken |= {product.left for product, _ in terms}
                try:
                    yield Proposal(((_stacked(terms),),))
                except Unviewable as reason:
                    yield Proposal((), str(reason), (node.module,))


def _parallel(network: Network, node: Node, first: LowRank) -> Iterator[Term]:
    """The other products that map the same value and are added to the result."""
    for term, rows in beside(network, node, first.rows):
        product = low_rank(network, term)
        if product is None or product.value is not first.value or product.columns.keys() != first.columns.keys():
            continue
        if rows.keys() == product.rows.keys():
            yield product, {rows[slot]: own for slot, own in product.rows.items()}


def _stacked(terms: list[Term]) -> Symmetry:
    first = terms[0][0]
    left = tuple(
        leaf_view(product.left, n=[rows[slot] for slot in first.rows.values()], h=[slot for slot, _ in product.rank])
        for product, rows in terms
    )
    right = tuple(
        leaf_view(product.right, n=[product.columns[s] for s in first.columns], h=[slot for _, slot in product.rank])
        for product, _ in terms
    )
    rank = sum(prod(slot.size for slot, _ in product.rank) for product, _ in terms)
    names = (", ".join(title(getattr(product, side)) for product, _ in terms) for side in ("left", "right"))
    return Symmetry(
        GeneralLinear(rank),
        (Columns(left, tuple(product.scale / first.scale for product, _ in terms)),),
        (Columns(right),),
        name=" ~ ".join(names),
        family="change of basis",
    )
