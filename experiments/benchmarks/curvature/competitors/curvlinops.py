"""curvlinops."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from measures import Estimate
from quotient import unflattened

from ....models.zoo import library
from ..problem import Problem
from .competitor import AbstractCompetitor, Density

#: Vectors multiplied at once where a method has many: its products share one pass then.
BLOCK = 8
#: No spread is believed from fewer calls.
FEWEST = 5


class Curvlinops(AbstractCompetitor):
    """Forward over vmapped reverse mode; SciPy's eigensolvers; Hutchinson, Hutch++ and XTrace without errors.

    Its trace estimators return a number without an error, so that independent calls are pooled until the standard
    error of their mean is small enough. Its density comes smoothed by a width of its own; the Lanczos iteration below
    it is taken, without the search for the boundaries of the spectrum that it would cost.
    """

    name = "curvlinops"
    package = "curvlinops-for-pytorch"
    module = "curvlinops"
    calls = (
        "`HessianLinearOperator(check_deterministic=False)`; `scipy.sparse.linalg.eigsh(H.to_scipy(), k=10, "
        "which='LM', tol=...)`; `hutchinson_trace(H, num_matvecs=8)`, pooled; `fast_lanczos`"
    )
    source = "https://curvlinops.readthedocs.io/en/3.0.1/basic_usage/index.html"
    eigenvalue_efforts = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)

    def __init__(self, problem: Problem) -> None:
        self.peer = library("curvlinops")
        self._lanczos = library("curvlinops.papyan2020traces.spectrum").fast_lanczos
        self.parameters = problem.parameters
        data = [(problem.inputs, problem.targets)]
        self.operator = self.peer.HessianLinearOperator(
            problem.model, nn.CrossEntropyLoss(), problem.parameters, data, check_deterministic=False
        )

    def prepared(self, vector: Tensor) -> Callable[[], Sequence[Tensor]]:
        along = list(unflattened(vector, self.parameters))

        def product() -> Sequence[Tensor]:
            with sdpa_kernel(SDPBackend.MATH):
                return tuple(self.operator @ along)

        return product

    def eigenvalues(self, count: int, effort: float, *, tolerance: float, seed: int) -> tuple[Tensor, int | None]:
        eigsh = library("scipy.sparse.linalg").eigsh
        start = torch.randn(self.operator.shape[1], generator=torch.Generator().manual_seed(seed)).numpy()
        with sdpa_kernel(SDPBackend.MATH):
            values = eigsh(
                self.operator.to_scipy(), k=count, which="LM", tol=effort, v0=start, return_eigenvectors=False
            )
        found = torch.from_numpy(values).double()
        return found[found.abs().argsort(descending=True)], None

    def trace(self, effort: float, *, rtol: float, seed: int) -> Estimate:
        torch.manual_seed(seed)
        means: list[Tensor] = []
        while True:
            with sdpa_kernel(SDPBackend.MATH):
                means.append(self.peer.hutchinson_trace(self.operator, num_matvecs=BLOCK).double())
            if len(means) >= FEWEST:
                value, stderr = torch.stack(means).mean().item(), torch.stack(means).std().item() / len(means) ** 0.5
                if stderr <= rtol * abs(value):
                    return Estimate(value, stderr, BLOCK * len(means))

    def density(self, probes: int, steps: int, *, seed: int) -> Density:
        torch.manual_seed(seed)
        with sdpa_kernel(SDPBackend.MATH):
            runs = [self._lanczos(self.operator, steps) for _ in range(probes)]
        nodes = torch.cat([values for values, _ in runs])
        weights = torch.cat([vectors[0].square() for _, vectors in runs]) / probes
        return Density(nodes, weights, products=len(nodes))
