"""The part of the sharpness-aware gradient that plain steps use again."""

from typing import Any

import torch
from torch import Tensor

from symmetries import Covector

from ..coordinates import dot, length


class LookSAM:
    r"""Between perturbed steps, :math:`g \leftarrow g + \alpha \frac{\|g\|}{\|v\|} v` [Liu2022].

    v is the part of the gradient at the perturbed point that is orthogonal to the one at the point,
    :math:`v = \hat g - \frac{\langle \hat g, g \rangle}{\langle g, g \rangle} g`, of the latest perturbed step: it
    changes slowly, and is what sharpness-aware minimization adds. Inner products are Euclidean.

    Args:
        weight: :math:`\alpha`; 0 leaves gradients as they are and keeps nothing.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._sharpness: list[Tensor] = []

    def learn(self, at_point: Covector, perturbed: Covector) -> None:
        """Keep v, from both gradients of a perturbed step; multiples of either give a multiple of it."""
        square = dot(tuple(at_point.values()), tuple(at_point.values()))
        product = dot(tuple(perturbed.values()), tuple(at_point.values()))
        along = torch.where(square > 0, product / square, 0.0)
        self._sharpness = [perturbed[name] - along.to(g) * g for name, g in at_point.items()]

    def add_(self, gradients: Covector) -> None:
        """The formula of the class, in place; without effect before the first :meth:`learn`."""
        if not self._sharpness:
            return
        size = length(self._sharpness)
        factor = torch.where(size > 0, self.weight * length(tuple(gradients.values())) / size, 0.0)
        for g, v in zip(gradients.values(), self._sharpness, strict=True):
            g.add_(factor.to(g) * v)

    def state_dict(self) -> dict[str, Any]:
        """The part v."""
        return {"sharpness": self._sharpness}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it over."""
        self._sharpness = [v.clone() for v in state["sharpness"]]
