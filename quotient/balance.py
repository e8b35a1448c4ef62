"""The balanced basis of factor pairs: where both Gram matrices are diagonal."""

import torch
from torch import Tensor

from symmetries import RANK_ULPS, column_phases, stacks

from .metric import PairFrame
from .tall import tall_like


def balanced(standard: Tensor, dual: Tensor, damping: float, names: list[str]) -> PairFrame:
    r"""The balanced frame of a batch of pairs G, H with shapes ``(copies, n, h)``, ``(copies, m, h)``.

    From Gram matrices in double precision: :math:`T = L L^{H}`, :math:`L^{H} S L = U D U^{H}`, and
    :math:`A = D^{1/4} U^{H} L^{-1}`, which gives :math:`A^{-H} S A^{-1} = A T A^{H} = D^{1/2}`, D holding the squared
    singular values of :math:`G H^{H}`.

    Damping adds to each Gram matrix a multiple of the inverse of its partner, which transforms like it (adding a
    multiple of the identity would break the invariance): :math:`S + \varepsilon T^{-1}`, then
    :math:`T + \varepsilon (S + \varepsilon T^{-1})^{-1}`. In the basis with :math:`D + \varepsilon` for D all four stay
    diagonal, and one factor may be zero, as in a LoRA pair at its start. Where it is H that lacks full rank, G and H
    change places in all of this.

    Args:
        standard: G.
        dual: H.
        damping: :math:`\varepsilon`, in units of squared singular values of the product.
        names: which head each copy is, for the error.

    Raises:
        ValueError: a head that lacks full rank, named; without damping in either factor, with damping in both.
    """
    if damping:
        deficient = torch.linalg.cholesky_ex(stacks.gram(dual))[1] != 0
        if bool(deficient.any()):
            return _exchanged(standard, dual, damping, names, deficient)
    return _balanced(standard, dual, damping, names)


def _exchanged(standard: Tensor, dual: Tensor, damping: float, names: list[str], where: Tensor) -> PairFrame:
    """Some copies with G and H in each other's place, the others as they are."""
    frames = []
    for chosen, reverse in ((~where, False), (where, True)):
        g, h = standard[chosen], dual[chosen]
        kept = [name for name, taken in zip(names, chosen.tolist(), strict=True) if taken]
        frame = _balanced(h, g, damping, kept) if reverse else _balanced(g, h, damping, kept)
        parts = (frame.bases, frame.spectra, frame.damped, frame.to_factor)
        frames.append([pair[::-1] if reverse else pair for pair in parts])
    order = torch.cat([torch.nonzero(~where), torch.nonzero(where)]).flatten().argsort()
    bases, spectra, damped, to_factor = (
        tuple(torch.cat(halves)[order] for halves in zip(*pairs, strict=True)) for pairs in zip(*frames, strict=True)
    )
    return PairFrame(
        (bases[0], bases[1]), (spectra[0], spectra[1]), (damped[0], damped[1]), (to_factor[0], to_factor[1])
    )


def _balanced(standard: Tensor, dual: Tensor, damping: float, names: list[str]) -> PairFrame:
    """The same, for copies of which at most G lacks full rank."""
    lower, info = torch.linalg.cholesky_ex(stacks.gram(dual))
    _require_full_rank(info != 0, names, damping)
    squares, unitary = torch.linalg.eigh(stacks.gram(standard, lower))
    if not damping:
        negligible = RANK_ULPS * standard.shape[-1] * torch.finfo(torch.float64).eps
        _require_full_rank(squares[:, 0] <= negligible * squares[:, -1], names, damping)
    squares = squares.clamp_min(0.0)
    root = (squares + damping).pow(0.25)  # (copies, h)
    inverse = (lower @ unitary) / root.unsqueeze(-2)  # A^-1
    forward = root.unsqueeze(-1) * torch.linalg.solve_triangular(lower.mH, unitary, upper=True).mH  # A
    t = root.square()
    s = squares / t
    damped = (s + damping / t, t + damping / (s + damping / t)) if damping else (s, t)
    q_h = _rounded(dual, forward.mH / t.sqrt().unsqueeze(-2))
    phases = column_phases(q_h).to(forward).sgn()  # one frame for all points of an orbit, and so one meaning of a seed
    turned = phases.conj().unsqueeze(-2)
    directions = inverse * (turned / torch.where(s == 0, 1.0, s).sqrt().unsqueeze(-2))  # none of a zero column of G
    return PairFrame(
        bases=(_rounded(standard, directions), q_h.mul_(turned.to(q_h))),
        spectra=(s, t),
        damped=damped,
        to_factor=(phases.unsqueeze(-1) * forward, phases.unsqueeze(-1) * inverse.mH),
    )


def _rounded(stack: Tensor, small: Tensor) -> Tensor:
    """The product with small matrices, laid out as the stack and in its dtype."""
    product = tall_like(stack)
    stacks.set_products_(product, stack, small)
    return product


def _require_full_rank(deficient: Tensor, names: list[str], damping: float) -> None:
    if not bool(deficient.any()):
        return
    heads = [name for name, bad in zip(names, deficient.tolist(), strict=True) if bad]
    advice = (
        "damping covers one deficient factor, here both are: leave this pair out of the symmetry"
        if damping
        else "leave it out of the symmetry, or give Quotient(..., geodesic=Taylor(1), damping=...) when only one "
        "factor is deficient (a LoRA pair at its start)"
    )
    raise ValueError(
        f"rank-deficient factor pair: expected G and H of full column rank, got a singular one in {heads[:4]}"
        f"{' ...' if len(heads) > 4 else ''}; {advice}"
    )
