"""Operations whose second derivative is exact and cheap, in place of those of the library."""

from .substitution import twice_differentiable

__all__ = ["twice_differentiable"]
