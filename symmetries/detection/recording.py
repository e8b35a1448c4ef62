"""The computation of a model, recorded operation by operation on an example."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.weak import WeakTensorKeyDictionary

from ..evaluation import evaluate_at
from ..function import LOGITS, doubled, output_tensors
from ..params import Params, double_copy, trainable_parameters
from .memory import Memory, written


@dataclass(frozen=True)
class Place:
    """A tensor of the recorded program, by its number."""

    number: int


@dataclass(frozen=True)
class Operation:
    """One recorded call.

    Args:
        function: the ATen operation.
        args: its arguments, a :class:`Place` for every tensor that depends on the parameters.
        kwargs: its keyword arguments, likewise.
        results: where the results go, None for one that is no tensor.
        shapes: their shapes.
        is_single: whether there is one result, not a sequence of them.
        is_choice: whether every result is made of integers or truth values: locally, they do not change.
        module: dotted path of the module it ran in.
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: tuple[int | None, ...]
    shapes: tuple[tuple[int, ...], ...]
    is_single: bool
    is_choice: bool
    module: str

    @property
    def name(self) -> str:
        """The operation, without namespace, overload and the mark of an in-place variant."""
        return str(self.function._schema.name).rpartition("::")[2].rstrip("_")

    @property
    def is_in_place(self) -> bool:
        """Whether the first argument is overwritten."""
        return str(self.function._schema.name).endswith("_")


@dataclass(frozen=True)
class Recording:
    """The operations of one forward pass that depend on the trainable parameters, in double precision.

    Args:
        operations: in the order they ran.
        names: the trainable parameters; they are the first tensors of the program.
        shapes: their shapes.
        outputs: the outputs, without constants; then what was read off as a number, or as a set of positions, and
            may have steered the computation.
        is_logits: whether the first output may be read as logits.
    """

    operations: tuple[Operation, ...]
    names: tuple[str, ...]
    shapes: Mapping[str, torch.Size]
    outputs: tuple[int, ...]
    is_logits: bool

    def __call__(self, params: Params, *, without_eps: bool = False) -> list[Tensor]:
        """The outputs at other parameters (double precision), if asked for with the eps of every norm put to zero."""
        values: dict[int, Tensor] = {i: params[name] for i, name in enumerate(self.names)}
        last = {number: i for i, operation in enumerate(self.operations) for number in _read(operation)}
        last |= dict.fromkeys(self.outputs, len(self.operations))
        ending: dict[int, list[int]] = {}
        for number, i in last.items():
            ending.setdefault(i, []).append(number)

        def value(place: Place) -> Tensor:
            return values[place.number]

        with torch.no_grad():
            for i, operation in enumerate(self.operations):
                args, kwargs = tree_map_only(Place, value, (operation.args, dict(operation.kwargs)))
                if operation.is_in_place:
                    args = (args[0].clone(), *args[1:])
                if without_eps:
                    args = _without_eps(operation.function._schema.name, args)
                result = operation.function(*args, **kwargs)
                results = [result] if operation.is_single else list(result)
                values.update((n, t) for n, t in zip(operation.results, results, strict=True) if n is not None)
                for number in ending.get(i, ()):
                    values.pop(number, None)
        return [values[number] for number in self.outputs]


#: Where norms take their eps; and the largest number that is an eps where it is added by hand.
_EPS_PLACES = {
    "aten::native_layer_norm": 4, "aten::_fused_rms_norm": 3, "aten::native_group_norm": 7,
    "aten::_native_batch_norm_legit": -1,
}  # fmt: skip
_LARGEST_EPS = 1e-3


