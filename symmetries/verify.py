"""Numerical verification: random elements of the declared group, on the real model."""

import torch
from torch import Tensor, nn

from .errors import SymmetryError
from .factor import APPROXIMATE, AbstractFactor
from .function import Inputs, NetworkFunction, doubled, require_evaluation
from .model_symmetry import Element, ModelSymmetry
from .params import Params, require_finite, trainable_parameters

WHOLE = "all factors together"
"""The key of the whole group in the result of :func:`defects`."""

# A false symmetry changes the function at order one; rounding changes it by the unit roundoff times condition number,
# depth and width. Measured on the models of the tests at condition number 1e3: 1.3e-12.
RTOL = 1e-9


def verify(
    model: nn.Module,
    symmetry: ModelSymmetry,
    inputs: Inputs,
    *,
    rtol: float = RTOL,
    generator: torch.Generator | None = None,
    draws: int = 2,
    condition: float = 10.0,
) -> float:
    r"""The worst relative change of the function under random group elements.

    .. math:: \max_g \frac{\max |f_{g\theta}(x) - f_\theta(x)|}{\max |f_\theta(x)|}

    over every factor alone and all of them together, rotations that are only counted included; the maximum is taken
    output by output. With ``symmetry.head == "softmax"``, :math:`f` is the log-softmax of the output. Factors flagged
    ``approximate`` are not held to it, :func:`defects` reports them. The model is left as it is, and evaluated in
    double precision whatever it holds; one copy of its parameters in double precision is held at a time.

    Example:
        >>> from torch import nn
        >>> from symmetries import declare, relu_rescaling
        >>> model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
        >>> verify(model, declare(model, relu_rescaling("0", "2")), torch.ones(1, 3)) < 1e-5
        True

    Args:
        model: in evaluation mode if it has dropout or batch norm.
        symmetry: declared on, or detected in, the model.
        inputs: a tensor, a tuple (positional arguments), a mapping (keyword arguments), or a list of those.
        rtol: the change that is still rounding.
        generator: where the elements come from.
        draws: elements tried per factor.
        condition: their condition number.

    Raises:
        SymmetryError: a factor that changes the function, with its defect.
        ValueError: NaN among parameters or outputs, or a function that is random.
    """
    found = defects(model, symmetry, inputs, generator=generator, draws=draws, condition=condition)
    exact = {name: defect for name, defect in found.items() if name == WHOLE or _is_exact(symmetry[name])}
    for name, defect in sorted(exact.items(), key=lambda item: (item[0] == WHOLE, -item[1])):
        if not defect <= rtol:
            raise SymmetryError(
                f"{name!r} is not a symmetry of this model: it changes the output by {defect:.1e} relative, allowed "
                f"{rtol:.0e}; take it out of the declaration, or complete it (a reader or writer left out, an "
                "activation or norm in between). If the model computes in less precision on the way, pass rtol=..."
            )
    return max(exact.values(), default=0.0)


def defects(
    model: nn.Module,
    symmetry: ModelSymmetry,
    inputs: Inputs,
    *,
    generator: torch.Generator | None = None,
    draws: int = 2,
    condition: float = 10.0,
) -> dict[str, float]:
    """The worst relative change of the function for every factor, approximate ones too, and for the group.

    Arguments and errors as in :func:`verify`, except that no defect is too large. Approximate factors are left out of
    the entry :data:`WHOLE`.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    require_evaluation(model)
    params = trainable_parameters(model)
    require_finite(params)
    symmetry.require(params)
    function = NetworkFunction(model, inputs, symmetry.head)
    with torch.no_grad():
        point = doubled(params)
        reference = function(point)
        _require_repeatable(reference, function(point))

        def element(factors: list[AbstractFactor]) -> Element:
            return symmetry.random(generator, condition, factors=factors)

        def change(moved: Params) -> float:
            return relative_change(function(moved), reference)

        found = {f.name: max(change(symmetry.act(element([f]), point)) for _ in range(draws)) for f in symmetry.factors}
        del point  # the whole group moves every parameter: two copies otherwise
        exact = [factor for factor in symmetry.factors if _is_exact(factor)]
        found[WHOLE] = max(change(symmetry.act(element(exact), doubled(params))) for _ in range(draws))
    return found


def relative_change(outputs: dict[str, Tensor], reference: dict[str, Tensor]) -> float:
    """The largest ``max |output - reference| / max |reference|`` of all outputs; infinite if not finite."""
    worst = 0.0
    for path, expected in reference.items():
        change = (outputs[path] - expected).abs().max().item()
        scale = expected.abs().max().item()
        ratio = change / scale if scale > 0 else (0.0 if change == 0 else float("inf"))
        worst = max(worst, ratio if ratio == ratio else float("inf"))
    return worst


def _is_exact(factor: AbstractFactor) -> bool:
    return APPROXIMATE not in factor.flags


def _require_repeatable(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    """Raise unless the outputs are finite, and the same twice."""
    for path, value in first.items():
        if not bool(torch.isfinite(value).all()):
            raise ValueError(f"output {path!r} holds NaN or Inf: nothing can be compared; check inputs and parameters")
    if relative_change(second, first) > RTOL:
        raise ValueError("two evaluations at the same parameters differ: call model.eval(), or seed the model's noise")
