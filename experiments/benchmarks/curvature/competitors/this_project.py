"""This project."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from measures import EmpiricalLoss, Estimate, RiemannianHessian, eigenpairs, hessian_spectrum, trace
from quotient import Euclidean, unflattened

from ..problem import Problem
from .competitor import AbstractCompetitor, Density


class ThisProject(AbstractCompetitor):
    """The graph of the gradient is kept; every target has a stopping rule of its own."""

    name = "this project"
    package = "quotient-sharpness"
    module = "measures"
    calls = (
        "`EmpiricalLoss.hessian`; `eigenpairs(which='magnitude', tolerance=1e-4)`; `trace(rtol=0.01)`; "
        "`hessian_spectrum`"
    )
    source = "the docstrings of `measures`"

    def __init__(self, problem: Problem) -> None:
        self.params = {name: p.detach() for name, p in problem.model.named_parameters()}
        data = problem.inputs, problem.targets
        self.loss = EmpiricalLoss(
            problem.model, lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]), [data]
        )
        self.hessian = self.loss.hessian(self.params)

    def prepared(self, vector: Tensor) -> Callable[[], Sequence[Tensor]]:
        tangent = dict(zip(self.params, unflattened(vector, tuple(self.params.values())), strict=True))
        return lambda: tuple(self.hessian(tangent).values())

    def eigenvalues(self, count: int, effort: float, *, tolerance: float, seed: int) -> tuple[Tensor, int | None]:
        found = eigenpairs(self.operator(), count, which="magnitude", tolerance=tolerance, generator=_generator(seed))
        return found.values, found.products

    def trace(self, effort: float, *, rtol: float, seed: int) -> Estimate:
        return trace(self.operator(), rtol=rtol, generator=_generator(seed))

    def density(self, probes: int, steps: int, *, seed: int) -> Density:
        spectrum = hessian_spectrum(self.loss, self.params, probes=probes, steps=steps, generator=_generator(seed))
        nodes = torch.cat([run.nodes for run in spectrum.runs])
        weights = torch.cat([run.weights for run in spectrum.runs]) / probes
        return Density(nodes, weights, products=len(nodes))

    def operator(self) -> RiemannianHessian:
        """The Hessian as an operator on flat vectors."""
        return RiemannianHessian(self.loss, Euclidean().chart(self.params))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
