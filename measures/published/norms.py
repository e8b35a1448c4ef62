"""Norms of the parameters: what is known of a network without looking at its loss."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from quotient import length
from symmetries import Params, evaluate_at, whole

from ..mode import evaluation_mode, require_one_mode
from ..sharpness import Sharpness


def parameter_norm(params: Params) -> Sharpness:
    r"""The Euclidean norm of all parameters, :math:`\|\theta\|_2`.

    Example:
        >>> import torch
        >>> parameter_norm({"weight": torch.tensor([[3.0]]), "bias": torch.tensor([4.0])}).value
        5.0
    """
    return Sharpness(length(tuple(p.detach() for p in params.values())).item())


def log_norm_product(params: Params, *, norm: Literal["frobenius", "spectral"] = "frobenius") -> Sharpness:
    r"""The logarithm of the product of the squared norms of all weights [Jiang2020] Eqs. 32 and 37.

    .. math:: \sum_l \log \|W_l\|_F^2 \qquad\text{or}\qquad \sum_l \log \|W_l\|_2^2

    over tensors of two axes or more, read as matrices of one row for each index of the first; vectors (biases,
    gains) are left out. Minus infinity where a weight is zero. Scaling one layer up and another down leaves
    it as it is; scaling neurons does not.

    Example:
        >>> import torch
        >>> params = {"0.weight": 2 * torch.eye(3), "0.bias": torch.ones(3)}
        >>> log_norm_product(params, norm="spectral").value  # log 4
        1.38629

    Raises:
        ValueError: another norm, or no weight of two axes.
    """
    if norm not in ("frobenius", "spectral"):
        raise ValueError(f"norm must be 'frobenius' or 'spectral', got {norm!r}")
    matrices = [whole(p.detach()).double().flatten(1) for p in params.values() if p.ndim > 1]
    if not matrices:
        raise ValueError("expected at least one parameter of two axes or more, got vectors alone")
    order = "fro" if norm == "frobenius" else 2
    return Sharpness(2 * sum(torch.linalg.matrix_norm(m, order).log().item() for m in matrices))


def path_norm(model: nn.Module, params: Params, inputs: Tensor) -> Sharpness:
    r"""The norm over all paths from an input to an output of a ReLU network [Neyshabur2015].

    .. math:: \Big( \sum_{\text{paths}} \prod_{e \in \text{path}} w_e^2 \Big)^{1/2}
              = \Big( \sum_k f_{\theta^2}(1)_k \Big)^{1/2},

    one evaluation of the network at squared parameters and inputs of ones; biases are paths of their own. It
    does not change when neurons are rescaled.

    The identity asks for layers that are affine on nonnegative values: linear and convolutional ones, ReLU,
    pooling, residual sums. This is tested on the network at hand. Batch norm is to be folded first.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
        >>> params = {"0.weight": torch.tensor([[-3.0]]), "2.weight": torch.tensor([[2.0]])}
        >>> path_norm(model, params, torch.zeros(1, 1)).value
        6.0

    Args:
        model: the network.
        params: its parameters; those not given are the model's.
        inputs: one input, a batch of one; only its shape and type count.

    Raises:
        ValueError: a network that is not affine there (a normalization, a softmax, a smooth activation), or
            that is in training mode.
    """
    require_one_mode(model)
    squares = {name: whole(p.detach()).square() for name, p in (dict(model.named_parameters()) | params).items()}

    @torch.no_grad()
    def at(size: float) -> Tensor:
        with evaluation_mode(model):
            return evaluate_at(model, squares, (torch.full_like(inputs, size),)).double()

    nothing, once, twice = at(0.0), at(1.0), at(2.0)
    tolerance = math.sqrt(torch.finfo(inputs.dtype).eps)
    if bool(((twice - once) - (once - nothing)).abs().max() > tolerance * twice.abs().max()):
        raise ValueError(
            "the network is not affine on nonnegative values, so that its paths have no norm: expected linear "
            "layers, ReLU and pooling; fold batch norm into what it normalizes, leave other networks out"
        )
    return Sharpness(once.sum().sqrt().item())
