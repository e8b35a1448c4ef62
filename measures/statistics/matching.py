"""Radii at which measures ask equally much of the models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ..arguments import require_positive


@dataclass(frozen=True)
class MatchedRadius:
    """A measure at the radius that raises the loss as much as was asked.

    Args:
        radius: it.
        values: the measure there, for every model; NaN where it is missing on either side.
    """

    radius: float
    values: tuple[float, ...]


def median_rises(rises: Sequence[Sequence[float]]) -> list[float]:
    """The median of the loss rise at each radius, over the models that lack none.

    Example:
        >>> median_rises([[0.0, 1.0], [1.0, 3.0], [float("nan"), 9.0], [2.0, 4.0]])
        [1.0, 3.0]

    Args:
        rises: for every model the loss rise at each radius; NaN where it is missing.

    Raises:
        ValueError: no model whose rises are all known.
    """
    table = np.asarray(rises, dtype=float)
    known = ~np.isnan(table).any(axis=1)
    if not known.any():
        raise ValueError("at least one model must have a rise at every radius, got none; leave some radii out")
    medians: list[float] = np.median(table[known], axis=0).tolist()
    return medians


def matched_radius(radii: Sequence[float], rises: Sequence[Sequence[float]], *, rise: float) -> MatchedRadius:
    r"""The radius at which the median over models of the loss rise is as given, and the measure there.

    Radii of different geometries have different units, so that measures at equal radii are not comparable, and
    one may be local where the other destroys the models. Here each has the radius :math:`\rho` with

    .. math:: \operatorname*{median}_m S_m(\rho) = \text{rise},

    between the radii of a grid, where every :math:`S_m` is linear in :math:`\log \rho`; of several such radii, the
    smallest. One radius serves all models: at a radius of its own, each would have the same rise.

    Example:
        >>> matched_radius([0.1, 1.0, 10.0], [[0.0, 1.0, 2.0], [0.0, 2.0, 4.0], [0.0, 3.0, 6.0]], rise=3.0)
        MatchedRadius(radius=3.16228, values=(1.5, 3.0, 4.5))

    Args:
        radii: increasing.
        rises: for every model the loss rise at each radius; NaN where it is missing. The median is over models
            that lack none.
        rise: what the median should be.

    Raises:
        ValueError: fewer than two radii, not increasing or not positive, rows of another length, no model
            whose rises are all known, or a rise that the median does not cross.
    """
    grid, table = np.asarray(radii, dtype=float), np.asarray(rises, dtype=float)
    if len(grid) < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(f"radii must be two or more, increasing, got {list(radii)}")
    require_positive(radius=grid[0].item(), rise=rise)
    if table.ndim != 2 or table.shape[1] != len(grid):
        raise ValueError(f"expected a row of {len(grid)} rises for every model, got shape {table.shape}")
    known = ~np.isnan(table).any(axis=1)
    medians = np.asarray(median_rises(rises))
    crossings = np.flatnonzero((medians[:-1] <= rise) & (rise <= medians[1:]))
    if not len(crossings):
        raise ValueError(
            f"rise must lie where the median rises through it, between {medians.min():.4g} and {medians.max():.4g} on "
            f"this grid, got {rise}; choose another rise, or measure at other radii"
        )
    k = int(crossings[0])

    def values(part: float) -> np.ndarray:
        return (1 - part) * table[:, k] + part * table[:, k + 1]

    # The median is continuous and crosses within the interval, at its ends included.
    part = brentq(lambda t: np.median(values(t)[known]) - rise, 0.0, 1.0, xtol=1e-14)
    radius = float(np.exp((1 - part) * np.log(grid[k]) + part * np.log(grid[k + 1])))
    return MatchedRadius(radius, tuple(values(part).tolist()))
