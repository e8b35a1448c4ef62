"""Blocks: small spaces of directions in which a symmetry that nobody declared would lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

import torch
from torch import Tensor, nn

from ..params import Covector, Params, Shapes, Tangent

#: Parameters that belong to one axis may hold it several times: fused projections, grouped heads, wider layers.
MULTIPLES = 8


@dataclass(frozen=True)
class Slot:
    """An axis of a parameter, read as ``copies`` times a common length."""

    parameter: str
    axis: int
    copies: int

    def slices(self, value: Tensor) -> Tensor:
        """The parameter as ``(copies, n, rest)``."""
        moved = value.movedim(self.axis, 0)
        return moved.reshape(self.copies, len(moved) // self.copies, -1)

    def unsliced(self, slices: Tensor, shape: torch.Size) -> Tensor:
        """The parameter of this shape whose slices these are."""
        others = [size for axis, size in enumerate(shape) if axis != self.axis]
        return slices.reshape(shape[self.axis], *others).movedim(0, self.axis)


@dataclass(frozen=True)
class Block:
    r"""Velocities along one axis of one module, linear in the parameters or free.

    For some indices I of an axis that parameters of the module share, the slices of every such parameter move by
    combinations of each other, and of a constant: :math:`\delta W_i = \sum_{j \in I} c_{ij} W_j + c_i 1`, the
    coefficients free for every parameter; and the bias beside a weight moves along its slices, as where a constant is
    taken back there. Changes of basis, rescalings, rotations and shifts are of this form. (A
    generic subspace would meet no null space at all: there are few null directions among the parameters.) Or the slices
    move freely, each in all of its entries: then what a norm hides is among them, whatever its gain.

    Args:
        name: the module, and the length of the axis.
        indices: I.
        slots: where the axis is.
        params: the point.
        is_free: whether slices move freely.
    """

    name: str
    indices: Tensor
    slots: tuple[Slot, ...]
    params: Params
    is_free: bool = False

    @cached_property
    def sources(self) -> list[Tensor]:
        """For every slot, unit vectors that its slices move along, shape ``(copies, sources, rest)``."""
        return [self._sources(slot) for slot in self.slots]

    def _sources(self, slot: Slot) -> Tensor:
        slices = slot.slices(self.params[slot.parameter])[:, self.indices]
        if self.is_free:
            copies, _, rest = slices.shape
            return torch.eye(rest, dtype=slices.dtype, device=slices.device).expand(copies, rest, rest)
        constant = torch.ones_like(slices[:, :1])
        vectors = constant if slices.shape[-1] == 1 else torch.cat([slices, constant], 1)
        norms = vectors.norm(dim=-1, keepdim=True)
        return vectors / torch.where(norms > 0, norms, 1.0)

    @cached_property
    def biases(self) -> list[str | None]:
        """For every slot, the bias of the same module that has the length of its slices."""
        beside = (slot.parameter.rpartition(".")[0] + ".bias" for slot in self.slots)
        return [
            name
            if not self.is_free
            and name != slot.parameter
            and name in self.params
            and self.params[name].shape == sources.shape[2:]
            else None
            for name, slot, sources in zip(beside, self.slots, self.sources, strict=True)
        ]

    def pull(self, rows: Covector) -> Tensor:
        """Rows of the Jacobian, of shapes ``(rows, *shape)``, along the block: ``(rows, dimension)``."""
        pulled = []
        for slot, sources, bias in zip(self.slots, self.sources, self.biases, strict=True):
            grads = torch.stack([slot.slices(row)[:, self.indices] for row in rows[slot.parameter]])
            pulled.append(torch.einsum("bckr,csr->bcks", grads, sources).flatten(1))
            if bias is not None:
                pulled.append(torch.einsum("br,csr->bcs", rows[bias], sources[:, :-1]).flatten(1))
        return torch.cat(pulled, 1)

    def tangent(self, coefficients: Tensor) -> Tangent:
        """The velocity with these coefficients."""
        rest = coefficients
        found: Tangent = {}
        for slot, sources, bias in zip(self.slots, self.sources, self.biases, strict=True):
            copies, count, _ = sources.shape
            part, rest = rest.tensor_split([copies * len(self.indices) * count])
            change = torch.zeros_like(slot.slices(self.params[slot.parameter]))
            change[:, self.indices] = part.reshape(copies, -1, count).to(sources) @ sources
            self._add(found, slot.parameter, slot.unsliced(change, self.params[slot.parameter].shape))
            if bias is not None:
                part, rest = rest.tensor_split([copies * (count - 1)])
                self._add(found, bias, part.to(sources) @ sources[:, :-1].flatten(0, 1))
        return found

    def _add(self, tangent: Tangent, name: str, change: Tensor) -> None:
        tangent[name] = tangent[name] + change if name in tangent else change


def blocks(
    model: nn.Module, params: Params, *, size: int, count: int, generator: torch.Generator | None
) -> list[Block]:
    """At most ``count`` blocks of at most ``size`` dimensions, drawn from all modules, axis lengths and both kinds."""
    shapes = {name: value.shape for name, value in params.items()}
    candidates = list(product(dict.fromkeys(_candidates(model, shapes)), (False, True)))
    order = torch.randperm(len(candidates), generator=generator).tolist()
    chosen = (candidates[i] for i in order)
    drawn = (_drawn(slots, n, params, size, generator, is_free=is_free) for (slots, n), is_free in chosen)
    return list(islice((block for block in drawn if block is not None), count))


def _candidates(model: nn.Module, shapes: Shapes) -> Iterator[tuple[tuple[Slot, ...], int]]:
    """For every module and length, the axes that hold it."""
    for prefix, _ in model.named_modules(remove_duplicate=True):
        inside = {n: shape for n, shape in shapes.items() if not prefix or n.startswith(f"{prefix}.")}
        for length in sorted({length for shape in inside.values() for length in shape if length > 2}):
            yield (
                tuple(
                    Slot(name, axis, size // length)
                    for name, shape in inside.items()
                    for axis, size in enumerate(shape)
                    if size % length == 0 and size // length <= MULTIPLES
                ),
                length,
            )


def _drawn(
    slots: tuple[Slot, ...],
    length: int,
    params: Params,
    size: int,
    generator: torch.Generator | None,
    *,
    is_free: bool,
) -> Block | None:
    """A block on as many indices as fit, or None where not even one does.

    Fewer than half of an axis: then slices along two axes of one matrix are independent of each other.
    """
    order, name = _arrangement(length, generator), f"{_common(slots)} along {length}{', freely' * is_free}"
    fitting = (k for k in range((length - 1) // 2, 0, -1) if _dimension(slots, k, params, is_free) <= size)
    k = next(fitting, None)
    return None if k is None else Block(name, order[:k], slots, params, is_free)


def _dimension(slots: tuple[Slot, ...], k: int, params: Params, is_free: bool) -> int:
    """At most, a bias beside every weight."""
    if is_free:
        return k * sum(s.copies * params[s.parameter].numel() // params[s.parameter].shape[s.axis] for s in slots)
    return sum(s.copies * k * (1 if params[s.parameter].ndim == 1 else k + 2) for s in slots)


def _arrangement(length: int, generator: torch.Generator | None) -> Tensor:
    """All indices in steps of a random divisor: neighbours, channels of a rotary pair, or of several heads together."""
    divisors = [d for d in range(1, length) if length % d == 0]
    step = divisors[int(torch.randint(len(divisors), (), generator=generator))]
    order = torch.arange(length).reshape(-1, step).T.flatten()
    return order.roll(int(torch.randint(length, (), generator=generator)))


def _common(slots: tuple[Slot, ...]) -> str:
    """The innermost module that holds all of these parameters."""
    paths = [slot.parameter.split(".")[:-1] for slot in slots]
    shared = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared) or "model"
