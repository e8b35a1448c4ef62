"""Whole steps of optimizers that need a second gradient, at perturbed parameters."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar, overload

import torch
from torch import Tensor

from ..parameter_groups import named_parameters
from .accumulation import Accumulation
from .perturbing import AbstractPerturbing
from .progress import Progress

Loss = TypeVar("Loss")


class AbstractTwoPass(AbstractPerturbing):
    """The course of a step: a pass at the point, a pass at perturbed parameters, and back.

    Both passes evaluate a closure, or the losses of micro-batches.
    """

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...

    @overload
    def step(
        self,
        closure: Callable[[Any], Tensor],
        micro_batches: Iterable[Any],
        *,
        weights: Iterable[float] | None = None,
        m_sharpness: bool = False,
    ) -> Tensor: ...

    def step(
        self,
        closure: Callable[..., Any] | None = None,
        micro_batches: Iterable[Any] | None = None,
        *,
        weights: Iterable[float] | None = None,
        m_sharpness: bool = False,
    ) -> Any:
        """A whole step, with a closure or with micro-batches; without either its second half.

        Args:
            closure: clears the gradients, evaluates the loss, calls ``backward`` on it and returns it. It
                runs twice, first at the point, then at the perturbed point. With micro-batches: the loss of
                one, ``loss_fn(micro_batch)``, which is not differentiated yet.
            micro_batches: whose gradients add up to that of the batch; all of them are swept at the point,
                and again at the perturbed point.
            weights: of their losses; equal ones by default.
            m_sharpness: perturb for every micro-batch along its own gradient, and average the gradients
                found there: sharpness of m examples at a time, which helps more the smaller m
                [Foret2021, section 4.1].

        Returns:
            What the closure returned at the point; of micro-batches the weighted sum of their losses there.

        Raises:
            RuntimeError: a closure while the model is perturbed; no closure and no first half.
        """
        if closure is None:
            self._descend()
            return None
        self._require_restored("take another step")
        self.to_representative()
        self._progress = Progress()
        if micro_batches is None:
            loss = self._two_passes(closure, closure)
        else:
            batch = Accumulation.of(closure, micro_batches, weights, self._scale.backward)
            loss = self._each(batch) if m_sharpness and self.due else self._jointly(batch)
        self._descend()
        return loss

    def _two_passes(self, first: Callable[[], Loss], second: Callable[[], object]) -> Loss:
        with self.unperturbed():
            loss = first()
        if self.due:
            with self.perturbed() as ascent:
                if ascent.finite or self._progress.local:  # others may go on, and would wait for this process
                    second()
        return loss

    def _jointly(self, batch: Accumulation) -> Tensor:
        def closure() -> Tensor:
            self.zero_grad()
            return batch.sweep(self.no_sync)

        return self._two_passes(closure, closure)

    def _each(self, batch: Accumulation) -> Tensor:
        """m-sharpness: both passes for one micro-batch, then for the next; gradients add up beside ``.grad``."""
        parameters = named_parameters(self.param_groups)
        self._progress.chart = self._point_chart()  # one point, one chart
        self._progress.local |= self.no_sync is not nullcontext
        gradients: dict[str, Tensor] = {}
        losses = []
        for micro_batch in batch:
            self.zero_grad()
            losses.append(self._two_passes(partial(self._unsynced, micro_batch), partial(self._again, micro_batch)))
            for name, p in parameters.items():
                if p.grad is not None:  # which may be memory that the next backward pass writes into
                    gradients[name] = gradients[name].add_(p.grad) if name in gradients else p.grad.clone()
        for name, gradient in gradients.items():
            parameters[name].grad = gradient
        return torch.stack(losses).sum()

    def _unsynced(self, batch: Accumulation) -> Tensor:
        with self.no_sync():
            return batch.sweep()

    def _again(self, batch: Accumulation) -> Tensor:
        self.zero_grad()
        return batch.sweep()
