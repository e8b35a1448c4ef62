"""Claims about low-rank adapters."""

from sympy import Matrix

from .claim import Claim, act, matrix


def lora_pair() -> Claim:
    """A low-rank update beside a base weight."""
    x, base, g, h = matrix("x", 1, 3), matrix("w", 3, 3), matrix("B", 3, 2), matrix("A", 3, 2)

    def layer(g: Matrix, h: Matrix) -> Matrix:
        return x * (base + 2 * g * h.T).T

    return Claim(
        "x (W + s B A)^T under (B M^-1, M A), M in GL(r, R)", layer(g, h), layer(*act(matrix("m", 2, 2), g, h))
    )
