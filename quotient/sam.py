"""Sharpness-aware minimization on any geometry."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

import torch
from torch import Tensor

from symmetries import Covector, Params

from .coordinates import Coordinates, length, scaled
from .descent import geodesic_descent, pullback, require_geodesic_descent
from .geometry import AbstractChart, AbstractGeometry
from .parameter_groups import NamedParameters, differential, named_groups, named_parameters, write_

Mode = Literal["base", "riemannian"]
Loss = TypeVar("Loss")

#: A gradient this short counts as zero: radius / length would overflow in float32.
_SHORTEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Ascent:
    """The first half of a step.

    Args:
        point: the parameters before.
        buffers: the buffers after the first pass.
        finite: whether the gradient was free of NaN and Inf; if not, nothing is perturbed, the step skipped.
        lift: the chart at the point and the coordinates of the perturbed one, kept for ``riemannian`` mode.
    """

    point: Params
    buffers: tuple[Tensor, ...]
    finite: bool
    lift: tuple[AbstractChart, Coordinates] | None


class RiemannianSAM(torch.optim.Optimizer):
    r"""Sharpness-aware minimization in the metric of a geometry.

    With the differential :math:`c = dL(\theta)` and the chart at :math:`\theta`, of frame E and horizontal
    projection P,

    .. math:: x = r \, \frac{P E^T c}{\|P E^T c\|}, \qquad \hat\theta = \exp_\theta(E x), \qquad
        \hat c = dL(\hat\theta).

    Then the model is put back at :math:`\theta`, bit for bit, and the step is taken there:

    * ``mode="base"``: by ``base_optimizer``, with :math:`\hat c` as the gradient. Over ``Euclidean()`` this
      is SAM [Foret2021], over ``Adaptive()`` it is ASAM [Kwon2021].
    * ``mode="riemannian"``: along a geodesic. :math:`\hat c` is pulled back to the point through the
      differential D of :math:`x \mapsto \exp_\theta(E x)`, and

      .. math:: v \leftarrow \mu P v + P D^T \hat c, \qquad \theta \leftarrow \exp_\theta(-\eta E v),

      where projection carries the old velocity along. Over ``Quotient`` training then commutes with the
      group: two starts on one orbit give the same losses. For that, the model is moved once, before the
      first step, to ``geometry.representative`` (the same function). ``base_optimizer`` must be
      ``torch.optim.SGD``, and gives the learning rate :math:`\eta` and the momentum :math:`\mu`. [Yun2023]
      perturb alike, by a retraction.

    It is used as any torch optimizer. ``param_groups`` and ``state`` are those of the base optimizer, so
    that learning-rate schedulers act on it and ``state_dict`` holds the momentum; in ``base`` mode a
    checkpoint of the base optimizer alone loads too. Without a closure, call ``first_step`` after one
    backward pass and ``second_step`` after another; or run the other inside ``with optimizer.perturbed():``,
    then ``step()``.

    A zero gradient perturbs nothing. NaN or Inf in a gradient, in either pass, skips the step with a
    ``RuntimeWarning``: parameters and state stay as they were. A closure that raises leaves the model at its
    point.

    Dropout draws new masks in the second pass, unless the closure seeds it. Batch normalization would
    average perturbed activations too; ``buffers=model.buffers()`` keeps the running statistics of the first
    pass. During the second pass ``base`` mode holds one copy of the parameters, ``riemannian`` mode also the
    chart and x.

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
        radius: of the perturbation, in the norm of the geometry; an attribute that a schedule may set.
        mode: where the step is taken.
        buffers: tensors that the second pass must not change.
        **base: options of the base optimizer, such as ``lr``.

    Raises:
        ValueError: radius not positive, unknown mode, a name given twice, nothing to train; in ``riemannian``
            mode, another base optimizer than SGD, several groups, options beside ``lr`` and ``momentum``.
        TypeError: parameters without names.
    """

    def __init__(
        self,
        named_parameters: NamedParameters,
        geometry: AbstractGeometry,
        base_optimizer: Callable[..., torch.optim.Optimizer],
        *,
        radius: float = 0.05,
        mode: Mode = "base",
        buffers: Iterable[Tensor] = (),
        **base: Any,
    ) -> None:
        if not 0 < radius < math.inf:
            raise ValueError(f"radius must be positive and finite, got {radius}")
        if mode not in ("base", "riemannian"):
            raise ValueError(f"mode must be 'base' or 'riemannian', got {mode!r}")
        self.base_optimizer = base_optimizer(named_groups(named_parameters), **base)
        if mode == "riemannian":
            require_geodesic_descent(self.base_optimizer)
        super().__init__(self.base_optimizer.param_groups, self.base_optimizer.defaults)
        self.param_groups, self.state = self.base_optimizer.param_groups, self.base_optimizer.state
        self.geometry, self.radius, self.mode, self.buffers = geometry, radius, mode, tuple(buffers)
        self._settled = mode == "base"  # base steps leave every representative, so that there is none to move to
        self._perturbed = False
        self._ascent: Ascent | None = None

    @property
    def is_perturbed(self) -> bool:
        """Whether the model holds perturbed parameters: not the time to evaluate it."""
        return self._perturbed

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...

    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """With a closure a whole step; without one its second half, as :meth:`second_step`.

        Args:
            closure: clears the gradients, evaluates the loss, calls ``backward`` on it and returns it. It
                runs twice, first at the point, then at the perturbed point.

        Returns:
            What the closure returned at the point.

        Raises:
            RuntimeError: a closure while the model is perturbed; no closure and no first half.
        """
        loss = None
        if closure is not None:
            self._require_restored("take another step")
            self.to_representative()
            with torch.enable_grad():
                loss = closure()
            with self.perturbed() as ascent, torch.enable_grad():
                if ascent.finite:
                    closure()
        self._descend()
        return loss

    def first_step(self, *, zero_grad: bool = False) -> Ascent:
        """Perturb the model, by the gradients of a backward pass at the point.

        Raises:
            RuntimeError: the model is perturbed already, there are no gradients, or, in ``riemannian`` mode,
                they come from before :meth:`to_representative`.
            ValueError: the geometry has no chart at the parameters, e.g. at a head without full rank.
        """
        self._require_restored("perturb it again")
        parameters = named_parameters(self.param_groups)
        if all(p.grad is None for p in parameters.values()):
            raise RuntimeError("no parameter has a gradient: call backward() on the loss before the first step")
        with torch.no_grad():
            point = {name: p.detach().clone() for name, p in parameters.items()}
            self._require_settled(point)
            chart = self._chart(point)
            gradient = chart.project(chart.components(differential(parameters)))
            norm = float(length(gradient))
            moves = _SHORTEST < norm < math.inf
            x = scaled(gradient, self.radius / norm) if moves else chart.zeros()
            if moves:
                write_(parameters, chart.exp(x))
        buffers = tuple(buffer.clone() for buffer in self.buffers)
        lift = (chart, x) if self.mode == "riemannian" else None
        self._ascent, self._perturbed = Ascent(point, buffers, math.isfinite(norm), lift), True
        if zero_grad:
            self.zero_grad()
        return self._ascent

    def second_step(self, *, zero_grad: bool = False) -> None:
        """Put the model back at its point, and step there by the gradients from the perturbed one."""
        self.step()  # schedulers and hooks count the calls of step
        if zero_grad:
            self.zero_grad()

    @contextmanager
    def perturbed(self) -> Iterator[Ascent]:
        """The model is perturbed inside, and back at its point after, whatever happens inside."""
        ascent = self.first_step()
        try:
            yield ascent
        except BaseException:
            self.restore()
            self._ascent = None  # no second half may follow
            raise
        self.restore()

    def restore(self) -> None:
        """Put the model back at its point, bit for bit; without effect when it is there."""
        if self._perturbed and self._ascent is not None:
            write_(named_parameters(self.param_groups), self._ascent.point)
            for buffer, kept in zip(self.buffers, self._ascent.buffers, strict=True):
                buffer.copy_(kept)
        self._perturbed = False

    def to_representative(self) -> None:
        """In ``riemannian`` mode, move the model to the geometry's representative; once.

        ``step(closure)`` does so; loops with :meth:`first_step` call it before their first forward pass. A
        run that goes on from a checkpoint stays where it was.
        """
        if not self._settled:
            parameters = named_parameters(self.param_groups)
            point = {name: p.detach() for name, p in parameters.items()}
            write_(parameters, self.geometry.representative(point))
            self._settled = True

    def state_dict(self) -> dict[str, Any]:
        """The state of the base optimizer, and the mode; geometry and radius belong to the constructor.

        Raises:
            RuntimeError: the model is perturbed: a checkpoint would hold the wrong parameters.
        """
        self._require_restored("save a checkpoint")
        return {**super().state_dict(), "mode": self.mode, "settled": self._settled}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave; in ``base`` mode also the state of a base optimizer alone.

        Raises:
            ValueError: a state of the other mode, whose momentum is another kind of vector.
        """
        self._require_restored("load a checkpoint")
        saved = state_dict.get("mode", "base")
        if saved != self.mode:
            raise ValueError(f"expected a state saved in mode {self.mode!r}, got one of mode {saved!r}")
        names = [group["param_names"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, own in zip(self.param_groups, names, strict=True):
            group["param_names"] = own  # the saved names may carry the prefix of a wrapper
        self._settled = state_dict.get("settled", True)
        self._ascent = None

    def __getstate__(self) -> dict[str, Any]:
        self._require_restored("copy the optimizer")
        own = ("base_optimizer", "geometry", "radius", "mode", "buffers", "_settled", "_perturbed", "_ascent")
        return {**super().__getstate__(), **{name: getattr(self, name) for name in own}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.base_optimizer.__setstate__({"state": self.state, "param_groups": self.param_groups})

    def _descend(self) -> None:
        self.restore()
        ascent, self._ascent = self._ascent, None
        if ascent is None:
            raise RuntimeError("step() without a closure is the second half: call first_step() before it")
        covector = differential(named_parameters(self.param_groups))
        if not (ascent.finite and math.isfinite(float(length(tuple(covector.values()))))):
            warnings.warn(
                "a gradient holds NaN or Inf: step skipped, parameters and state unchanged; if this goes on, "
                "lower the learning rate or the loss scale",
                RuntimeWarning,
                stacklevel=4,
            )
        elif ascent.lift is None:
            self.base_optimizer.step()
        else:
            self._geodesic_step(*ascent.lift, covector)

    def _geodesic_step(self, chart: AbstractChart, x: Coordinates, covector: Covector) -> None:
        (group,) = self.param_groups
        parameters = named_parameters([group])
        gradient = chart.project(pullback(chart, x, covector))
        with torch.no_grad():
            buffers = {name: self.state[p].get("momentum_buffer") for name, p in parameters.items()}
            old = {name: buffer for name, buffer in buffers.items() if buffer is not None}
            point, velocity = geodesic_descent(chart, gradient, group, old or None)
            if group["momentum"]:
                for name, tangent in velocity.items():
                    self.state[parameters[name]]["momentum_buffer"] = tangent
            write_(parameters, point)

    def _chart(self, point: Params) -> AbstractChart:
        try:
            return self.geometry.chart(point)
        except ValueError as error:
            error.add_note("RiemannianSAM needs a chart at the model's parameters; the model has not been changed.")
            raise

    def _require_restored(self, action: str) -> None:
        if self._perturbed:
            raise RuntimeError(
                f"cannot {action} while the model is perturbed: call second_step(), or go back with restore()"
            )

    def _require_settled(self, point: Params) -> None:
        if not self._settled:
            moved = self.geometry.representative(point)
            if any(moved[name] is not value for name, value in point.items()):
                raise RuntimeError(
                    "in riemannian mode a run starts at the geometry's representative: call "
                    "to_representative() before the first forward pass (step(closure) does)"
                )
            self._settled = True
