"""One-sided scalings: what a norm behind them forgets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import SymmetryError
from .factor import APPROXIMATE, AbstractFactor
from .group import log_uniform
from .params import Params, Shapes, Tangent
from .view import View


@dataclass(frozen=True)
class Rescaling(AbstractFactor):
    r"""Parameters that may be scaled together, each to its own power.

    .. math:: \theta_k \mapsto \lambda^{e_k} \theta_k, \qquad \lambda > 0,

    one :math:`\lambda` for every copy. What is written to a norm is forgotten up to its scale: the maps that write a
    residual stream, the queries of a head that is normalized, a channel before batch statistics. With the eps of the
    norm this holds approximately (flag ``approximate``); without one, as for two embeddings compared by their cosine,
    exactly, and then it is counted and left in the ball: relative metrics do not see it.

    Elements are positive numbers, shape ``(copies,)``.

    Args:
        name: unique within a model.
        terms: views ``(copies, n, 1)`` with their exponents.
    """

    name: str
    terms: tuple[tuple[View, float], ...]
    family: str = "scale before a norm"
    flags: frozenset[str] = frozenset({APPROXIMATE})

    @property
    def views(self) -> tuple[View, ...]:
        """All that is scaled."""
        return tuple(view for view, _ in self.terms)

    def _copies(self, shapes: Shapes) -> int:
        return self.terms[0][0].shape(shapes)[0]

    def check(self, shapes: Shapes) -> None:
        """Every view must have the same number of copies and one column."""
        for view in self.views:
            got = view.shape(shapes)
            if (got[0], got[2]) != (self._copies(shapes), 1):
                raise SymmetryError(
                    f"{self.name}: expected {self._copies(shapes)} copies of one column in {view.parameter!r} read as "
                    f"{view.pattern!r}, got shape {got}"
                )

    def dimension(self, shapes: Shapes) -> int:
        """The number of copies."""
        return self._copies(shapes)

    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """``scale`` times log-uniform over ``[condition^-1/2, condition^1/2]``."""
        return scale * log_uniform(self._copies(shapes), condition=condition, generator=generator).exp()

    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """Gaussian logarithms, shape ``(copies,)``."""
        return torch.randn(self._copies(shapes), generator=generator, dtype=torch.float64)

    def exponential(self, algebra: Tensor) -> Tensor:
        """``exp(x)``."""
        return algebra.exp()

    def inverse(self, element: Tensor) -> Tensor:
        """``1 / lambda``."""
        return 1.0 / element

    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        r""":math:`\lambda^{e} \theta`."""
        for view, exponent in self.terms:
            factor = element.to(params[view.parameter])[:, None, None] ** exponent
            write_scaled(view, params, target, factor)

    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        r""":math:`x\, e\, \theta`."""
        tangent = {name: torch.zeros_like(params[name]) for name in self.parameters}
        for view, exponent in self.terms:
            value = view.read(params)
            view.stored.write_(tangent, algebra.to(value)[:, None, None] * exponent * value)
        return tangent

    def section(self, params: Params) -> None:
        """None: approximate scalings are never taken out, exact ones are only counted."""
        return None


def write_scaled(view: View, params: Params, target: Params, factor: Tensor) -> None:
    """Write ``factor`` times what a view reads of ``params``, without a copy on the way."""
    if target[view.parameter] is not params[view.parameter]:
        view.stored.write_(target, view.stored.read(params))
    view.scale_(target, factor)
