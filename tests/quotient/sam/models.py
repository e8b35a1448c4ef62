"""Small models, a training loop, and optimizers of every kind: what sharpness-aware training is tested on."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Adaptive, Euclidean, Quotient, RiemannianSAM
from symmetries import (
    ModelSymmetry,
    declare,
    gated_mlp,
    key_bias,
    lora_pair,
    query_key,
    relu_rescaling,
    value_bias,
    value_output,
)

RADIUS = 0.05
SGD, ADAM, ADAMW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
Data = tuple[Tensor, Tensor]


class GatedMLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Adapter(nn.Module):
    """A frozen layer with a LoRA pair, read by another layer."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.head = nn.Linear(4, 5).requires_grad_(False), nn.Linear(5, 3)
        self.lora_A, self.lora_B = (nn.Parameter(torch.randn(s)) for s in ((2, 4), (5, 2)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.base(x) + x @ self.lora_A.T @ self.lora_B.T))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn, self.head = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)
        for p in (self.attn.in_proj_bias, self.attn.out_proj.bias):
            nn.init.normal_(p, std=0.3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.stack([x, x.flip(1), x.roll(1, 1)], dim=1)  # a sequence of three tokens
        return self.head(self.attn(x, x, x, need_weights=False)[0].mean(1))


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def smooth_mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def as_it_is(loss: Callable[[], Tensor]) -> Tensor:
    return loss()


def closure_of(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Data,
    objective: Callable[[Callable[[], Tensor]], Tensor] = as_it_is,
) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = objective(lambda: F.cross_entropy(model(data[0]), data[1]))
        loss.backward()
        return loss

    return closure


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Data,
    steps: int,
    objective: Callable[[Callable[[], Tensor]], Tensor] = as_it_is,
) -> list[float]:
    closure = closure_of(model, optimizer, data, objective)
    return [optimizer.step(closure).item() for _ in range(steps)]


def values(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def assert_same(a: list[Tensor], b: list[Tensor], *, atol: float = 0.0) -> None:
    torch.testing.assert_close(a, b, rtol=0.0, atol=atol)


ORBITS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], ModelSymmetry]]] = {
    "MLP": (mlp, lambda m: declare(m, relu_rescaling("0", "2"))),
    "attention": (Attention, lambda m: declare(m, query_key("attn"), value_output("attn"))),
    "attention, with sections": (
        Attention,
        lambda m: declare(m, query_key("attn"), value_output("attn"), key_bias("attn"), value_bias("attn")),
    ),
    "LoRA": (Adapter, lambda m: declare(m, lora_pair("lora_A", "lora_B"))),
    "gated MLP": (GatedMLP, lambda m: declare(m, gated_mlp(up="up", down="down"))),
}

Make = Callable[[nn.Module], RiemannianSAM]
OPTIMIZERS: dict[str, Make] = {
    "SAM, SGD": lambda m: RiemannianSAM(m.named_parameters(), Euclidean(), SGD, lr=0.1, momentum=0.9),
    "ASAM, AdamW": lambda m: RiemannianSAM(m.named_parameters(), Adaptive(), ADAMW, lr=0.01),
    "quotient, riemannian": lambda m: RiemannianSAM(
        m.named_parameters(),
        Quotient(declare(m, relu_rescaling("0", "2"))),
        SGD,
        mode="riemannian",
        lr=0.05,
        momentum=0.9,
    ),
    "quotient, adaptive": lambda m: RiemannianSAM(
        m.named_parameters(), Quotient(declare(m, relu_rescaling("0", "2"))), ADAMW, mode="riemannian", lr=0.01
    ),
}
