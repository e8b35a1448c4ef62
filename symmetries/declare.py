"""Declaring the symmetries of a model."""

from collections.abc import Iterator
from typing import Literal

from torch import nn

from .declarations import Declaration, parameter
from .factor import AbstractFactor
from .model_symmetry import ModelSymmetry
from .params import trainable_parameters


def declare(
    model: nn.Module, *declarations: AbstractFactor | Declaration, head: Literal["softmax", "raw"] = "raw"
) -> ModelSymmetry:
    """The symmetry group of ``model`` that the declarations generate.

    Names and shapes are checked here; whether the function changes is for :func:`symmetries.verify` to try.

    Example:
        >>> from torch import nn
        >>> from symmetries import relu_rescaling
        >>> model = nn.Sequential(nn.Linear(3, 5), nn.LeakyReLU(), nn.Linear(5, 2))
        >>> print(declare(model, relu_rescaling("0", "2")))
        symmetry of dimension 5 (15.62% of 32 parameters)
          ReLU rescaling           5  exact

    Args:
        model: gives the shapes; only parameters that require a gradient take part.
        *declarations: ready ones (``query_key("attn")``), or factors (``Symmetry``, ``Gain``, ...).
        head: ``"softmax"`` when the outputs are logits of which only the probabilities matter.

    Raises:
        SymmetryError: a module or parameter that is unknown, frozen, of the wrong kind, or does not fit.
        TypeError: something that is neither a factor nor a declaration.
        ValueError: two factors of one name.
    """
    shapes = {name: value.shape for name, value in trainable_parameters(model).items()}
    factors = tuple(factor for entry in declarations for factor in _factors(model, entry))
    return ModelSymmetry(factors, shapes, head)


def _factors(model: nn.Module, entry: AbstractFactor | Declaration) -> Iterator[AbstractFactor]:
    if isinstance(entry, Declaration):
        yield from entry.bind(model)
    elif isinstance(entry, AbstractFactor):
        for name in entry.parameters:
            parameter(model, name)
        yield entry
    else:
        raise TypeError(
            f"expected a factor such as Symmetry(...) or a declaration such as query_key('attn'), got {entry!r}"
        )
