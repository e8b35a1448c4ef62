"""The audit of a model: dense where it can be, sketched where it cannot."""

import copy
from typing import Literal

from torch import Generator, nn

from ..function import Inputs, NetworkFunction, require_evaluation
from ..model_symmetry import ModelSymmetry
from ..params import require_finite, trainable_parameters
from .dense import dense_audit
from .jacobian import Jacobian
from .result import Audit
from .sketched import sketched_audit

#: A dense factorization of more parameters than this takes minutes.
LARGEST = 10_000


def audit(
    model: nn.Module,
    symmetry: ModelSymmetry,
    inputs: Inputs,
    *,
    method: Literal["auto", "dense", "sketched"] = "auto",
    rows: int = 256,
    generator: Generator | None = None,
) -> Audit:
    r"""Compare the declared dimension with the null space of the function's parameter Jacobian.

    The Jacobian of all outputs on ``inputs`` (of their log-softmax with ``symmetry.head == "softmax"``) is taken in a
    float64 copy of the model.

    * ``dense``: the whole of it, sketched by a Gaussian matrix when it has many rows, and decomposed. ``unexplained``
      is exact at this point. Inputs should be many and wide: what they do not show counts as null.
    * ``sketched``, for any size. The vertical defect is measured, by products with the Jacobian along random vertical
      directions of every factor: a false factor is found with probability one. What is missing is only searched for,
      in random blocks of directions that are linear in the weights along an axis of a module, or free in a few slices
      along it: of a base change, a rescaling, a rotation, a shift or a mean that nobody declared, the part in such a
      block is found, and ``unexplained`` is a lower bound. Zero does not show that the declaration is complete: for
      that, audit a small instance of the same class.

    Initial parameters are special points (gains 1, biases 0) with more null directions than generic ones.

    Example:
        >>> import torch
        >>> from symmetries import declare, relu_rescaling
        >>> generator = torch.Generator().manual_seed(0)
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 2)).double()
        >>> with torch.no_grad():
        ...     _ = [p.normal_(generator=generator) for p in model.parameters()]
        >>> found = audit(model, declare(model, relu_rescaling("0", "2")), torch.randn(60, 3, generator=generator))
        >>> found.nullity, found.declared, found.unexplained
        (4, 4, 0)

    Args:
        model: in evaluation mode if it has dropout or batch norm.
        symmetry: declared on, or detected in, the model.
        inputs: a tensor, a tuple (positional arguments), a mapping (keyword arguments), or a list of those.
        method: ``"auto"`` is dense up to ``LARGEST`` parameters, sketched above.
        rows: of a sketched audit, backward passes; a block has a few dimensions less, so that slices of as many entries
            or more do not move freely: means that a norm hides are not found there.
        generator: where sketches, blocks and vertical directions come from.

    Raises:
        ValueError: no trainable parameters, more than ``LARGEST`` for a dense audit, NaN among them, or a model in
            train mode with dropout.
    """
    require_evaluation(model)
    double = double_copy(model)
    params = trainable_parameters(double)
    require_finite(params)
    symmetry.require(params)
    size = sum(value.numel() for value in params.values())
    if not size:
        raise ValueError("an audit needs trainable parameters, got none; set requires_grad on those to look at")
    jacobian = Jacobian(NetworkFunction(double, inputs, symmetry.head), params)
    if method == "sketched" or (method == "auto" and size > LARGEST):
        return sketched_audit(jacobian, symmetry, rows=rows, generator=generator)
    if size > LARGEST:
        raise ValueError(
            f"a dense audit takes up to {LARGEST:,} trainable parameters, got {size:,}; audit a smaller instance, or "
            "pass method='sketched'"
        )
    return dense_audit(jacobian, symmetry, generator=generator)


def double_copy(model: nn.Module) -> nn.Module:
    """A float64 copy, in which the padding rows of embeddings have a gradient as the function has."""
    double = copy.deepcopy(model).double()
    for module in double.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
    return double
