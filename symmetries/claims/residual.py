"""Claims about residual streams."""

import sympy
from sympy import Expr, Matrix, Symbol

from .claim import Claim, diagonal_matrix, matrix, normalized, rotation


def stream_rotation() -> Claim:
    """A stream between RMSNorms, in another orthonormal basis."""
    x, write, back, q = matrix("x", 1, 1), matrix("w", 1, 2), matrix("b", 1, 2), rotation(2)
    gain, read, block = diagonal_matrix("gamma", 2), matrix("r", 2, 1), sympy.Function("block")

    def output(write: Matrix, back: Matrix, read: Matrix) -> Matrix:
        stream = x * write
        stream = stream + (normalized(stream, centred=False) * gain * read).applyfunc(block) * back
        return normalized(stream, centred=False) * gain * read

    moved = gain.inv() * q.T * gain * read
    return Claim(
        "RMSNorm(s + f(RMSNorm(s) gamma R) B) gamma R, s = x W, under (W Q, B Q, gamma^-1 Q^T gamma R), Q in SO(2)",
        output(write, back, read),
        output(write * q, back * q, moved),
    )


def centred_stream_rotation() -> Claim:
    """A stream between LayerNorms: rotations that fix the vector of ones."""
    stream, q = matrix("s", 1, 3), rotation(3, fixes_ones=True)
    gain, shift, read = diagonal_matrix("gamma", 3), matrix("beta", 1, 3), matrix("r", 3, 1)
    return Claim(
        "(LayerNorm(s) gamma + beta) R under (s Q, beta gamma^-1 Q gamma, gamma^-1 Q^T gamma R), Q in SO(3), Q 1 = 1",
        (normalized(stream, centred=True) * gain + shift) * read,
        (normalized(stream * q, centred=True) * gain + shift * gain.inv() * q * gain) * gain.inv() * q.T * gain * read,
    )


def parallel_biases() -> Claim:
    """Two blocks that add to one stream."""
    first, second, b, d, c = (matrix(name, 1, 2) for name in ("f", "g", "b", "d", "c"))
    return Claim("(f + b) + (g + d) under b + c, d - c", (first + b) + (second + d), (first + b + c) + (second + d - c))


def isospectral_gains() -> Claim:
    r"""A LayerNorm's gain between two sides that rotate freely enters by its compression to the complement of 1.

    The eigenvalues of the compression are the critical points of :math:`p(\mu) = \prod_j (\mu - \gamma_j)`, so that
    gains with equal p' have rotated compressions: a curve, along which p gains a constant.
    """
    mu = Symbol("mu")
    gains = sympy.symbols("gamma_:3", real=True)
    p: Expr = sympy.prod(mu - gain for gain in gains)
    basis = Matrix([[1, 1], [-1, 1], [0, -2]])  # of the complement of 1, orthogonal
    compressed = basis.T * (mu * sympy.eye(3) - sympy.diag(*gains)) * basis
    determinant = compressed.det() / (basis.T * basis).det()
    return Claim(
        "det(mu - P Gamma P) on the complement of 1 is p'(mu) / d, p(mu) = prod (mu - gamma_j)",
        Matrix([[sympy.diff(p, mu) / 3]]),
        Matrix([[determinant]]),
    )


def isospectral_curve() -> Claim:
    """The curve of gains in closed form, for three channels: a circle, on which the stream turns half as fast."""
    gain, shift, q = matrix("gamma", 3, 1), matrix("beta", 1, 3), rotation(3, fixes_ones=True)

    def centred(name: str) -> Matrix:
        row = matrix(name, 1, 2)
        return row.row_join(-row * sympy.ones(2, 1))

    n, m = centred("n"), centred("m")
    return Claim(
        "(n Gamma + beta) m^T, n and m of zero mean, under (n Q, m Q, beta Q, Q^2 gamma), Q in SO(3), Q 1 = 1",
        (n * sympy.diag(*gain) + shift) * m.T,
        (n * q * sympy.diag(*(q * q * gain)) + shift * q) * (m * q).T,
    )
