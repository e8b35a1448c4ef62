"""Claims about units between two layers."""

from collections.abc import Callable

import sympy
from sympy import Expr, Matrix, Symbol

from .claim import Claim, PositivelyHomogeneous, act, diagonal_matrix, matrix, positive_diagonal, with_ones

Activation = Callable[[Expr], Expr]


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


def diagonal() -> Claim:
    """A diagonal linear network."""
    x, u, v, element = matrix("x", 1, 2), matrix("u", 1, 2), matrix("v", 1, 2), diagonal_matrix("a", 2)
    moved, dual = act(element, u, v)
    return Claim(
        "x (u * v)^T under (u / a, v a), a not zero",
        x * u.multiply_elementwise(v).T,
        x * moved.multiply_elementwise(dual).T,
    )


def squared_relu_rescaling() -> Claim:
    """The same with a homogeneous function of degree two."""
    x, g, h, a = with_ones(matrix("x", 1, 1)), matrix("w", 2, 2), matrix("u", 2, 2), positive_diagonal("a", 2)

    def network(g: Matrix, h: Matrix) -> Matrix:
        return (x * g).applyfunc(lambda value: PositivelyHomogeneous(value) ** 2) * h

    return Claim("r(x G)^2 H under (G D, D^-2 H), D positive and diagonal", network(g, h), network(g * a, a**-2 * h))


def stream_rescaling() -> Claim:
    """The channels of a residual stream without norms: all that write them, and all that read them."""
    x, read, head = matrix("x", 1, 1), matrix("r", 2, 1), matrix("c", 2, 1)
    write, back = matrix("w", 1, 2), matrix("b", 1, 2)
    a, block = positive_diagonal("a", 2), sympy.Function("block")

    def network(write: Matrix, read: Matrix, back: Matrix, head: Matrix) -> Matrix:
        stream = (x * write).applyfunc(PositivelyHomogeneous)
        return (stream + (stream * read).applyfunc(block) * back).applyfunc(PositivelyHomogeneous) * head

    return Claim(
        "r(s + f(s R) B) C, s = r(x W), under (W D, D^-1 R, B D, D^-1 C), D positive and diagonal",
        network(write, read, back, head),
        network(write * a, a.inv() * read, back * a, a.inv() * head),
    )


def relu_gated_mlp() -> Claim:
    """A gate that is itself positively homogeneous."""
    x, w, g, h = with_ones(matrix("x", 1, 1)), matrix("w", 2, 2), matrix("u", 2, 2), matrix("d", 2, 1)
    a = positive_diagonal("a", 2)

    def network(w: Matrix, h: Matrix) -> Matrix:
        return (x * w).applyfunc(PositivelyHomogeneous).multiply_elementwise(x * g) * h

    return Claim(
        "[r(x W) * (x G)] H under (W D, D^-1 H), D positive and diagonal", network(w, h), network(w * a, a.inv() * h)
    )


def bilinear_gate() -> Claim:
    """A gate without activation."""
    x, w, g, h = (matrix(name, 2, 2) for name in "xwud")
    a = diagonal_matrix("a", 2)
    return Claim(
        "[(x W) * (x G)] H under (W D, D^-1 H), D diagonal",
        (x * w).multiply_elementwise(x * g) * h,
        (x * w * a).multiply_elementwise(x * g) * a.inv() * h,
    )


def difference_of_squares() -> Claim:
    """A diagonal network of the other signature: hyperbolic rotations."""
    x, u, v, a = matrix("x", 1, 1), matrix("u", 1, 1), matrix("v", 1, 1), Symbol("a", positive=True)
    cosh, sinh = (a + 1 / a) / 2, (a - 1 / a) / 2

    def network(u: Matrix, v: Matrix) -> Matrix:
        return x * (u**2 - v**2)

    return Claim("x (u^2 - v^2) under SO(1, 1)", network(u, v), network(cosh * u + sinh * v, sinh * u + cosh * v))


def weight_norm() -> Claim:
    """The length of a direction that is normalized."""
    x, v, gain, a = matrix("x", 1, 2), matrix("v", 2, 1), Symbol("g", real=True), Symbol("a", positive=True)

    def layer(v: Matrix) -> Matrix:
        return gain * x * v / PositivelyHomogeneous(*v)

    return Claim("g x v / |v| under a v, a > 0, for any norm (weight norm, spectral norm)", layer(v), layer(a * v))


def state_scale() -> Claim:
    """The state of a diagonal recurrence, two steps."""
    decay, x, b, c = (matrix(name, 2, 1) for name in ("decay", "x", "b", "c"))
    a = Symbol("a", real=True, nonzero=True)

    def output(b: Matrix, c: Matrix) -> Matrix:
        first = b[0] * x[0]
        return Matrix([c[0] * first, c[1] * (decay[0] * first + b[1] * x[1])])

    return Claim("h' = d h + b x, y = c h under (a b, c / a), a not zero", output(b, c), output(a * b, c / a))
