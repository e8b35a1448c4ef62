"""Claims about what norms and layer scales let fold away."""

import sympy
from sympy import Matrix

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
