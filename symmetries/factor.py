"""What every factor of a model's symmetry group offers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import combinations

import torch
from torch import Tensor

from .params import Params, Shapes, Tangent, edited
from .view import View

EXACT, APPROXIMATE, SOFTMAX, COUNTED = "exact", "approximate", "softmax", "counted"
FLAGS = {
    EXACT: "the function does not change, up to rounding",
    APPROXIMATE: "holds where the eps of a norm is zero; never taken out silently",
    SOFTMAX: "changes logits, not probabilities",
    COUNTED: "declared and counted, but left in the ball: no section or metric takes it out",
}


class AbstractFactor(ABC):
    """One factor of a symmetry group: how its elements act on parameters without changing the function.

    Elements and Lie algebra elements are float64 (or complex128) tensors on the CPU; they are cast to the parameters
    they act on. Laws, tested for every subclass:

    * ``act(identity, p) == p`` and ``act(inverse(g), act(g, p)) == p``;
    * ``act_(g, p)`` leaves in ``p`` what ``act(g, p)`` returns;
    * ``infinitesimal(x, p)`` is the derivative of ``act(exponential(t x), p)`` at ``t = 0``.
    """

    name: str
    family: str
    flags: frozenset[str]

    @property
    @abstractmethod
    def views(self) -> tuple[View, ...]:
        """Every part of the parameters that the factor moves, or needs in order to move others."""

    @property
    def moved(self) -> tuple[View, ...]:
        """The views that change; the others of :attr:`views` are read. All of them, by default."""
        return self.views

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters behind :attr:`views`."""
        return frozenset(view.parameter for view in self.views)

    @abstractmethod
    def check(self, shapes: Shapes) -> None:
        """Raise ``SymmetryError`` when a view names an unknown parameter or the shapes do not fit together."""

    @abstractmethod
    def dimension(self, shapes: Shapes) -> int:
        """The dimension of an orbit through generic parameters of these shapes."""

    @abstractmethod
    def random(self, shapes: Shapes, *, generator: torch.Generator | None, condition: float, scale: float) -> Tensor:
        """A random element; ``condition`` and ``scale`` say how far from the identity."""

    @abstractmethod
    def random_algebra(self, shapes: Shapes, *, generator: torch.Generator | None) -> Tensor:
        """A Gaussian element of the Lie algebra."""

    def in_algebra(self, x: Tensor) -> Tensor:
        """The orthogonal projection on the Lie algebra of a tensor of the shape of its elements: all, by default."""
        return x

    @abstractmethod
    def exponential(self, algebra: Tensor) -> Tensor:
        """The group element that the algebra element generates."""

    @abstractmethod
    def inverse(self, element: Tensor) -> Tensor:
        """The element that undoes ``element``."""

    def act(self, element: Tensor, params: Params) -> Params:
        """The transformed parameters, a new dictionary; untouched tensors are shared."""
        moved = edited(params, self.parameters)
        self.act_into(element, params, moved)
        return moved

    def act_(self, element: Tensor, params: Params) -> None:
        """Transform the parameters in place; nothing can be differentiated through it.

        Parameters that change under one view while another, which may overlap it, reads them are copied for the time.
        """
        moved = frozenset(self.moved)
        shared = {
            a.parameter
            for a, b in combinations(self.views, 2)
            if a.parameter == b.parameter
            and not moved.isdisjoint((a, b))
            and not a.is_apart(b, params[a.parameter].shape)
        }
        self.act_into(element, edited(params, shared), params)

    @abstractmethod
    def act_into(self, element: Tensor, params: Params, target: Params) -> None:
        """Write what ``params`` become into ``target``, which holds their values.

        A parameter may be the same tensor in both where no view reads what another changes: every view is read before
        it is written.
        """

    @abstractmethod
    def infinitesimal(self, algebra: Tensor, params: Params) -> Tangent:
        """The vertical direction of ``algebra``, holding the touched parameters only."""

    @abstractmethod
    def section(self, params: Params) -> Tensor | None:
        """The element that moves ``params`` to the canonical representative, or None when there is no section."""

    def settle_(self, params: Params) -> Tensor | None:
        """Move ``params`` to the canonical representative, in place; the element that did it, as :meth:`section`."""
        element = self.section(params)
        if element is not None:
            self.act_(element, params)
        return element


def named(factors: Iterable[AbstractFactor]) -> dict[str, AbstractFactor]:
    """Factors by name.

    Raises:
        ValueError: two factors of one name.
    """
    table: dict[str, AbstractFactor] = {}
    for factor in factors:
        if factor.name in table:
            raise ValueError(f"two factors are named {factor.name!r}; give one of them another name=...")
        table[factor.name] = factor
    return table
