"""Audits: the symmetries that are declared against all that the function has."""

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .factor import APPROXIMATE
from .function import Inputs, NetworkFunction, require_evaluation
from .model_symmetry import Family, ModelSymmetry
from .params import Params, Tangent, require_finite, trainable_parameters

#: Singular values below this share of the largest are zeros. Measured: zeros at 1e-15, others from 1e-10 on, where the
#: smallest belong to scales that only the eps of a norm makes visible.
ZERO = 1e-12

#: Rows beyond the number of parameters, so that a Gaussian sketch keeps the rank, and inputs can show it.
OVERSAMPLING = (1.15, 40)

#: Below this ratio of the smallest non-zero singular value to the largest zero one, the rank is in doubt.
CLEAR_GAP = 1e3

#: A dense factorization of more parameters than this takes minutes.
LARGEST = 10_000

#: Unit vectors are independent, and a derivative along one is not zero, above this; rounding stays near 1e-15.
SMALL = 1e-10


@dataclass(frozen=True)
class Audit:
    r"""The null space of :math:`\partial f / \partial \theta`, and the part of it that is declared.

    The declared symmetries bound the dimension of the fibre of equal functions from below, the measured null space
    bounds it from above: ``unexplained == 0`` with a vertical defect of rounding size proves that the declaration is
    complete at this point [Grigsby2022].

    Attributes:
        parameters: the number of trainable entries.
        rows: the number of output entries looked at.
        nullity: dimension of the null space.
        declared: rank of the vertical space, overlaps counted once; factors flagged ``approximate`` left out.
        overlap: by how much the dimensions of the factors, each by itself, add up to more than ``declared``.
        inert: null dimensions beyond the vertical space that come from entries without influence on these inputs.
        vertical_defect: the largest :math:`|J v| / (|J| |v|)` of vertical directions v.
        false_factors: factors whose vertical directions change the function.
        spectral_gap: smallest non-zero singular value over largest zero one.
        linear_units: for ``nn.ReLU``, ``nn.LeakyReLU`` and ``nn.PReLU`` modules by name, how many units never change
            side on these inputs: k of them act as a linear layer there, with up to k^2 more null dimensions.
        families: dimensions by family.
    """

    parameters: int
    rows: int
    nullity: int
    declared: int
    overlap: int
    inert: int
    vertical_defect: float
    false_factors: tuple[str, ...]
    spectral_gap: float
    linear_units: dict[str, int]
    families: tuple[Family, ...]

    @property
    def unexplained(self) -> int:
        """Null dimensions that nobody declared, less those of entries without influence; negative for false ones."""
        return self.nullity - self.declared - self.inert

    def __str__(self) -> str:
        lines = [
            f"audit of {self.parameters:,} parameters on {self.rows:,} outputs",
            f"  null space        {self.nullity:>8,}",
            f"  declared          {self.declared:>8,}   {self.overlap} shared by several factors",
            f"  without influence {self.inert:>8,}   entries that these inputs do not reach",
            f"  unexplained       {self.unexplained:>8,}",
            f"  vertical defect   {self.vertical_defect:>8.0e}",
            f"  spectral gap      {self.spectral_gap:>8.0e}",
        ]
        lines += [f"  {name!r}: {units} units linear on these inputs" for name, units in self.linear_units.items()]
        lines += [f"  not a symmetry: {name}" for name in self.false_factors]
        return "\n".join(lines)


def audit(
    model: nn.Module, symmetry: ModelSymmetry, inputs: Inputs, *, generator: torch.Generator | None = None
) -> Audit:
    r"""Compare the declared dimension with the null space of the function's parameter Jacobian.

    The Jacobian of all outputs on ``inputs`` (of their log-softmax with ``symmetry.head == "softmax"``) is taken in a
    float64 copy of the model, sketched by a Gaussian matrix when it has many rows, and decomposed. Inputs should be
    many and wide: what they do not show counts as null. Initial parameters are special points (gains 1, biases 0) with
    more null directions than generic ones.

    Example:
        >>> from torch import nn
        >>> from symmetries import declare, relu_rescaling
        >>> generator = torch.Generator().manual_seed(0)
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(), nn.Linear(4, 2)).double()
        >>> with torch.no_grad():
        ...     _ = [p.normal_(generator=generator) for p in model.parameters()]
        >>> found = audit(model, declare(model, relu_rescaling("0", "2")), torch.randn(60, 3, generator=generator))
        >>> found.nullity, found.declared, found.unexplained
        (4, 4, 0)

    Args:
        model: small; in evaluation mode if it has dropout or batch norm.
        symmetry: declared on, or detected in, the model.
        inputs: a tensor, a tuple (positional arguments), a mapping (keyword arguments), or a list of those.
        generator: where the sketch and the vertical directions come from.

    Raises:
        ValueError: no trainable parameters, or more than ``LARGEST``, NaN among them, or a model in train mode with
            dropout.
    """
    require_evaluation(model)
    double = double_copy(model)
    params = trainable_parameters(double)
    require_finite(params)
    symmetry.require(params)
    size = sum(value.numel() for value in params.values())
    if not 0 < size <= LARGEST:
        raise ValueError(
            f"audits are dense: expected 1 to {LARGEST:,} trainable parameters, got {size:,}; audit a smaller instance"
        )
    function = NetworkFunction(double, inputs, symmetry.head)
    rows, j = jacobian(function, params, generator)
    singular = torch.linalg.svdvals(j)
    kept = int((singular > ZERO * singular[0]).sum())
    gap = singular[kept - 1].item() / singular[kept].item() if 0 < kept < len(singular) and singular[kept] else math.inf
    if gap < CLEAR_GAP:
        warnings.warn(f"the rank is in doubt: singular values fall by {gap:.0e} only where they are cut", stacklevel=2)
    vertical = dict(vertical_generators(symmetry, params, generator))
    steepest = max(singular[0].item(), torch.finfo(torch.float64).tiny)
    defects = {name: (v @ j.T).norm(dim=1).max().item() / steepest for name, v in vertical.items()}
    basis = torch.cat([j.new_zeros(0, size), *vertical.values()])
    without_influence = torch.eye(size, dtype=j.dtype)[(j == 0).all(0)]
    declared = rank(basis)
    return Audit(
        parameters=size,
        rows=rows,
        nullity=size - kept,
        declared=declared,
        overlap=sum(symmetry[name].dimension(symmetry.shapes) for name in vertical) - declared,
        inert=rank(torch.cat([basis, without_influence])) - declared,
        vertical_defect=max(defects.values(), default=0.0),
        false_factors=tuple(name for name, defect in defects.items() if defect > SMALL),
        spectral_gap=gap,
        linear_units=linear_units(function, params),
        families=symmetry.families,
    )


