"""How often a measure orders two models wrongly, at its worst."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from ..arguments import require_positive
from .coefficient import order
from .sample import Sample, configurations
from .undefined import UndefinedStatisticError

LEAST_CONFIDENCE = 0.5
"""Pairs less likely than this to differ at all have no weight [Dziugaite2020]."""


@dataclass(frozen=True)
class Environment:
    """The sign error where one hyperparameter changes.

    Args:
        hyperparameter: which.
        values: from what to what.
        setting: the others, by name; empty where the error is over all settings of them.
        error: the weighted share of pairs in the wrong order, a tie counting as half.
        pairs: the effective number of pairs.
    """

    hyperparameter: str
    values: tuple[Hashable, Hashable]
    setting: Mapping[str, Hashable]
    error: float
    pairs: float


@dataclass(frozen=True)
class SignError:
    """Sign errors of all environments with enough pairs.

    Args:
        environments: they.
        thin: how many environments had too few pairs.
        n: number of models used.
        missing: number of models left out, because a value was NaN.
    """

    environments: tuple[Environment, ...]
    thin: int
    n: int
    missing: int

    @property
    def mean(self) -> float:
        """Over environments, each counting once."""
        return sum(e.error for e in self.environments) / len(self.environments)

    @property
    def worst(self) -> Environment:
        """The environment of the largest error: the robust sign error."""
        return max(self.environments, key=lambda e: e.error)

    def quantile(self, q: float) -> float:
        """A quantile over environments, between order statistics linearly."""
        errors = torch.tensor([e.error for e in self.environments], dtype=torch.float64)
        return errors.quantile(q).item()


def sign_error(
    sharpness: Sequence[float],
    targets: Sequence[float],
    hyperparameters: Mapping[str, Sequence[Hashable]],
    *,
    across: Literal["seeds", "settings"] = "seeds",
    evaluated_on: int | None = None,
    least_pairs: float = 12.0,
) -> SignError:
    r"""The sign error of a measure in every environment [Dziugaite2020].

    An environment changes one hyperparameter, from one value to another, at a setting of all others; its error is
    the mean over pairs of seeds of

    .. math:: \tfrac12 \big( 1 - \mathrm{sign}(x_a - x_b)\, \mathrm{sign}(y_a - y_b) \big), \qquad
              w_{ab} = \Big( \max\big(0,\ 1 - 2 e^{-n (y_a - y_b)^2 / 2}\big)^2 - \tfrac12 \Big)_+ ,

    weighted, where targets are error rates over n examples, by how surely the two differ (Hoeffding's
    inequality); pairs whose order is noise drop out. Environments with an effective number of pairs
    :math:`(\sum w)^2 / \sum w^2` below ``least_pairs`` are left out and counted. A coin has error 1/2
    everywhere; a measure is robust if its worst is below that.

    Seeds make pairs quadratically: 4 of each configuration give 16. With fewer, ``across="settings"`` takes one
    environment for every change of value, over seeds and settings of the other hyperparameters.

    Example:
        >>> table = {"rate": [1, 1, 2, 2], "depth": [1, 2, 1, 2]}
        >>> found = sign_error([1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 4.0, 3.0], table, across="settings", least_pairs=2)
        >>> found.mean, found.worst.hyperparameter
        (0.5, 'depth')

    Args:
        sharpness: one value for every model.
        targets: what it should predict, in the same order.
        hyperparameters: by name, one value for every model.
        across: what an environment averages over.
        evaluated_on: the number of examples behind targets that are error rates, or gaps between them; None
            weighs all pairs alike.
        least_pairs: the effective number of pairs that an environment needs.

    Raises:
        ValueError: columns of unequal lengths, infinite values, no hyperparameters, or arguments out of range.
        UndefinedStatisticError: no environment with enough pairs.
    """
    if across not in ("seeds", "settings"):
        raise ValueError(f"across must be 'seeds' or 'settings', got {across!r}")
    require_positive(least_pairs=least_pairs, evaluated_on=1 if evaluated_on is None else evaluated_on)
    settings = configurations(hyperparameters)
    sample = Sample.of({"sharpness": sharpness, "targets": targets}, hyperparameters=settings)
    kept = sample.labels(settings)
    agreement = (order(sample["sharpness"]) * order(sample["targets"])).tolist()
    gaps = sample["targets"].tolist()
    found: dict[Hashable, list[tuple[float, float]]] = {}
    first: dict[Hashable, tuple[int, int, int]] = {}
    for i, j, position in neighbours(kept):
        change = frozenset((kept[i][position], kept[j][position]))
        others = kept[i][:position] + kept[i][position + 1 :] if across == "seeds" else ()
        key = (position, change, others)
        first.setdefault(key, (i, j, position))
        found.setdefault(key, []).append(((1 - agreement[i][j]) / 2, weight(gaps[i] - gaps[j], evaluated_on)))
    names = tuple(hyperparameters)
    environments = [environment(names, kept, first[key], pairs, across) for key, pairs in found.items()]
    # Sums of weights round: 12 equal ones may come out a little below 12.
    enough = tuple(e for e in environments if e.pairs >= least_pairs * (1 - 1e-9))
    if not enough:
        most = max((e.pairs for e in environments), default=0.0)
        raise UndefinedStatisticError(
            f"none of {len(environments)} environments has {least_pairs:g} effective pairs, the largest has {most:.3g}"
            ": train more seeds, take across='settings', or lower least_pairs"
        )
    return SignError(enough, len(environments) - len(enough), len(sample), sample.missing)


def neighbours(settings: Sequence[tuple[Hashable, ...]]) -> list[tuple[int, int, int]]:
    """Pairs of models that differ in one hyperparameter alone, with its position."""
    codes = []
    for column in zip(*settings, strict=True):
        number = {value: i for i, value in enumerate(dict.fromkeys(column))}
        codes.append([number[value] for value in column])
    if not codes:
        return []
    table = torch.tensor(codes)
    differ = table.unsqueeze(2) != table.unsqueeze(1)  # (k, n, n)
    one = (differ.sum(dim=0) == 1).triu()
    return [(i, j, int(differ[:, i, j].long().argmax())) for i, j in one.nonzero().tolist()]


def weight(difference: float, evaluated_on: int | None) -> float:
    """How much a pair counts whose targets differ so much."""
    if evaluated_on is None:
        return 1.0
    confidence = max(0.0, 1 - 2 * math.exp(-evaluated_on * difference**2 / 2)) ** 2
    return max(0.0, confidence - LEAST_CONFIDENCE)


def environment(
    names: tuple[str, ...],
    settings: Sequence[tuple[Hashable, ...]],
    first: tuple[int, int, int],
    pairs: Sequence[tuple[float, float]],
    across: str,
) -> Environment:
    """The environment of the pairs whose first is given, each with its error and weight."""
    i, j, position = first
    total = sum(w for _, w in pairs)
    squares = sum(w * w for _, w in pairs)
    setting = dict(zip(names, settings[i], strict=True)) if across == "seeds" else {}
    setting.pop(names[position], None)
    return Environment(
        hyperparameter=names[position],
        values=(settings[i][position], settings[j][position]),
        setting=setting,
        error=sum(e * w for e, w in pairs) / total if total else math.nan,
        pairs=total * total / squares if squares else 0.0,
    )
