"""What a measure tells about a target that the hyperparameters do not."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch

from .coefficient import order
from .pair_table import PairTable, pair_cells
from .permutation import block_permutations, permutation_p_value, permuted_orders
from .sample import Sample, configurations
from .undefined import UndefinedStatisticError


@dataclass(frozen=True)
class ConditionalInformation:
    """Normalized mutual information of two orders, given hyperparameters.

    Args:
        value: the least over the sets of hyperparameters.
        given: the set that attains it.
        sets: the value for every set in which the order of the target is not determined.
        null: the mean of ``value`` over permutations of the measure: what it is of a measure that knows nothing.
        p_value: of the permutation test, one-sided.
        n: number of models used.
        missing: number of models left out, because a value was NaN.
    """

    value: float
    given: tuple[str, ...]
    sets: dict[tuple[str, ...], float]
    null: float
    p_value: float
    n: int
    missing: int


def conditional_mutual_information(
    sharpness: Sequence[float],
    targets: Sequence[float],
    hyperparameters: Mapping[str, Sequence[Hashable]],
    *,
    largest: int = 2,
    permutations: int = 200,
    generator: torch.Generator | None = None,
) -> ConditionalInformation:
    r"""Conditional mutual information of the orders of a measure and a target [Jiang2020].

    .. math:: K = \min_{|S| \le 2} \frac{I(V_x; V_y \mid U_S)}{H(V_y \mid U_S)},

    over ordered pairs of models, where :math:`V_x, V_y` are the signs of the differences of measure and target,
    and :math:`U_S` the values that both models have of the hyperparameters in S. It is 1 where the order of the
    measure determines that of the target, in either direction, and 0 where it tells nothing beyond some S. Here
    a tie is a third sign; cells count by the pairs in them.

    Few pairs in a cell bias the information upwards, so the value alone says little: it is to be read beside its
    mean over permutations of the measure, whole configurations at a time. Their test is of independence from
    target and hyperparameters together.

    Example:
        >>> rates, gap = [1, 1, 1, 2, 2, 2], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        >>> found = conditional_mutual_information([float(r) for r in rates], gap, {"rate": rates}, largest=1)
        >>> round(found.sets[()], 3), found.sets["rate",]  # it knows the rate and nothing else
        (0.6, 0.0)

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order.
        hyperparameters: by name, one value for every model.
        largest: the size of the largest sets S.
        permutations: how many to take; 0 gives no null.
        generator: where they come from.

    Raises:
        ValueError: columns of unequal lengths, infinite values, no hyperparameters, or a negative number.
        UndefinedStatisticError: targets whose order every set determines, such as a constant.
    """
    if largest < 0 or permutations < 0:
        raise ValueError(f"largest and permutations must not be negative, got {largest} and {permutations}")
    settings = configurations(hyperparameters)
    sample = Sample.of({"sharpness": sharpness, "targets": targets}, hyperparameters=settings)
    sample.require_varying("targets")
    kept = sample.labels(settings)
    names = tuple(hyperparameters)
    positions = [s for size in range(min(largest, len(names)) + 1) for s in combinations(range(len(names)), size)]
    everything = PairTable.of([pair_cells(kept, s) for s in positions], order(sample["targets"]))
    undetermined = [i for i, entropy in enumerate(everything.entropies) if entropy > 0]
    if not undetermined:
        raise UndefinedStatisticError(
            f"the order of the targets of {len(sample)} models is determined given any set of hyperparameters"
        )
    table = everything.of_sets(undetermined)
    values = table.information(order(sample["sharpness"]).reshape(-1, 1).numpy()).flatten().tolist()
    sets = {tuple(names[k] for k in positions[i]): value for i, value in zip(undetermined, values, strict=True)}
    given = min(sets, key=sets.__getitem__)
    null = [
        draw
        for shuffled in permuted_orders(sample["sharpness"], block_permutations(kept, permutations, generator))
        for draw in table.information(shuffled.numpy()).min(axis=0).tolist()
    ]
    mean, p_value = permutation_p_value(sets[given], null)
    return ConditionalInformation(sets[given], given, sets, mean, p_value, len(sample), sample.missing)
