"""The spectrum of the Hessian: top eigenvalues, trace, density, entropy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from quotient import AbstractGeometry, Euclidean, flattened
from symmetries import Params, Tangent

from .arguments import require_positive
from .draws import draws, jackknife, standard_error
from .entropy import power_term, renyi_entropy
from .hessian import RiemannianHessian
from .lanczos import JacobiMatrix, lanczos
from .local_loss import around
from .loss import EmpiricalLoss


@dataclass(frozen=True)
class Spectrum:
    r"""A symmetric operator H on a space of dimension d, seen through Lanczos runs from independent random vectors.

    Traces of functions are estimated by stochastic Lanczos quadrature [Ubaru2017],

    .. math:: \mathrm{tr} f(H) \approx \frac{d}{p} \sum_{k=1}^{p} \sum_i w_{ki} f(\theta_{ki}),

    the mean of d times the Gauss rules of p runs. The mean is unbiased for the trace itself [Hutchinson1990].

    Args:
        runs: one Jacobi matrix for every probe.
        dimension: d.
        top: how many eigenvalues to report.
    """

    runs: tuple[JacobiMatrix, ...]
    dimension: int
    top: int = 10

    @cached_property
    def _leading(self) -> tuple[Tensor, Tensor]:
        """The largest Ritz values over all runs, rank by rank, and their residuals."""
        count = min(self.top, *(run.steps for run in self.runs))
        values = torch.stack([run.nodes.flip(0)[:count] for run in self.runs])
        residuals = torch.stack([run.residuals.flip(0)[:count] for run in self.runs])
        best, run = values.max(dim=0)
        return best, residuals.gather(0, run.unsqueeze(0)).squeeze(0)

    @property
    def eigenvalues(self) -> Tensor:
        """The algebraically largest eigenvalues, descending, shape ``(top,)``, float64.

        The i-th is the largest i-th Ritz value of all runs: a lower bound of the i-th eigenvalue. A run finds
        an eigenvalue once, whatever its multiplicity.
        """
        return self._leading[0]

    @property
    def residuals(self) -> Tensor:
        """For each of :attr:`eigenvalues`, a distance within which H has an eigenvalue, shape ``(top,)``."""
        return self._leading[1]

    @property
    def trace(self) -> float:
        """The estimate of tr H."""
        return self.quadrature(lambda t: t).mean().item()

    @property
    def trace_stderr(self) -> float | None:
        """Its standard error over probes; None for a single probe."""
        return standard_error(self.quadrature(lambda t: t))

    def quadrature(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """The estimates of tr f(H), one for every probe, shape ``(probes, ...)``.

        Args:
            function: from nodes, shape ``(m,)``, to shape ``(m, ...)``.
        """
        return self.dimension * torch.stack(
            [torch.tensordot(run.weights, function(run.nodes), dims=1) for run in self.runs]
        )

    def grid(self, points: int = 512, *, width: float | None = None) -> Tensor:
        """Equidistant arguments for :meth:`density` that hold all of its mass, shape ``(points,)``."""
        width = self._width(width)
        low = min(run.nodes[0].item() for run in self.runs)
        high = max(run.nodes[-1].item() for run in self.runs)
        return torch.linspace(low - 5 * width, high + 5 * width, points, dtype=torch.float64)

    def density(self, grid: Tensor, *, width: float | None = None) -> Tensor:
        r"""The spectral density, of integral 1, smoothed by a Gaussian [Lin2016], [Ghorbani2019].

        Args:
            grid: arguments, shape ``(points,)``.
            width: the standard deviation of the Gaussian; by default 1 % of the largest modulus of a Ritz
                value.
        """
        return self._densities(grid, width).mean(dim=0)

    def density_stderr(self, grid: Tensor, *, width: float | None = None) -> Tensor | None:
        """The standard error of :meth:`density` over probes, shape ``(points,)``; None for a single probe."""
        densities = self._densities(grid, width)
        return densities.std(dim=0) / math.sqrt(len(densities)) if len(densities) > 1 else None

    def _densities(self, grid: Tensor, width: float | None) -> Tensor:
        width = self._width(width)

        def bumps(nodes: Tensor) -> Tensor:
            z = (grid.to(nodes) - nodes.unsqueeze(-1)) / width
            return torch.exp(-z.square() / 2) / (width * math.sqrt(2 * math.pi))

        return self.quadrature(bumps) / self.dimension

    def _width(self, width: float | None) -> float:
        if width is None:
            width = 0.01 * max(run.nodes.abs().max().item() for run in self.runs)
            if width == 0:
                raise ValueError("the Hessian is zero and gives no scale to smooth with; give width=...")
        require_positive(width=width)
        return width

    def renyi(self, alpha: float) -> float:
        r"""Rényi sharpness :math:`-H_\alpha` of :math:`p_i = |\lambda_i| / \sum_j |\lambda_j|`.

        See :func:`measures.renyi_sharpness`.

        Raises:
            ValueError: an order that is not positive, or a Hessian that is zero.
        """
        return -renyi_entropy(self._power_sums(alpha), alpha).item()

    def renyi_stderr(self, alpha: float) -> float | None:
        """The jackknife standard error of :meth:`renyi` over probes; None for a single probe."""
        error = jackknife(lambda sums: renyi_entropy(sums, alpha), self._power_sums(alpha))
        return None if error is None else error.item()

    def _power_sums(self, alpha: float) -> Tensor:
        require_positive(alpha=alpha)
        sums = self.quadrature(lambda t: torch.stack([t.abs(), power_term(t.abs(), alpha)], dim=-1))
        if not bool(sums[:, 0].sum() > 0):
            raise ValueError("the Hessian is zero: its spectrum has no distribution")
        return sums

    def truncated(self, steps: int) -> "Spectrum":
        """What fewer Lanczos steps would have given, to judge convergence; costs no products."""
        return Spectrum(tuple(run.truncated(steps) for run in self.runs), self.dimension, self.top)


def hessian_spectrum(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    probes: int = 8,
    steps: int = 80,
    top: int = 10,
    generator: torch.Generator | None = None,
    directions: Sequence[Tangent] | None = None,
    progress: bool = False,
) -> Spectrum:
    r"""The spectrum of the Riemannian Hessian of the loss on the horizontal space.

    Over ``Euclidean`` that of the Hessian; on a quotient a property of the orbit. Costs ``probes * steps``
    Hessian products, and the memory of ``steps`` parameter vectors.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(
        ...     model, lambda f, x: 0.5 * f(x).square().sum(), [torch.tensor([[3.0, 0.0], [0.0, 2.0]])]
        ... )
        >>> spectrum = hessian_spectrum(loss, {"weight": torch.ones(1, 2)}, generator=torch.Generator().manual_seed(0))
        >>> spectrum.eigenvalues
        tensor([9., 4.], dtype=torch.float64)

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        probes: number of random starting vectors.
        steps: Lanczos steps from each; no more are taken than there are dimensions.
        top: how many eigenvalues to report.
        generator: where probes come from.
        directions: tangents at ``params`` used as probes in place of draws; see ``average_case_sharpness``.
        progress: show a bar over the probes.

    Raises:
        ValueError: numbers that are not positive, a geometry without horizontal directions, or a loss that is
            not finite.
    """
    require_positive(probes=probes, steps=steps, top=top)
    chart = around(loss, params, geometry).chart
    if not chart.dimension:
        raise ValueError("there is no direction to move in: every parameter is pinned or vertical")
    hessian = RiemannianHessian(loss, chart)
    bar = "spectrum" if progress else None
    vectors = draws(params, geometry, chart, probes, generator=generator, directions=directions, progress=bar)
    runs = tuple(lanczos(hessian, flattened(x), min(steps, chart.dimension)) for x in vectors)
    return Spectrum(runs, chart.dimension, top)
