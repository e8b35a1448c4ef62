"""Layers as declarations see them: affine maps whose weight can be read as rows, columns and taps."""

import re
from dataclasses import dataclass

from torch import nn
from torch.nn.utils import parametrize

from ..errors import SymmetryError
from ..params import unknown_name
from ..view import View

Names = str | tuple[str, ...]
"""The dotted name of one module, or of several that stand side by side."""

_SINGLE = re.compile(r"\((\w+)\)")  # one axis in parentheses
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class Block:
    """A parameter, or one of several equal parts stacked along its rows (a fused projection).

    Args:
        parameter: its name.
        part: which part.
        parts: of how many.
    """

    parameter: str
    part: int = 0
    parts: int = 1

    def view(self, layout: str, rows: str, right: str, **sizes: int) -> View:
        """The view with ``rows`` in the place of ``{rows}`` on the left side of the pattern, ``layout``."""
        if self.parts == 1:
            return View(self.parameter, f"{layout.format(rows=grouped(rows))} -> {right}", **sizes)
        left = layout.format(rows=f"(part {rows})")
        return View(self.parameter, f"{left} -> part {right}", part=self.parts, **sizes).at(self.part)


@dataclass(frozen=True)
class Layer:
    """An affine map ``W x + b``: a linear layer, a convolution, a part of a fused one, or a bare matrix.

    Args:
        name: of the module, for messages.
        weight: where W is.
        bias: where b is; None without one.
        outputs: the number of rows of W.
        inputs: the number of columns; of a convolution, over all groups.
        transposed: W is stored as (in, out).
        taps: spatial axes of a kernel.
        groups: of a convolution.
        padded: whether a convolution pads with zeros.
    """

    name: str
    weight: Block
    bias: Block | None
    outputs: int
    inputs: int
    transposed: bool = False
    taps: int = 0
    groups: int = 1
    padded: bool = False

    def view(self, rows: str, columns: str, right: str, **sizes: int) -> View:
        """W with rows and columns split into the named axes; ``taps`` on the right are the kernel's own."""
        taps = " ".join(f"tap{i}" for i in range(self.taps))
        layout = f"{grouped(columns)} {{rows}}" if self.transposed else f"{{rows}} {grouped(columns)} {taps}"
        if self.taps:
            merged = right.replace("taps", taps)
        else:
            merged = right.replace(" taps", "").replace("(taps)", "1")
        return self.weight.view(layout, rows, _SINGLE.sub(r"\1", merged), **sizes)

    def bias_view(self, rows: str, right: str, **sizes: int) -> tuple[View, ...]:
        """The view of b, in a tuple that is empty without a bias."""
        return () if self.bias is None else (self.bias.view("{rows}", rows, right, **sizes),)


def grouped(axes: str) -> str:
    """Several axes in parentheses, as einops wants them."""
    return f"({axes})" if " " in axes else axes


def submodule(model: nn.Module, name: str) -> nn.Module:
    """The module called ``name``, or an error that names the closest there are."""
    modules = dict(model.named_modules(remove_duplicate=False))
    if name not in modules:
        raise SymmetryError(unknown_name("module", name, (known for known in modules if known)))
    return modules[name]


def joined(prefix: str, name: str) -> str:
    """A dotted name below ``prefix``, which may be the root."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


def parameter(model: nn.Module, name: str) -> str:
    """The first name of a trainable parameter (a tied one has several).

    Raises:
        SymmetryError: no such parameter, or a frozen one.
    """
    every = dict(model.named_parameters(remove_duplicate=False))
    if name not in every:
        raise SymmetryError(unknown_name("parameter", name, every))
    if not every[name].requires_grad:
        raise SymmetryError(
            f"parameter {name!r} is frozen (requires_grad=False), expected a trainable one: a symmetry moves all of "
            "its parameters together; unfreeze it, or leave this symmetry out"
        )
    return next(first for first, value in model.named_parameters() if value is every[name])


def own_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters of a module itself, without those of its children."""
    return dict(module.named_parameters(recurse=False, remove_duplicate=False))


def layer(model: nn.Module, name: str, *, transposed: bool = False) -> Layer:
    """The layer called ``name``: a module, or a parameter that is a matrix.

    Raises:
        SymmetryError: neither a linear layer, nor a convolution, nor a matrix; unknown or frozen.
    """
    if name in dict(model.named_parameters(remove_duplicate=False)):
        return matrix(model, name, transposed=transposed)
    module = submodule(model, name)
    if parametrize.is_parametrized(module):
        raise SymmetryError(
            f"{name!r}: expected a layer that owns its weight, got one that computes it (parametrizations.weight); "
            "declare a Symmetry(...) on the parameters it is computed from"
        )
    own = own_parameters(module)
    bias = Block(parameter(model, joined(name, "bias"))) if "bias" in own else None
    if isinstance(module, _CONVOLUTIONS) and not transposed:
        taps = len(module.kernel_size)
        return Layer(
            name,
            Block(parameter(model, joined(name, "weight"))),
            bias,
            module.out_channels,
            module.in_channels,
            taps=taps,
            groups=module.groups,
            padded=module.padding_mode == "zeros" and module.padding not in ("valid", (0,) * taps),
        )
    weight = own.get("weight")
    if isinstance(module, nn.Linear) or (transposed and weight is not None and weight.ndim == 2):
        found = matrix(model, joined(name, "weight"), transposed=transposed)
        return Layer(name, found.weight, bias, found.outputs, found.inputs, transposed)
    kind = "a layer with a weight of shape (in, out)" if transposed else "Linear or Conv1d/2d/3d"
    raise SymmetryError(
        f"{name!r}: expected {kind}, got {type(module).__name__}; name the layer inside it, or a parameter "
        "that is a matrix"
    )


def matrix(model: nn.Module, name: str, *, transposed: bool = False) -> Layer:
    """A parameter that is a matrix, as a layer without bias."""
    first = parameter(model, name)
    shape = model.get_parameter(first).shape
    if len(shape) != 2:
        raise SymmetryError(f"parameter {name!r}: expected a matrix, got shape {tuple(shape)}")
    outputs, inputs = reversed(shape) if transposed else shape
    return Layer(name, Block(first), None, outputs, inputs, transposed)


def layers(model: nn.Module, names: Names, *, transposed: bool = False) -> tuple[Layer, ...]:
    """The layers of one name or of several."""
    if not names:
        raise SymmetryError("expected the name of at least one layer, got none")
    return tuple(layer(model, name, transposed=transposed) for name in several(names))


def several(names: Names) -> tuple[str, ...]:
    """One name or more, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def label(*names: Names) -> str:
    """Names as the arguments of a call, for the name of a factor."""
    return ", ".join(name if isinstance(name, str) else "+".join(name) for name in names)
