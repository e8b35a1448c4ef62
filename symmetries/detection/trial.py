"""Trying proposed factors on the recorded computation: detection proposes, this decides."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..factor import APPROXIMATE, SOFTMAX, AbstractFactor
from ..halving import failing
from ..params import Params, double_space
from ..statistics import FixedStatistics, fold_, unfolded
from .recording import Recording

#: A false family changes the outputs by more than this, rounding in double precision by less.
TOLERANCE = 1e-8

#: Largest distance from the parameters as they are to the point of the trial, in units of their size: gains of one and
#: biases of zero have symmetries that others lack.
SPREAD, SPREAD_OF_ZERO = 0.5, 0.2

#: Entries that are put to the point at once: torch starts no second thread for so few.
PIECE = 2**15


class Trial:
    """A generic point of the parameter space, and what the model computes there.

    One copy of the parameters is held, which group elements move in place.

    Args:
        recording: the model.
        params: its parameters, on whose size the point depends.
        statistics: what is folded into the coordinates in which the factors act.
        seed: of all draws.
    """

    def __init__(
        self, recording: Recording, params: Params, statistics: Sequence[FixedStatistics] = (), *, seed: int = 0
    ) -> None:
        self._recording = recording
        self._statistics = statistics
        self._generator = torch.Generator().manual_seed(seed)
        self._seeds = {name: seed + i for i, name in enumerate(params, start=1)}
        self._given = params
        self._shapes = {name: value.shape for name, value in params.items()}
        self._outputs: dict[bool, list[Tensor]] = {}
        self._space = double_space(params)
        self._moved = set(params)

    def _point(self) -> Params:
        """The parameters at the point, for factors to move: what they moved last is put back."""
        norms = [norm for norm in self._statistics if self._moved & {norm.gain, norm.shift}]
        for name in self._moved.union(*((norm.gain, norm.shift) for norm in norms)):
            given, point = (_pieces(tensor) for tensor in (self._given[name], self._space[name]))
            squares = sum(torch.linalg.vector_norm(piece.double()).item() ** 2 for piece in given)
            size = SPREAD * (squares / max(self._given[name].numel(), 1)) ** 0.5 or SPREAD_OF_ZERO
            generator = torch.Generator(self._given[name].device).manual_seed(self._seeds[name])
            for piece, center in zip(point, given, strict=True):
                # Gaussian noise would take three times as long, most of the time of a trial of a large model
                noise = torch.empty_like(piece).uniform_(-size, size, generator=generator)
                piece.copy_(center).add_(noise)
        self._moved = set()
        fold_(self._space, norms)
        return self._space

    def _outputs_of(self, point: Params, without_eps: bool) -> list[Tensor]:
        return self._recording(unfolded(point, self._statistics), without_eps=without_eps)

    def _reference(self, without_eps: bool) -> list[Tensor]:
        """The outputs at the point."""
        if without_eps not in self._outputs:
            outputs = self._outputs_of(self._point(), without_eps)
            self._outputs[without_eps] = [value.clone() for value in outputs]  # some may be parameters, which move
        return self._outputs[without_eps]

    def defect(self, factors: Iterable[AbstractFactor]) -> float:
        """The relative change of the outputs under random elements of all the factors.

        Approximate ones are tried without the eps of norms, which they are said to hold for.
        """
        factors = list(factors)
        without_eps = any(APPROXIMATE in factor.flags for factor in factors)
        expected, point = self._reference(without_eps), self._point()
        for factor in factors:
            g = factor.random(self._shapes, generator=self._generator, condition=4.0, scale=1.0)
            factor.act_(g, point)
            self._moved |= factor.parameters
        outputs = self._outputs_of(point, without_eps)
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
            found += failing(chosen, lambda part: not self.defect(f for i in part for f in groups[i]) <= TOLERANCE)
        return sorted(found)


def _pieces(tensor: Tensor) -> Sequence[Tensor]:
    """The entries as real numbers, by pieces that fit into a cache: conversions and noise take no space."""
    real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return real.reshape(-1).split(PIECE)


def _change(value: Tensor, expected: Tensor) -> float:
    if not value.numel():
        return 0.0
    if not value.is_floating_point() and not value.is_complex():
        value, expected = value.double(), expected.double()
    change = ((value - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float64).tiny)).item()
    return change if change == change else float("inf")
