"""Claims about embeddings and unembeddings."""

import sympy
from sympy import Matrix, Symbol

from .claim import Claim, diagonal_matrix, matrix, normalized, rotation, softmax, with_ones


def logits_mean() -> Claim:
    """What softmax takes out of the logits."""
    x, w = with_ones(matrix("x", 1, 2)), matrix("w", 3, 3)
    moved = w + matrix("u", 3, 1) * sympy.ones(1, 3)
    return Claim("softmax(x W) under W + u 1^T, biases included", softmax(x * w), softmax(x * moved))


def embedding_translation() -> Claim:
    """Two embeddings that are only ever added."""
    tokens, positions, c = matrix("e", 1, 2), matrix("p", 1, 2), matrix("c", 1, 2)
    return Claim("E + P under E + c, P - c", tokens + positions, (tokens + c) + (positions - c))


def tied_logits_mean() -> Claim:
    """The shift of an unembedding that is the embedding too, taken back by the positions."""
    tokens, positions, u = matrix("e", 3, 2), matrix("p", 1, 2), matrix("u", 1, 2)
    hidden = sympy.Function("hidden")

    def probabilities(tokens: Matrix, positions: Matrix) -> Matrix:
        return softmax((tokens.row(0) + positions).applyfunc(hidden) * tokens.T)

    return Claim(
        "softmax(f(E_i + P) E^T) under E + 1 u^T, P - u",
        probabilities(tokens, positions),
        probabilities(tokens + sympy.ones(3, 1) * u, positions - u),
    )


def tied_reader_mean() -> Claim:
    """The same of logits: the direction that a LayerNorm before a tied unembedding makes constant."""
    tokens, positions, bias, s = matrix("e", 2, 3), matrix("p", 1, 3), matrix("b", 1, 2), Symbol("s", real=True)
    n, gain, shift = normalized(matrix("x", 1, 3), centred=True), diagonal_matrix("gamma", 3), matrix("beta", 1, 3)
    u = s * sympy.ones(1, 3) * gain.inv()
    stream, ones = sympy.Function("stream"), sympy.ones(2, 1)

    def logits(tokens: Matrix, positions: Matrix, bias: Matrix) -> Matrix:
        seen = (tokens.row(0) + positions).applyfunc(stream)
        return (n * gain + shift) * tokens.T + bias + seen * sympy.ones(3, 2)

    return Claim(
        "f(E_i + P) and (n gamma + beta) E^T + b, n of zero mean, under E + s 1 gamma^-1, P - s gamma^-1, b moved",
        logits(tokens, positions, bias),
        logits(tokens + ones * u, positions - u, bias - (shift * u.T)[0] * ones.T),
    )


def contrastive_projections() -> Claim:
    """Two projections whose normalized outputs are compared."""
    image, text, q = matrix("i", 1, 2), matrix("t", 1, 2), rotation(2)
    a, b = Symbol("a", positive=True), Symbol("b", positive=True)

    def similarity(image: Matrix, text: Matrix) -> Matrix:
        zero = sympy.Integer(0)
        return normalized(image, centred=False, eps=zero) * normalized(text, centred=False, eps=zero).T

    return Claim(
        "<i / |i|, t / |t|> under (a i Q, b t Q), Q in SO(2), a and b positive",
        similarity(image, text),
        similarity(a * image * q, b * text * q),
    )
