"""What the targets are compared with: tight runs of this project, in double precision where digits count."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from measures import Spectrum, eigenpairs, hessian_spectrum, trace

from .competitors import Density, ThisProject
from .problem import Problem, Size

#: How many eigenvalues of largest modulus are looked for.
COUNT = 10
#: Of the eigenvalues taken as true, relative.
TIGHT = 1e-8
#: The standard deviation of the Gaussian that smooths densities, in parts of the range of the spectrum.
WIDTH = 0.005
#: Points of the grid on which densities are compared, for every width: integrals of smoothed densities are exact then.
POINTS_PER_WIDTH = 20


@dataclass(frozen=True)
class Truth:
    """The spectrum of a problem.

    Args:
        eigenvalues: of largest modulus, largest first.
        trace: of the Hessian.
        trace_stderr: its standard error.
        nodes: of the spectral measure.
        weights: of the nodes.
    """

    eigenvalues: Sequence[float]
    trace: float
    trace_stderr: float
    nodes: Sequence[float]
    weights: Sequence[float]

    @property
    def range(self) -> float:
        """The length of the interval that holds the spectrum."""
        return max(self.nodes) - min(self.nodes)

    def distance(self, density: Density) -> float:
        r"""The :math:`L^1` distance of two spectral measures of mass 1, both smoothed by the same Gaussian."""
        width = WIDTH * self.range
        own = torch.tensor(self.nodes, dtype=torch.float64), torch.tensor(self.weights, dtype=torch.float64)
        ends = torch.stack([own[0].min(), own[0].max(), density.nodes.min().double(), density.nodes.max().double()])
        count = int((ends.max() - ends.min()) / width + 12) * POINTS_PER_WIDTH
        grid = torch.linspace(float(ends.min()) - 6 * width, float(ends.max()) + 6 * width, count, dtype=torch.float64)
        other = density.nodes.double(), density.weights.double()
        apart = smoothed(*own, grid=grid, width=width) - smoothed(*other, grid=grid, width=width)
        return float(apart.abs().sum() * (grid[1] - grid[0]))


def smoothed(nodes: Tensor, weights: Tensor, *, grid: Tensor, width: float) -> Tensor:
    """The density of atoms smoothed by a Gaussian, on a grid."""
    total = torch.zeros_like(grid)
    for node, weight in zip(nodes, weights, strict=True):
        total += weight * torch.exp(-((grid - node) / width).square() / 2)
    return total / (width * (2 * torch.pi) ** 0.5)


def truth(problem: Problem, size: Size, *, seed: int) -> Truth:
    """Compute it: the density and the trace in the precision of the problem, the eigenvalues in double."""
    generator = torch.Generator().manual_seed(seed)
    single = ThisProject(problem)
    spectrum: Spectrum = hessian_spectrum(
        single.loss, single.params, probes=size.probes, steps=size.steps, generator=generator
    )
    total = trace(single.operator(), rtol=size.trace_error, generator=generator)
    double = ThisProject(problem.double())
    pairs = eigenpairs(double.operator(), COUNT, which="magnitude", tolerance=TIGHT, generator=generator)
    return Truth(
        pairs.values.tolist(),
        total.value,
        total.stderr,
        torch.cat([run.nodes for run in spectrum.runs]).tolist(),
        (torch.cat([run.weights for run in spectrum.runs]) / size.probes).tolist(),
    )
