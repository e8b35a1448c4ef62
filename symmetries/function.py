"""The function of a network: what it returns for given parameters, in a form that can be compared."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map, tree_map_only

from .evaluation import evaluate_at
from .params import Params

Inputs = Any
"""A tensor, a tuple of positional arguments, a mapping of keyword arguments, or a list of those."""

LOGITS = "logits"
"""How the names of logits begin in a structured output."""

# Keys and values kept for a later call: no output of this one.
_CACHES = frozenset({"past_key_values", "cache_params"})

_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


@dataclass(frozen=True)
class NetworkFunction:
    """Parameters to outputs, on fixed inputs, without a trace in the model.

    Called with parameters, it returns the model's outputs by their paths (``"0.logits"``: entry ``logits`` for the
    first input), see :func:`output_tensors`. Buffers are copied before they can be written.

    At float64 parameters everything is float64, whatever the model holds: inputs, buffers and frozen parameters, and
    code that casts down to float32 on the way (norms and softmaxes of some libraries). Otherwise rounding would pass
    for a defect, or hide one.

    Args:
        model: evaluated in the mode it is in.
        inputs: a tensor, a tuple (positional arguments), a mapping (keyword arguments), or a list of those.
        head: ``"softmax"`` puts a log-softmax over the last axis of every output that has one.

    Raises:
        ValueError: no inputs, or no floating-point output.
        TypeError: an input of another type.
    """

    model: nn.Module
    inputs: Inputs
    head: Literal["softmax", "raw"] = "raw"

    def __call__(self, params: Params) -> dict[str, Tensor]:
        """The outputs, by path."""
        outputs: dict[str, Tensor] = {}
        fixed = {name: p.detach() for name, p in self.model.named_parameters() if name not in params}
        fixed |= {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        double = bool(params) and all(value.dtype == torch.float64 for value in params.values())
        inputs, fixed = doubled((self.inputs, fixed)) if double else (self.inputs, fixed)
        with DoublePrecision() if double else nullcontext():
            for i, (args, kwargs) in enumerate(arguments(inputs)):
                output = evaluate_at(self.model, {**params, **fixed}, args, kwargs)
                outputs.update(output_tensors(output, str(i)))
        if not outputs:
            raise ValueError("the model returned no floating-point tensor to compare; wrap it so that it returns one")
        if self.head == "softmax":
            return {path: value.log_softmax(-1) if value.ndim else value for path, value in outputs.items()}
        return outputs

    def flat(self, params: Params) -> Tensor:
        """All outputs in one vector."""
        return torch.cat([value.flatten() for value in self(params).values()])


class DoublePrecision(TorchFunctionMode):
    """While active, whatever asks torch for float32 by name gets float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The same call, in double precision."""
        args, kwargs = tree_map(_lifted, (args, kwargs or {}))
        return (Tensor.double if func is Tensor.float else func)(*args, **kwargs)


def doubled(tree: Any) -> Any:
    """The same structure with detached tensors, floating point and complex ones in double precision."""
    return tree_map_only(Tensor, _doubled, tree)


def _doubled(value: Tensor) -> Tensor:
    value = value.detach()
    return value.to(torch.complex128) if value.is_complex() else value.double() if value.is_floating_point() else value


def _lifted(value: object) -> object:
    return torch.float64 if value is torch.float32 else value


def arguments(inputs: Inputs) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Positional and keyword arguments, for each of the inputs."""
    batches = inputs if isinstance(inputs, list) else [inputs]
    if not batches:
        raise ValueError("inputs are empty, expected at least one to evaluate the model on")
    for batch in batches:
        if isinstance(batch, Tensor):
            yield (batch,), {}
        elif isinstance(batch, tuple):
            yield batch, {}
        elif isinstance(batch, Mapping):
            yield (), dict(batch)
        else:
            raise TypeError(
                f"inputs must be a tensor, a tuple, a mapping or a list of those, got {type(batch).__name__}"
            )


def output_tensors(output: object, path: str) -> Iterator[tuple[str, Tensor]]:
    """The floating-point tensors with entries that make up the function, by path.

    All of them, in nested tuples, mappings and dataclasses, with two rules for mappings and dataclasses: where entries
    are logits by name (``logits``, ``logits_per_image``), those are the function, and what comes beside them (hidden
    states, embeddings) is not; caches of keys and values are none. Other objects are passed over.
    """
    if isinstance(output, Tensor):
        if output.is_floating_point() and output.numel():
            yield path, output
        return
    for key, value in _entries(output):
        yield from output_tensors(value, f"{path}.{key}")


def _entries(output: object) -> list[tuple[Any, Any]]:
    if isinstance(output, list | tuple):
        return list(enumerate(output))
    if isinstance(output, Mapping):
        named = list(output.items())
    elif is_dataclass(output):
        named = [(field.name, getattr(output, field.name)) for field in fields(output)]
    else:
        return []
    logits = [(key, value) for key, value in named if str(key).startswith(LOGITS) and value is not None]
    return logits or [(key, value) for key, value in named if key not in _CACHES]


def require_evaluation(model: nn.Module) -> None:
    """Raise ``ValueError`` naming the modules that are random, or read their batch, in their present mode."""
    noisy = [name or type(module).__name__ for name, module in model.named_modules() if _is_noisy(module)]
    if noisy:
        raise ValueError(
            "expected a deterministic function of the parameters, got dropout or batch norm in train mode in "
            f"{noisy[:5]}{' ...' if len(noisy) > 5 else ''}; call model.eval() first"
        )


def _is_noisy(module: nn.Module) -> bool:
    if not module.training:
        return False
    if isinstance(module, _DROPOUT):
        return module.p > 0
    if isinstance(module, nn.MultiheadAttention):
        return module.dropout > 0
    return isinstance(module, nn.modules.batchnorm._BatchNorm | nn.RReLU)
