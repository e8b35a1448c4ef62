"""Sums of functions over the eigenvalues of an operator, with errors that count both of their sources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..draws import jackknife
from ..traces.quadratic_forms import variance_of_mean
from .canonical import canonical_rules
from .lanczos import JacobiMatrix

#: From eigenvalues, of any shape, to q functions of each, shape ``(..., q)``.
Functions = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SumEstimates:
    """Estimates of one or several numbers.

    Args:
        value: shape ``(q,)``, float64; 0-dimensional for a single number, as are the others.
        sampling: their standard errors over random vectors.
        unresolved: how far, at most, too few Lanczos steps move them.
    """

    value: Tensor
    sampling: Tensor
    unresolved: Tensor

    @property
    def stderr(self) -> Tensor:
        """The stated error: two of them are two standard errors, and all of what the Lanczos steps leave open."""
        return self.sampling + self.unresolved / 2


@dataclass(frozen=True)
class SpectralSums:
    r"""The sums :math:`\sum_i f(\lambda_i)` by stochastic Lanczos quadrature [Ubaru2017], beside known eigenvalues.

    .. math:: \sum_i f(\lambda_i) \approx \sum_{i=1}^{k} f(\mu_i) + \frac{d-k}{p} \sum_{l=1}^{p} \int f\, d\nu_l

    with k known eigenvalues :math:`\mu` and the spectral measures :math:`\nu_l` of p random vectors of the complement,
    each known from m Lanczos steps. The estimate takes the middle of what those steps leave open, see
    :func:`measures.spectra.canonical.canonical_rules`: more random vectors do not reduce that part of the error.
    The other part is the larger of two standard errors over random vectors: that of quadratic forms on a sphere, whose
    variance is itself the sum of a function over the spectrum, see
    :func:`measures.traces.quadratic_forms.variance_of_mean`; and the jackknife, which takes two vectors.

    Args:
        runs: one Jacobi matrix for every random vector.
        dimension: d.
        known: :math:`\mu`, shape ``(k,)``, float64.
    """

    runs: tuple[JacobiMatrix, ...]
    dimension: int
    known: Tensor

    def sums(self, functions: Functions, *, bends: Sequence[float] = (0.0,)) -> SumEstimates:
        """The sums of q functions.

        Args:
            functions: from eigenvalues to the functions of each.
            bends: where they are not smooth.
        """
        return self._estimated(functions, self._rules(bends))[0]

    def estimate(
        self, functions: Functions, statistic: Callable[[Tensor], Tensor], *, bends: Sequence[float] = (0.0,)
    ) -> SumEstimates:
        r"""A number :math:`\phi(S)` that depends on the sums S of q functions, such as a ratio.

        To first order in their errors it is the sum of the single function :math:`\nabla \phi(S) \cdot f`.

        Args:
            functions: from eigenvalues to the functions of each.
            statistic: :math:`\phi`, from shape ``(q,)`` to a 0-dimensional tensor; differentiable.
            bends: where the functions are not smooth.
        """
        rules = self._rules(bends)
        sums, samples = self._estimated(functions, rules)
        slope = torch.func.grad(statistic)(sums.value)
        linear, _ = self._estimated(lambda t: (functions(t) @ slope).unsqueeze(-1), rules)
        shift = linear.value[0] - slope @ sums.value
        sampling = linear.sampling[0]
        spread = jackknife(lambda s: statistic(s.mean(dim=0)), samples)
        if spread is not None:
            sampling = torch.maximum(sampling, spread)
        return SumEstimates(statistic(sums.value) + shift, sampling, linear.unresolved[0])

    @cached_property
    def _rules_at_zero(self) -> list[tuple[Tensor, Tensor]]:
        return [canonical_rules(run) for run in self.runs]

    def _rules(self, bends: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
        at_zero = tuple(bends) == (0.0,)
        return self._rules_at_zero if at_zero else [canonical_rules(run, bends) for run in self.runs]

    def _estimated(self, functions: Functions, rules: Sequence[tuple[Tensor, Tensor]]) -> tuple[SumEstimates, Tensor]:
        """The estimates, and those of every random vector by itself, shape ``(p, q)``."""
        base, rest = functions(self.known).sum(dim=0), self.dimension - len(self.known)
        middles, halves, squares = [], [], []
        for nodes, weights in rules:
            values = functions(nodes)  # (rules, nodes, q)
            low, high = torch.einsum("rn,rnq->rq", weights, values).aminmax(dim=0)
            middles.append((low + high) / 2)
            halves.append((high - low) / 2)
            squares.append(torch.einsum("rn,rnq->rq", weights, values.square()).mean(dim=0))
        samples = rest * torch.stack(middles)
        mean, square = samples.mean(dim=0), rest * torch.stack(squares).mean(dim=0)
        sampling = variance_of_mean(mean, square, dimension=rest, probes=len(rules)).sqrt()
        spread = jackknife(lambda s: s.mean(dim=0), samples)
        if spread is not None:
            sampling = torch.maximum(sampling, spread)
        return SumEstimates(base + mean, sampling, rest * torch.stack(halves).mean(dim=0)), base + samples
