"""Claims about embeddings and unembeddings."""

import sympy

from .claim import Claim, matrix, softmax, with_ones


def logits_mean() -> Claim:
    """What softmax takes out of the logits."""
    x, w = with_ones(matrix("x", 1, 2)), matrix("w", 3, 3)
    moved = w + matrix("u", 3, 1) * sympy.ones(1, 3)
    return Claim("softmax(x W) under W + u 1^T, biases included", softmax(x * w), softmax(x * moved))
