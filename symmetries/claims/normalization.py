"""Claims about what norms and layer scales let fold away."""

import sympy
from sympy import Expr, Matrix, Symbol

from .claim import Claim, diagonal_matrix, matrix, normalized, with_ones


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


def layer_scale() -> Claim:
    """A layer scale behind a linear map."""
    x, w, scale, a = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), diagonal_matrix("s", 2), diagonal_matrix("a", 2)
    return Claim("(x W) S under (W D^-1, S D), D diagonal", x * w * scale, x * (w * a.inv()) * (scale * a))


def post_norm_shift() -> Claim:
    """A constant behind a norm whose output a skip connection carries on."""
    n, gain, shift, w, b = _normed_reader()
    back, bias, c, block = matrix("v", 2, 3), matrix("d", 1, 3), matrix("c", 1, 3), sympy.Function("block")

    def stream(shift: Matrix, b: Matrix, bias: Matrix) -> Matrix:
        z = n * gain + shift
        return z + (z * w + b).applyfunc(block) * back + bias

    return Claim(
        "z + f(z W + b) V + d, z = n gamma + beta, under beta + c, b - c W, d - c",
        stream(shift, b, bias),
        stream(shift + c, b - c * w, bias - c),
    )


def reader_mean_without_bias() -> Claim:
    """What LayerNorm makes constant, for a reader that has no bias to take the constant back."""
    _, gain, shift, w, _ = _normed_reader()
    n = matrix("n", 1, 2)
    n = n.row_join(-n * sympy.ones(2, 1))  # all that matters of a normalized row here: its mean is zero
    m = sympy.eye(3) + gain.inv() * sympy.ones(3, 1) * matrix("v", 1, 3)
    return Claim(
        "(n gamma + beta) W, n of zero mean, under M W, beta M^-1, M = I + gamma^-1 1 v^T",
        (n * gain + shift) * w,
        (n * gain + shift * m.inv()) * m * w,
    )


def norm_scale() -> Claim:
    """The scale of what a norm without eps reads: a stream, a head, a batch-normalized channel, a group."""
    x, w, a = with_ones(matrix("x", 1, 2)), matrix("w", 3, 2), Symbol("a", positive=True)
    return Claim(
        "Norm(x W) under a W, a > 0, for eps = 0, biases included",
        normalized(x * w, centred=True, eps=sympy.Integer(0)),
        normalized(x * (a * w), centred=True, eps=sympy.Integer(0)),
    )


def tied_norm_scale() -> Claim:
    """The scale of a stream whose embedding is the unembedding too."""
    embedding, gain, a = matrix("e", 2, 2), diagonal_matrix("gamma", 2), Symbol("a", positive=True)

    def logits(embedding: Matrix, gain: Matrix) -> Matrix:
        return normalized(embedding, centred=False, eps=sympy.Integer(0)) * gain * embedding.T

    return Claim(
        "Norm(E) gamma E^T under (a E, gamma / a), a > 0, for eps = 0",
        logits(embedding, gain),
        logits(a * embedding, gain / a),
    )


def batch_norm_bias() -> Claim:
    """A constant before the statistics of a batch."""
    channel, c = matrix("x", 1, 3), Symbol("c", real=True)  # one channel, a batch of three
    return Claim(
        "BatchNorm(x + c) of one channel, statistics of the batch",
        normalized(channel, centred=True),
        normalized(channel + c * sympy.ones(1, 3), centred=True),
    )


def batch_norm_fold() -> Claim:
    """A channel before fixed statistics, its bias and scale taken back by the affine map behind them."""
    x, mean, deviation, a = Symbol("x"), Symbol("m"), Symbol("s", positive=True), Symbol("a", real=True, nonzero=True)
    gain, shift, c = Symbol("gamma"), Symbol("beta"), Symbol("c", real=True)

    def channel(x: Expr, gain: Expr, shift: Expr) -> Matrix:
        return Matrix([[gain * (x - mean) / deviation + shift]])

    moved = shift - gain * mean / deviation + (gain / a) * (mean - c) / deviation
    return Claim(
        "gamma (x - m) / s + beta under a x + c, gamma / a, beta moved by what the constant mean m leaves",
        channel(x, gain, shift),
        channel(a * x + c, gain / a, moved),
    )
