"""Proofs: a symbolic small instance of a declaration simplifies to the same function."""

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Matrix

from .claims import CLAIMS, Claim
from .declarations import Declaration
from .errors import SymmetryError
from .params import unknown_name


@dataclass(frozen=True)
class Proof:
    """The outcome of an attempt at a proof.

    Attributes:
        statement: what is claimed.
        difference: outputs after less outputs before, simplified; zero when the claim is proved.
    """

    statement: str
    difference: Matrix

    @property
    def holds(self) -> bool:
        """Whether the difference is zero. When it is not, nothing is proved, either way."""
        return self.difference == sympy.zeros(*self.difference.shape)

    def __str__(self) -> str:
        return f"{'proved' if self.holds else 'not proved'}: {self.statement}"


def prove(declaration: str | Callable[..., Declaration] | Declaration | Claim) -> Proof:
    """Prove that a symbolic instance of a declaration is a symmetry, for all real parameters and inputs at once.

    The instances are small (two tokens, heads of two channels); nothing in the algebra depends on the size.

    Example:
        >>> from symmetries import query_key
        >>> print(prove(query_key))
        proved: softmax((X G)(X H)^T / sqrt(h)) V under (G A^-1, H A^T), A in GL(2, R), biases included

    Args:
        declaration: a ready declaration, the name of a claim, or a claim of your own. ``symmetries.claims.CLAIMS``
            lists them: one for every declaration, and one for every other kind that detection knows, among them
            ``"rope_query_key"``, ``"stream_rotation"``, ``"batch_norm_fold"``, ``"isospectral_curve"``.

    Raises:
        SymmetryError: no symbolic instance of that name.
    """
    if isinstance(declaration, Claim):
        claim = declaration
    else:
        name = declaration if isinstance(declaration, str) else _name(declaration)
        if name not in CLAIMS:
            raise SymmetryError(unknown_name("symbolic instance", name, CLAIMS))
        claim = CLAIMS[name]()
    difference = (claim.after - claim.before).applyfunc(reduced)
    return Proof(claim.statement, difference)


def _name(declaration: Callable[..., Declaration] | Declaration) -> str:
    return declaration.name if isinstance(declaration, Declaration) else declaration.__name__


def reduced(expression: Expr) -> Expr:
    """A normal form: arguments of functions and roots first, then the whole as a rational function of them.

    Exponentials of sums are taken apart only if that is still needed: the others cancel as they are.
    """
    inner = expression.replace(_has_argument, _with_reduced_argument)
    result = sympy.cancel(inner)
    return result if result == 0 else sympy.cancel(sympy.expand_power_exp(result))


def _has_argument(expression: Expr) -> bool:
    return isinstance(expression, sympy.Function) or (expression.is_Pow and not expression.exp.is_Integer)


def _with_reduced_argument(expression: Expr) -> Expr:
    return expression.func(*(sympy.cancel(argument) for argument in expression.args))
