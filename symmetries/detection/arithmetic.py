"""How arithmetic operations of ATen read as nodes: sums, products, elementwise functions, norms."""

from typing import Any

from .axes import Axes, Slot, new_axes, resolved
from .call import Call
from .expression import Kind, Node
from .value import Value, data, einsum, elementwise, scalar

FUNCTIONS = frozenset(
    "gelu silu tanh sigmoid exp exp2 expm1 log log1p log2 cos sin erf sqrt rsqrt reciprocal elu selu celu softplus "
    "hardswish hardsigmoid hardtanh mish log_sigmoid_forward clamp clamp_max square sign floor round cumsum "
    "logical_not bitwise_not isnan".split()
)
RECTIFIERS = frozenset("relu leaky_relu abs rrelu_with_noise".split())


def operand(value: Value | complex) -> Value:
    """A tensor as it is, a number as data."""
    return value if isinstance(value, Value) else scalar()


def add(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    return elementwise(Kind.SUM, operand(left), operand(right) if alpha == 1 else scaled(operand(right)))


def subtract(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    return elementwise(Kind.SUM, operand(left), scaled(operand(right), "minus" if alpha == 1 else ""))


def scaled(value: Value, name: str = "") -> Value:
    """A multiple of a tensor."""
    result = elementwise(Kind.PRODUCT, value, scalar())
    result.node.name = name
    return result


def negative(call: Call, value: Value) -> Value:
    return scaled(value, "minus")


def multiply(call: Call, left: Any, right: Any) -> Value:
    left, right = operand(left), operand(right)
    return normalized(left, right) or normalized(right, left) or elementwise(Kind.PRODUCT, left, right)


def divide(call: Call, left: Any, right: Any, rounding_mode: str | None = None) -> Value:
    left, right = operand(left), operand(right)
    if right.node.kind is not Kind.CONSTANT:
        right = right.mapped(Kind.FUNCTION, name="reciprocal")
    return normalized(left, right) or elementwise(Kind.PRODUCT, left, right)


def power(call: Call, value: Any, exponent: Any) -> Value:
    return operand(value).mapped(Kind.FUNCTION, name="square" if exponent == 2 else "power")


def clamp(call: Call, value: Value, low: Any = None, high: Any = None) -> Value:
    rectifies = low == 0 and high is None
    return value.mapped(Kind.RECTIFIER if rectifies else Kind.FUNCTION, name="clamp")


def prelu(call: Call, value: Value, slope: Value) -> Value:
    return value.mapped(Kind.RECTIFIER, name="prelu")


def addcmul(call: Call, base: Value, left: Value, right: Value, value: float = 1) -> Value:
    return add(call, base, scaled(multiply(call, left, right)))


def glu(call: Call, value: Value, dim: int = -1) -> Value:
    dim %= len(value.axes)
    half = value.shape[dim] // 2
    content = value.part(dim, 0, half, call.selector)
    gate = value.part(dim, half, 2 * half, call.selector).mapped(Kind.FUNCTION, name="sigmoid")
    return elementwise(Kind.PRODUCT, content, gate)


def matrix_product(call: Call, left: Value, right: Value) -> Value:
    """``mm``, ``bmm``, ``mv`` and ``dot``: the last dimension of the left with the one before last of the right."""
    batch = [-1] if len(left.axes) == 3 else []
    of_left = [*batch, 0, 1][-len(left.axes) :] if len(left.axes) > 1 else [1]
    of_right = [*batch, 1, 2] if len(right.axes) > 1 else [1]
    result = [label for label in (*batch, 0, 2) if label in of_left or label in of_right]
    return einsum(Kind.PRODUCT, left, right, of_left, of_right, result)


def add_matrix_product(call: Call, value: Value, left: Value, right: Value, beta: float = 1, alpha: float = 1) -> Value:
    return add(call, value, matrix_product(call, left, right))


def outer_product(call: Call, left: Value, right: Value) -> Value:
    return einsum(Kind.PRODUCT, left, right, [0], [1], [0, 1])


def mean(call: Call, value: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    return value.reduced(Kind.AVERAGE, dimensions(value, dim), keep=keepdim)


def total(call: Call, value: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    return value.reduced(Kind.PRODUCT, dimensions(value, dim), keep=keepdim)


def dimensions(value: Value, dim: Any) -> list[int]:
    """All dimensions for None or an empty list."""
    if dim is None or dim == []:
        return list(range(len(value.axes)))
    return [dim] if isinstance(dim, int) else list(dim)


def variance(call: Call, value: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Value:
    average = value.reduced(Kind.AVERAGE, dimensions(value, dim), keep=True)
    return mean(call, power(call, subtract(call, value, average), 2), dim, keepdim)


def masked(call: Call, value: Value, mask: Value, fill: Any) -> Value:
    return elementwise(Kind.MASK if fill != 0 else Kind.PRODUCT, value, mask)


def where(call: Call, condition: Value, left: Any, right: Any) -> Value | None:
    left, right = operand(left), operand(right)
    kept, other = (right, left) if left.node.kind is Kind.CONSTANT else (left, right)
    if Kind.CONSTANT not in (condition.node.kind, other.node.kind):
        return None
    return elementwise(Kind.MASK, elementwise(Kind.MASK, kept, condition), other)


def embedding(call: Call, table: Value, indices: Value, *_: Any, **__: Any) -> Value | None:
    rank = len(indices.axes)
    if indices.node.kind is not Kind.CONSTANT:
        return None
    one_hot = data(call.shape[:rank])
    labels = list(range(rank))
    return einsum(Kind.SELECTION, one_hot, table, labels, [-1, rank], [*labels, rank])


def indexed(call: Call, value: Value, indices: list[Value | None]) -> Value | None:
    """``value[indices]`` for constant indices: a choice along the indexed dimensions."""
    at = [i for i, index in enumerate(indices) if index is not None]
    if at != list(range(at[0], at[-1] + 1)) or any(indices[i].node.kind is not Kind.CONSTANT for i in at):  # type: ignore[union-attr]
        return None
    fresh = len(call.shape) - (len(value.axes) - len(at))
    rows = data(call.shape[at[0] : at[0] + fresh])
    labels = list(range(len(value.axes)))
    new = [-1 - i for i in range(fresh)]
    result = [*labels[: at[0]], *new, *labels[at[-1] + 1 :]]
    return einsum(Kind.SELECTION, rows, value, new, labels, result)


def softmax(call: Call, value: Value, dim: int, *_: Any, **__: Any) -> Value:
    return value.mapped(Kind.SOFTMAX, [dim], name=call.name)


def layer_norm(call: Call, value: Value, shape: list[int], weight: Any, bias: Any, *_: Any) -> list[Value | None]:
    core = value.mapped(Kind.LAYER_NORM, range(-len(shape), 0))
    return [affine(core, weight, bias), None, None]


def rms_norm(call: Call, value: Value, shape: list[int], weight: Any, *_: Any) -> list[Value | None]:
    return [affine(value.mapped(Kind.RMS_NORM, range(-len(shape), 0)), weight, None), None]


def group_norm(call: Call, value: Value, weight: Any, bias: Any, *sizes: Any) -> list[Value | None]:
    groups = sizes[3]
    split = value.reshaped([value.shape[0], groups, value.shape[1] // groups, *value.shape[2:]])
    core = split.mapped(Kind.LAYER_NORM, range(2, len(split.axes)))
    return [by_channel(core.reshaped(value.shape), weight, bias), None, None]


def batch_norm(call: Call, value: Value, weight: Any, bias: Any, *_: Any) -> list[Value | None]:
    """In evaluation mode: a constant affine map of each channel, then the trained one."""
    statistics = data([value.shape[1]])
    return [by_channel(by_channel(value, statistics, statistics), weight, bias), None, None]


def by_channel(value: Value, weight: Any, bias: Any) -> Value:
    """A gain and a shift along dimension 1."""
    spatial: Axes = ((),) * (len(value.axes) - 2)
    gains = (None if v is None else v.viewed((*v.axes, *spatial)) for v in (weight, bias))
    return affine(value, *gains)


def affine(value: Value, weight: Value | None, bias: Value | None) -> Value:
    """A gain and a shift, where they are there."""
    if weight is not None:
        value = elementwise(Kind.PRODUCT, value, weight)
    return value if bias is None else elementwise(Kind.SUM, value, bias)


def convolution(
    call: Call, value: Value, weight: Value, bias: Value | None, stride: Any, padding: Any, dilation: Any,
    transposed: bool, output_padding: Any, groups: int,
) -> Value:  # fmt: skip
    """An einsum over channels; positions and taps are summed too, and the result has positions of its own."""
    (batch, channels, *_), (out, inner, *taps) = value.shape, weight.shape
    space = [new_axes([n])[0] for n in call.shape[2:]]
    positions = list(range(10, 10 + len(space)))
    if transposed:
        left = weight.reshaped([groups, out // groups, inner, *taps])
        labels, out = [0, 1, 2, *(p + 10 for p in positions)], inner * groups
    else:
        left = weight.reshaped([groups, out // groups, inner, *taps])
        labels = [0, 2, 1, *(p + 10 for p in positions)]
    right = value.reshaped([batch, groups, channels // groups, *value.shape[2:]])
    result = einsum(Kind.PRODUCT, right, left, [3, 0, 1, *positions], labels, [3, 0, 2])
    fresh = tuple(slot for axis in space for slot in axis)
    result.node.slots = (*result.node.slots, *fresh)
    result.node.name = "padded convolution" if any(padding) else "convolution"
    shaped = result.viewed((*result.axes, *space)).reshaped([batch, out, *call.shape[2:]])
    return shaped if bias is None else by_channel(shaped, None, bias)


def max_pool(call: Call, value: Value, kernel: Any, *_: Any, **__: Any) -> Value | list[Value | None]:
    shape = call.shapes[0] if call.shapes else call.shape
    pooled = value.windowed(Kind.POOL, shape, range(len(shape) - spatial_rank(call.name), len(shape)))
    return [pooled, None] if call.shapes else pooled


def average_pool(call: Call, value: Value, *_: Any, **__: Any) -> Value:
    return value.windowed(Kind.AVERAGE, call.shape, range(len(call.shape) - spatial_rank(call.name), len(call.shape)))


def spatial_rank(name: str) -> int:
    """The number of pooled dimensions, from the operation's name."""
    return int(name[name.index("pool") + 4])


def normalized(value: Value, inverse: Value) -> Value | None:
    """A norm that is written out: x times the inverse root of the mean of its squares, along the averaged slots."""
    source, over = inverse_root_mean_square(inverse.node)
    if source is None or not over:
        return None
    centre = centred(source, over)
    if value.node is not source and (centre is None or centred(value.node, over) is not centre):
        return None
    kind, node = (Kind.RMS_NORM, value.node) if centre is None else (Kind.LAYER_NORM, centre)
    slots = along(node, over)
    new = {s: Slot(s.atom) for s in value.node.free}
    by_atom = {s.atom.root(): new[s] for s in new}
    maps = (tuple((by_atom[s.atom.root()], s) for s in node.free),)
    return value.renamed(Node(kind, tuple(new.values()), (node,), maps, over=slots), new)


def inverse_root_mean_square(node: Node) -> tuple[Node | None, tuple[Slot, ...]]:
    """The x of ``(mean(x^2) + eps)^-1/2`` and the averaged slots of x, or nothing."""
    names = []
    while node.kind is Kind.FUNCTION and node.name in ("rsqrt", "reciprocal", "sqrt", "power", "clamp"):
        names.append(node.name)
        node = node.operands[0]
    if not ({"rsqrt"} & set(names) or {"reciprocal", "sqrt"} <= set(names) or "power" in names):
        return None, ()
    terms = [term for term in node.operands if term.kind is not Kind.CONSTANT] if node.kind is Kind.SUM else [node]
    if len(terms) != 1 or terms[0].kind is not Kind.AVERAGE:
        return None, ()
    square, over = terms[0].operands[0], resolved(terms[0].over)
    if square.kind is Kind.FUNCTION and square.name == "square":
        return square.operands[0], tuple(square.map(0)[s] for s in over)
    if square.kind is Kind.PRODUCT and len(square.operands) == 2 and square.operands[0] is square.operands[1]:
        return square.operands[0], tuple(square.map(0)[s] for s in over)
    return None, ()


def centred(node: Node, over: tuple[Slot, ...]) -> Node | None:
    """The x of ``x - mean(x)`` with the mean along the atoms of these slots, or nothing."""
    if node.kind is not Kind.SUM or len(node.operands) != 2:
        return None
    source, minus = node.operands
    average = minus.operands[0] if minus.kind is Kind.PRODUCT and minus.name == "minus" else minus
    if minus is average or average.kind is not Kind.AVERAGE or average.operands[0] is not source:
        return None
    atoms = {s.atom.root() for s in resolved(average.over)}
    return source if atoms == {s.atom.root() for s in resolved(over)} else None


def along(node: Node, over: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots of a node with the atoms of others."""
    return node.where(s.atom for s in resolved(over))


TABLE = {
    "add": add, "sub": subtract, "rsub": lambda call, a, b, alpha=1: subtract(call, b, a), "neg": negative,
    "mul": multiply, "div": divide, "pow": power, "clamp": clamp, "clamp_min": clamp, "_prelu_kernel": prelu,
    "addcmul": addcmul, "glu": glu, "mm": matrix_product, "bmm": matrix_product, "mv": matrix_product,
    "dot": matrix_product, "addmm": add_matrix_product, "baddbmm": add_matrix_product, "addmv": add_matrix_product,
    "outer": outer_product, "mean": mean, "sum": total, "var": variance, "masked_fill": masked, "where": where,
    "embedding": embedding, "index": indexed, "_softmax": softmax, "_safe_softmax": softmax, "_log_softmax": softmax,
    "native_layer_norm": layer_norm, "_fused_rms_norm": rms_norm, "native_group_norm": group_norm,
    "native_batch_norm": batch_norm, "_native_batch_norm_legit_no_training": batch_norm, "convolution": convolution,
    "max_pool2d_with_indices": max_pool, "max_pool3d_with_indices": max_pool, "max_pool1d": max_pool,
    "avg_pool1d": average_pool, "avg_pool2d": average_pool, "avg_pool3d": average_pool,
    "_adaptive_avg_pool2d": average_pool, "_adaptive_avg_pool3d": average_pool, "adaptive_avg_pool1d": average_pool,
}  # fmt: skip
