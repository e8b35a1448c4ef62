"""The Jacobian of a network's outputs with respect to its parameters: rows, products, and its norm."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..function import NetworkFunction
from ..params import Covector, Params, Tangent

#: Rows taken in one backward pass: more of them leave the processor's cache. Measured on one core, against rows alone:
#: 8, 16, 32, 64 rows take 0.72, 0.66, 0.65, 2.3 of the time on a small encoder-decoder.
BATCH = 32

#: Entries of gradients held at once: a large model gets fewer rows in one pass.
HELD = 10_000_000

#: Rows taken together and alone agree to this share of their size.
AGREEMENT = 1e-10

#: Iterations of the power method: its estimate of the norm is a lower bound, which makes defects larger, never smaller.
POWER_STEPS = 8


@dataclass(frozen=True)
class Jacobian:
    r""":math:`J = \partial f / \partial \theta` by reverse mode, never stored.

    Rows come from backward passes, batched where the batching rules agree with a pass alone; products :math:`J v` from
    a second backward pass through the first, which is linear in its cotangent: no derivative of second order in the
    parameters is taken, and no operation needs a forward-mode rule.

    Args:
        function: the network on its inputs.
        params: the point.
    """

    function: NetworkFunction
    params: Params

    @cached_property
    def leaves(self) -> Params:
        """The point, as what derivatives are taken for."""
        return {name: value.detach().clone().requires_grad_() for name, value in self.params.items()}

    @cached_property
    def outputs(self) -> Tensor:
        """The outputs with their graph; the math backend of attention has all derivatives."""
        with sdpa_kernel(SDPBackend.MATH):
            return self.function.flat(self.leaves)

    @property
    def parameters(self) -> int:
        """The number of columns."""
        return sum(value.numel() for value in self.params.values())

    def rows(self, weights: Tensor) -> Iterator[Covector]:
        """``weights @ J``, some rows at a time: gradients of shape ``(rows, *shape)`` by name."""
        weights = weights.to(self.outputs)
        batch = max(1, min(BATCH, HELD // self.parameters)) if self._batches(weights[:2]) else 1
        for chunk in weights.split(batch):
            grads = self._pull(chunk, batched=True) if batch > 1 else [g[None] for g in self._pull(chunk[0])]
            yield dict(zip(self.leaves, grads, strict=True))

    def dense(self, weights: Tensor) -> Tensor:
        """``weights @ J`` as one matrix on the CPU."""
        parts = (torch.cat([g.reshape(len(g), -1) for g in rows.values()], 1).cpu() for rows in self.rows(weights))
        return torch.cat(list(parts))

    def product(self, tangent: Tangent) -> Tensor:
        """``J v``; entries that ``tangent`` lacks are zero."""
        probe, pulled = self._transpose
        chosen = [(pulled[name], v.to(pulled[name])) for name, v in tangent.items() if pulled[name].requires_grad]
        if not chosen:
            return torch.zeros_like(probe)
        along = torch.autograd.grad(
            [g for g, _ in chosen], probe, [v for _, v in chosen], retain_graph=True, materialize_grads=True
        )
        return along[0]

    def norm(self, generator: torch.Generator | None) -> float:
        """A lower bound of the largest singular value, by the power method."""
        v = {name: torch.randn(p.shape, generator=generator, dtype=p.dtype) for name, p in self.params.items()}
        norm = 0.0
        for _ in range(POWER_STEPS):
            size = tangent_norm(v)
            image = self.product({name: value / size for name, value in v.items()})
            norm = max(norm, image.norm().item())
            v = dict(zip(self.leaves, self._pull(image), strict=True))
            if not norm:
                break
        return norm

    def _pull(self, weights: Tensor, batched: bool = False) -> list[Tensor]:
        return list(
            torch.autograd.grad(
                self.outputs,
                list(self.leaves.values()),
                weights,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
                is_grads_batched=batched,
            )
        )

    def _batches(self, weights: Tensor) -> bool:
        """Whether rows taken together are those taken alone: not every operation has a batching rule."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a rule that is missing falls back to a loop, with a warning
                together = self._pull(weights, batched=True)
        except (RuntimeError, UserWarning):
            return False
        alone = [torch.stack(rows) for rows in zip(*map(self._pull, weights), strict=True)]
        off = sum((a - b).square().sum() for a, b in zip(together, alone, strict=True))
        return bool(off <= AGREEMENT**2 * sum(b.square().sum() for b in alone))

    @cached_property
    def _transpose(self) -> tuple[Tensor, Covector]:
        """A cotangent, and its pull-back as a function of it."""
        probe = torch.zeros_like(self.outputs, requires_grad=True)
        with sdpa_kernel(SDPBackend.MATH):
            pulled = torch.autograd.grad(
                self.outputs,
                list(self.leaves.values()),
                probe,
                create_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        return probe, dict(zip(self.leaves, pulled, strict=True))


def tangent_norm(tangent: Tangent) -> float:
    """The Euclidean norm of all entries together."""
    return math.sqrt(sum(value.square().sum().item() for value in tangent.values()))
