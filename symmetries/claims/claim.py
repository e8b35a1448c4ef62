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
    """Any function with ``r(c x) = c r(x)`` for every c > 0: ReLU, leaky ReLU; of several numbers, any norm."""

    @classmethod
    def eval(cls, *arguments: Expr) -> Expr | None:
        """Take out the positive factors that all arguments share."""
        factored = [sympy.factor(argument) for argument in arguments]
        shared = set.intersection(*({f for f in sympy.Mul.make_args(a) if f.is_positive} for a in factored))
        if not shared:
            return None
        common = sympy.Mul(*shared)
        return common * cls(*(sympy.cancel(a / common) for a in factored))


def matrix(name: str, rows: int, columns: int, **assumptions: bool) -> Matrix:
    """Real symbols, ``name_ij``."""
    return Matrix(rows, columns, lambda i, j: Symbol(f"{name}_{i}{j}", real=True, **assumptions))


def diagonal_matrix(name: str, size: int, **assumptions: bool) -> Matrix:
    """A diagonal of symbols that are not zero."""
    return sympy.diag(*(Symbol(f"{name}_{i}", real=True, nonzero=True, **assumptions) for i in range(size)))


def positive_diagonal(name: str, size: int) -> Matrix:
    """A diagonal of positive symbols."""
    return sympy.diag(*(Symbol(f"{name}_{i}", positive=True) for i in range(size)))


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


def normalized(x: Matrix, *, centred: bool, eps: Expr | None = None) -> Matrix:
    """Rows over their root mean square, with an eps; of their deviations from the mean when ``centred``."""
    eps = Symbol("eps", positive=True) if eps is None else eps
    mean = x * sympy.ones(x.cols, x.cols) / x.cols
    deviation = x - mean if centred else x

    def entry(i: int, j: int) -> Expr:
        squares = sympy.Add(*(d**2 for d in deviation.row(i))) / x.cols + eps
        return deviation[i, j] / sympy.sqrt(sympy.factor(squares))

    return Matrix(*x.shape, entry)


def rotation(size: int, *, fixes_ones: bool = False) -> Matrix:
    """The rational family of rotations ``(I - t X)(I + t X)^-1`` of a plane, of the one orthogonal to 1 in space."""
    if fixes_ones:
        skew = Matrix(size, size, lambda i, j: (j - i) % size - (i - j) % size)
    else:
        skew = Matrix(size, size, lambda i, j: j - i)
    turn, one = Symbol("t", real=True) * skew, sympy.eye(size)
    return ((one - turn) * (one + turn).inv()).applyfunc(sympy.cancel)
