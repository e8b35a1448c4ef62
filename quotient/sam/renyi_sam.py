"""Rényi SAM: perturbations as long as the gradient is concentrated."""

import math
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from symmetries import Covector, Params

from ..coordinates import Coordinates, length, scaled, within_ball
from ..flat import Euclidean
from ..geometry import AbstractChart
from ..parameter_groups import NamedParameters, named_groups, named_parameters
from .accumulation import NoSync
from .ascent import Ascent, uphill
from .concentration import concentration, concentration_gradient
from .descent import BaseDescent
from .progress import Progress
from .two_pass import AbstractTwoPass

Form = Literal["published", "gradient"]


class RenyiSAM(AbstractTwoPass):
    r"""The training method of Rényi sharpness [RenyiSharpness2025], in two forms.

    With the gradient :math:`g = \nabla L(\theta)`, the squares :math:`p_j = g_j^2 / \|g\|^2` that stand for the
    spectrum of the Hessian, :math:`R_\alpha = \sum_j p_j^\alpha` and :math:`s = \mathrm{sign}(\alpha - 1)`, the
    regularizer is :math:`s \rho R_\alpha(g)`.

    * ``form="published"``, what the authors' code does: the gradient at :math:`\theta + \epsilon`,

      .. math:: \epsilon = s \min(\rho R_\alpha / \|g\|, \, r) \, g / \|g\| .

      Its direction is that of SAM, or the opposite for :math:`\alpha < 1`; only the length is new. To first
      order it adds :math:`s \rho R_\alpha \nabla \log \|g\|`, which is not the gradient of the regularizer: the
      code takes :math:`\epsilon` for a constant. The angle between the two depends on the network; they may be
      orthogonal, or opposed.
    * ``form="gradient"``: the gradient of :math:`L + s \rho R_\alpha(\nabla L)` itself, by automatic differentiation,

      .. math:: g + \nabla^2 L(\theta)\, \epsilon, \qquad \epsilon = s \rho \, \nabla R_\alpha(g)
                \text{ shortened to } \|\epsilon\| \le r .

      Here :math:`\epsilon` is orthogonal to g. The second pass needs second derivatives: :meth:`objective`.

    The first form costs two passes, the second about three. Without the cap r both lengths grow without bound towards
    a minimum. Entries of g are those of the parameters as they are stored, so that, unlike
    :class:`RiemannianSAM` over a quotient, neither form belongs to an orbit.

    It is used as :class:`RiemannianSAM` is, with these differences::

        optimizer = RenyiSAM(model.named_parameters(), torch.optim.SGD, form="gradient", lr=0.1)


        def closure():
            optimizer.zero_grad()
            loss = optimizer.objective(lambda: loss_fn(model(x), y))  # for the second form
            loss.backward()
            return loss


        optimizer.step(closure)
        optimizer.concentration  # R of this step

    Example:
        >>> from torch import nn
        >>> from quotient import RenyiSAM
        >>> _ = torch.manual_seed(0)
        >>> model, inputs, targets = nn.Linear(3, 1), torch.randn(8, 3), torch.randn(8, 1)
        >>> optimizer = RenyiSAM(model.named_parameters(), torch.optim.SGD, alpha=1.2, strength=0.1, lr=0.1)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = nn.functional.mse_loss(model(inputs), targets)
        ...     loss.backward()
        ...     return loss
        >>> losses = [optimizer.step(closure).item() for _ in range(20)]
        >>> losses[-1] < losses[0]
        True

    Args:
        named_parameters: ``model.named_parameters()``, or parameter groups with such pairs under ``"params"``.
        base_optimizer: a class of ``torch.optim``, or what else makes an optimizer from parameter groups.
        alpha: the order, positive and not 1, where :math:`R_1 = 1` whatever g is.
        strength: :math:`\rho`; with the default order the authors' setting on CIFAR-10.
        max_radius: r.
        form: which of the two.
        every: only each ``every``-th step perturbs; the others cost one pass.
        max_norm: to which gradients are clipped before the step.
        scaler: of the losses that closures differentiate, for float16.
        no_sync: for data-parallel models, ``model.no_sync``; the second form is meant for one process.
        local: every process perturbs along its own gradient.
        buffers: tensors that the second pass must not change.
        **base: options of the base optimizer, such as ``lr``.

    Raises:
        ValueError: an order, strength or radius that is not positive and finite, an order of 1, an unknown
            form; what ``base_optimizer`` or named parameters refuse.
        TypeError: parameters without names.
    """

    def __init__(
        self,
        named_parameters: NamedParameters,
        base_optimizer: Callable[..., torch.optim.Optimizer],
        *,
        alpha: float = 1.2,
        strength: float = 0.65,
        max_radius: float = 0.5,
        form: Form = "published",
        every: int = 1,
        max_norm: float | None = None,
        scaler: torch.amp.GradScaler | None = None,
        no_sync: NoSync = nullcontext,
        local: bool = False,
        buffers: Iterable[Tensor] = (),
        **base: Any,
    ) -> None:
        for name, value in {"alpha": alpha, "strength": strength, "max_radius": max_radius}.items():
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {value}")
        if alpha == 1:
            raise ValueError(
                "alpha must not be 1, where R is 1 whatever the gradient is; take a neighbour such as 1.05"
            )
        if form not in ("published", "gradient"):
            raise ValueError(f"form must be 'published' or 'gradient', got {form!r}")
        super().__init__(
            base_optimizer(named_groups(named_parameters), **base),
            every=every,
            scaler=scaler,
            no_sync=no_sync,
            local=local,
            buffers=buffers,
        )
        self.alpha, self.strength, self.max_radius = alpha, strength, max_radius
        self.form, self.max_norm = form, max_norm
        self.concentration = math.nan
        self._descent = BaseDescent(self.base_optimizer)
        self._displacement: Coordinates = ()
        self._differentiated = False

    def objective(self, loss_fn: Callable[[], Tensor]) -> Tensor:
        r"""What a pass differentiates: the loss, and in the second pass of the second form what gives its gradient.

        .. math:: L + \langle \nabla L, \epsilon \rangle \quad\text{has the gradient}\quad \nabla L + \nabla^2 L\,
                  \epsilon

        where :math:`\epsilon` is held fixed, and the value of L, since the two are orthogonal. Attention is
        computed by its plain kernel there: fused ones have no second derivative.

        Args:
            loss_fn: evaluates the loss, a 0-dimensional tensor.
        """
        if not (self.is_perturbed and self._displacement):
            return loss_fn()
        self._differentiated = True
        parameters = list(named_parameters(self.param_groups).values())
        with sdpa_kernel(SDPBackend.MATH):
            loss = loss_fn()
            gradient = torch.autograd.grad(
                loss, parameters, create_graph=True, allow_unused=True, materialize_grads=True
            )
        along = torch.stack([(g * e).sum() for g, e in zip(gradient, self._displacement, strict=True)]).sum()
        return loss + along

    def to_representative(self) -> None:
        """Without effect: there is no orbit that the method belongs to."""

    def _chart(self, point: Params) -> AbstractChart:
        return Euclidean().chart(point)

    def _ascend(self, chart: AbstractChart, covector: Covector) -> Ascent:
        x, moderate = uphill(chart, covector, self._signed_radius, steps=self._steps, scale=self._scale.factor)
        self._displacement, self._differentiated = (), False
        if self.form == "gradient" and x:
            unscaled = scaled(chart.components(covector), 1.0 / self._scale.factor)
            slope = scaled(concentration_gradient(unscaled, self.alpha), self._sign * self.strength)
            # The model stays where it is: the second pass differentiates along the displacement.
            self._displacement, x = within_ball(slope, self.max_radius), ()
        return Ascent(named_parameters(self.param_groups), self.buffers, chart.point, x, moderate)

    def _pull_back_(self, ascent: Ascent) -> None:
        if self._displacement and not self._differentiated:
            raise RuntimeError(
                "the second pass has not called objective(): form='gradient' differentiates twice; evaluate the loss "
                "by optimizer.objective(lambda: loss_fn(model(x), y)) before backward()"
            )

    def _take_step(self, progress: Progress) -> None:
        self._descent.step(None, max_norm=self.max_norm)

    def _own_state(self) -> dict[str, Any]:
        return {}

    def _load_own_state(self, state: dict[str, Any]) -> None:
        """Everything is in the base optimizer and in the constructor."""

    @property
    def _sign(self) -> float:
        return math.copysign(1.0, self.alpha - 1.0)

    def _signed_radius(self, steps: int, gradient: Coordinates) -> float:
        """The published length, capped; its sign says uphill or downhill."""
        self.concentration = concentration(gradient, self.alpha).item()
        return self._sign * min(self.strength * self.concentration / float(length(gradient)), self.max_radius)
