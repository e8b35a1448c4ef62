"""The abstract metric, and the balanced basis in which every metric on a factor pair is diagonal."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ..geodesic import AbstractSpray
from ..geodesic.base import State
from .gram import Gram


@dataclass(frozen=True)
class PairFrame:
    r"""A batch of factor pairs in a basis where both Gram matrices are diagonal.

    With A the change of basis, :math:`G = \hat Q_G\, s^{1/2} A` and :math:`H = \hat Q_H\, t^{1/2} A^{-H}`, where
    :math:`\hat Q_G, \hat Q_H` have orthonormal columns: :math:`G H^{H} = \hat Q_G (s t)^{1/2} \hat Q_H^{H}` is the
    singular value decomposition of the product. Without damping :math:`s = t` are its singular values.

    Attributes:
        bases: :math:`\hat Q_G, \hat Q_H`, shapes ``(copies, n, h)``, in the dtype of the parameters.
        spectra: :math:`s, t`, shape ``(copies, h)``, float64.
        damped: s and t with the damping in, float64: what the metric sees.
        to_factor: A and :math:`A^{-H}`, shape ``(copies, h, h)``, double, or :meth:`narrowed`: a factor in the
            balanced basis times this is the factor.
    """

    bases: tuple[Tensor, Tensor]
    spectra: tuple[Tensor, Tensor]
    damped: tuple[Tensor, Tensor]
    to_factor: tuple[Tensor, Tensor]

    def narrowed(self) -> "PairFrame":
        """With the change of basis as precise as the factors, in single precision at least: to be held."""
        a, b = (
            c.to(torch.promote_types(q.dtype, torch.float32)) for c, q in zip(self.to_factor, self.bases, strict=True)
        )
        return replace(self, to_factor=(a, b))


class AbstractMetric(ABC):
    r"""A metric on factor pairs for which :math:`GL(h)` acts by isometries.

    .. math:: \langle \xi, \zeta \rangle = \mathrm{Re\,Tr}(M_G \xi_G^{H} \zeta_G)
              + \mathrm{Re\,Tr}(M_H \xi_H^{H} \zeta_H)

    with weights M made from the Gram matrices of the factors. Parts of tangents in the columns of their factor count
    ``core`` times.

    Law: ``inner(g p, g u, g v) == inner(p, u, v)`` for every group element.
    """

    #: Whether geodesics have a closed form.
    closed_form: ClassVar[bool]

    #: How much more a part of a tangent in the columns of its factor weighs than one across them.
    core: ClassVar[float] = 1.0

    @abstractmethod
    def weights(self, frame: PairFrame) -> tuple[Tensor, Tensor]:
        """The diagonals of the weight matrices in the balanced basis, shape ``(copies, h)``, float64."""

    @abstractmethod
    def start(self, frame: PairFrame, grams: Sequence[Gram]) -> tuple[AbstractSpray, State]:
        r"""The geodesic equation of a batch of pairs, and the initial velocity with coordinates X in the frame.

        Positions and velocities are coefficients of the columns :math:`[\hat Q\; X]` of either factor, shape
        ``(copies, 2h, h)``, and so are changes of the parameters.
        """
