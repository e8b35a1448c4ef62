"""What normalizations and softmaxes do not see of the maps around them."""

from collections.abc import Iterator

from ..absorption import ReaderMean, WriterMean
from ..factor import EXACT, SOFTMAX
from .axes import Atom
from .expression import Kind, Node
from .layout import Unviewable, leaf_view, split_by, title
from .network import Network, atoms, reader_over
from .norms import Norm, Reader, norms, readers
from .proposal import Proposal


def propose_reader_means(network: Network) -> Iterator[Proposal]:
    """For every map that reads a LayerNorm, the component of its rows that the norm makes constant."""
    for norm in norms(network):
        if norm.core.kind is not Kind.LAYER_NORM or not norm.is_trainable_or_absent:
            continue
        for reader in readers(network, norm):
            try:
                factor = _reader_mean(network, norm, reader)
            except Unviewable as reason:
                yield Proposal((), str(reason), (reader.product.module,))
                continue
            if factor is not None:
                yield Proposal(((factor,),))


def _reader_mean(network: Network, norm: Norm, reader: Reader) -> ReaderMean | None:
    leaf = reader.leaf
    if len(network.uses(leaf)) != 1 or not network.is_alone(leaf):
        return None
    k, rest = split_by(leaf, norm.atoms)
    rows = tuple(slot for slot in reader.product.map(reader.place).values() if slot in rest)
    taps = tuple(slot for slot in rest if slot not in rows)
    weight = leaf_view(leaf, copies=taps, n=k, h=rows)
    bias = None
    if norm.shift is not None:
        bias = reader.bias(network)
        if bias is None and not reader.ignores_constants(network):
            return None
    gain, shift = (
        None if vector is None else leaf_view(vector, n=split_by(vector, norm.atoms)[0])
        for vector in (norm.gain, norm.shift)
    )
    if bias is not None:
        in_bias, left = split_by(bias, atoms(rows))
        if left:
            return None
        return ReaderMean(f"mean of {title(leaf)} as a reader", weight, leaf_view(bias, h=in_bias), gain, shift)
    return ReaderMean(f"mean of {title(leaf)} as a reader", weight, None, gain, None)


def propose_writer_means(network: Network, read: set[str]) -> Iterator[Proposal]:
    """For every parameter, the component along an axis that every norm or softmax behind it removes."""
    grouped: dict[tuple[Atom, ...], dict[Node, str]] = {}
    for channels in _removed(network):
        for leaf in network.leaves:
            if not _holds_once(leaf, channels) or leaf in grouped.get(channels, {}):
                continue
            verdict = network.invisible(leaf, split_by(leaf, channels)[0])
            if verdict is not None and network.is_alone(leaf):
                grouped.setdefault(channels, {})[leaf] = verdict
    for channels, verdicts in grouped.items():
        for leaves in _with_bias(network, verdicts):
            flag = SOFTMAX if verdicts[leaves[0]] == "softmax" else EXACT
            yield from _writer_mean(leaves, channels, flag, centred=leaves[0].name in read)


def _writer_mean(
    leaves: tuple[Node, ...], channels: tuple[Atom, ...], flag: str, *, centred: bool
) -> Iterator[Proposal]:
    try:
        views = []
        for leaf in leaves:
            n, rest = split_by(leaf, channels)
            views.append(leaf_view(leaf, n=n, h=rest))
    except Unviewable as reason:
        yield Proposal((), str(reason), (leaves[0].module,))
        return
    family = "mean of class weights" if flag == SOFTMAX else "mean of writers"
    name = f"mean of {title(leaves[0])}"
    factor = WriterMean(name, tuple(views), centred=centred, family=family, flags=frozenset({flag}))
    yield Proposal(((factor,),))


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


def _holds_once(leaf: Node, channels: tuple[Atom, ...]) -> bool:
    held = atoms(leaf.free)
    return all(held.count(atom) == 1 for atom in channels)


def _with_bias(network: Network, verdicts: dict[Node, str]) -> Iterator[tuple[Node, ...]]:
    """Weights, each with the bias that is added to what it writes; biases that stand alone."""
    taken: set[Node] = set()
    for leaf in sorted(verdicts, key=lambda leaf: -len(leaf.free)):
        if leaf in taken:
            continue
        use = network.only_use(leaf)
        bias = None if use is None else Reader(use[0], use[1], leaf).bias(network)
        pair = (leaf,) if bias not in verdicts or bias in taken else (leaf, bias)
        taken |= set(pair)
        yield pair
