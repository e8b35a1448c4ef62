"""The spectrum of a symmetric operator: top eigenvalues, trace, norms, density, entropy."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..arguments import require_positive
from ..traces.estimate import Estimate
from .entropy import RenyiEntropy, require_order
from .lanczos import JacobiMatrix
from .outliers import NO_OUTLIERS, Outliers
from .spectral_sums import Functions, SpectralSums, SumEstimates

#: At the order 0, eigenvalues below this share of the largest modulus count as zero.
RANK_THRESHOLD = 0.01


@dataclass(frozen=True)
class Spectrum:
    r"""A symmetric operator H on a space of dimension d, seen through Lanczos runs from independent random vectors.

    Traces of functions of H are sums over its eigenvalues, by stochastic Lanczos quadrature [Ubaru2017]; outliers
    that were found beforehand are exact in them. Every estimate has a stated error for both of its sources, random
    vectors and Lanczos steps: see :class:`measures.spectra.spectral_sums.SpectralSums`.

    Args:
        runs: one Jacobi matrix for every probe, on the complement of the outliers.
        dimension: d.
        top: how many eigenvalues to report.
        outliers: eigenvalues that are known.
    """

    runs: tuple[JacobiMatrix, ...]
    dimension: int
    top: int = 10
    outliers: Outliers = NO_OUTLIERS

    @cached_property
    def _sums(self) -> SpectralSums:
        return SpectralSums(self.runs, self.dimension, self.outliers.values)

    @cached_property
    def _leading(self) -> tuple[Tensor, Tensor]:
        """The largest Ritz values over all runs, rank by rank, among the outliers; and their residuals."""
        count = min(self.top, *(run.steps for run in self.runs))
        ranked = torch.stack([run.nodes.flip(0)[:count] for run in self.runs])
        residuals = torch.stack([run.residuals.flip(0)[:count] for run in self.runs])
        best, run = ranked.max(dim=0)
        values = torch.cat([self.outliers.values, best])
        residuals = torch.cat([self.outliers.residuals, residuals.gather(0, run.unsqueeze(0)).squeeze(0)])
        order = values.argsort(descending=True)[: self.top]
        return values[order], residuals[order]

    @property
    def eigenvalues(self) -> Tensor:
        """The algebraically largest eigenvalues, descending, shape ``(top,)``, float64.

        Outliers, and below them Ritz values: the i-th largest of all runs is a lower bound of the i-th eigenvalue. A
        run finds an eigenvalue once, whatever its multiplicity.
        """
        return self._leading[0]

    @property
    def residuals(self) -> Tensor:
        """For each of :attr:`eigenvalues`, a distance within which H has an eigenvalue, shape ``(top,)``."""
        return self._leading[1]

    @cached_property
    def _largest(self) -> tuple[float, float]:
        """The largest modulus of an eigenvalue that was found, and its residual."""
        moduli = torch.cat([self.outliers.values.abs(), *(run.nodes.abs() for run in self.runs)])
        residuals = torch.cat([self.outliers.residuals, *(run.residuals for run in self.runs)])
        if not bool(moduli.max() > 0):
            raise ValueError("the operator is zero: its spectrum has no scale and no distribution")
        return moduli.max().item(), residuals[moduli.argmax()].item()

    @property
    def products(self) -> int:
        """How many products with the operator were taken."""
        return self.outliers.products + sum(run.steps for run in self.runs)

    @property
    def trace(self) -> float:
        """The estimate of tr H; unbiased, whatever the number of steps."""
        return self.sum(lambda t: t).value

    @property
    def trace_stderr(self) -> float:
        """Its standard error."""
        return self.sum(lambda t: t).stderr

    def sum(self, function: Callable[[Tensor], Tensor], *, bends: Sequence[float] = (0.0,)) -> Estimate:
        r"""The sum :math:`\mathrm{tr} f(H) = \sum_i f(\lambda_i)`.

        Args:
            function: f, elementwise.
            bends: where f is not smooth; on either side of a jump.
        """
        found = self._sums.sums(lambda t: function(t).unsqueeze(-1), bends=bends)
        return self._stated(SumEstimates(found.value[0], found.sampling[0], found.unresolved[0]))

    def frobenius_norm(self) -> Estimate:
        r"""The root of :math:`\sum_i \lambda_i^2`; one step knows all there is to know of it."""
        square = self.sum(torch.square)
        value = math.sqrt(square.value)
        slope = 0.5 / value if value else 0.0
        return Estimate(value, slope * square.stderr, square.products, slope * square.unresolved)

    def nuclear_norm(self) -> Estimate:
        r"""The sum :math:`\sum_i |\lambda_i|`: the trace of a positive operator."""
        return self.sum(torch.abs)

    def effective_rank(self, alpha: float = 2.0) -> Estimate:
        r"""How many eigenvalues of equal size have the same Rényi entropy, :math:`e^{H_\alpha}`.

        For order 2 it is :math:`(\sum |\lambda_i|)^2 / \sum \lambda_i^2`; for order 1 the exponential of the Shannon
        entropy [RoyVetterli2007]; for order 0 the number of eigenvalues above 1 % of the largest; for infinite order
        the nuclear norm over the spectral norm, for a positive operator its intrinsic dimension.

        Raises:
            ValueError: a negative order, or an operator that is zero.
        """
        entropy = self.renyi_estimate(alpha)
        value = math.exp(-entropy.value)
        # Two stated errors reach up to the exponential of two of the entropy's, and further down than that.
        error = value * math.expm1(2 * entropy.stderr) / 2
        return Estimate(value, error, entropy.products, value * math.expm1(entropy.unresolved))

    def log_determinant(self, damping: float) -> Estimate:
        r"""The regularized log-determinant :math:`\sum_i \log(|\lambda_i| + \epsilon)`.

        For a positive operator, such as Gauss-Newton, it is :math:`\log \det (H + \epsilon I)`. Without moduli it
        would be undefined for eigenvalues below :math:`-\epsilon`, and without damping infinite for singular H: on
        the null directions of an overparametrized network it is :math:`\log \epsilon` each.

        Args:
            damping: :math:`\epsilon`, positive.

        Raises:
            ValueError: damping that is not positive.
        """
        require_positive(damping=damping)
        return self.sum(lambda t: (t.abs() + damping).log())

    def renyi(self, alpha: float) -> float:
        """The value of :meth:`renyi_estimate`."""
        return self.renyi_estimate(alpha).value

    def renyi_stderr(self, alpha: float) -> float:
        """Its stated error."""
        return self.renyi_estimate(alpha).stderr

    def renyi_estimate(self, alpha: float) -> Estimate:
        r"""Rényi sharpness :math:`-H_\alpha`; see :func:`measures.renyi_sharpness`.

        Raises:
            ValueError: a negative order, or an operator that is zero.
        """
        require_order(alpha)
        largest, residual = self._largest
        entropy = RenyiEntropy(alpha, largest, RANK_THRESHOLD)
        found = self._sums.estimate(entropy.terms, lambda sums: -entropy(sums), bends=entropy.bends)
        if alpha == math.inf:  # the one order for which the unit matters
            found = replace(found, unresolved=found.unresolved + math.log1p(residual / largest))
        return self._stated(found)

    def _stated(self, found: SumEstimates) -> Estimate:
        return Estimate(found.value.item(), found.stderr.item(), self.products, found.unresolved.item())

    def grid(self, points: int = 512, *, width: float | None = None) -> Tensor:
        """Equidistant arguments for :meth:`density` that hold all of its mass, shape ``(points,)``."""
        width = self._width(width)
        ends = torch.cat([self.outliers.values, *(run.nodes[[0, -1]] for run in self.runs)])
        low, high = ends.min().item(), ends.max().item()
        return torch.linspace(low - 5 * width, high + 5 * width, points, dtype=torch.float64)

    def density(self, grid: Tensor, *, width: float | None = None) -> Tensor:
        r"""The spectral density, of integral 1, smoothed by a Gaussian [Lin2016], [Ghorbani2019].

        Args:
            grid: arguments, shape ``(points,)``.
            width: the standard deviation of the Gaussian; by default 1 % of the largest modulus of a Ritz
                value. One that is narrower than the distance between Ritz values shows in the stated errors.
        """
        bumps = self._bumps(grid, width)
        rest = self.dimension - len(self.outliers.values)
        measured = torch.stack([torch.tensordot(run.weights, bumps(run.nodes), dims=1) for run in self.runs])
        return bumps(self.outliers.values).sum(dim=0) + rest * measured.mean(dim=0)

    def density_stderr(self, grid: Tensor, *, width: float | None = None) -> Tensor:
        """The stated error of :meth:`density`, shape ``(points,)``."""
        found = self._sums.sums(self._bumps(grid, width))
        # The Gauss rule, of integral 1, is not the middle of what the Lanczos steps leave open.
        return found.stderr + (self.density(grid, width=width) - found.value).abs() / 2

    def _bumps(self, grid: Tensor, width: float | None) -> Functions:
        """The share of every eigenvalue in the density."""
        width = self._width(width)

        def bumps(eigenvalues: Tensor) -> Tensor:
            z = (grid.to(eigenvalues) - eigenvalues.unsqueeze(-1)) / width
            return torch.exp(-z.square() / 2) / (width * math.sqrt(2 * math.pi) * self.dimension)

        return bumps

    def _width(self, width: float | None) -> float:
        if width is None:
            try:
                width = 0.01 * self._largest[0]
            except ValueError as error:
                raise ValueError(f"{error}; give width=...") from error
        require_positive(width=width)
        return width

    def truncated(self, steps: int) -> "Spectrum":
        """What fewer Lanczos steps would have given, to judge convergence; costs no products."""
        return Spectrum(tuple(run.truncated(steps) for run in self.runs), self.dimension, self.top, self.outliers)
