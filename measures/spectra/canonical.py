"""The quadrature rules that Lanczos steps leave open: how wrong a Gauss rule can be."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .lanczos import JacobiMatrix

#: Gaps between Ritz values that are swept on either side of the one that holds a bend.
_NEIGHBOURS = 2
#: Positions of the free node in every gap.
_POSITIONS = 8
#: Residuals, relative to the width of the spectrum, below which a Ritz value is an eigenvalue.
_CONVERGED = 1e-9


def canonical_rules(jacobi: JacobiMatrix, bends: Sequence[float] = (0.0,)) -> tuple[Tensor, Tensor]:
    r"""Rules with m + 1 nodes that agree with all moments known after m Lanczos steps, one for every free node.

    They are the Gauss rules of the Jacobi matrices

    .. math:: \begin{pmatrix} T & \beta_m e_m \\ \beta_m e_m^T & \omega \end{pmatrix}, \qquad \omega \in R,

    exact for polynomials of degree 2m, like the measure of the whole space; the Gauss rule of T itself is their limit
    for :math:`\omega \to \pm \infty`. A prescribed node x takes :math:`\omega = x + \sum_i r_i^2 / (\theta_i - x)`,
    with the Ritz values and their residuals [GolubMeurant2010] 6.2.

    What these rules say of :math:`\int f` is all that m steps leave open, for many f sharply [KreinNudelman1977]: where
    the sum is stationary in :math:`\omega`, a polynomial of degree 2m touches f at all m + 1 nodes, and if it crosses f
    nowhere, the sum bounds the integral over every measure with the same moments, and is attained. For
    :math:`f(t) = |t|^\alpha` the difference has at most 2m + 2 zeros, by Descartes' rule of signs on either side of 0,
    and touching has used them up; for a jump, a node there gives both bounds (Chebyshev, Markov, Stieltjes). So the
    middle of the range over the family has an error of at most half of it.

    Positions are sampled around the points where f is not smooth; a node there is one of the extremes.

    Args:
        jacobi: after m steps.
        bends: where f is not smooth: the free node of the last rules.

    Returns:
        Nodes and weights, shape ``(rules, m + 1)``; a single rule with m nodes, the exact one, where the Krylov
        space is exhausted.
    """
    if not jacobi.remainder:
        return jacobi.nodes.unsqueeze(0), jacobi.weights.unsqueeze(0)
    free = torch.cat([*(_swept(jacobi, bend) for bend in bends), torch.tensor(bends, dtype=torch.float64)])
    # A node that meets a Ritz value is a limit: omega grows without bound there, and any large one gives the rule.
    apart = jacobi.nodes - free.unsqueeze(1)
    apart = torch.where(apart == 0, torch.finfo(torch.float64).eps * jacobi.remainder, apart)
    last = free + (jacobi.residuals.square() / apart).sum(dim=1)
    m = jacobi.steps
    matrices = torch.zeros(len(free), m + 1, m + 1, dtype=torch.float64)
    off = torch.cat([jacobi.offdiagonal, torch.tensor([jacobi.remainder], dtype=torch.float64)])
    matrices[:, :m, :m] = torch.diag(jacobi.diagonal)
    matrices += torch.diag(off, 1) + torch.diag(off, -1)
    matrices[:, m, m] = last
    nodes, vectors = torch.linalg.eigh(matrices)
    return nodes, vectors[:, 0].square()


def _swept(jacobi: JacobiMatrix, bend: float) -> Tensor:
    """Positions in the gaps between Ritz values around a point."""
    margin = jacobi.nodes[-1] - jacobi.nodes[0] + jacobi.remainder
    # A converged Ritz value is a node of every rule, and no end of a gap.
    nodes = jacobi.nodes[jacobi.residuals > _CONVERGED * margin]
    gap = int(torch.searchsorted(nodes, bend))
    ends = torch.cat([jacobi.nodes[:1] - margin, nodes, jacobi.nodes[-1:] + margin])
    near = ends[max(0, gap - _NEIGHBOURS) : gap + _NEIGHBOURS + 2]
    shares = (torch.arange(_POSITIONS, dtype=torch.float64) + 0.5) / _POSITIONS
    return (near[:-1, None] + shares * near.diff().unsqueeze(1)).flatten()
