"""Tensors that share memory: what a write into one of them means for the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

_ATEN = torch.ops.aten
_RESHAPING = frozenset(
    ("view", "_unsafe_view", "reshape", "_reshape_alias", "unsqueeze", "squeeze", "alias", "detach")
)  # fmt: skip

Note = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]
"""Records an operation: the function, its arguments, its keyword arguments, its result or results."""


@dataclass(frozen=True)
class View:
    """How a tensor was taken from the memory of another.

    Args:
        source: the other.
        function: the operation that took it.
        args: its further arguments.
        kwargs: its keyword arguments.
        piece: which of its results it is, with their number; None for the only one.
    """

    source: Tensor
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    piece: tuple[int, int] | None

    def argument(self, position: int, name: str, default: Any) -> Any:
        """An argument after the source."""
        return self.args[position] if position < len(self.args) else self.kwargs.get(name, default)

    def scattered(self, part: Tensor) -> tuple[Any, tuple[Any, ...]]:
        """The operation that puts a part in its place in the source, without mutation, and its arguments."""
        name, here = self.function._schema.name.rpartition("::")[2], (self.source, part)
        piece = 0 if self.piece is None else self.piece[0]
        if name in _RESHAPING:
            return _ATEN.reshape.default, (part, list(self.source.shape))
        if name in ("transpose", "t"):
            return self.function, (part, *self.args)
        match name:
            case "permute":
                order = [dim % part.ndim for dim in self.args[0]]
                return _ATEN.permute.default, (part, sorted(range(part.ndim), key=order.__getitem__))
            case "slice":
                return _ATEN.slice_scatter.default, (*here, *self.args)
            case "select":
                return _ATEN.select_scatter.default, (*here, *self.args)
            case "unbind":
                return _ATEN.select_scatter.default, (*here, self.argument(0, "dim", 0), piece)
            case "split" | "split_with_sizes":
                sizes, dim = self.args[0], self.argument(1, "dim", 0)
                start = piece * sizes if isinstance(sizes, int) else sum(sizes[:piece])
                return _ATEN.slice_scatter.default, (*here, dim, start, start + part.shape[dim])
        return _ATEN.as_strided_scatter.default, (*here, list(part.shape), list(part.stride()), part.storage_offset())


class Memory:
    """The views that a computation takes, and the writes into them, as operations that write nothing.

    Args:
        note: records an operation.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._views: Any = WeakTensorKeyDictionary()
        self._writes: Any = WeakTensorKeyDictionary()  # into the memory of a tensor that is no view
        self._valid: Any = WeakTensorKeyDictionary()  # after how many writes a tensor was noted last

    def view(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Remember the results of an operation if they live in the memory of its first argument."""
        arguments = function._schema.arguments
        if not arguments or arguments[0].alias_info is None or arguments[0].alias_info.is_write:
            return
        pieces = result if isinstance(result, list | tuple) else [result]
        for i, piece in enumerate(pieces):
            if isinstance(piece, Tensor) and piece is not args[0]:
                place = None if piece is result else (i, len(pieces))
                self._views[piece] = View(args[0], function, args[1:], kwargs, place)
                self._valid[piece] = self._writes.get(self.root(piece), 0)

    def root(self, tensor: Tensor) -> Tensor:
        """The tensor whose memory it is."""
        while tensor in self._views:
            tensor = self._views[tensor].source
        return tensor

    def refresh(self, tensor: Tensor) -> None:
        """Take a view again, if something was written into its memory in the meantime."""
        view = self._views.get(tensor)
        if view is None:
            return
        count = self._writes.get(self.root(tensor), 0)
        if self._valid.get(tensor, 0) < count:
            self.refresh(view.source)
            self._valid[tensor] = count
            index, total = view.piece or (0, 1)
            result = tensor if view.piece is None else [tensor if i == index else None for i in range(total)]
            self._note(view.function, (view.source, *view.args), view.kwargs, result)

    def write(self, target: Tensor) -> None:
        """After a write into a tensor: put it in its place in all that it was taken from."""
        root = self.root(target)
        count = self._writes[root] = self._writes.get(root, 0) + 1
        self._valid[target] = count
        while target in self._views:
            view = self._views[target]
            function, args = view.scattered(target)
            self._note(function, args, {}, view.source)
            target = view.source
            self._valid[target] = count


def written(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors that an operation writes into."""
    found = []
    for i, argument in enumerate(function._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[i] if i < len(args) else kwargs.get(argument.name)
            found += [value] if isinstance(value, Tensor) else [v for v in value or () if isinstance(v, Tensor)]
    return found
