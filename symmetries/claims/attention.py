"""Claims about attention heads."""

import sympy
from sympy import Matrix, Symbol

from .claim import Claim, act, diagonal_matrix, matrix, normalized, softmax, with_ones


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


def grouped_query_key() -> Claim:
    """Two query heads of one key head: one element for all three."""
    x, values = matrix("x", 2, 2), matrix("v", 2, 1)
    queries, keys = [matrix(name, 2, 2) for name in ("q", "r")], matrix("k", 2, 2)
    a = matrix("a", 2, 2)

    def attention(queries: list[Matrix], keys: Matrix) -> Matrix:
        heads = [softmax((x * query) * (x * keys).T) * values for query in queries]
        return heads[0].row_join(heads[1])

    return Claim(
        "grouped queries under (G_1 A^-1, G_2 A^-1, H A^T), A in GL(2, R)",
        attention(queries, keys),
        attention([query * a.inv() for query in queries], keys * a.T),
    )


def partial_rotary_query_key() -> Claim:
    """Channels without position beside a rotary plane, as in partial rotary and in multi-head latent attention."""
    q, k, a = matrix("q", 2, 2), matrix("k", 2, 2), matrix("a", 2, 2)
    turned, kept = matrix("s", 2, 2), matrix("v", 2, 1)
    return Claim(
        "softmax(Q K^T + rotary scores) V under (Q A^-1, K A^T), A in GL(2, R), on the channels that are not rotated",
        softmax(q * k.T + turned) * kept,
        softmax(q * a.inv() * (k * a.T).T + turned) * kept,
    )


def query_key_gain() -> Claim:
    """Gains of normalized queries and keys."""
    queries, keys = (normalized(matrix(name, 2, 2), centred=False) for name in "qk")
    gains, d = [diagonal_matrix(name, 2) for name in ("g", "h")], diagonal_matrix("d", 2)
    return Claim(
        "(n_q Gamma_q)(n_k Gamma_k)^T under (Gamma_q D, Gamma_k D^-1), D diagonal",
        queries * gains[0] * (keys * gains[1]).T,
        queries * gains[0] * d * (keys * gains[1] * d.inv()).T,
    )


def rotary_query_key_gain() -> Claim:
    """A gain that is constant on a plane commutes with its rotation."""
    queries, keys, a = matrix("q", 1, 2), matrix("k", 1, 2), Symbol("a", real=True, nonzero=True)
    turn = Matrix([[Symbol("cos"), Symbol("sin")], [-Symbol("sin"), Symbol("cos")]])
    gains = [diagonal_matrix(name, 2) for name in ("g", "h")]
    return Claim(
        "(n_q Gamma_q)(n_k Gamma_k R)^T, R a rotation of one plane, under (a Gamma_q, Gamma_k / a)",
        queries * gains[0] * (keys * gains[1] * turn).T,
        queries * (a * gains[0]) * (keys * (gains[1] / a) * turn).T,
    )


def query_norm_mean() -> Claim:
    """What a LayerNorm of each head does not see."""
    x, w, u = with_ones(matrix("x", 1, 1)), matrix("q", 2, 3), matrix("u", 2, 1)
    return Claim(
        "LayerNorm(x W) of one head under W + u 1^T, biases included",
        normalized(x * w, centred=True),
        normalized(x * (w + u * sympy.ones(1, 3)), centred=True),
    )


def position_bias() -> Claim:
    """A constant in all relative position biases of a head."""
    scores, bias, values, c = matrix("s", 2, 2), matrix("r", 2, 2), matrix("v", 2, 1), Symbol("c", real=True)
    return Claim(
        "softmax(S + R) V under R + c",
        softmax(scores + bias) * values,
        softmax(scores + bias + c * sympy.ones(2, 2)) * values,
    )


def temperature() -> Claim:
    """A learned temperature beside the queries."""
    queries, keys, t, a = matrix("q", 2, 2), matrix("k", 2, 2), Symbol("t", real=True), Symbol("a", positive=True)
    return Claim(
        "softmax(t Q K^T) under (a Q, t / a)", softmax(t * queries * keys.T), softmax(t / a * (a * queries) * keys.T)
    )
