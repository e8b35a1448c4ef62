"""Claims about attention heads."""

import sympy
from sympy import Matrix

from .claim import Claim, act, matrix, softmax, with_ones


def query_key() -> Claim:
    """Scores of two tokens, heads of size two."""
    x, g, h = with_ones(matrix("x", 2, 2)), matrix("q", 3, 2), matrix("k", 3, 2)
    values, element = matrix("v", 2, 1), matrix("a", 2, 2)

    def attention(g: Matrix, h: Matrix) -> Matrix:
        return softmax((x * g) * (x * h).T / sympy.sqrt(2)) * values

    return Claim(
        "softmax((X G)(X H)^T / sqrt(h)) V under (G A^-1, H A^T), A in GL(2, R), biases included",
        attention(g, h),
        attention(*act(element, g, h)),
    )


def rope_query_key() -> Claim:
    """The same with one rotary frequency: complex scalings commute with the rotations."""
    x, values = with_ones(matrix("x", 2, 1)), matrix("v", 2, 1)
    g, h = (matrix(f"{name}r", 2, 1) + sympy.I * matrix(f"{name}i", 2, 1) for name in "qk")
    element = matrix("ar", 1, 1) + sympy.I * matrix("ai", 1, 1)
    cosine, sine = matrix("cos", 2, 1), matrix("sin", 2, 1)

    def rotated(projected: Matrix) -> Matrix:
        """Real channel pairs ``(tokens, 2)``, each turned by the angle of its position."""
        rows = []
        for i in range(2):
            real, imaginary = sympy.expand(projected[i]).as_real_imag()
            rows.append([cosine[i] * real - sine[i] * imaginary, sine[i] * real + cosine[i] * imaginary])
        return Matrix(rows)

    def attention(g: Matrix, h: Matrix) -> Matrix:
        return softmax(rotated(x * g) * rotated(x * h).T / sympy.sqrt(2)) * values

    inverse = element.H / (element.H * element)[0].expand()  # a real denominator
    return Claim(
        "attention with rotary positions under (G a^-1, H conj(a)), a in GL(1, C)",
        attention(g, h),
        attention(g * inverse, h * element.H),
    )


def value_output() -> Claim:
    """Any attention weights, values with a bias."""
    x, g, h = with_ones(matrix("x", 2, 2)), matrix("v", 3, 2), matrix("o", 2, 2)
    weights, element = matrix("p", 2, 2), matrix("a", 2, 2)

    def attention(g: Matrix, h: Matrix) -> Matrix:
        return weights * (x * g) * h.T

    return Claim(
        "P (X G) H^T under (G A^-1, H A^T), A in GL(2, R), for any weights P",
        attention(g, h),
        attention(*act(element, g, h)),
    )


def key_bias() -> Claim:
    """A constant in all keys."""
    queries, keys, values = matrix("q", 2, 2), matrix("k", 2, 2), matrix("v", 2, 1)
    shift = sympy.ones(2, 1) * matrix("c", 1, 2)
    return Claim(
        "softmax(Q K^T) V under K + 1 c^T",
        softmax(queries * keys.T) * values,
        softmax(queries * (keys + shift).T) * values,
    )


def value_bias() -> Claim:
    """A constant in all values, taken back behind the output projection."""
    weights, values, output, bias = softmax(matrix("s", 2, 2)), matrix("v", 2, 2), matrix("o", 2, 2), matrix("b", 1, 2)
    c, ones = matrix("c", 1, 2), sympy.ones(2, 1)
    return Claim(
        "softmax(S) V W + b under V + 1 c^T, b - c W",
        weights * values * output + ones * bias,
        weights * (values + ones * c) * output + ones * (bias - c * output),
    )
