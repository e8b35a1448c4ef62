r"""Parameters as a dictionary of tensors, and the three kinds of dictionary that share its keys.

* ``Params``: a point, name -> tensor, as ``dict(model.named_parameters())`` gives it (a tied tensor once).
* ``Tangent``: a velocity at a point, the same keys and shapes.
* ``Covector``: a differential at a point, what autograd returns. A covector is not a tangent: only a metric turns one
  into the other (``geometry.sharp``, ``geometry.flat``).
"""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from .errors import SymmetryError
from .sharding import whole

Params = dict[str, Tensor]
Tangent = dict[str, Tensor]
Covector = dict[str, Tensor]
Shapes = Mapping[str, torch.Size]


def trainable_parameters(model: nn.Module) -> Params:
    """The parameters of ``model`` that require a gradient, detached: the point at which geometry is done.

    Frozen parameters belong to the function, not to the point; a tied tensor appears once, under its first name.
    """
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def edited(params: Params, names: Iterable[str]) -> Params:
    """``params`` with the tensors called ``names`` cloned, so that they may be written; the others are shared."""
    copy = dict(params)
    for name in names:
        copy[name] = lookup(params, name).clone()
    return copy


def double_copy(params: Params) -> Params:
    """A detached copy in double precision that may be written, see :func:`double_space`."""
    return {name: space.copy_(params[name].detach()) for name, space in double_space(params).items()}


def double_space(params: Params) -> Params:
    """Tensors in double precision to hold parameters, without values yet.

    All of them lie in one block of memory for each device: tensors on their own, freed in another order than they came,
    leave gaps that a process keeps.
    """
    space: Params = {}
    for device in {value.device for value in params.values()}:
        here = {name: value for name, value in params.items() if value.device == device}
        sizes = [_padded(value.numel() * (1 + value.is_complex())) for value in here.values()]
        block = torch.empty(sum(sizes), dtype=torch.float64, device=device)
        for (name, value), piece in zip(here.items(), block.split(sizes), strict=True):
            entries = torch.view_as_complex(piece.view(-1, 2)) if value.is_complex() else piece
            space[name] = entries[: value.numel()].view(value.shape)
    return {name: space[name] for name in params}


def _padded(size: int) -> int:
    """The next multiple of a cache line of 8 doubles, where vector instructions want tensors to begin."""
    return -(-size // 8) * 8


def lookup(params: Mapping[str, Tensor], name: str) -> Tensor:
    """``params[name]``, or an error that names the closest parameters there are."""
    if name not in params:
        raise SymmetryError(unknown_name("parameter", name, params))
    return params[name]


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not there: what was asked for, and the nearest names that are."""
    from difflib import get_close_matches

    known = list(known)
    nearest = get_close_matches(name, known, n=4, cutoff=0.4) or known[:4]
    return f"no {kind} named {name!r} (got {len(known)} of them); the nearest are {nearest}"


def require_finite(params: Params) -> None:
    """Raise ``ValueError`` naming every parameter that holds a NaN or an infinity."""
    if math.isfinite(torch.nn.utils.get_total_norm(params.values())):  # the fastest pass over them there is
        return
    bad = [name for name, value in params.items() if not bool(whole(torch.isfinite(value).all()))]
    if bad:  # otherwise squares overflow, and all is well
        raise ValueError(
            f"parameters must be finite, got NaN or Inf in {bad[:5]}{' ...' if len(bad) > 5 else ''}; "
            "check the checkpoint, or the learning rate it was trained with"
        )


def pairing(covector: Covector, tangent: Tangent) -> Tensor:
    r"""The number :math:`\sum_k \langle c_k, u_k \rangle` a covector assigns to a tangent, accumulated in float64."""
    terms = [torch.sum(covector[name].double() * tangent[name].double()) for name in tangent]
    return whole(torch.stack(terms).sum())
