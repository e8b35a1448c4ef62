r"""Claims: small symbolic instances of the ready declarations.

Each builds its block twice from symbols, with the given parameters and with transformed ones, by the formulas of the
actions. Tokens are rows: a linear layer is ``X @ G``, a bias one more row of G, which meets a column of ones in X.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix, Symbol

Activation = Callable[[Expr], Expr]


@dataclass(frozen=True)
class Claim:
    """Two expressions that are said to be the same function.

    Attributes:
        statement: what is transformed, and by what.
        before: outputs, a matrix of expressions.
        after: outputs with transformed parameters.
    """

    statement: str
    before: Matrix
    after: Matrix


class PositivelyHomogeneous(sympy.Function):
    """Any function with ``r(c x) = c r(x)`` for every c > 0: ReLU, leaky ReLU, absolute value."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """Take positive factors out."""
        factors = sympy.Mul.make_args(sympy.factor(x))
        positive = [factor for factor in factors if factor.is_positive]
        if not positive:
            return None
        return sympy.Mul(*positive) * cls(sympy.Mul(*(factor for factor in factors if not factor.is_positive)))


def matrix(name: str, rows: int, columns: int, **assumptions: bool) -> Matrix:
    """Real symbols, ``name_ij``."""
    return Matrix(rows, columns, lambda i, j: Symbol(f"{name}_{i}{j}", real=True, **assumptions))


def diagonal_matrix(name: str, size: int, **assumptions: bool) -> Matrix:
    """A diagonal of symbols that are not zero."""
    return sympy.diag(*(Symbol(f"{name}_{i}", real=True, nonzero=True, **assumptions) for i in range(size)))


def act(element: Matrix, standard: Matrix, dual: Matrix) -> tuple[Matrix, Matrix]:
    """``(G A^-1, H A^H)``: the one action of all factor pairs, as in ``GeneralLinear.act``."""
    return standard * element.inv(), dual * element.H


def with_ones(x: Matrix) -> Matrix:
    """A column of ones, which the row of biases meets."""
    return x.row_join(sympy.ones(x.rows, 1))


def softmax(scores: Matrix) -> Matrix:
    """Along rows, as the inverse of a sum of exponentials of differences."""

    def weight(i: int, j: int) -> Expr:
        return 1 / sympy.Add(*(sympy.exp(scores[i, k] - scores[i, j]) for k in range(scores.cols)))

    return Matrix(*scores.shape, weight)


def normalized(x: Matrix, *, centred: bool) -> Matrix:
    """Rows over their root mean square, with an eps; of their deviations from the mean when ``centred``."""
    eps = Symbol("eps", positive=True)
    mean = x * sympy.ones(x.cols, x.cols) / x.cols
    deviation = x - mean if centred else x

    def entry(i: int, j: int) -> Expr:
        return deviation[i, j] / sympy.sqrt(sympy.Add(*(d**2 for d in deviation.row(i))) / x.cols + eps)

    return Matrix(*x.shape, entry)


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


def rescaling(activation: Activation) -> Claim:
    """A unit between two layers, scaled by a positive factor."""
    x, g, h = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), matrix("u", 2, 2)
    scaled = [
        act(Matrix([[Symbol(f"a_{i}", positive=True)]]), g.col(i), h.col(i)) for i in range(2)
    ]  # one copy for each unit

    def network(g: Matrix, h: Matrix) -> Matrix:
        return (x * g).applyfunc(activation) * h.T

    return Claim(
        "r(x G) H^T under (G D^-1, H D), D positive and diagonal, biases included",
        network(g, h),
        network(scaled[0][0].row_join(scaled[1][0]), scaled[0][1].row_join(scaled[1][1])),
    )


def relu_rescaling() -> Claim:
    """Rescaling with an activation that is positively homogeneous."""
    return rescaling(PositivelyHomogeneous)


def linear_chain() -> Claim:
    """Two linear layers: a basis change and a shift of the features in between."""
    x, g, h, bias = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), matrix("u", 2, 2), matrix("b", 1, 2)
    moved, dual = act(matrix("a", 2, 2), g, h)
    c = matrix("c", 1, 2)
    shifted = moved + Matrix([[0, 0], [0, 0]]).col_join(c)
    return Claim(
        "(x G) H^T + b under (G A^-1, H A^T) and a constant c between the biases",
        x * g * h.T + bias,
        x * shifted * dual.T + bias - c * dual.T,
    )


def gated_mlp() -> Claim:
    """Two gated units, the gate an unknown function."""
    gate = sympy.Function("gate")
    x, w, g, h = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), matrix("u", 3, 2), matrix("d", 2, 2)
    element = diagonal_matrix("a", 2)

    def network(g: Matrix, h: Matrix) -> Matrix:
        return (x * w).applyfunc(gate).multiply_elementwise(x * g) * h.T

    return Claim(
        "[gate(x W) * (x G)] H^T under (G D^-1, H D), D diagonal, for any gate",
        network(g, h),
        network(*act(element, g, h)),
    )


def lora_pair() -> Claim:
    """A low-rank update beside a base weight."""
    x, base, g, h = matrix("x", 1, 3), matrix("w", 3, 3), matrix("B", 3, 2), matrix("A", 3, 2)

    def layer(g: Matrix, h: Matrix) -> Matrix:
        return x * (base + 2 * g * h.T).T

    return Claim(
        "x (W + s B A)^T under (B M^-1, M A), M in GL(r, R)", layer(g, h), layer(*act(matrix("m", 2, 2), g, h))
    )


def diagonal() -> Claim:
    """A diagonal linear network."""
    x, u, v, element = matrix("x", 1, 2), matrix("u", 1, 2), matrix("v", 1, 2), diagonal_matrix("a", 2)
    moved, dual = act(element, u, v)
    return Claim(
        "x (u * v)^T under (u / a, v a), a not zero",
        x * u.multiply_elementwise(v).T,
        x * moved.multiply_elementwise(dual).T,
    )


def _normed_reader() -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix]:
    """A normalized row of three channels, gain, shift, a reader of two outputs, its bias."""
    n = normalized(matrix("x", 1, 3), centred=True)
    return n, diagonal_matrix("gamma", 3), matrix("beta", 1, 3), matrix("w", 3, 2), matrix("b", 1, 2)


def norm_gain() -> Claim:
    """Gain and shift of a norm, with the inverse in its reader."""
    n, gain, shift, w, b = _normed_reader()
    scale = diagonal_matrix("a", 3)
    return Claim(
        "(n gamma + beta) W + b under (gamma D, beta D, D^-1 W), D diagonal",
        (n * gain + shift) * w + b,
        (n * gain * scale + shift * scale) * scale.inv() * w + b,
    )


def norm_shift() -> Claim:
    """A constant between the shift of a norm and the bias of its reader."""
    n, gain, shift, w, b = _normed_reader()
    c = matrix("c", 1, 3)
    return Claim(
        "(n gamma + beta) W + b under beta + c, b - c W",
        (n * gain + shift) * w + b,
        (n * gain + shift + c) * w + (b - c * w),
    )


def reader_mean() -> Claim:
    """What LayerNorm makes constant."""
    n, gain, shift, w, b = _normed_reader()
    v = matrix("v", 1, 2)
    moved = w + gain.inv() * sympy.ones(3, 1) * v
    return Claim(
        "(n gamma + beta) W + b, n of zero mean, under W + gamma^-1 1 v^T, b - (sum beta / gamma) v",
        (n * gain + shift) * w + b,
        (n * gain + shift) * moved + b - (shift * gain.inv() * sympy.ones(3, 1))[0] * v,
    )


def writer_mean() -> Claim:
    """What LayerNorm takes out of a stream."""
    x, w, stream = with_ones(matrix("x", 1, 1)), matrix("w", 2, 3), matrix("r", 1, 3)
    moved = w + matrix("u", 2, 1) * sympy.ones(1, 3)
    return Claim(
        "LayerNorm(r + x W) under W + u 1^T, biases included",
        normalized(stream + x * w, centred=True),
        normalized(stream + x * moved, centred=True),
    )


def logits_mean() -> Claim:
    """What softmax takes out of the logits."""
    x, w = with_ones(matrix("x", 1, 2)), matrix("w", 3, 3)
    moved = w + matrix("u", 3, 1) * sympy.ones(1, 3)
    return Claim("softmax(x W) under W + u 1^T, biases included", softmax(x * w), softmax(x * moved))


def layer_scale() -> Claim:
    """A layer scale behind a linear map."""
    x, w, scale, a = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), diagonal_matrix("s", 2), diagonal_matrix("a", 2)
    return Claim("(x W) S under (W D^-1, S D), D diagonal", x * w * scale, x * (w * a.inv()) * (scale * a))


CLAIMS: dict[str, Callable[[], Claim]] = {
    claim.__name__: claim
    for claim in (
        diagonal,
        gated_mlp,
        key_bias,
        layer_scale,
        linear_chain,
        logits_mean,
        lora_pair,
        norm_gain,
        norm_shift,
        query_key,
        reader_mean,
        relu_rescaling,
        rope_query_key,
        value_bias,
        value_output,
        writer_mean,
    )
}
"""The claims by name: the names of the ready declarations, and two variants."""