def rank(vectors: Tensor) -> int:
    """The dimension of the span of unit vectors, shape ``(m, P)``."""
    return int((torch.linalg.svdvals(vectors) > SMALL).sum()) if len(vectors) else 0


def double_copy(model: nn.Module) -> nn.Module:
    """A float64 copy, in which the padding rows of embeddings have a gradient as the function has."""
    double = copy.deepcopy(model).double()
    for module in double.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
    return double


def jacobian(function: NetworkFunction, params: Params, generator: torch.Generator | None) -> tuple[int, Tensor]:
    """The number of outputs, and their Jacobian ``(rows, P)``, sketched when there are many more rows than needed.

    Reverse mode, row by row: second derivatives are not involved, and the batching rules are not relied on.
    """
    leaves = {name: value.clone().requires_grad_() for name, value in params.items()}
    size = sum(value.numel() for value in params.values())
    with sdpa_kernel(SDPBackend.MATH):
        outputs = function.flat(leaves)
        rows, needed = outputs.numel(), math.ceil(OVERSAMPLING[0] * size + OVERSAMPLING[1])
        if rows < needed:
            warnings.warn(
                f"{rows} outputs for {size} parameters: the null space may come from too few inputs; give enough for "
                f"{needed} outputs",
                stacklevel=3,
            )
            weights = torch.eye(rows, dtype=outputs.dtype)
        else:
            weights = torch.randn(needed, rows, generator=generator, dtype=outputs.dtype) / math.sqrt(rows)
        return rows, torch.stack([_row(outputs, w, leaves) for w in weights.to(outputs.device)])


def _row(outputs: Tensor, weights: Tensor, leaves: Params) -> Tensor:
    parts = torch.autograd.grad(
        outputs, list(leaves.values()), weights, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([part.flatten() for part in parts]).cpu()


def vertical_generators(
    symmetry: ModelSymmetry, params: Params, generator: torch.Generator | None
) -> Iterator[tuple[str, Tensor]]:
    """Unit vertical directions of every exact factor, shape ``(m, P)``: random ones, more than its dimension."""
    for factor in symmetry.factors:
        if APPROXIMATE in factor.flags:
            continue
        count = factor.dimension(symmetry.shapes) + 5  # a few more: a larger orbit than stated would show
        draws = [factor.random_algebra(symmetry.shapes, generator=generator) for _ in range(count)]
        vectors = torch.stack([_flat(factor.infinitesimal(x, params), params) for x in draws])
        norms = vectors.norm(dim=1, keepdim=True)
        yield factor.name, (vectors / norms)[norms.flatten() > 0]


def _flat(tangent: Tangent, params: Params) -> Tensor:
    return torch.cat([tangent.get(name, torch.zeros_like(value)).flatten() for name, value in params.items()]).cpu()


def linear_units(function: NetworkFunction, params: Params) -> dict[str, int]:
    """Units of ReLU modules that stay on one side on all inputs, and are linear (not zero) there."""
    linear: dict[str, Tensor] = {}

    def record(name: str, module: nn.Module, value: Tensor) -> None:
        channel = 1 if value.ndim > 3 else value.ndim - 1  # images are (b, c, y, x), the rest ends in its features
        units = value.movedim(channel, -1).flatten(0, -2)
        sides = [(units > 0).all(0)] if isinstance(module, nn.ReLU) else [(units > 0).all(0), (units < 0).all(0)]
        stays = torch.stack(sides)
        linear[name] = linear[name] & stays if name in linear else stays

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda module, args, _: record(name, module, args[0])

    piecewise = (nn.ReLU, nn.LeakyReLU, nn.PReLU)
    modules = [(name, module) for name, module in function.model.named_modules() if isinstance(module, piecewise)]
    handles = [module.register_forward_hook(hook(name)) for name, module in modules]
    with torch.no_grad():
        function(params)
    for handle in handles:
        handle.remove()
    return {name: int(stays.sum()) for name, stays in linear.items() if bool(stays.any())}
