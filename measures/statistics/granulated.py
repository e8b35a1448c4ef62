"""How a measure orders models that differ in one hyperparameter alone."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..draws import standard_error
from .bootstrap import membership
from .coefficient import order
from .sample import Sample, configurations
from .undefined import UndefinedStatisticError


@dataclass(frozen=True)
class GranulatedAxis:
    """The coefficient along one hyperparameter.

    Args:
        value: its mean over settings of the others.
        stderr: the standard error of that mean, settings taken for independent; None for a single one.
        levels: how many values the hyperparameter takes; of fewer than three the coefficient says little.
        settings: over how many settings of the others the mean is taken.
    """

    value: float
    stderr: float | None
    levels: int
    settings: int


@dataclass(frozen=True)
class Granulated:
    """The granulated coefficient, and those of the axes it is the mean of.

    Args:
        value: the mean over axes.
        axes: by hyperparameter; those along which no two models can be compared are not among them.
        n: number of models used.
        missing: number of models left out, because a value was NaN.
    """

    value: float
    axes: dict[str, GranulatedAxis]
    n: int
    missing: int


def granulated(
    sharpness: Sequence[float], targets: Sequence[float], hyperparameters: Mapping[str, Sequence[Hashable]]
) -> Granulated:
    r"""The granulated Kendall coefficient of a measure and a target [Jiang2020].

    .. math::
        \Psi = \frac1k \sum_{i=1}^k \psi_i, \qquad
        \psi_i = \operatorname*{mean}_{\text{settings of the others}}\
                 \operatorname*{mean}_{\text{pairs that differ in } i}
                 \mathrm{sign}(x_a - x_b)\, \mathrm{sign}(y_a - y_b),

    so that no hyperparameter dominates by its range, and a measure that follows one of them alone is found out.
    Tied pairs count as zero, as in the source: a constant has coefficient 0, not none. Seeds of one
    configuration are compared with those of others, not among themselves; give the seed as a hyperparameter to
    pair seed with seed.

    Example:
        >>> table = {"rate": [1, 1, 2, 2], "depth": [1, 2, 1, 2]}
        >>> found = granulated([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0], table)  # right in rate, wrong in depth
        >>> found.axes["rate"].value, found.axes["depth"].value, found.value
        (1.0, -1.0, 0.0)

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order.
        hyperparameters: by name, one value for every model.

    Raises:
        ValueError: columns of unequal lengths, infinite values, or no hyperparameters.
        UndefinedStatisticError: no two models that differ in one hyperparameter alone.
    """
    settings = configurations(hyperparameters)
    sample = Sample.of({"sharpness": sharpness, "targets": targets}, hyperparameters=settings)
    kept = sample.labels(settings)
    agreement = order(sample["sharpness"]) * order(sample["targets"])
    found = {name: axis(agreement, kept, i) for i, name in enumerate(hyperparameters)}
    axes = {name: value for name, value in found.items() if value is not None}
    if not axes:
        raise UndefinedStatisticError(
            f"among {len(sample)} models no two differ in one of {', '.join(hyperparameters)} alone"
        )
    return Granulated(sum(a.value for a in axes.values()) / len(axes), axes, len(sample), sample.missing)


def axis(agreement: Tensor, settings: Sequence[tuple[Hashable, ...]], position: int) -> GranulatedAxis | None:
    """The coefficient along the hyperparameter at a position; None where no two models differ in it alone."""
    levels = membership([setting[position] for setting in settings])
    cells = membership([setting[:position] + setting[position + 1 :] for setting in settings])
    pairs = (cells.mT @ cells) * (1 - levels.mT @ levels)  # (n, n): the same cell, another level
    counts = cells @ pairs.sum(dim=1)
    sums = cells @ (pairs * agreement).sum(dim=1)
    values = (sums / counts)[counts > 0]
    if not len(values):
        return None
    return GranulatedAxis(values.mean().item(), standard_error(values), len(levels), len(values))
