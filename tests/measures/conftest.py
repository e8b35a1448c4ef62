"""Losses whose measures are known, and networks on which the usual ways to a Hessian go wrong."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from measures import EmpiricalLoss
from symmetries import GeneralLinear, ModelSymmetry, Params, Symmetry, View


class Quadratic(nn.Module):
    """``w -> w'Aw/2 + b'w`` for a batch ``(A, b)``."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(dimension, dtype=torch.float64))

    def forward(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        matrix, linear = batch
        return self.w @ matrix @ self.w / 2 + linear @ self.w


@pytest.fixture
def quadratic() -> Callable[..., EmpiricalLoss]:
    """The loss ``w'Aw/2 + b'w``, averaged over the matrices given."""

    def make(*matrices: Tensor, linear: Tensor | None = None) -> EmpiricalLoss:
        b = torch.zeros_like(matrices[0][0]) if linear is None else linear
        return EmpiricalLoss(Quadratic(len(b)), lambda f, batch: f(batch), [(a, b) for a in matrices])

    return make


class Classifier(nn.Module):
    """A trained layer norm between two linear maps; with ``attention``, a stock transformer layer in between."""

    def __init__(self, attention: bool = False, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.norm = nn.LayerNorm(width)
        self.layer = (
            nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True, activation="gelu")
            if attention
            else nn.GELU()
        )
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.norm(self.embed(x))).mean(dim=1))


@pytest.fixture
def classifier(float64: torch.dtype, generator: torch.Generator) -> Callable[..., tuple[EmpiricalLoss, Params]]:
    """Cross-entropy of a classifier with generic parameters, all norm weights included, on random sequences."""

    def make(attention: bool = False, batches: int = 2, **options: int) -> tuple[EmpiricalLoss, Params]:
        model = Classifier(attention).eval()
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.3 * torch.randn(p.shape, generator=generator))
        data = [
            (torch.randn(6, 5, 3, generator=generator), torch.randint(3, (6,), generator=generator))
            for _ in range(batches)
        ]
        loss = EmpiricalLoss(model, lambda f, b: nn.functional.cross_entropy(f(b[0]), b[1]), data, **options)
        return loss, {name: p.detach() for name, p in model.named_parameters()}

    return make


@pytest.fixture
def symmetric(generator: torch.Generator) -> Callable[..., Tensor]:
    """A random symmetric matrix with the given eigenvalues."""

    def make(*eigenvalues: float) -> Tensor:
        n = len(eigenvalues)
        basis = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
        return basis * torch.tensor(eigenvalues, dtype=torch.float64) @ basis.mT

    return make


@pytest.fixture
def dense_hessian() -> Callable[[EmpiricalLoss, Params], Tensor]:
    """The Hessian, row by row: reverse mode through a second, looped reverse mode. No vmap, plain attention."""

    def make(loss: EmpiricalLoss, params: Params) -> Tensor:
        leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            parts = torch.autograd.grad(loss(leaves), list(leaves.values()), create_graph=True)
            gradient = torch.cat([part.reshape(-1) for part in parts])
            rows = [
                torch.cat([r.reshape(-1) for r in torch.autograd.grad(g, list(leaves.values()), retain_graph=True)])
                for g in gradient
            ]
        return torch.stack(rows)

    return make


@pytest.fixture
def low_rank(float64: torch.dtype, generator: torch.Generator) -> tuple[EmpiricalLoss, Params, ModelSymmetry]:
    """A loss that sees ``B`` and ``A`` only through their product ``B A``, and the symmetry GL(2) that says so."""

    class LowRank(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.B, self.A = (nn.Parameter(torch.randn(*s, generator=generator)) for s in ((5, 2), (2, 4)))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.A.T @ self.B.T).sin()

    model = LowRank()
    pair = Symmetry(GeneralLinear(2), (View("B", "n h -> 1 n h"),), (View("A", "h m -> 1 m h"),))
    params = {name: p.detach() for name, p in model.named_parameters()}
    data = [torch.randn(8, 4, generator=generator) for _ in range(2)]
    loss = EmpiricalLoss(model, lambda f, x: (f(x) - x.sum(1, keepdim=True)).square().mean(), data)
    return loss, params, ModelSymmetry((pair,), {name: p.shape for name, p in params.items()})
