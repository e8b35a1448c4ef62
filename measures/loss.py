"""The loss of a model on data, as a pure function of the parameters."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from symmetries import Covector, Params, Tangent, evaluate_at, require_whole, unknown_name, whole

from .batch import microbatches, on_device, tensors
from .differential import HessianProduct, require_finite_loss
from .mode import evaluation_mode, require_one_mode
from .processes import Processes, fingerprint

LossFunction = Callable[[Any, Any], Tensor]


class EmpiricalLoss:
    r"""The mean of a loss over batches, :math:`L(\theta) = \frac{1}{B} \sum_b \ell(f_\theta, b)`.

    ``loss_fn(model, batch)`` returns the mean loss over the examples of a batch, a 0-dimensional tensor. It
    receives the model itself, holding the parameters at which the loss is asked: calls with keywords
    (``model(**batch)``), methods and attributes work. The model is never changed.

    Every batch has the same weight, as in the protocol of [Andriushchenko2023]; with batches of one size, L
    is the mean over examples. ``params`` are the model's trainable parameters; frozen ones may be among them,
    and then belong to the point, otherwise they come from the model, as buffers do. A tied tensor appears
    once, under its first name. Derivatives are those of torch: the row of an embedding's ``padding_idx`` has none.

    The loss is that of the model in evaluation mode, and is computed there. While dropout or batch norm is in
    training mode the model is refused: there the two modes are different functions, and either may be meant.

    With a ``group`` the work is shared out: every process of the group is given the same model and the same batches,
    evaluates its share of the microbatches (of the batches, without ``microbatch``), and gets the sum of all. Every
    call is then a collective one. Values have no graph; :meth:`gradient` and :meth:`hessian` give derivatives. Where
    ``params`` are sharded (``DTensor``), they are gathered to be evaluated, and differentials are sharded like them.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(3, 1)
        >>> data = torch.ones(4, 3), torch.zeros(4, 1)
        >>> loss = EmpiricalLoss(model, lambda f, batch: (f(batch[0]) - batch[1]).square().mean(), [data])
        >>> params = {"weight": torch.tensor([[1.0, 0.0, 0.0]]), "bias": torch.tensor([1.0])}
        >>> loss(params).item()
        4.0
        >>> loss.gradient(params)["bias"]
        tensor([4.])

    Args:
        model: the network.
        loss_fn: the mean loss of a model on a batch.
        batches: what ``loss_fn`` takes, several of them; moved to the device of the parameters when needed.
        microbatch: largest number of examples to differentiate at once. Exact where ``loss_fn`` is a mean
            over examples with equal weights, and evaluates them independently of each other.
        fixed: parameters that belong to the function, and not to the point; see :meth:`restricted`.
        group: processes that share the work, such as ``torch.distributed.group.WORLD``.

    Raises:
        TypeError: a model that is no ``nn.Module``, or a single batch in place of several.
        ValueError: no batches, ``microbatch < 1``, dropout or batch norm in training mode, a model that
            ``fully_shard`` has taken apart, or batches that differ between processes.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFunction,
        batches: Iterable[Any],
        *,
        microbatch: int | None = None,
        fixed: Params | None = None,
        group: dist.ProcessGroup | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
        if isinstance(batches, Tensor | Mapping):
            raise TypeError(f"batches must be a list of batches, got one {type(batches).__name__}; pass [batch]")
        if microbatch is not None and microbatch < 1:
            raise ValueError(f"microbatch must be a positive number of examples, got {microbatch}")
        self.model = model
        self.loss_fn = loss_fn
        self.batches: tuple[Any, ...] = tuple(batches)
        self.microbatch = microbatch
        self.fixed: Params = {name: whole(p) for name, p in (fixed or {}).items()}
        if not self.batches:
            raise ValueError("the loss needs at least one batch, got none; is the data loader empty or used up?")
        require_one_mode(model)
        require_whole(
            dict(model.named_parameters()),
            "give a model of the same class that is whole, on the meta device if you like, since its values do not "
            "count, and the sharded parameters as the point",
        )
        self.processes = Processes(group)
        self._bound = _Bound(model, loss_fn)
        pieces = [
            (index, share, piece)
            for index, batch in enumerate(self.batches)
            for share, piece in (microbatches(batch, microbatch) if microbatch else [(1.0, batch)])
        ]
        self._pieces = self.processes.share(pieces)
        if self.processes.count > 1:
            self.processes.require_same(fingerprint(tensors([piece for *_, piece in pieces])), "batches")

    def __call__(self, params: Params) -> Tensor:
        """The loss, a 0-dimensional float64 tensor, differentiable in the parameters that require a gradient.

        Non-finite values are returned as they are; every other method refuses them.
        """
        return self.per_batch(params).mean()

    def per_batch(self, params: Params) -> Tensor:
        """The loss of every batch, shape ``(batches,)``, float64."""
        self.require(params)
        point = self.processes.gathered(params, "parameters")
        none = torch.zeros((), dtype=torch.float64, device=next(iter(point.values())).device)
        values: list[list[Tensor]] = [[] for _ in self.batches]
        for index, share, piece in self._pieces:
            values[index].append(share * self._evaluate(point, piece))
        return self.processes.total(torch.stack([torch.stack(v).sum() if v else none for v in values]))

    def gradient(self, params: Params) -> Covector:
        """The differential of the loss, detached."""
        return self.value_and_gradient(params)[1]

    def value_and_gradient(self, params: Params, *, checked: bool = True) -> tuple[Tensor, Covector]:
        """The loss (float64) and its differential, detached, one microbatch after the other.

        The differential lies in memory of its own, and may be written over.

        Args:
            params: the point.
            checked: False leaves it to the caller to look whether the loss is finite, which waits for the device.

        Raises:
            ValueError: parameters that are not the model's, or a loss that is not finite.
        """
        self.require(params)
        leaves = self.processes.leaves(params)
        values = [torch.zeros((), dtype=torch.float64, device=next(iter(leaves.values())).device)]
        for term in self.terms:
            with torch.enable_grad():
                value = term(leaves)
            values.append(value.detach())
            if value.requires_grad:
                value.backward(inputs=list(leaves.values()))  # sums up in place, in memory that nobody else has
        value = self.processes.total(torch.stack(values).sum())
        if checked:
            require_finite_loss(value, leaves)
        covector = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in leaves.items()}
        return value, self.processes.reduced(covector, params)

    def hvp(self, params: Params, tangent: Tangent) -> Covector:
        """The Hessian times a tangent, detached. For several products at one point use :meth:`hessian`."""
        return self.hessian(params, memory=0)(tangent)

    def hessian(self, params: Params, *, memory: int | None = None) -> HessianProduct:
        """The Hessian at a point, as a function of tangents.

        Args:
            params: the point.
            memory: bytes that the graphs of the gradients of batches and microbatches may hold. Those that fit are
                built once for all products, the others anew for each. By default half of the free memory.
        """
        self.require(params)
        return HessianProduct(self.terms, params, memory=memory, processes=self.processes)

    @contextmanager
    def observing(self, outputs: Callable[[Any], Iterable[Tensor]]) -> Iterator[list[Tensor]]:
        """While it lasts, the ``outputs`` of whatever the model returns are put into the list."""
        seen: list[Tensor] = []
        handle = self.model.register_forward_hook(lambda _module, _inputs, result: seen.extend(outputs(result)))
        try:
            yield seen
        finally:
            handle.remove()

    def parts(self) -> tuple["EmpiricalLoss", ...]:
        """The loss of every batch by itself."""
        return tuple(self._variant([batch], self.fixed) for batch in self.batches)

    def restricted(self, params: Params, patterns: Sequence[str]) -> tuple["EmpiricalLoss", Params]:
        """The loss as a function of some parameters, the others fixed at ``params``; and those parameters.

        Args:
            params: the point.
            patterns: names, or shell patterns such as ``"blocks.0.*"``.

        Raises:
            ValueError: a pattern that no parameter matches.
        """
        self.require(params)
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in params):
                raise ValueError(unknown_name("parameter", pattern, params))
        chosen = {n: p for n, p in params.items() if any(fnmatchcase(n, pattern) for pattern in patterns)}
        fixed = self.fixed | {name: p.detach() for name, p in params.items() if name not in chosen}
        return self._variant(self.batches, fixed), chosen

    @property
    def terms(self) -> list[Callable[[Params], Tensor]]:
        """The functions that this process differentiates one at a time; over all processes, the loss is their sum."""

        def term(share: float, piece: Any) -> Callable[[Params], Tensor]:
            return lambda params: share / len(self.batches) * self._evaluate(params, piece)

        return [term(share, piece) for _, share, piece in self._pieces]

    def _variant(self, batches: Sequence[Any], fixed: Params) -> "EmpiricalLoss":
        return EmpiricalLoss(
            self.model,
            self.loss_fn,
            batches,
            microbatch=self.microbatch,
            fixed=fixed,
            group=self.processes.group,
        )

    def _evaluate(self, params: Params, batch: Any) -> Tensor:
        device = next(iter(params.values())).device
        named = {f"model.{name}": p for name, p in (self.fixed | params).items()}
        with evaluation_mode(self.model):
            value = evaluate_at(self._bound, named, (on_device(batch, device),))
        if not isinstance(value, Tensor) or value.ndim != 0:
            got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"loss_fn must return a 0-dimensional tensor, got {got}; take the mean over examples")
        return value.double()

    def require(self, params: Mapping[str, Tensor]) -> None:
        """Raise unless ``params`` are parameters of the model: names, shapes, dtypes and devices.

        Raises:
            ValueError: what is missing, unknown, or does not fit; or a model that is in training mode by now.
        """
        require_one_mode(self.model)
        known = dict(self.model.named_parameters())
        for name, p in params.items():
            if name in self.fixed or name not in known:
                variable = [n for n in known if n not in self.fixed]
                raise ValueError(unknown_name("parameter", name, variable))
            if p.shape != known[name].shape:
                raise ValueError(f"{name!r}: expected shape {tuple(known[name].shape)}, got {tuple(p.shape)}")
            if p.dtype != known[name].dtype or not (known[name].is_meta or p.device == known[name].device):
                raise ValueError(
                    f"{name!r}: the model holds {known[name].dtype} on {known[name].device}, got {p.dtype} "
                    f"on {p.device}; move the model with model.to(dtype, device) as well"
                )
        missing = [n for n, p in known.items() if p.requires_grad and n not in params and n not in self.fixed]
        if missing or not params:
            raise ValueError(
                f"params lacks {len(missing)} trainable parameters of the model, such as {missing[:3]}; pass "
                "dict(model.named_parameters()), or fix the others with loss.restricted(params, patterns)"
            )


class _Bound(nn.Module):
    """A loss function bound to a model: a module, so that it can be evaluated at other parameters."""

    def __init__(self, model: nn.Module, loss_fn: LossFunction) -> None:
        super().__init__()
        self.model = model
        self._loss_fn = loss_fn

    def forward(self, batch: Any) -> Tensor:
        return self._loss_fn(self.model, batch)
