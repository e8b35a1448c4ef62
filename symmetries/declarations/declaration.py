"""Declarations: symmetries that wait for a model."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Concatenate, ParamSpec

from torch import nn

from ..factor import AbstractFactor

P = ParamSpec("P")


@dataclass(frozen=True)
class Declaration:
    """A ready declaration with its arguments: give it a model, and it gives the factors.

    Args:
        name: of the ready declaration, e.g. ``"query_key"``.
        rule: from a model to its factors.
    """

    name: str
    rule: Callable[[nn.Module], Iterable[AbstractFactor]]

    def bind(self, model: nn.Module) -> tuple[AbstractFactor, ...]:
        """The factors on this model.

        Raises:
            SymmetryError: a module or parameter that is unknown, frozen, or not of the kind that is needed.
        """
        return tuple(self.rule(model))


def declaration(
    rule: Callable[Concatenate[nn.Module, P], Iterable[AbstractFactor]],
) -> Callable[P, Declaration]:
    """Turn ``rule(model, *names)`` into the ready declaration ``rule(*names)``, which waits for the model."""
    signature = inspect.signature(rule)
    parameters = list(signature.parameters.values())[1:]

    @wraps(rule)
    def ready(*args: P.args, **kwargs: P.kwargs) -> Declaration:
        shown.bind(*args, **kwargs)  # a wrong argument is an error here, not when the model comes
        return Declaration(rule.__name__, partial(_apply, rule, args, kwargs))

    shown = signature.replace(parameters=parameters, return_annotation=Declaration)
    ready.__dict__["__signature__"] = shown  # what help() shows
    return ready


def _apply(
    rule: Callable[..., Iterable[AbstractFactor]],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    model: nn.Module,
) -> Iterable[AbstractFactor]:
    return rule(model, *args, **kwargs)
