"""Many small systems of nonlinear equations, whose right sides are moved to where they belong little by little."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, lsmr
from torch import Tensor

#: What is missed of targets that have gone a fraction of their ways: ``(systems, unknowns), (systems,) -> (systems,
#: equations)``, every system by itself.
Missed = Callable[[Tensor, Tensor], Tensor]

#: The first move of a target, and one so short that the target counts as out of reach.
_MOVE, _LEAST_MOVE = 1 / 8, 1 / 256

#: Solutions are followed no closer than this; what counts is where they end.
_ON_THE_WAY = 1e-2

_NEWTON_STEPS = 8

#: Systems of at most so many unknowns are solved by factorization, larger ones by products.
_DENSE = 1100

#: Directions in which a system does not move at all: those of its symmetry.
_RANK = 1e-10

#: How accurately linear equations are solved by products, relative to what is missed.
_FORCING = 1e-2


@dataclass(frozen=True)
class Continuation:
    """How far solutions were followed.

    Attributes:
        unknowns: shape ``(systems, unknowns)``.
        fractions: of their ways that targets went while solutions could be followed, 1 on arrival.
        steps: of Newton's method.
    """

    unknowns: Tensor
    fractions: Tensor
    steps: int


def continued(missed: Missed, guess: Tensor, *, tolerance: float, max_steps: int) -> Continuation:
    """Follow the solutions of all systems from zero, by Gauss-Newton steps after every move of their targets.

    Moves are halved where steps do not arrive. A solution can end on its way, at a point where its system is singular.

    Args:
        missed: differentiable; zero at zero unknowns and fraction 0.
        guess: of the solutions, as they set out.
        tolerance: of the length of what is missed at the fraction 1.
        max_steps: of Newton's method, all systems at once.
    """
    at, ahead = torch.zeros_like(guess), guess
    fraction = guess.new_zeros(len(guess))
    move = torch.full_like(fraction, _MOVE)
    steps = 0
    while bool((under_way := (fraction < 1.0) & (move >= _LEAST_MOVE)).any()) and steps < max_steps:
        wanted = torch.where(under_way, (fraction + move).clamp(max=1.0), fraction)
        near = torch.where(wanted == 1.0, tolerance, max(tolerance, _ON_THE_WAY))
        first = at + (wanted - fraction).unsqueeze(-1) * ahead  # along the secant through the last two
        found, arrived, spent = _newton(missed, wanted, torch.where(under_way.unsqueeze(-1), first, at), near)
        steps += spent
        gone = under_way & arrived
        slope = (found - at) / (wanted - fraction).clamp_min(_LEAST_MOVE / 2).unsqueeze(-1)
        at, ahead = (torch.where(gone.unsqueeze(-1), new, old) for new, old in ((found, at), (slope, ahead)))
        fraction = torch.where(gone, wanted, fraction)
        move = torch.where(under_way & ~arrived, move / 2, move)
    return Continuation(at, fraction, steps)


def _newton(missed: Missed, fraction: Tensor, entries: Tensor, near: Tensor) -> tuple[Tensor, Tensor, int]:
    """Gauss-Newton steps of every system for as long as they help it; which systems are near, and the steps."""

    def here(unknowns: Tensor) -> Tensor:
        return missed(unknowns, fraction)

    solve = _factorized if entries.shape[-1] <= _DENSE else _iterated
    best, steps = torch.linalg.vector_norm(here(entries).detach(), dim=-1), 0
    busy = best > near
    while bool(busy.any()) and steps < _NEWTON_STEPS:
        further = entries + solve(here, entries)
        with torch.no_grad():
            lengths = torch.linalg.vector_norm(here(further), dim=-1)
        better = busy & (lengths < best)
        entries, best = torch.where(better.unsqueeze(-1), further, entries), torch.where(better, lengths, best)
        busy, steps = better & (best > near), steps + 1
    return entries, best <= near, steps


def _factorized(here: Callable[[Tensor], Tensor], entries: Tensor) -> Tensor:
    """The shortest least-squares solution of every linearized system, from its matrix."""
    value, pull = torch.func.vjp(here, entries)[:2]
    systems, equations = value.shape
    seeds = torch.eye(equations, dtype=value.dtype, device=value.device).unsqueeze(1).expand(-1, systems, -1)
    rows = torch.stack([pull(seed)[0] for seed in seeds])  # not batched: complex matrices have no rule for that
    return -(torch.linalg.pinv(rows.movedim(0, 1), rtol=_RANK) @ value.detach().unsqueeze(-1)).squeeze(-1)


def _iterated(here: Callable[[Tensor], Tensor], entries: Tensor) -> Tensor:
    """The same of all systems together by LSMR [FongSaunders2011], to an accuracy relative to what is missed."""
    value, pull = torch.func.vjp(here, entries)[:2]

    def forward(d: np.ndarray) -> np.ndarray:
        return torch.func.jvp(here, (entries,), (entries.new_tensor(d).view_as(entries),))[1].cpu().numpy().ravel()

    def backward(c: np.ndarray) -> np.ndarray:
        return pull(value.new_tensor(c).view_as(value))[0].cpu().numpy().ravel()

    accuracy = min(_FORCING, torch.linalg.vector_norm(value.detach()).item())
    slope = LinearOperator((value.numel(), entries.numel()), matvec=forward, rmatvec=backward, dtype=float)
    step = lsmr(slope, -value.detach().cpu().numpy().ravel(), atol=accuracy**2, btol=accuracy)[0]
    return entries.new_tensor(step).view_as(entries)
