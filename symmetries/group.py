"""The one group family this project needs: invertible matrices, in copies."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .stacks import times


@dataclass(frozen=True)
class GeneralLinear:
    r"""The group :math:`GL(h)` over the reals or the complex numbers, acting on factor pairs.

    .. math:: (G, H) \mapsto (G A^{-1}, H A^{H}), \qquad (\xi_G, \xi_H) = (-G X, H X^{H}),

    so that :math:`G H^{H}` does not change. ``GeneralLinear(1)`` is rescaling. ``positive=True`` keeps the component
    of the identity (:math:`\det A > 0`), for :math:`h = 1` the positive scalings that a ReLU allows.

    Example:
        >>> group = GeneralLinear(2)
        >>> g = group.random(3, generator=torch.Generator().manual_seed(0), condition=10.0)
        >>> g.shape, round(torch.linalg.cond(g).max().item(), 6)
        (torch.Size([3, 2, 2]), 10.0)

    Raises:
        ValueError: ``h < 1``, an unknown field, or ``positive`` over the complex numbers (that group is connected).
    """

    h: int
    field: Literal["real", "complex"] = "real"
    positive: bool = False

    def __post_init__(self) -> None:
        if self.h < 1:
            raise ValueError(f"GL(h) needs h >= 1, got h={self.h}")
        if self.field not in ("real", "complex"):
            raise ValueError(f"field must be 'real' or 'complex', got {self.field!r}")
        if self.positive and self.field == "complex":
            raise ValueError("GL(h, C) is connected: positive=True has a meaning over the reals only")

    def __str__(self) -> str:
        return f"GL({self.h}, {'R' if self.field == 'real' else 'C'}){'+' if self.positive else ''}"

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of group elements: float64 or complex128, whatever the parameters are."""
        return torch.float64 if self.field == "real" else torch.complex128

    @property
    def dimension(self) -> int:
        """The real dimension of one copy."""
        return self.h**2 * (1 if self.field == "real" else 2)

    def random(
        self, copies: int, *, generator: torch.Generator | None = None, condition: float = 10.0, scale: float = 1.0
    ) -> Tensor:
        r"""Random elements, shape ``(copies, h, h)``, each of condition number ``condition`` and size ``scale``.

        :math:`A = s\, U D V^{H}` with Haar-like unitaries and singular values log-uniform over
        :math:`[c^{-1/2}, c^{1/2}]`, both ends attained. For ``h = 1``, where every condition number is one, the scaling
        itself is drawn from that interval, with either sign (or any phase) unless ``positive``.
        """
        if not condition >= 1.0:
            raise ValueError(f"a condition number is at least 1, got {condition}")
        logarithms = log_uniform(copies, self.h, condition=condition, generator=generator)
        if self.h > 1:
            logarithms[:, 0], logarithms[:, -1] = 0.5 * math.log(condition), -0.5 * math.log(condition)
        values = logarithms.exp() * scale
        u, v = self._unitary(2 * copies, generator).split(copies)
        element = (u * values.unsqueeze(-2).to(self.dtype)) @ v.mH
        if self.positive:
            element[torch.linalg.det(element) < 0, :, 0] *= -1
        return element

    def random_algebra(self, copies: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Gaussian elements of the Lie algebra, shape ``(copies, h, h)``."""
        return torch.randn(copies, self.h, self.h, generator=generator, dtype=self.dtype)

    def _unitary(self, copies: int, generator: torch.Generator | None) -> Tensor:
        gaussian = torch.randn(copies, self.h, self.h, generator=generator, dtype=self.dtype)
        if self.h == 1:
            return torch.sgn(gaussian)
        q, r = torch.linalg.qr(gaussian)
        return q * torch.sgn(r.diagonal(dim1=-2, dim2=-1)).unsqueeze(-2)  # the factor whose Q is Haar distributed

    @staticmethod
    def act(element: Tensor, standard: Tensor, dual: Tensor) -> tuple[Tensor, Tensor]:
        """``(G A^-1, H A^H)``, in the dtype of the factors; the inverse is taken in double precision."""
        inverse = torch.linalg.inv(element).to(standard)
        return times(standard, inverse), times(dual, element.mH.to(dual))

    @staticmethod
    def infinitesimal(algebra: Tensor, standard: Tensor, dual: Tensor) -> tuple[Tensor, Tensor]:
        """``(-G X, H X^H)``, the velocity of ``act(exp(t X))`` at ``t = 0``."""
        return -times(standard, algebra.to(standard)), times(dual, algebra.mH.to(dual))


def log_uniform(*shape: int, condition: float, generator: torch.Generator | None) -> Tensor:
    r"""Logarithms of scalings between :math:`c^{-1/2}` and :math:`c^{1/2}`, uniform, float64."""
    return (torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5) * math.log(condition)
