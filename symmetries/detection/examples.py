"""An example input, from what a model says of itself or from its first layer."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_BATCH, _TOKENS = 2, 5
_SQUARES = (32, 28, 8, 16, 64, 224, 4, 12, 96, 128, 256)


def example_arguments(model: nn.Module, example: Any) -> Arguments:
    """The positional and keyword arguments that ``example`` stands for, or an inferred example.

    Args:
        model: the model that will be called.
        example: a tensor, a tuple of arguments, a mapping of keyword arguments, or None.

    Raises:
        ValueError: nothing that was tried runs.
    """
    if example is not None:
        if isinstance(example, Mapping):
            return (), dict(example)
        return (tuple(example) if isinstance(example, tuple | list) else (example,)), {}
    tried = []
    for args, kwargs in _candidates(model):
        try:
            with torch.no_grad():
                _evaluated(model, args, kwargs)
        except Exception as error:  # noqa: BLE001 - a model may refuse an input in any way
            tried.append(f"{[tuple(a.shape) for a in args]}: {type(error).__name__}")
            continue
        return args, kwargs
    raise ValueError(
        f"no example input for {type(model).__name__} could be inferred (tried {'; '.join(tried) or 'nothing'}); "
        "pass example=..., a tensor, a tuple of arguments or a dictionary of keyword arguments"
    )


def _evaluated(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    training = {module: module.training for module in model.modules()}
    try:
        model.eval()(*args, **kwargs)
    finally:
        for module, mode in training.items():
            module.training = mode


def _candidates(model: nn.Module) -> Iterator[Arguments]:
    generator = torch.Generator().manual_seed(0)
    parameter = next(model.parameters(), None)
    if parameter is None:
        return
    device, dtype = parameter.device, parameter.dtype if parameter.dtype.is_floating_point else torch.float32

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)

    dummy = getattr(model, "dummy_inputs", None)
    if isinstance(dummy, Mapping):
        yield (), {key: v.to(device) if isinstance(v, Tensor) else v for key, v in dummy.items()}
    for module in model.modules():
        match module:
            case nn.MultiheadAttention() | nn.Transformer() | nn.TransformerDecoder() | nn.TransformerDecoderLayer():
                yield from ((arguments, {}) for arguments in _sequences(module, draw))
            case nn.Embedding() | nn.EmbeddingBag():
                shape = (_BATCH, _TOKENS)
                yield (torch.randint(module.num_embeddings, shape, generator=generator).to(device),), {}
            case nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
                rank = len(module.kernel_size)
                for size in _SQUARES:
                    yield (draw(_BATCH, module.in_channels, *(size,) * rank),), {}
            case nn.Linear() | nn.Bilinear():
                width = module.in_features if isinstance(module, nn.Linear) else module.in1_features
                yield (draw(_BATCH, width),), {}
                yield (draw(_BATCH, _TOKENS, width),), {}
            case nn.TransformerEncoderLayer():
                yield (draw(_BATCH, _TOKENS, module.linear1.in_features),), {}
            case nn.LayerNorm() | nn.RMSNorm():
                yield (draw(_BATCH, _TOKENS, *module.normalized_shape),), {}
            case _ if any(True for _ in module.parameters(recurse=False)):
                for p in module.parameters(recurse=False):
                    yield (draw(_BATCH, p.shape[-1]),), {}
                    yield (draw(_BATCH, _TOKENS, p.shape[-1]),), {}
            case _:
                continue
        if any(True for _ in module.parameters()) and not _is_container(module):
            return


def _is_container(module: nn.Module) -> bool:
    """Whether the first input goes to a module inside."""
    return any(True for _ in module.children()) and not isinstance(
        module, nn.MultiheadAttention | nn.Transformer | nn.TransformerDecoder | nn.TransformerDecoderLayer
    )


def _sequences(module: nn.Module, draw: Any) -> Iterator[tuple[Tensor, ...]]:
    """Queries, keys and values; or targets and memory."""
    if isinstance(module, nn.MultiheadAttention):
        widths, batch_first = (module.embed_dim, module.kdim, module.vdim), module.batch_first
    else:
        attention = next(m for m in module.modules() if isinstance(m, nn.MultiheadAttention))
        widths, batch_first = (attention.embed_dim,) * 2, attention.batch_first  # type: ignore[assignment]
    lengths = (_TOKENS, _TOKENS + 1, _TOKENS + 1)
    yield tuple(
        draw(_BATCH, n, d) if batch_first else draw(n, _BATCH, d) for n, d in zip(lengths, widths, strict=False)
    )
