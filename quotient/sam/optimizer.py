"""Sharpness-aware minimization on any geometry."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from symmetries import Covector, Params

from ..geometry import AbstractChart, AbstractGeometry
from ..parameter_groups import NamedParameters, differential, named_groups, write_
from ..parameter_groups import named_parameters as parameters_of
from .accumulation import NoSync
from .ascent import Ascent, Radius, require_matches, selected, uphill
from .descent import AbstractDescent, BaseDescent
from .geodesic_descent import GeodesicDescent, Transport
from .look_sam import LookSAM
from .progress import Progress
from .two_pass import AbstractTwoPass

Mode = Literal["base", "riemannian"]


class RiemannianSAM(AbstractTwoPass):
    r"""Sharpness-aware minimization in the metric of a geometry.

    With the differential :math:`c = dL(\theta)` and the chart at :math:`\theta`, of frame E and horizontal
    projection P,

    .. math:: x = r \, \frac{P E^T c}{\|P E^T c\|}, \qquad \hat\theta = \exp_\theta(E x), \qquad
        \hat c = dL(\hat\theta).

    Then the model is put back at :math:`\theta`, bit for bit, and the step is taken there:

    * ``mode="base"``: by ``base_optimizer``, with :math:`\hat c` as the gradient. Over ``Euclidean()`` this
      is SAM [Foret2021], over ``Adaptive()`` it is ASAM [Kwon2021].
    * ``mode="riemannian"``: along a geodesic, from :math:`\hat c` pulled back to the point by the
      differential of :math:`x \mapsto \exp_\theta(E x)`, with the momentum of ``SGD`` or the adaptive steps
      of ``Adam`` and ``AdamW`` (:class:`EquivariantAdam`). Over ``Quotient`` training then commutes with
      the group: two starts on one orbit give the same losses. For that, the model is moved once, before
      the first step, to ``geometry.representative`` (the same function). [Yun2023] perturb alike, by a
      retraction.

    It is used as any torch optimizer: by ``step(closure)``; by ``step(loss_fn, micro_batches)``; or in halves,
    each of which may be any number of backward passes::

        with optimizer.unperturbed():  # or nothing at all, where no dropout masks are to be drawn again
            loss_fn(batch).backward()
        with optimizer.perturbed():  # or first_step() and second_step() around it
            optimizer.zero_grad()
            loss_fn(batch).backward()
        optimizer.step()

    ``param_groups`` and ``state`` are those of the base optimizer, so that learning-rate schedulers act on
    it and a checkpoint holds the momentum; in ``base`` mode a checkpoint of the base optimizer alone loads
    too.

    The second pass draws the dropout masks of the first, and leaves torch's generators where one pass would.
    ``buffers=model.buffers()`` keeps the running statistics of the first pass. A zero gradient perturbs
    nothing. NaN or Inf in a gradient, in either pass, skips the step (with a ``RuntimeWarning``, unless a
    scaler sees to it): parameters and state stay as they were. Where processes perturb each on its own, a first
    gradient that is not finite perturbs nothing, and the average of the second ones decides, for all alike. A
    closure that raises leaves the model at its point.

    During the second pass ``base`` mode holds one copy of the parameters, ``riemannian`` mode two: the point and x.

    Example:
        >>> from torch import nn
        >>> from quotient import Euclidean, RiemannianSAM
        >>> _ = torch.manual_seed(0)
        >>> model, inputs, targets = nn.Linear(3, 1), torch.randn(8, 3), torch.randn(8, 1)
        >>> optimizer = RiemannianSAM(model.named_parameters(), Euclidean(), torch.optim.SGD, radius=0.05, lr=0.1)
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = nn.functional.mse_loss(model(inputs), targets)
        ...     loss.backward()
        ...     return loss
        >>> losses = [optimizer.step(closure).item() for _ in range(20)]
        >>> losses[-1] < losses[0]
        True

    Args:
        named_parameters: ``model.named_parameters()``, or parameter groups with such pairs under
            ``"params"``; the names are those the geometry knows. Parameters that do not require a gradient
            are left out.
        geometry: what a ball around the parameters is.
        base_optimizer: a class of ``torch.optim``, or what else makes an optimizer from parameter groups.
        radius: of the perturbation, in the norm of the geometry; or a schedule, a function of the number of
            steps taken and of the gradient in orthonormal coordinates. An attribute that may be set.
        mode: where the step is taken.
        every: only each ``every``-th step perturbs, beginning with the first; the others cost one pass.
        reuse: in steps between, the weight of the sharpness of the latest perturbed one
            (:class:`LookSAM`); in ``base`` mode.
        perturb: globs of parameter names: the perturbation follows their part of the gradient. Over a
            ``Quotient`` the horizontal projection moves the partners of a factor with it.
        max_norm: to which gradients are clipped before the step; in ``riemannian`` mode in the norm of the
            metric. Anything else belongs into a step hook of ``base_optimizer``.
        scaler: of the losses that closures differentiate, for float16; ``update`` is called on it. Loops
            without a closure may instead leave it out and call ``scaler.step(optimizer)``.
        no_sync: for data-parallel models, ``model.no_sync``: inside, gradients are not averaged over processes.
        local: every process perturbs along its own gradient, where otherwise all follow the average.
        buffers: tensors that the second pass must not change.
        transport: of momentum in ``riemannian`` mode: by the horizontal projection alone, or before it along the
            geodesic by the differential of exp, parallel transport but for the second order of the step
            (:meth:`AbstractChart.transported`).
        **base: options of the base optimizer, such as ``lr``.

    Raises:
        ValueError: a radius or norm that is not positive, unknown mode or transport, a name given twice, nothing to
            train, a glob without a match; in ``riemannian`` mode, an optimizer or options that have no
            counterpart on geodesics, several groups, ``reuse``, ``local``.
        TypeError: parameters without names.
    """

    def __init__(
        self,
        named_parameters: NamedParameters,
        geometry: AbstractGeometry,
        base_optimizer: Callable[..., torch.optim.Optimizer],
        *,
        radius: Radius = 0.05,
        mode: Mode = "base",
        every: int = 1,
        reuse: float = 0.0,
        perturb: Sequence[str] = ("*",),
        max_norm: float | None = None,
        scaler: torch.amp.GradScaler | None = None,
        no_sync: NoSync = nullcontext,
        local: bool = False,
        buffers: Iterable[Tensor] = (),
        transport: Transport = "projection",
        **base: Any,
    ) -> None:
        if transport not in ("projection", "differential"):
            raise ValueError(f"transport must be 'projection' or 'differential', got {transport!r}")
        if not callable(radius) and not 0 < radius < math.inf:
            raise ValueError(f"radius must be positive and finite, got {radius}")
        if mode not in ("base", "riemannian"):
            raise ValueError(f"mode must be 'base' or 'riemannian', got {mode!r}")
        if max_norm is not None and not max_norm > 0:
            raise ValueError(f"max_norm must be positive, got {max_norm}; None does not clip")
        if mode == "riemannian" and (reuse or local):
            raise ValueError("riemannian mode has neither reuse nor local perturbations, each is at its own point")
        super().__init__(
            base_optimizer(named_groups(named_parameters), **base),
            every=every,
            scaler=scaler,
            no_sync=no_sync,
            local=local,
            buffers=buffers,
        )
        require_matches(perturb, parameters_of(self.param_groups))
        self.geometry, self.radius, self.mode, self.perturb, self.max_norm = geometry, radius, mode, perturb, max_norm
        self._descent: AbstractDescent = (
            BaseDescent(self.base_optimizer)
            if mode == "base"
            else GeodesicDescent(geometry, self.base_optimizer, transport)
        )
        self._look = LookSAM(reuse)
        self._settled = mode == "base"  # base steps leave every representative, so that there is none to move to

    def to_representative(self) -> None:
        """In ``riemannian`` mode, move the model to the geometry's representative; once.

        ``step(closure)`` does so; loops with :meth:`first_step` call it before their first forward pass. A
        run that goes on from a checkpoint stays where it was.
        """
        if not self._settled:
            parameters = parameters_of(self.param_groups)
            point = {name: p.detach() for name, p in parameters.items()}
            write_(parameters, self.geometry.representative(point))
            self._settled = True

    def _chart(self, point: Params) -> AbstractChart:
        self._require_settled(point)
        try:
            return self.geometry.chart(point)
        except ValueError as error:
            error.add_note("RiemannianSAM needs a chart at the model's parameters; the model has not been changed.")
            raise

    def _ascend(self, chart: AbstractChart, covector: Covector) -> Ascent:
        if self._descent.geodesic and self._progress.local:
            raise ValueError(
                "riemannian mode cannot average over processes that perturb each on its own, as m-sharpness does: "
                "leave m_sharpness out, or use mode='base'"
            )
        scale = self._scale.factor
        x, moderate = uphill(chart, selected(covector, self.perturb), self.radius, steps=self._steps, scale=scale)
        if self._look.weight:
            self._progress.at_point = {name: c.clone() for name, c in covector.items()}
        parameters, back = parameters_of(self.param_groups), self._descent.geodesic
        return Ascent(parameters, self.buffers, chart.point, x, moderate, keep=back)

    def _pull_back_(self, ascent: Ascent) -> None:
        if not ascent.keep:
            return
        # Built a second time: a chart holds some copies of the parameters, too many to keep through the second pass.
        with torch.no_grad():
            self._progress.chart = self._progress.chart or self._chart(ascent.point)
        if ascent.x:
            pulled = self._descent.pulled_back(self._progress.chart, ascent.x, differential(ascent.parameters))
            for name, gradient in pulled.items():
                ascent.parameters[name].grad = gradient

    def _take_step(self, progress: Progress) -> None:
        gradients = differential(parameters_of(self.param_groups))
        if progress.at_point is not None:
            self._look.learn(progress.at_point, gradients)
        elif not self.due:
            self._look.add_(gradients)
        self._descent.step(progress.chart, max_norm=self.max_norm)

    def _own_state(self) -> dict[str, Any]:
        own = {"mode": self.mode, "settled": self._settled}
        return {**own, "descent": self._descent.state_dict(), "reuse": self._look.state_dict()}

    def _load_own_state(self, state: dict[str, Any]) -> None:
        saved = state.get("mode", "base")
        if saved != self.mode:
            raise ValueError(f"expected a state saved in mode {self.mode!r}, got one of mode {saved!r}")
        self._settled = state.get("settled", True)
        if "descent" in state:  # the state of a base optimizer alone has none
            self._descent.load_state_dict(state["descent"])
            self._look.load_state_dict(state["reuse"])

    def _require_settled(self, point: Params) -> None:
        if not self._settled:
            moved = self.geometry.representative(point)
            if any(moved[name] is not value for name, value in point.items()):
                raise RuntimeError(
                    "in riemannian mode a run starts at the geometry's representative: call "
                    "to_representative() before the first forward pass (step(closure) does)"
                )
            self._settled = True
