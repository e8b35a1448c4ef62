"""Views: a named parameter read as a stack of matrices."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from math import prod
from typing import Any, Literal

import torch
from einops import rearrange
from torch import Tensor

from .errors import SymmetryError
from .params import Params, Shapes, lookup, unknown_name

_GROUPS = re.compile(r"\([^()]*\)|\S+")
_COMPLEX_AXIS = "pair"
_UNGROUPED = str.maketrans("", "", "()")


Role = Literal["copies", "n", "h", "pair"]
"""Which of a view's axes an axis of a parameter is part of; one that is fixed at an index counts as a row of it."""


@dataclass(frozen=True)
class Extent:
    """What a view takes of an axis of a parameter.

    Args:
        length: of the axis.
        role: what its entries are in the view.
        start: the first entry that is taken.
        stop: the one after the last.
    """

    length: int
    role: Role
    start: int
    stop: int


@dataclass(frozen=True, init=False)
class View:
    r"""A parameter read as ``copies`` matrices of ``n`` rows and ``h`` columns.

    ``pattern`` is an einops pattern whose right side ends in the three axes *copies*, *n*, *h* (each may be a
    parenthesised product or ``1``). Axes before them select a part of a fused parameter and are chosen with
    :meth:`at`; consecutive entries of an axis, which need not be one of equal blocks, with :meth:`within`. A fourth,
    last axis called ``pair`` holds real and imaginary part: then the view is complex.

    Reading never changes the parameter; :meth:`write_` is the exact inverse, in place.

    Example:
        >>> queries = View("attn.in_proj_weight", "(three copies h) n -> three copies n h", three=3, copies=2).at(0)
        >>> queries.read({"attn.in_proj_weight": torch.arange(24.0).reshape(12, 2)}).shape
        torch.Size([2, 2, 2])

    Args:
        parameter: name in ``dict(model.named_parameters())``.
        pattern: einops pattern, for instance ``"(copies h) n -> copies n h"``.
        **sizes: lengths of axes that the shape alone does not give.

    Raises:
        ValueError: a pattern without arrow, or whose right side has fewer than three axes.
    """

    parameter: str
    pattern: str
    sizes: tuple[tuple[str, int], ...]
    index: tuple[int, ...]
    ranges: tuple[tuple[str, int, int], ...]
    offset: float

    def __init__(self, parameter: str, pattern: str, **sizes: int) -> None:
        if pattern.count("->") != 1 or len(_GROUPS.findall(pattern.split("->")[1])) < 3:
            raise ValueError(f"a view's pattern must read '... -> ... copies n h', got {pattern!r}")
        object.__setattr__(self, "parameter", parameter)
        object.__setattr__(self, "pattern", " ".join(pattern.split()))
        object.__setattr__(self, "sizes", tuple(sorted(sizes.items())))
        object.__setattr__(self, "index", ())
        object.__setattr__(self, "ranges", ())
        object.__setattr__(self, "offset", 0.0)

    def at(self, *index: int) -> "View":
        """The part of a fused parameter at ``index`` along the axes that stand before *copies*."""
        return self._with(index=index)

    def within(self, **ranges: tuple[int, int]) -> "View":
        """The entries from the first number up to the second along axes of the right side, given by name.

        Example:
            >>> plain = View("k.weight", "(copies h) n -> copies n h", copies=2).within(h=(1, 4))
            >>> plain.read({"k.weight": torch.arange(16.0).reshape(8, 2)}).shape
            torch.Size([2, 2, 3])
        """
        return self._with(ranges=tuple((name, *ends) for name, ends in sorted(ranges.items())))

    def plus(self, number: float) -> "View":
        """The parameter with a number added to it, as a norm reads a gain that it stores as its distance from one.

        :meth:`write_` takes the number off again. Tangents have no such number: :attr:`stored` reads and writes them.

        Example:
            >>> View("norm.weight", "n -> 1 n 1").plus(1.0).read({"norm.weight": torch.zeros(2)}).flatten()
            tensor([1., 1.])
        """
        return self._with(offset=self.offset + number)

    @property
    def stored(self) -> "View":
        """The parameter as it is, without a number added to it."""
        return self._with(offset=0.0)

    def _with(self, **changes: Any) -> "View":
        changed: View = object.__new__(View)
        for name, value in {**self.__dict__, **changes}.items():
            object.__setattr__(changed, name, value)
        return changed

    @property
    def column(self) -> "View":
        """The same entries with every matrix as one column."""
        return self._flattened("{} 1")

    @property
    def row(self) -> "View":
        """The same entries with every matrix as one row: each entry is a column of its own."""
        return self._flattened("1 {}")

    def _flattened(self, matrix: str) -> "View":
        *before, n, h = self._right
        entries = " ".join(axis for group in (n, h) for axis in group.strip("()").split() if axis != "1")
        pattern = f"{' '.join(self._left)} -> {' '.join(before)} {matrix.format(f'({entries})' if entries else '1')}"
        return self._with(pattern=pattern)

    @property
    def is_complex(self) -> bool:
        """Whether the last axis of the pattern is ``pair``: real and imaginary part."""
        return self._right[-1] == _COMPLEX_AXIS

    @property
    def _left(self) -> tuple[str, ...]:
        return _sides(self.pattern)[0]

    @property
    def _right(self) -> tuple[str, ...]:
        return _sides(self.pattern)[1]

    @lru_cache(maxsize=2**14)  # noqa: B019  (a view is a value of a few strings: keeping it costs nothing)
    def _axes(self, shape: torch.Size) -> dict[str, int]:
        """The length of every named axis, from the shape of the parameter and the given sizes."""
        left, given = self._left, dict(self.sizes)
        if len(left) != len(shape):
            raise self._misfit(shape, f"{len(left)} axes")
        axes: dict[str, int] = {}
        for group, length in zip(left, shape, strict=True):
            names = group.strip("()").split()
            known = {name: given[name] for name in names if name in given} | {n: int(n) for n in names if n.isdigit()}
            unknown = [name for name in names if name not in known]
            rest, remainder = divmod(length, max(prod(known.values()), 1))
            if len(unknown) > 1:
                raise ValueError(f"{self}: give the size of all but one of the axes {names}, e.g. {unknown[0]}=...")
            if remainder or (not unknown and rest != 1):
                raise self._misfit(shape, f"an axis {group} that is a multiple of {known}")
            axes |= known | dict.fromkeys(unknown, rest)
        leading = len(self._right) - 3 - self.is_complex
        if leading != len(self.index):
            raise ValueError(f"{self}: {leading} axes stand before copies, choose among them with .at(...)")
        taken = [(axis, at, at + 1) for axis, at in zip(self._right, self.index, strict=False)]
        for axis, start, stop in (*taken, *self.ranges):
            if not 0 <= start < stop <= axes.get(axis, 0):
                raise ValueError(f"{self}: {start}:{stop} is outside the axis {axis} of length {axes.get(axis, 0)}")
        return {name: length for name, length in axes.items() if not name.isdigit()}

    def _read_axes(self, shape: torch.Size) -> dict[str, int]:
        """The length of every named axis in what is read."""
        return self._axes(shape) | {axis: stop - start for axis, start, stop in self.ranges}

    def _misfit(self, shape: torch.Size, expected: str) -> SymmetryError:
        return SymmetryError(
            f"view of {self.parameter!r} does not fit: pattern {self.pattern!r} with {dict(self.sizes)} expects "
            f"{expected}, got shape {tuple(shape)}; correct the pattern or the sizes"
        )

    def extents(self, shape: torch.Size) -> tuple[tuple[Extent, ...], ...]:
        """For every dimension of the parameter the axes that it is a product of, outermost first."""
        lengths = self._axes(shape)
        taken = {axis: (start, stop) for axis, start, stop in self.ranges}
        taken |= {axis: (at, at + 1) for axis, at in zip(self._right, self.index, strict=False)}
        role: dict[str, Role] = dict.fromkeys(self._right[: len(self.index)], "n")
        names: tuple[Role, ...] = ("copies", "n", "h", "pair")
        for group, name in zip(self._right[len(self.index) :], names, strict=False):
            role |= dict.fromkeys(group.strip("()").split(), name)
        return tuple(
            tuple(
                Extent(lengths[axis], role[axis], *taken.get(axis, (0, lengths[axis])))
                for axis in group.strip("()").split()
                if axis in lengths
            )
            for group in self._left
        )

    def is_apart(self, other: "View", shape: torch.Size) -> bool:
        """Whether it is plain from their axes that two views of one parameter have no entry in common."""
        own, others = ([axis for dim in view.extents(shape) for axis in dim] for view in (self, other))
        if [axis.length for axis in own] != [axis.length for axis in others]:
            return False
        return any(a.stop <= b.start or b.stop <= a.start for a, b in zip(own, others, strict=True))

    def shape(self, shapes: Shapes) -> tuple[int, int, int]:
        """``(copies, n, h)`` for a model with parameters of these shapes."""
        if self.parameter not in shapes:
            raise SymmetryError(unknown_name("parameter", self.parameter, shapes))
        axes = self._read_axes(shapes[self.parameter])
        length = {group: prod(axes.get(a, 1) for a in group.strip("()").split()) for group in self._right}
        copies, n, h = self._right[len(self.index) :][:3]
        return length[copies], length[n], length[h]

    def read(self, params: Params) -> Tensor:
        """The matrices, shape ``(copies, n, h)``: an alias of the parameter where its layout allows one."""
        tensor = lookup(params, self.parameter)
        strided, merged = self._elementary(tensor), self._right[len(self.index) :]
        value = rearrange(strided, f"{' '.join(merged).translate(_UNGROUPED)} -> {' '.join(merged)}")
        value = torch.complex(*value.unbind(-1)) if self.is_complex else value
        return value + self.offset if self.offset else value

    def read_into_(self, params: Params, target: Tensor) -> None:
        """:meth:`read` into memory of the shape ``(copies, n, h)``, laid out in any way."""
        tensor = lookup(params, self.parameter)
        self._apart(target, tensor.shape).copy_(self._elementary(tensor))
        if self.offset:
            target.add_(self.offset)

    def is_across(self, params: Params) -> bool:
        """Whether it is the copies of a single column that lie side by side in the parameter."""
        column = self.read(params)
        return column.shape[2] == 1 and not self.is_complex and column.stride(0) < column.stride(1)

    def write_(self, params: Params, value: Tensor) -> None:
        """Write matrices of shape ``(copies, n, h)`` into the parameter, in place."""
        tensor = params[self.parameter]
        self._elementary(tensor).copy_(self._apart(value - self.offset if self.offset else value, tensor.shape))

    def add_(self, params: Params, value: Tensor, times: Tensor | None = None) -> None:
        """Add what broadcasts to matrices of shape ``(copies, n, h)`` to the parameter, in place, no copy.

        Args:
            params: with the parameter.
            value: what is added.
            times: real numbers that multiply it and broadcast as well, so that no outer product need be formed.
        """
        tensor = params[self.parameter]
        shape = self.shape({self.parameter: tensor.shape})
        change = self._apart(value.expand(shape), tensor.shape)
        if times is None:
            self._elementary(tensor).add_(change)
        else:
            self._elementary(tensor).addcmul_(change, self._weights(times.expand(shape), tensor.shape))

    def fill_(self, params: Params, number: float) -> None:
        """Set all entries that are read to a number, in place."""
        self._elementary(params[self.parameter]).fill_(number)

    def scale_(self, params: Params, factor: Tensor) -> None:
        """Multiply matrices of shape ``(copies, n, h)`` by real numbers that broadcast to them, in place, no copy."""
        tensor = params[self.parameter]
        entries = self._elementary(tensor)
        if self.offset:
            entries.add_(self.offset)
        entries.mul_(self._weights(factor.expand(self.shape({self.parameter: tensor.shape})), tensor.shape))
        if self.offset:
            entries.sub_(self.offset)

    def _weights(self, whole: Tensor, shape: torch.Size) -> Tensor:
        """Real numbers ``(copies, n, h)`` with every axis apart, alike for real and imaginary parts."""
        return self._apart(torch.complex(whole, whole) if self.is_complex else whole, shape)

    def _apart(self, value: Tensor, shape: torch.Size) -> Tensor:
        """Matrices ``(copies, n, h)`` with every axis of the right side apart."""
        merged = " ".join(self._right[len(self.index) :])
        pieces = torch.view_as_real(value) if self.is_complex else value
        used = set(merged.translate(_UNGROUPED).split())
        axes = {name: length for name, length in self._read_axes(shape).items() if name in used}
        return rearrange(pieces, f"{merged} -> {merged.translate(_UNGROUPED)}", **axes)

    def _elementary(self, tensor: Tensor) -> Tensor:
        """An alias of ``tensor`` with every axis of the right side apart, the index and the ranges taken.

        Splitting and permuting axes never needs a copy; merging them may, and is left to the caller.
        """
        left, right = " ".join(self._left), " ".join(self._right).translate(_UNGROUPED)
        sizes: Any = self._axes(tensor.shape)
        apart = rearrange(tensor, f"{left} -> {right}", **sizes)
        for axis, start, stop in self.ranges:
            apart = apart.narrow(right.split().index(axis), start, stop - start)
        return apart[self.index]


def portions(tensor: Tensor, sizes: Iterable[int], dim: int) -> Iterator[Tensor]:
    """Consecutive parts of a tensor, which, other than those of ``split``, may be written where there is a graph."""
    start = 0
    for size in sizes:
        yield tensor.narrow(dim, start, size)
        start += size


@cache
def _sides(pattern: str) -> tuple[tuple[str, ...], ...]:
    """The axes, or groups of axes, on either side of a pattern."""
    return tuple(tuple(_GROUPS.findall(side)) for side in pattern.split("->"))
