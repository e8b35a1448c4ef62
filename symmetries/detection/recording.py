"""The computation of a model, recorded operation by operation on an example."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import get_proxy_mode, make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..params import Params

_CACHES = frozenset({"past_key_values", "cache_params", "past_buckets_states"})


@dataclass(frozen=True)
class Recording:
    """The operations of one forward pass, in double precision, as a function of the trainable parameters.

    Args:
        graph: the recorded program: the parameters' values, in order, to the list of outputs.
        names: the trainable parameters, in the order of the program's inputs.
        modules: for every operation, the dotted path of the module it ran in.
        is_logits: whether the first output may be read as logits.
    """

    graph: GraphModule
    names: tuple[str, ...]
    modules: Mapping[str, str]
    is_logits: bool

    def __call__(self, params: Params) -> list[Tensor]:
        """The outputs at other parameters (double precision)."""
        with torch.no_grad():
            return self.graph([params[name] for name in self.names])


def record(model: nn.Module, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Recording:
    """Record a forward pass of ``model`` in evaluation mode.

    Tied parameters are one input. Frozen parameters, buffers and the example are constants of the program. Fused
    attention is recorded as the matrix products and the softmax it stands for, and conversions to a lower precision
    are left out, so that the program can be evaluated in double precision.
    """
    trainable = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    constants = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
    constants |= {name: b.detach() for name, b in model.named_buffers()}
    fixed = {name: _double(value) for name, value in constants.items()}
    names, modules, logits = tuple(trainable), _Modules(), []

    def program(values: list[Tensor]) -> list[Tensor]:
        tensors = fixed | dict(zip(names, values, strict=True))
        result = functional_call(model, tensors, _double(arguments), _double(dict(keywords)))
        logits.append(_has_logits(result))
        return _tensors(result)

    with ExitStack() as stack:
        stack.enter_context(_evaluation(model))
        stack.enter_context(modules.watching(model))
        stack.enter_context(torch.no_grad())
        graph = make_fx(program, tracing_mode="real")([_double(value) for value in trainable.values()])
    _keep_double(graph)
    return Recording(graph, names, modules.named(graph), logits[0])


class _Modules:
    """Which module every recorded operation ran in."""

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._seen: list[tuple[int, str]] = [(0, "")]

    def _mark(self) -> None:
        mode = get_proxy_mode()
        if mode is not None:
            self._seen.append((len(mode.tracer.graph.nodes), self._stack[-1] if self._stack else ""))

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Follow the calls of all submodules."""

        def enter(name: str) -> Any:
            def hook(*_: Any) -> None:
                self._stack.append(name)
                self._mark()

            return hook

        def leave(*_: Any) -> None:
            self._stack.pop()
            self._mark()

        with ExitStack() as stack:
            for name, module in model.named_modules():
                stack.callback(module.register_forward_pre_hook(enter(name)).remove)
                stack.callback(module.register_forward_hook(leave).remove)
            yield

    def named(self, graph: GraphModule) -> dict[str, str]:
        """The module of every node, by the node's name."""
        table, at = {}, 0
        for i, node in enumerate(graph.graph.nodes):
            while at + 1 < len(self._seen) and self._seen[at + 1][0] <= i:
                at += 1
            table[node.name] = self._seen[at][1]
        return table


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, double precision by default, and every fused path taken apart."""
    training = {module: module.training for module in model.modules()}
    fast, dtype = torch.backends.mha.get_fastpath_enabled(), torch.get_default_dtype()
    try:
        model.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        torch.set_default_dtype(torch.float64)
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, mode in training.items():
            module.training = mode


def _double(value: Any) -> Any:
    """The same structure with floating point tensors in double precision."""
    if isinstance(value, Tensor):
        return value.detach().double() if value.is_floating_point() else value.detach()
    if isinstance(value, tuple | list):
        return type(value)(map(_double, value))
    if isinstance(value, dict):
        return {key: _double(entry) for key, entry in value.items()}
    return value


def _keep_double(graph: GraphModule) -> None:
    """Replace conversions to lower precision by conversions to double precision."""
    for node in graph.graph.nodes:
        dtype = node.kwargs.get("dtype")
        if isinstance(dtype, torch.dtype) and dtype.is_floating_point:
            node.update_kwarg("dtype", torch.float64)
    graph.recompile()


def _has_logits(result: Any) -> bool:
    return not isinstance(result, Mapping) or "logits" in result


def _tensors(result: Any) -> list[Tensor]:
    """The outputs that make up the function: logits alone where there are any, else every floating point tensor."""
    if isinstance(result, Tensor):
        return [result] if result.is_floating_point() else []
    if isinstance(result, Mapping):
        if "logits" in result:
            return _tensors(result["logits"])
        return [t for key, value in result.items() if key not in _CACHES for t in _tensors(value)]
    if isinstance(result, tuple | list):
        return [tensor for value in result for tensor in _tensors(value)]
    return []
