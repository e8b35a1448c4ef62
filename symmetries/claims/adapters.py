"""Claims about low-rank adapters."""

from sympy import Matrix, Symbol, diag

from .claim import Claim, PositivelyHomogeneous, act, diagonal_matrix, matrix


def lora_pair() -> Claim:
    """A low-rank update beside a base weight."""
    x, base, g, h = matrix("x", 1, 3), matrix("w", 3, 3), matrix("B", 3, 2), matrix("A", 3, 2)

    def layer(g: Matrix, h: Matrix) -> Matrix:
        return x * (base + 2 * g * h.T).T

    return Claim(
        "x (W + s B A)^T under (B M^-1, M A), M in GL(r, R)", layer(g, h), layer(*act(matrix("m", 2, 2), g, h))
    )


def parallel_adapters() -> Claim:
    """Two low-rank updates of one weight, of different scales: their columns are those of one."""
    x, base, number = matrix("x", 1, 2), matrix("w", 2, 2), Symbol("s", real=True, nonzero=True)
    g, h = matrix("B", 2, 2), matrix("A", 2, 2)  # a column for each adapter
    scales = diag(1, number)

    def layer(g: Matrix, h: Matrix) -> Matrix:
        update = g[:, 0] * h[:, 0].T + number * g[:, 1] * h[:, 1].T
        return x * (base + update).T

    scaled, dual = act(matrix("m", 2, 2), g * scales, h)
    return Claim(
        "x (W + B1 A1 + s B2 A2)^T under ([B1, s B2] M^-1, M [A1; A2]), M in GL(r1 + r2, R)",
        layer(g, h),
        layer(scaled * scales.inv(), dual),
    )


def trainable_base() -> Claim:
    """The base weight trained too: it takes back any change of the update."""
    x, base, g, h, d = matrix("x", 1, 3), matrix("w", 3, 3), matrix("B", 3, 2), matrix("A", 3, 2), matrix("d", 3, 2)
    return Claim(
        "x (W + s B A)^T under B + D, W - s D A",
        x * (base + 2 * g * h.T).T,
        x * (base - 2 * d * h.T + 2 * (g + d) * h.T).T,
    )


def adalora() -> Claim:
    """Three factors, the one in between diagonal: it folds into one of the others, and what is left is a pair."""
    p, middle, q = matrix("P", 2, 2), diagonal_matrix("l", 2), matrix("Q", 2, 2)
    element, scale = matrix("m", 2, 2), diagonal_matrix("a", 2)
    return Claim(
        "P L Q under (P M^-1, a L, (a L)^-1 M L Q), M in GL(r, R), a diagonal",
        p * middle * q,
        p * element.inv() * (scale * middle) * ((scale * middle).inv() * element * middle * q),
    )


def vera() -> Claim:
    """Two trained diagonals around fixed factors."""
    a, fixed = Symbol("a", real=True, nonzero=True), [matrix(name, 2, 2) for name in ("F", "H")]
    b, d = diagonal_matrix("b", 2), diagonal_matrix("d", 2)
    return Claim(
        "b F d H under (a b, d / a), a not zero", b * fixed[0] * d * fixed[1], (a * b) * fixed[0] * (d / a) * fixed[1]
    )


def dora() -> Claim:
    """A normalized sum of base and update."""
    base, g, h, gain, m = (matrix(name, 2, 2) for name in ("w", "B", "A", "g", "m"))

    def weight(g: Matrix, h: Matrix) -> Matrix:
        full = base + g * h.T
        return Matrix(2, 2, lambda i, j: gain[i, 0] * full[i, j] / PositivelyHomogeneous(*full.row(i)))

    return Claim(
        "m (W + B A) / |W + B A| by rows under (B M^-1, M A), M in GL(r, R)", weight(g, h), weight(*act(m, g, h))
    )


def dora_magnitudes() -> Claim:
    """The magnitudes of two adapted maps with a gate between: one number passes from all of one to all of the other."""
    x, gate = matrix("x", 1, 2), matrix("s", 1, 2)
    inner, outer = matrix("u", 2, 1), matrix("d", 2, 1)
    up, down = matrix("U", 2, 2), matrix("D", 2, 2)
    number = Symbol("c", real=True, nonzero=True)

    def layer(inner: Matrix, outer: Matrix) -> Matrix:
        hidden = gate.multiply_elementwise(inner.T.multiply_elementwise(x * up))
        return outer.T.multiply_elementwise(hidden * down)

    return Claim(
        "d D (s (u U x)) under (c u, d / c), c not zero, with unit rows of U and D fixed",
        layer(inner, outer),
        layer(number * inner, outer / number),
    )
