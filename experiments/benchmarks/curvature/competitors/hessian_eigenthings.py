"""hessian-eigenthings."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from measures import Estimate

from ....models.zoo import library
from ..problem import Problem
from .competitor import AbstractCompetitor, Density


class HessianEigenthings(AbstractCompetitor):
    """A new graph for every product; Lanczos of a given length; Hutch++ of a given number of products."""

    name = "hessian-eigenthings"
    package = "hessian-eigenthings"
    module = "hessian_eigenthings"
    calls = (
        "`HessianOperator(method='autograd')`; `lanczos(k=10, which='LM', reorthogonalize=True, max_iter=...)`; "
        "`trace(method='hutch++', num_matvecs=...)`; `spectral_density`"
    )
    source = "https://github.com/noahgolmant/pytorch-hessian-eigenthings/tree/master/docs"
    # It keeps all vectors of a Lanczos run, and a third as many as products for the trace: no more than memory holds.
    eigenvalue_efforts = tuple(round(12 * 1.15**k) for k in range(20))
    trace_efforts = tuple(round(30 * 1.15**k) for k in range(25))

    def __init__(self, problem: Problem) -> None:
        self.peer = library("hessian_eigenthings")
        loss_fn = self.peer.loss_fns.supervised_loss(F.cross_entropy)
        data = [(problem.inputs, problem.targets)]
        self.operator = self.peer.HessianOperator(problem.model, data, loss_fn)

    def prepared(self, vector: Tensor) -> Callable[[], Sequence[Tensor]]:
        def product() -> Sequence[Tensor]:
            with sdpa_kernel(SDPBackend.MATH):
                return (self.operator.matvec(vector),)

        return product

    def eigenvalues(self, count: int, effort: float, *, tolerance: float, seed: int) -> tuple[Tensor, int | None]:
        with sdpa_kernel(SDPBackend.MATH):
            found = self.peer.lanczos(
                self.operator, k=count, max_iter=int(effort), which="LM", reorthogonalize=True, seed=seed
            )
        return found.eigenvalues.double(), found.iterations

    def trace(self, effort: float, *, rtol: float, seed: int) -> Estimate:
        with sdpa_kernel(SDPBackend.MATH):
            found = self.peer.trace(self.operator, num_matvecs=int(effort), method="hutch++", seed=seed)
        return Estimate(found.estimate, found.stderr, 3 * (int(effort) // 3))

    def density(self, probes: int, steps: int, *, seed: int) -> Density:
        with sdpa_kernel(SDPBackend.MATH):
            found = self.peer.spectral_density(self.operator, num_runs=probes, lanczos_steps=steps, seed=seed)
        kept = ~torch.isnan(found.raw_eigenvalues)
        return Density(found.raw_eigenvalues[kept], found.raw_weights[kept] / probes, products=int(kept.sum()))