def _without_eps(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of an operation without the eps of a norm."""
    place = _EPS_PLACES.get(name)
    if place is not None and place < len(args):
        return tuple(0.0 if i == place % len(args) else argument for i, argument in enumerate(args))
    by_hand = name in ("aten::add", "aten::add_") and len(args) > 1 and isinstance(args[1], float)
    return (args[0], 0.0, *args[2:]) if by_hand and 0 < args[1] <= _LARGEST_EPS else args


def _read(operation: Operation) -> list[int]:
    leaves = tree_leaves((operation.args, dict(operation.kwargs)))
    return [leaf.number for leaf in leaves if isinstance(leaf, Place)]


def record(model: nn.Module, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Recording:
    """Record a forward pass of ``model`` in evaluation mode.

    Tied parameters are one tensor. What does not depend on trainable parameters (inputs, frozen parameters, masks,
    positions) is data, and may steer the control flow. Fused attention is recorded as the matrix products and the
    softmax it stands for, and conversions to a lower precision are left out, so that the program can be evaluated in
    double precision.
    """
    trainable = double_copy(trainable_parameters(model))
    fixed = {name: doubled(p) for name, p in model.named_parameters() if not p.requires_grad}
    fixed |= {name: doubled(b).clone() for name, b in model.named_buffers()}  # a forward pass may write into them
    recorder = _Recorder(list(trainable.values()))
    with ExitStack() as stack:
        stack.enter_context(_evaluation(model))
        stack.enter_context(torch.no_grad())
        stack.enter_context(recorder.watching(model))
        args, kwargs = doubled(arguments), doubled(dict(keywords))
        with recorder:
            result = evaluate_at(model, trainable | fixed, args, kwargs)
    outputs = [n for _, value in output_tensors(result, "") if (n := recorder.number(value)) is not None]
    shapes = {name: value.shape for name, value in trainable.items()}
    is_logits = not isinstance(result, Mapping) or any(str(key).startswith(LOGITS) for key in result)
    outputs += [number for number in recorder.steering if number not in outputs]
    return Recording(tuple(recorder.operations), tuple(trainable), shapes, tuple(outputs), is_logits)


class _Recorder(TorchDispatchMode):
    """Notes every operation that reads a tensor that depends on some given ones."""

    supports_higher_order_operators = True

    def __init__(self, sources: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []
        self.steering: dict[int, None] = {}
        self._numbers: Any = WeakTensorKeyDictionary()
        self._memory = Memory(self._note)
        self._normalized: Any = WeakTensorKeyDictionary()  # data that a norm returned, with the call
        self._count = 0
        self._stack: list[str] = []
        for tensor in sources:
            self._new(tensor)

    def number(self, tensor: Tensor) -> int | None:
        """The number of a tensor of the program, None for data."""
        self._memory.refresh(tensor)
        return self._numbers.get(tensor)

    def _new(self, value: object) -> int | None:
        if not isinstance(value, Tensor):
            return None
        self._numbers[value] = self._count
        self._count += 1
        return self._count - 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args, kwargs = tuple(args), kwargs or {}
        if isinstance(func, HigherOrderOperator):  # attention with a function for its scores, for instance
            with self:
                return func.dispatch(DispatchKey.CompositeExplicitAutograd, *args, **kwargs)
        if func is torch.ops.aten._grouped_mm.default:  # has no double precision
            with self:
                return _by_groups(*args)
        if func._can_decompose():  # what comes from there has not been taken apart
            with self:
                return func.decompose(*args, **kwargs)
        if func is torch.ops.aten.as_strided_.default and _has_layout(*args):
            return args[0]  # pooling marks channels as the last in memory, where there is one position left
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        numbers = [number for number in map(self.number, read) if number is not None]
        if not numbers or _is_fresh(func):
            result = func(*args, **kwargs)
            if "empty" in func._schema.name:
                result.zero_()  # whatever was there may not matter
            self._remember(func, args, kwargs, result)
        elif _is_steering(func):
            result = func(*args, **kwargs)
            self.steering |= dict.fromkeys(numbers)
        else:
            targets = written(func, args, kwargs)
            for target in targets:
                self._adopt(target)
            if torch.Tag.dynamic_output_shape in func.tags:
                args, kwargs = tree_map_only(Tensor, self._fixed, (args, kwargs))
            placed_args, placed_kwargs = tree_map_only(Tensor, self._place, (args, kwargs))
            result = func(*args, **_kept_double(kwargs))
            self._note(func, placed_args, _kept_double(placed_kwargs), result)
            for target in targets:
                self._memory.write(target)
        self._memory.view(func, args, kwargs, result)
        return result

    def _fixed(self, tensor: Tensor) -> Tensor:
        """A mask as data, so that as many entries are chosen at other parameters."""
        number = self._numbers.get(tensor)
        if number is None or tensor.dtype != torch.bool:
            return tensor
        self.steering[number] = None
        return tensor.clone()

    def _adopt(self, target: Tensor) -> None:
        """Data that is written into becomes a tensor of the program, with the content it had."""
        root = self._memory.root(target)
        if self.number(root) is None:
            self._note(torch.ops.aten.clone.default, (root.clone(),), {}, root)

    def _note(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        args = tree_map_only(Tensor, self._place, args)
        is_single = not isinstance(result, list | tuple)
        results = [result] if is_single else list(result)
        shapes = tuple(tuple(value.shape) if isinstance(value, Tensor) else () for value in results)
        numbers = tuple(map(self._new, results))
        kinds = [value.is_floating_point() or value.is_complex() for value in results if isinstance(value, Tensor)]
        self.operations.append(Operation(func, args, kwargs, numbers, shapes, is_single, not any(kinds), self._module))

    def _remember(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Keep in mind what a norm makes of data, and views of that: maps with parameters do not see all of it."""
        for target in written(func, args, kwargs):
            self._normalized.pop(target, None)
        viewed = func.is_view and args[0] in self._normalized
        if viewed or func is torch.ops.aten.native_layer_norm.default:
            self._normalized[result if viewed else result[0]] = (func, args, kwargs, result)

    def _place(self, tensor: Tensor) -> Tensor | Place:
        if tensor not in self._numbers and tensor in self._normalized:
            self._note(*self._normalized.pop(tensor))
        number = self._numbers.get(tensor)
        return tensor if number is None else Place(number)

    @property
    def _module(self) -> str:
        return self._stack[-1] if self._stack else ""

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Follow the calls of all submodules."""

        def enter(name: str) -> Any:
            return lambda *_: self._stack.append(name)

        def leave(*_: Any) -> None:
            self._stack.pop()

        with ExitStack() as stack:
            for name, module in model.named_modules():
                stack.callback(module.register_forward_pre_hook(enter(name)).remove)
                stack.callback(module.register_forward_hook(leave).remove)
            yield


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, double precision by default, and every fused path taken apart."""
    training = {module: module.training for module in model.modules()}
    fast, dtype = torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()
    try:
        model.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        torch.set_default_dtype(torch.float64)
        with sdpa_kernel(SDPBackend.MATH), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in training.items():
            module.training = mode


def _has_layout(tensor: Tensor, size: Sequence[int], stride: Sequence[int], *_: Any) -> bool:
    """Whether a tensor has this shape, and these strides wherever they matter."""
    strides = zip(tensor.shape, tensor.stride(), stride, strict=False)
    return tuple(size) == tensor.shape and all(n == 1 or own == other for n, own, other in strides)


def _is_fresh(function: Any) -> bool:
    """Whether an operation reads only the shape of its argument."""
    name = str(function._schema.name).rpartition("::")[2]
    return name.startswith("new_") or name.endswith("_like")


def _is_steering(function: Any) -> bool:
    """Whether an operation reads off a number, or the positions of what is not zero."""
    name = str(function._schema.name).rpartition("::")[2]
    return name in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero")


def _by_groups(rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    """The product of each group of consecutive rows with a matrix of its own."""
    stops = [int(end) for end in ends]
    parts = [rows[start:stop] @ weights[i] for i, (start, stop) in enumerate(pairwise([0, *stops])) if stop > start]
    return torch.cat(parts)


def _kept_double(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments that ask for double precision wherever they asked for less."""
    return {
        key: torch.float64 if isinstance(value, torch.dtype) and value.is_floating_point else value
        for key, value in kwargs.items()
    }
