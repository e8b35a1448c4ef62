"""Trying proposed factors on the recorded computation: detection proposes, this decides."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..factor import APPROXIMATE, SOFTMAX, AbstractFactor
from ..params import Params
from .recording import Recording

#: A false family changes the outputs by more than this, rounding in double precision by less.
TOLERANCE = 1e-8

#: Distance from the parameters as they are to the point of the trial, in units of their size: gains of one and biases
#: of zero have symmetries that others lack.
SPREAD, SPREAD_OF_ZERO = 0.3, 0.1


class Trial:
    """A generic point of the parameter space, and what the model computes there.

    Args:
        recording: the model.
        params: its parameters, on whose size the point depends.
        seed: of all draws.
    """

    def __init__(self, recording: Recording, params: Params, *, seed: int = 0) -> None:
        self._recording = recording
        self._seed = seed
        self._generator = torch.Generator().manual_seed(seed + 1)
        self._given = params
        self._shapes = {name: value.shape for name, value in params.items()}
        self._outputs: dict[bool, list[Tensor]] = {}

    def _point(self) -> Params:
        """Made anew each time: two copies of a large model in double precision would be held otherwise."""
        generator = torch.Generator().manual_seed(self._seed)
        return {name: _generic(value, generator) for name, value in self._given.items()}

    def _reference(self, without_eps: bool) -> list[Tensor]:
        if without_eps not in self._outputs:
            self._outputs[without_eps] = self._recording(self._point(), without_eps=without_eps)
        return self._outputs[without_eps]

    def defect(self, factors: Iterable[AbstractFactor]) -> float:
        """The relative change of the outputs under random elements of all the factors.

        Approximate ones are tried without the eps of norms, which they are said to hold for.
        """
        factors = list(factors)
        without_eps = any(APPROXIMATE in factor.flags for factor in factors)
        expected, params = self._reference(without_eps), self._point()
        for factor in factors:
            g = factor.random(self._shapes, generator=self._generator, condition=4.0, scale=1.0)
            params = factor.act(g, params)
        outputs = self._recording(params, without_eps=without_eps)
        softmax = any(SOFTMAX in factor.flags for factor in factors)
        changes = [
            _change(*((value.log_softmax(-1) for value in pair) if softmax and i == 0 else pair))
            for i, pair in enumerate(zip(outputs, expected, strict=True))
        ]
        return max(changes)

    def failing(self, groups: Sequence[tuple[AbstractFactor, ...]]) -> list[int]:
        """Which groups of factors change the function; approximate ones apart, what is exact must hold with eps."""
        approximate = [any(APPROXIMATE in factor.flags for factor in group) for group in groups]
        found = []
        for kind in (False, True):
            chosen = [i for i, is_approximate in enumerate(approximate) if is_approximate is kind]
            found += [chosen[i] for i in self._failing([groups[i] for i in chosen])]
        return sorted(found)

    def _failing(self, groups: Sequence[tuple[AbstractFactor, ...]]) -> list[int]:
        """All at once, and by halves where they do."""
        if not groups or self.defect([factor for group in groups for factor in group]) <= TOLERANCE:
            return []
        if len(groups) == 1:
            return [0]
        half = len(groups) // 2
        return self._failing(groups[:half]) + [half + i for i in self._failing(groups[half:])]


def _generic(value: Tensor, generator: torch.Generator) -> Tensor:
    """``value`` with noise of its own size."""
    size = torch.linalg.vector_norm(value, dtype=torch.float64).item() / max(value.numel(), 1) ** 0.5
    noise = torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.device)
    return noise.mul_(SPREAD * size or SPREAD_OF_ZERO).add_(value)


def _change(value: Tensor, expected: Tensor) -> float:
    if not value.numel():
        return 0.0
    if not value.is_floating_point() and not value.is_complex():
        value, expected = value.double(), expected.double()
    change = ((value - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float64).tiny)).item()
    return change if change == change else float("inf")
