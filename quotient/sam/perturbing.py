"""Optimizers that perturb the model for a second gradient, and come back."""

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from symmetries import Covector, Params

from ..geometry import AbstractChart
from ..parameter_groups import differential, finite, named_parameters
from .accumulation import NoSync
from .ascent import Ascent
from .guard import guarded
from .loss_scale import LossScale
from .progress import Progress
from .random_state import RandomState


class AbstractPerturbing(torch.optim.Optimizer):
    """The two halves of a step: from the point to perturbed parameters, and back with a gradient; and its checkpoints.

    Subclasses say where to perturb to, and how to step from the gradients of the second pass, which lie in ``.grad``
    while the model is back at its point.

    Args:
        base_optimizer: made from named parameters; its ``param_groups`` and ``state`` are those of this one.
        every: only each ``every``-th step perturbs, beginning with the first.
        scaler: of the losses that closures differentiate.
        no_sync: inside, gradients are not averaged over processes.
        local: every process perturbs along its own gradient.
        buffers: tensors that the second pass must not change.

    Raises:
        ValueError: ``every`` below 1.
    """

    #: ``scaler.step(optimizer)`` calls ``step()`` whatever it found, so that the model never stays perturbed.
    _step_supports_amp_scaling = True

    def __init__(
        self,
        base_optimizer: torch.optim.Optimizer,
        *,
        every: int,
        scaler: torch.amp.GradScaler | None,
        no_sync: NoSync,
        local: bool,
        buffers: Iterable[Tensor],
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        super().__init__(base_optimizer.param_groups, base_optimizer.defaults)
        self.base_optimizer = base_optimizer
        self.param_groups, self.state = base_optimizer.param_groups, base_optimizer.state
        self.every, self.no_sync, self.local, self.buffers = every, no_sync, local, tuple(buffers)
        self._scale = LossScale(scaler)
        self._steps = 0
        self._progress = Progress()

    @abstractmethod
    def to_representative(self) -> None:
        """Before a first pass: move the model, if that is called for, to other parameters of the same function."""

    @abstractmethod
    def _chart(self, point: Params) -> AbstractChart:
        """The chart at the point."""

    @abstractmethod
    def _ascend(self, chart: AbstractChart, covector: Covector) -> Ascent:
        """Where to perturb to, from the differential at the point (times the scale of the loss)."""

    @abstractmethod
    def _pull_back_(self, ascent: Ascent) -> None:
        """Turn the gradients in ``.grad``, found at perturbed parameters, into gradients at the point."""

    @abstractmethod
    def _take_step(self, progress: Progress) -> None:
        """Step from finite, unscaled gradients in ``.grad``."""

    @abstractmethod
    def _own_state(self) -> dict[str, Any]:
        """What a checkpoint holds beside the state of the base optimizer and the number of steps."""

    @abstractmethod
    def _load_own_state(self, state: dict[str, Any]) -> None:
        """Take it over; the state of the base optimizer alone may be all there is.

        Raises:
            ValueError: a state that does not fit.
        """

    @property
    def is_perturbed(self) -> bool:
        """Whether the model holds perturbed parameters: not the time to evaluate it."""
        ascent = self._progress.ascent
        return ascent is not None and ascent.active

    @property
    def due(self) -> bool:
        """Whether this step perturbs: always, unless ``every`` is more than 1."""
        return self._steps % self.every == 0

    @contextmanager
    def unperturbed(self) -> Iterator[None]:
        """The first pass: the random numbers drawn since its beginning are drawn again in :meth:`perturbed`."""
        self._require_restored("take a first pass")
        if self._progress.random is None:
            self._progress.random = RandomState.capture(named_parameters(self.param_groups).values())
        with self.no_sync() if self.local and self.due else nullcontext(), torch.enable_grad():
            yield

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
        self._progress.local |= self.local
        with torch.no_grad():
            chart = self._progress.chart or self._point_chart()
            self._progress.ascent = self._ascend(chart, differential(parameters))
            self._progress.ascent.perturb_(chart)
        if zero_grad:
            self.zero_grad()
        return self._progress.ascent

    def second_step(self, *, zero_grad: bool = False) -> None:
        """Put the model back at its point, and step there by the gradients from the perturbed one."""
        self.step()  # schedulers and hooks count the calls of step
        if zero_grad:
            self.zero_grad()

    @contextmanager
    def perturbed(self) -> Iterator[Ascent]:
        """The second pass: the model is perturbed inside, and back at its point after, whatever happens inside."""
        ascent = self.first_step()
        random = self._progress.random
        try:
            with random.replayed() if random else nullcontext(), torch.enable_grad():
                yield ascent
        except BaseException:
            ascent.restore_()
            self._progress = Progress()  # no second half may follow
            raise
        self._progress.random = None
        self._return()

    def restore(self) -> None:
        """Put the model back at its point, bit for bit; without effect when it is there."""
        if self._progress.ascent is not None:
            self._progress.ascent.restore_()

    def guard(self, model: nn.Module) -> ExitStack:
        """Refuse to evaluate ``model`` (a forward pass without gradients) or to save it while it is perturbed.

        Returns:
            A context that ends the watch; ``close()`` does too.
        """
        return guarded(model, lambda: self.is_perturbed)

    def state_dict(self) -> dict[str, Any]:
        """The state of the base optimizer, the number of steps, and what a subclass adds.

        Geometry, radius and schedules belong to the constructor. For a run that goes on bit for bit, save
        ``torch.get_rng_state()`` too, where the model draws random numbers.

        Raises:
            RuntimeError: the model is perturbed: a checkpoint would hold the wrong parameters.
        """
        self._require_restored("save a checkpoint")
        return {**super().state_dict(), "steps": self._steps, **self._own_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave.

        Raises:
            ValueError: a state that does not fit, e.g. of another mode, whose momentum is another kind of vector.
        """
        self._require_restored("load a checkpoint")
        self._load_own_state(state_dict)
        names = [group["param_names"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, own in zip(self.param_groups, names, strict=True):
            group["param_names"] = own  # the saved names may carry the prefix of a wrapper
        self._steps, self._progress = state_dict.get("steps", 0), Progress()

    def __getstate__(self) -> dict[str, Any]:
        self._require_restored("copy the optimizer")
        # Not the hooks, and not the wrapper of step that a scheduler puts here: they belong to this object.
        own = {name: v for name, v in vars(self).items() if name != "step" and not name.startswith("_optimizer_")}
        return {**own, **super().__getstate__(), "_progress": Progress()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.base_optimizer.__setstate__({"state": self.state, "param_groups": self.param_groups})

    def _return(self) -> None:
        """Back to the point, and the gradients found at the perturbed one with it."""
        ascent, self._progress.ascent = self._progress.ascent, None
        if ascent is not None:
            ascent.restore_()
            self._pull_back_(ascent)
            self._progress.finite &= ascent.finite or self._progress.local  # the average decides, for all alike
            self._progress.halfway = True

    def _descend(self) -> None:
        self._return()
        progress, self._progress = self._progress, Progress()
        if self.due and not progress.halfway:
            raise RuntimeError("step() without a closure is the second half: call first_step() before it")
        covered = self._scale.unscale_(self)
        if progress.finite and finite(differential(named_parameters(self.param_groups))):
            self._take_step(progress)
            self._steps += 1
        elif not covered:
            warnings.warn(
                "a gradient holds NaN or Inf: step skipped, parameters and state unchanged; if this goes on, "
                "lower the learning rate or the loss scale",
                RuntimeWarning,
                stacklevel=4,
            )
        self._scale.update()

    def _point_chart(self) -> AbstractChart:
        """The chart at a copy of the live parameters."""
        return self._chart({name: p.detach().clone() for name, p in named_parameters(self.param_groups).items()})

    def _require_restored(self, action: str) -> None:
        if self.is_perturbed:
            raise RuntimeError(
                f"cannot {action} while the model is perturbed: call second_step(), or go back with restore()"
            )
