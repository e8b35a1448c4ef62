"""Initial values drawn from a generator, so that a model depends on nothing global."""

import math

import torch
from torch import nn

EMBEDDING_STD = 0.02
GENERIC_SPREAD = 0.3


def initialise_(model: nn.Module, generator: torch.Generator | None) -> None:
    r"""Initialise in place, by the rule that ``torch.nn`` follows, with draws from ``generator``.

    Linear and convolutional layers: weight and bias uniform on :math:`\pm 1/\sqrt{\text{fan in}}`.
    Embeddings, and parameters that stand alone (class token, position embedding): normal of deviation 0.02.
    Norms: gain 1, shift 0. Frozen parameters are drawn too.
    """
    for module in model.modules():
        own = dict(module.named_parameters(recurse=False))
        for name, parameter in own.items():
            with torch.no_grad():
                if isinstance(module, nn.Linear | nn.Conv2d):
                    bound = 1.0 / math.sqrt(module.weight[0].numel())
                    parameter.uniform_(-bound, bound, generator=generator)
                elif isinstance(module, nn.LayerNorm | nn.RMSNorm):
                    parameter.fill_(1.0 if name == "weight" else 0.0)
                else:
                    parameter.normal_(0.0, EMBEDDING_STD, generator=generator)


def generic_(model: nn.Module, generator: torch.Generator | None, *, spread: float = GENERIC_SPREAD) -> None:
    """Move every trainable parameter by Gaussian noise, in place: no exact zeros, ones or ties are left.

    Statements about generic parameters (ranks, dimensions of orbits) are tried at such a point; the initial
    values of norms and of LoRA pairs are not one.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            with torch.no_grad():
                parameter.add_(spread * noise)


def settle_statistics_(model: nn.Module, *args: object, **kwargs: object) -> None:
    """Give every batch norm of a model the statistics of one batch, in place; the model ends in evaluation mode.

    Around the statistics of a fresh model, channels of a network with generic parameters stay on one side of their
    activations.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train().momentum = None  # a plain mean over batches
    with torch.no_grad():
        model(*args, **kwargs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval().momentum = momentum
