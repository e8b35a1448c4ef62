"""Numerical verification: random elements of the declared group, on the real model."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .errors import SymmetryError
from .factor import AbstractFactor
from .function import Inputs, NetworkFunction, require_evaluation
from .halving import failing
from .model_symmetry import ModelSymmetry
from .params import double_copy, require_finite, trainable_parameters

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
    r"""The worst relative change of the function under random elements of the whole group.

    .. math:: \max_g \frac{\max |f_{g\theta}(x) - f_\theta(x)|}{\max |f_\theta(x)|}

    All factors move at once, rotations that are only counted included; the maximum is taken output by output. If the
    function changes, the factors that change it are found by halving. With ``symmetry.head == "softmax"``, :math:`f` is
    the log-softmax of the output. Factors flagged ``approximate`` are not held to it, :func:`defects` reports them. The
    model is left as it is, and evaluated in double precision whatever it holds; one copy of its parameters in double
    precision is held.

    No false factor hides among true ones: :math:`g = g_k \cdots g_1` with only :math:`g_i` false changes the function
    by what :math:`g_i` changes it at another point of the same orbit. Several false ones hide each other only where
    independent draws cancel in every output at once, to ``rtol``: on a set of measure zero for an exact cancellation,
    since the change is an analytic function of the elements wherever the network is one of its parameters.

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
        draws: elements tried.
        condition: the condition number of every block.

    Raises:
        SymmetryError: a factor that changes the function, with its defect.
        ValueError: NaN among parameters or outputs, or a function that is random.
    """
    orbit = _Orbit(model, symmetry, inputs, generator=generator, draws=draws, condition=condition)
    found: dict[tuple[AbstractFactor, ...], float] = {}

    def fails(factors: Sequence[AbstractFactor]) -> bool:
        defect = found[tuple(factors)] = orbit.defect(factors)
        return not defect <= rtol

    false = failing(symmetry.exact, fails)
    worst = max(((factor,) for factor in false), key=lambda alone: found[alone], default=symmetry.exact)
    defect = found.get(worst, 0.0)  # no test for no factors
    if not defect <= rtol:
        raise SymmetryError(
            f"{worst[0].name if false else WHOLE!r} is not a symmetry of this model: it changes the output by "
            f"{defect:.1e} relative, allowed {rtol:.0e}; take it out of the declaration, or complete it (a reader or "
            "writer left out, an activation or norm in between). If the model computes in less precision on the way, "
            "pass rtol=..."
        )
    return defect


def defects(
    model: nn.Module,
    symmetry: ModelSymmetry,
    inputs: Inputs,
    *,
    generator: torch.Generator | None = None,
    draws: int = 2,
    condition: float = 10.0,
) -> dict[str, float]:
    """The worst relative change of the function for every factor alone, approximate ones too, and for the group.

    Arguments and errors as in :func:`verify`, except that no defect is too large: a complete table, for which every
    factor takes ``draws`` evaluations of the model. Approximate factors are left out of the entry :data:`WHOLE`.
    """
    orbit = _Orbit(model, symmetry, inputs, generator=generator, draws=draws, condition=condition)
    return {factor.name: orbit.defect([factor]) for factor in symmetry.factors} | {WHOLE: orbit.defect(symmetry.exact)}


class _Orbit:
    """The function at a point, and how far it is from that on random points of the orbit: one copy that is moved."""

    def __init__(
        self,
        model: nn.Module,
        symmetry: ModelSymmetry,
        inputs: Inputs,
        *,
        generator: torch.Generator | None,
        draws: int,
        condition: float,
    ) -> None:
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}")
        require_evaluation(model)
        self._params = trainable_parameters(model)
        require_finite(self._params)
        symmetry.require(self._params)
        self._symmetry, self._generator, self._draws, self._condition = symmetry, generator, draws, condition
        self._function = NetworkFunction(model, inputs, symmetry.head)
        self._point = double_copy(self._params)
        with torch.no_grad():
            outputs = self._function(self._point)
            self._reference = {path: value.clone() for path, value in outputs.items()}  # may be parameters, which move
            _require_repeatable(self._reference, self._function(self._point))

    @torch.no_grad()
    def defect(self, factors: Sequence[AbstractFactor]) -> float:
        """The largest relative change of the outputs under random elements of these factors."""
        return max(self._change(factors) for _ in range(self._draws))

    def _change(self, factors: Sequence[AbstractFactor]) -> float:
        self._symmetry.act_(self._symmetry.random(self._generator, self._condition, factors=factors), self._point)
        change = relative_change(self._function(self._point), self._reference)
        for name in self._symmetry.touched(factors):
            self._point[name].copy_(self._params[name])
        return change


def relative_change(outputs: dict[str, Tensor], reference: dict[str, Tensor]) -> float:
    """The largest ``max |output - reference| / max |reference|`` of all outputs; infinite if not finite."""
    worst = 0.0
    for path, expected in reference.items():
        change = (outputs[path] - expected).abs().max().item()
        scale = expected.abs().max().item()
        ratio = change / scale if scale > 0 else (0.0 if change == 0 else float("inf"))
        worst = max(worst, ratio if ratio == ratio else float("inf"))
    return worst


def _require_repeatable(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    """Raise unless the outputs are finite, and the same twice."""
    for path, value in first.items():
        if not bool(torch.isfinite(value).all()):
            raise ValueError(f"output {path!r} holds NaN or Inf: nothing can be compared; check inputs and parameters")
    if relative_change(second, first) > RTOL:
        raise ValueError("two evaluations at the same parameters differ: call model.eval(), or seed the model's noise")
