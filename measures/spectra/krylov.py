"""A Krylov basis in bounded memory: Lanczos with thick restarts."""

import torch
from torch import Tensor

from ..operators.operator import AbstractOperator
from ..operators.orthogonalization import lengths, orthogonalize_, subtract_

#: Columns of the basis that are recombined at a time, so that a restart needs no second basis.
_COLUMNS = 2**18

#: How far, in square roots of the rounding unit, a product may be from a saved one of the same operator.
_FORGIVEN = 10.0


class KrylovBasis:
    r"""Orthonormal rows V with :math:`A V^T = V^T T + v_{j+1} b^T`, grown one product at a time.

    The next row is made orthogonal to the two before it, as in the Lanczos process, and then to the whole basis,
    again where much was taken off. After a restart with Ritz vectors [Wu2000] the same relation holds, with T an
    arrowhead, so that the memory stays that of ``capacity`` vectors.

    Args:
        operator: A.
        capacity: the largest number of rows.
        generator: where starts come from.

    Attributes:
        size: j, the number of rows.
        products: how many products they took, restarts included.
        border: b, the couplings of the rows to the next one; zero when the basis spans an invariant space, and the next
            row is a new start. Between restarts only the newest row has one.
    """

    def __init__(self, operator: AbstractOperator, capacity: int, generator: torch.Generator | None = None) -> None:
        self.operator, self.capacity = operator, capacity
        self.size, self.products = 0, 0
        self.border = torch.zeros(0, dtype=torch.float64)
        self._generator = generator
        self._rows = torch.empty(capacity + 1, operator.size, dtype=operator.dtype, device=operator.device)
        self._projected = torch.zeros(capacity, capacity, dtype=torch.float64)
        self._start_()

    @property
    def vectors(self) -> Tensor:
        """V, shape ``(j, n)``; an alias."""
        return self._rows[: self.size]

    @property
    def next(self) -> Tensor:
        """The row that comes next, shape ``(n,)``; an alias. There is none where the basis is the whole space."""
        return self._rows[self.size]

    @property
    def is_full(self) -> bool:
        """Whether a restart must come before the next product."""
        return self.size == self.capacity

    def ritz(self) -> tuple[Tensor, Tensor, Tensor]:
        r"""Ritz values, ascending, their vectors in the basis (columns), residual lengths :math:`|b^T s_i|`."""
        values, vectors = torch.linalg.eigh(self._projected[: self.size, : self.size])
        return values, vectors, (self.border @ vectors).abs()

    def extend_(self) -> None:
        """One product, and one row more."""
        j = self.size
        newest, known = self._rows[j], self._rows[: j + 1]
        image = self.operator(newest)
        self.products += 1
        along = torch.zeros(j + 1, dtype=torch.float64)
        along[max(0, j - 1) :] += subtract_(image, known[max(0, j - 1) :])
        off, left = orthogonalize_(image, known)
        along += off
        self._projected[j, : j + 1] = self._projected[: j + 1, j] = along
        self.size = j + 1
        length = left.item()
        scale = max(float(self._projected[: j + 1, : j + 1].abs().max()), length)
        self.border = torch.zeros(j + 1, dtype=torch.float64)
        # Below the rounding error of a product the remainder is noise: the basis spans an invariant space.
        if length > self.capacity * torch.finfo(image.dtype).eps * scale and self.size < self.operator.dimension:
            torch.div(image, length, out=self._rows[self.size])
            self.border[-1] = length
        else:
            self._start_()

    def restart_(self, kept: Tensor) -> None:
        """Replace the basis by the Ritz vectors with the indices ``kept``; the next row stays the next."""
        values, vectors, _ = self.ritz()
        mix = vectors[:, kept].mT.to(self._rows)
        count = len(kept)
        for columns in self._rows.split(_COLUMNS, dim=1):
            columns[:count] = mix @ columns[: self.size]
        self._projected.zero_()
        self._projected[:count, :count] = torch.diag(values[kept])
        self.border = self.border @ vectors[:, kept]
        last, self.size = self.size, count
        if last < self.operator.dimension:
            self._rows[count] = self._rows[last]
        else:
            self._start_()

    def state(self) -> dict[str, Tensor]:
        """Everything that :meth:`restore_` needs to go on, as tensors to save."""
        projected = self._projected[: self.size, : self.size].contiguous()
        rows = self._rows[: min(self.size + 1, self.operator.dimension)]
        products = torch.tensor([self.products])
        return {"rows": rows, "projected": projected, "border": self.border, "products": products}

    def restore_(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state; costs one product, to see that it is one of this operator.

        Raises:
            ValueError: the state of another operator, or of a larger basis.
        """
        rows, projected = state["rows"], state["projected"]
        size = len(projected)
        if rows.shape[1] != self._rows.shape[1] or size > self.capacity:
            raise ValueError(
                f"the saved basis holds {size} vectors of length {rows.shape[1]}, expected at most {self.capacity} of "
                f"length {self._rows.shape[1]}"
            )
        self.size, self.border, self.products = size, state["border"], int(state["products"])
        self._rows[: len(rows)] = rows.to(self._rows)
        self._projected[:size, :size] = projected
        if size and self._defect() > _FORGIVEN * torch.finfo(self._rows.dtype).eps ** 0.5:
            raise ValueError("the saved basis belongs to another operator: other parameters, data, or loss")

    def _defect(self) -> float:
        """How far the image of the first row is from what the basis says it is, relative to it."""
        image = self.operator(self._rows[0])
        length = lengths(image).item()
        image = image - self._projected[0, : self.size].to(image) @ self.vectors
        subtract_(image, self._rows[self.size : self.size + 1])
        return lengths(image).item() / max(length, float(self._projected.abs().max()))

    def combined(self, vectors: Tensor) -> Tensor:
        """The combinations of the basis with the columns of ``vectors``, as rows."""
        return vectors.mT.to(self._rows) @ self.vectors

    def _start_(self) -> None:
        """A random next row, orthogonal to the basis; none when that is the whole space."""
        if self.size < self.operator.dimension:
            row = self.operator.random(self._generator)
            _, length = orthogonalize_(row, self.vectors)
            torch.div(row, length.item(), out=self._rows[self.size])
