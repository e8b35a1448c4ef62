"""Claims about units between two layers."""

from collections.abc import Callable

import sympy
from sympy import Expr, Matrix, Symbol

from .claim import Claim, PositivelyHomogeneous, act, diagonal_matrix, matrix, with_ones

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
