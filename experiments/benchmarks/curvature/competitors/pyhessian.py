"""PyHessian."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from measures import Estimate
from quotient import unflattened

from ....models.zoo import library
from ..problem import Problem
from .competitor import AbstractCompetitor, Density

#: Probes of one call, of which as many are made as the wanted error takes.
PROBES = 10
#: Iterations for one eigenvalue, where the tolerance does not stop it.
ITERATIONS = 10_000


class PyHessian(AbstractCompetitor):
    """Retained graph of the gradient; deflated power iteration stopped by change; Hutchinson's trace.

    The release has no standard error: it returns the samples, which are pooled until theirs is small enough. Its
    own criterion, the change of the mean, is switched off by ``tol=0``.
    """

    name = "PyHessian"
    package = "pyhessian"
    module = "pyhessian"
    calls = (
        "`hessian(data=batch, cuda=False)`; `eigenvalues(top_n=10, maxIter=10000, tol=...)`; "
        "`trace(maxIter=10, tol=0)`, pooled; `density(iter, n_v)`"
    )
    source = "https://github.com/amirgholami/PyHessian#usage"
    eigenvalue_efforts = tuple(10.0**-k for k in range(3, 10))

    def __init__(self, problem: Problem) -> None:
        peer = library("pyhessian")
        self._multiply = library("pyhessian.utils").hessian_vector_product
        with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
            # It calls loss.backward(create_graph=True), which warns of a reference cycle.
            warnings.simplefilter("ignore", UserWarning)
            data = problem.inputs, problem.targets
            self.hessian = peer.hessian(problem.model, nn.CrossEntropyLoss(), data=data, cuda=False)

    def prepared(self, vector: Tensor) -> Callable[[], Sequence[Tensor]]:
        hessian = self.hessian
        along = unflattened(vector, hessian.params)

        def product() -> Sequence[Tensor]:
            with sdpa_kernel(SDPBackend.MATH):
                return tuple(self._multiply(hessian.gradsH, hessian.params, along))

        return product

    def eigenvalues(self, count: int, effort: float, *, tolerance: float, seed: int) -> tuple[Tensor, int | None]:
        torch.manual_seed(seed)
        with sdpa_kernel(SDPBackend.MATH):
            values, _ = self.hessian.eigenvalues(maxIter=ITERATIONS, tol=effort, top_n=count)
        found = torch.tensor(values, dtype=torch.float64)
        return found[found.abs().argsort(descending=True)], None

    def trace(self, effort: float, *, rtol: float, seed: int) -> Estimate:
        torch.manual_seed(seed)
        samples: list[float] = []
        while True:
            with sdpa_kernel(SDPBackend.MATH):
                samples += self.hessian.trace(maxIter=PROBES, tol=0.0)
            found = Estimate(
                float(np.mean(samples)), float(np.std(samples, ddof=1) / len(samples) ** 0.5), len(samples)
            )
            if found.stderr <= rtol * abs(found.value):
                return found

    def density(self, probes: int, steps: int, *, seed: int) -> Density:
        torch.manual_seed(seed)
        with sdpa_kernel(SDPBackend.MATH):
            nodes, weights = self.hessian.density(iter=steps, n_v=probes)
        return Density(torch.tensor(nodes).flatten(), torch.tensor(weights).flatten() / probes, products=probes * steps)
