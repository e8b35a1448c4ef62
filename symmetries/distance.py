r"""How far two checkpoints of one architecture are apart, modulo their symmetries."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .balancing import imbalance
from .errors import SymmetryError
from .model_symmetry import ModelSymmetry
from .params import Params
from .symmetry import Symmetry

#: Sweeps of alignment over pairs that share weights.
_SWEEPS = 100

#: Pairs whose Gram matrices differ by more than this after balancing are rank-deficient.
_UNBALANCED = 1e-6


@dataclass(frozen=True)
class Distance:
    """A distance between two orbits, and between the two given points of them.

    Attributes:
        value: between the orbits.
        naive: the Euclidean distance of the parameters as they are.
        size: the mean of the two orbits' least norms, in whose units :attr:`relative` is.
        parameters: the part of every parameter; the squares add up to ``value**2``.
    """

    value: float
    naive: float
    size: float
    parameters: dict[str, float]

    @property
    def relative(self) -> float:
        """``value / size``."""
        return self.value / self.size if self.size else 0.0

    def __str__(self) -> str:
        return f"{self.value:.4g} modulo symmetry ({self.relative:.2%} of the norm), {self.naive:.4g} as stored"


def distance(symmetry: ModelSymmetry, a: Params, b: Params) -> Distance:
    r"""The distance of two points of parameter space, each up to its symmetries.

    Both are moved to their canonical representatives, which are unique up to a compact group K of isometries: one
    unitary matrix for every head (a sign or a phase for every unit). Then

    .. math:: d(a, b) = \min_{k \in K} \| \hat a - k \hat b \|_F ,

    for a pair the orthogonal Procrustes problem, solved by the singular value decomposition of
    :math:`\hat G_b^{H} \hat G_a + \hat H_b^{H} \hat H_a` ([Schonemann1966]; for balanced factors [Tu2016]). It is a
    metric on orbits: zero exactly when a and b are on one, symmetric, and with the triangle inequality. For pairs of
    GL(h), h > 1, that share weights the alignments are found in turn, which bounds the minimum from above.

    Not taken out: what ``canonical`` leaves in place (factors flagged ``counted`` or ``approximate``), and permutations
    of units or heads.

    Example:
        >>> import torch
        >>> from symmetries import declare, relu_rescaling
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2)).double()
        >>> params = {name: p.detach() for name, p in model.named_parameters()}
        >>> symmetry = declare(model, relu_rescaling("0", "2"))
        >>> moved = symmetry.act(symmetry.random(torch.Generator().manual_seed(0), 100.0), params)
        >>> found = distance(symmetry, params, moved)
        >>> found.value < 1e-12 < 1.0 < found.naive
        True

    Args:
        symmetry: of the architecture.
        a: parameters of one model.
        b: of the other; the same names and shapes.

    Raises:
        SymmetryError: parameters that do not fit, or a rank-deficient head, which has no balanced basis.
        ValueError: NaN or Inf, or different names.
    """
    first, second = _aligned(symmetry, a, b)
    parts = {name: torch.linalg.vector_norm(first[name] - second[name]).item() for name in first}
    naive = [torch.linalg.vector_norm(a[name].double() - b[name].double()) for name in a]
    return Distance(
        value=sum(part**2 for part in parts.values()) ** 0.5,
        naive=torch.stack(naive).norm().item(),
        size=0.5 * (_norm(first) + _norm(second)),
        parameters=parts,
    )


def aligned(symmetry: ModelSymmetry, a: Params, b: Params) -> tuple[Params, Params]:
    r"""The points of two orbits whose :func:`distance` it is: :math:`\hat a`, and :math:`k \hat b` next to it.

    Both are the functions of ``a`` and ``b``. The first is the canonical representative, whatever ``b`` is.

    Example:
        >>> import torch
        >>> from symmetries import declare, relu_rescaling
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2)).double()
        >>> params = {name: p.detach() for name, p in model.named_parameters()}
        >>> symmetry = declare(model, relu_rescaling("0", "2"))
        >>> moved = symmetry.act(symmetry.random(torch.Generator().manual_seed(0), 100.0), params)
        >>> first, second = aligned(symmetry, params, moved)
        >>> all(torch.allclose(first[name], second[name]) for name in params)
        True

    Args:
        symmetry: of the architecture.
        a: parameters of one model.
        b: of the other; the same names and shapes.

    Returns:
        Both in double precision.

    Raises:
        SymmetryError: as :func:`distance`.
        ValueError: as :func:`distance`.
    """
    first, second = _aligned(symmetry, a, b)
    return symmetry.unfolded(first), symmetry.unfolded(second)


def _aligned(symmetry: ModelSymmetry, a: Params, b: Params) -> tuple[Params, Params]:
    """The same in the coordinates of the factors."""
    if a.keys() != b.keys():
        raise ValueError(
            "two checkpoints of one architecture have the same names, got in one of them only "
            f"{sorted(a.keys() ^ b.keys())[:5]}"
        )
    first, second = (_least(symmetry, params) for params in (a, b))
    for component in symmetry.components():
        for _ in range(_SWEEPS if len(component) > 1 else 1):
            for pair in component:
                second = pair.act(_alignment(pair, first, second), second)
    return first, second


def _least(symmetry: ModelSymmetry, params: Params) -> Params:
    """The canonical representative in double precision, every pair balanced, in the coordinates of the factors."""
    canonical = symmetry.folded(symmetry.canonical({name: value.detach().double() for name, value in params.items()}))
    for pair in symmetry.pairs:
        deficient = torch.nonzero(imbalance(pair, canonical) > _UNBALANCED).flatten().tolist()
        if deficient:
            raise SymmetryError(
                f"{pair.name!r}: copies {deficient[:8]} lack full rank and have no balanced basis, so that no distance "
                "is defined; leave this pair out of the symmetry"
            )
    return canonical


def _alignment(pair: Symmetry, first: Params, second: Params) -> Tensor:
    """The unitary elements that bring the pair of ``second`` next to that of ``first``."""
    (g_a, h_a), (g_b, h_b) = pair.weighted(first), pair.weighted(second)
    if pair.group.positive and pair.group.h == 1:
        return torch.ones(g_a.shape[0], 1, 1, dtype=pair.group.dtype)
    left, _, right = torch.linalg.svd(g_b.mH @ g_a + h_b.mH @ h_a)
    if pair.group.positive:
        left[..., -1] *= torch.linalg.det(left @ right).sign().unsqueeze(-1)
    return (left @ right).mH.cpu()


def _norm(params: Params) -> float:
    return torch.stack([torch.linalg.vector_norm(value) for value in params.values()]).norm().item()
