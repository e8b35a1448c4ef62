"""Products of two trained maps beside a trained map of the same input: updates that the weight takes back."""

from collections.abc import Iterable, Iterator

from ..absorption import Update
from .axes import Slot
from .layout import Unviewable, leaf_view, title
from .low_rank import LowRank, Map, beside, low_rank, map_of
from .network import Network
from .proposal import Proposal


def propose_updates(network: Network) -> Iterator[Proposal]:
    """Every trained weight with every product of two others that is added to what it returns."""
    for leaf in network.leaves:
        use = network.only_use(leaf)
        base = None if use is None else map_of(network, use[0])
        if base is None or base.reader.leaf is not leaf or base.scale != 1.0:
            continue
        rows = base.reader.product.map(base.reader.place)
        for term, slots in beside(network, base.reader.product, rows):
            product = low_rank(network, term)
            if product is None or product.value is not base.value or product.columns.keys() != base.columns.keys():
                continue
            try:
                if slots.keys() == product.rows.keys():
                    yield Proposal(((_update(base, slots, product),),))
            except Unviewable as reason:
                yield Proposal((), str(reason), (leaf.module,))


def pinned(proposals: Iterable[Proposal]) -> set[str]:
    """The parameters that updates fold away: no pair of them is left."""
    factors = (factor for proposal in proposals for group in proposal.alternatives for factor in group)
    return {pin.parameter for factor in factors if isinstance(factor, Update) for pin in factor.pins}


def _update(base: Map, rows: dict[Slot, Slot], product: LowRank) -> Update:
    left, right = zip(*product.rank, strict=True)
    return Update(
        f"{title(product.left)} {title(product.right)} into {title(base.reader.leaf)}",
        leaf_view(base.reader.leaf, n=tuple(rows.values()), h=tuple(base.columns.values())),
        leaf_view(product.left, n=tuple(product.rows[slot] for slot in rows), h=left),
        leaf_view(product.right, n=tuple(product.columns[slot] for slot in base.columns), h=right),
        product.scale,
    )
