r"""What a claim is, and the symbols that the claims are written in.

A claim builds its block twice from symbols, with the given parameters and with transformed ones, by the formulas of the
actions. Tokens are rows: a linear layer is ``X @ G``, a bias one more row of G, which meets a column of ones in X.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix, Symbol


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
