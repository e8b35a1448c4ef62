"""The Fisher-Rao norm of the parameters."""

import math
from typing import Literal

from symmetries import Params, pairing

from ..loss import EmpiricalLoss
from ..operators.gauss_newton import GaussNewtonProduct
from ..sharpness import Sharpness
from .examples import examples


def fisher_rao_norm(loss: EmpiricalLoss, params: Params, *, labels: Literal["data", "model"] = "data") -> Sharpness:
    r"""The length of the parameters in the Fisher metric [Liang2019].

    .. math:: \|\theta\|_{fr}^2 = \theta^T F \theta = \sum_i w_i\, \mathbb{E}_y \langle \theta,
              \nabla \ell_i(\theta) \rangle^2, \qquad L = \sum_i w_i \ell_i.

    With the labels of the data, one gradient for every example. With labels that the model draws, F is the
    Gauss-Newton matrix where the loss is a likelihood (cross-entropy, half the squared error), and one product
    is enough. For a network of k bias-free layers with activations of degree one, :math:`\langle \theta, \nabla
    \ell_i \rangle = k \langle \partial \ell_i / \partial f, f \rangle`.

    A linear action takes :math:`\theta` to :math:`A \theta` and gradients to their image under :math:`A^{-T}`:
    rescalings of layers and neurons and changes of basis leave the norm as it is, without a geometry. Shifts
    of biases do not.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> loss = EmpiricalLoss(model, lambda f, x: f(x).mean(), [torch.tensor([[3.0, 4.0]])])
        >>> fisher_rao_norm(loss, {"weight": torch.ones(1, 2)}).value
        7.0

    Args:
        loss: L; an example is one entry of the first axis of a batch.
        params: :math:`\theta`.
        labels: where they come from.

    Raises:
        ValueError: other labels, batches that cannot be split into examples, a loss that is not finite; with
            labels of the model, what :class:`GaussNewtonProduct` refuses.
    """
    if labels not in ("data", "model"):
        raise ValueError(f"labels must come from 'data' or 'model', got {labels!r}")
    point = {name: p.detach() for name, p in params.items()}
    if labels == "model":
        square = pairing(GaussNewtonProduct(loss, point, memory=0)(point), point).item()
    else:
        square = sum(share * pairing(example.gradient(point), point).item() ** 2 for share, example in examples(loss))
    return Sharpness(math.sqrt(max(square, 0.0)))
