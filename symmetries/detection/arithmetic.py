"""How arithmetic operations of ATen read as nodes: sums, products, elementwise functions, choices by index."""

from dataclasses import replace
from typing import Any

from .call import Call, Reading
from .expression import Kind
from .value import Value, data, einsum, elementwise, scalar
from .written_norm import normalized

FUNCTIONS = frozenset(
    (
        *("gelu", "silu", "tanh", "sigmoid", "elu", "selu", "celu", "softplus", "hardswish", "hardsigmoid", "hardtanh"),
        *("mish", "log_sigmoid_forward", "exp", "exp2", "expm1", "log", "log1p", "log2", "cos", "sin", "erf", "sqrt"),
        *("rsqrt", "reciprocal", "clamp_max", "sign", "floor", "round", "logical_not", "bitwise_not", "isnan"),
    )
)
RECTIFIERS = frozenset({"relu", "leaky_relu", "abs", "rrelu_with_noise"})


def operand(value: Value | complex) -> Value:
    """A tensor as it is, a number as data."""
    return value if isinstance(value, Value) else scalar()


def add(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    """``left + alpha * right``; a parameter plus a number stays a parameter, with an offset."""
    if isinstance(right, int | float) and left.node.kind is Kind.LEAF:
        return left.renamed(replace(left.node, offset=left.node.offset + alpha * right), {s: s for s in left.node.free})
    return elementwise(Kind.SUM, operand(left), operand(right) if alpha == 1 else scaled(operand(right)))


def subtract(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    """``left - alpha * right``, marked so that a written-out mean removal is found."""
    return elementwise(Kind.SUM, operand(left), scaled(operand(right), "minus" if alpha == 1 else ""))


def scaled(value: Value, name: str = "") -> Value:
    """A multiple of a tensor."""
    result = elementwise(Kind.PRODUCT, value, scalar())
    result.node.name = name
    return result


def negative(call: Call, value: Value) -> Value:
    """``-value``."""
    return scaled(value, "minus")


def multiply(call: Call, left: Any, right: Any) -> Value:
    """A product, read as a norm where it is one written out."""
    left, right = operand(left), operand(right)
    return normalized(left, right) or normalized(right, left) or elementwise(Kind.PRODUCT, left, right)


def divide(call: Call, left: Any, right: Any, rounding_mode: str | None = None) -> Value:
    """A product with the reciprocal."""
    left, right = operand(left), operand(right)
    if right.node.kind is not Kind.CONSTANT:
        right = right.mapped(Kind.FUNCTION, name="reciprocal")
    return normalized(left, right) or elementwise(Kind.PRODUCT, left, right)


def power(call: Call, value: Any, exponent: Any) -> Value:
    """An elementwise power; the square is told apart, because norms are built from it."""
    return operand(value).mapped(Kind.FUNCTION, name="square" if exponent == 2 else "power")


def clamp(call: Call, value: Value, low: Any = None, high: Any = None) -> Value:
    """A ReLU where it clamps at zero from below."""
    rectifies = low == 0 and high is None
    return value.mapped(Kind.RECTIFIER if rectifies else Kind.FUNCTION, name="clamp")


def prelu(call: Call, value: Value, slope: Value) -> Value:
    """A rectifier; its slopes stay as they are."""
    return value.mapped(Kind.RECTIFIER, name="prelu")


def addcmul(call: Call, base: Value, left: Value, right: Value, value: float = 1) -> Value:
    """``base + value * left * right``."""
    return add(call, base, scaled(multiply(call, left, right)))


def glu(call: Call, value: Value, dim: int = -1) -> Value:
    """One half times the sigmoid of the other."""
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
    """``addmm``, ``baddbmm`` and ``addmv``."""
    return add(call, value, matrix_product(call, left, right))


def outer_product(call: Call, left: Value, right: Value) -> Value:
    """Every entry of one vector times every entry of another."""
    return einsum(Kind.PRODUCT, left, right, [0], [1], [0, 1])


def mean(call: Call, value: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    """A mean over some dimensions."""
    return value.reduced(Kind.AVERAGE, reduced_dims(value, dim), keep=keepdim)


def total(call: Call, value: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    """A sum over some dimensions."""
    return value.reduced(Kind.PRODUCT, reduced_dims(value, dim), keep=keepdim)


def reduced_dims(value: Value, dim: Any) -> list[int]:
    """All dimensions for None or an empty list."""
    if dim is None or dim == []:
        return list(range(len(value.axes)))
    return [dim] if isinstance(dim, int) else list(dim)


def variance(call: Call, value: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Value:
    """The mean of the squared distance from the mean."""
    average = value.reduced(Kind.AVERAGE, reduced_dims(value, dim), keep=True)
    return mean(call, power(call, subtract(call, value, average), 2), dim, keepdim)


def vector_norm(
    call: Call, value: Value, order: float = 2, dim: Any = None, keepdim: bool = False, *_: Any, **__: Any
) -> Value | None:
    """The root of the sum of squares; other orders are not read."""
    if order != 2:
        return None
    return total(call, power(call, value, 2), dim, keepdim).mapped(Kind.FUNCTION, name="sqrt")


def masked(call: Call, value: Value, mask: Value, fill: Any) -> Value:
    """Some entries replaced; by zero it is a product with the mask."""
    return elementwise(Kind.MASK if fill != 0 else Kind.PRODUCT, value, mask)


def where(call: Call, condition: Value, left: Any, right: Any) -> Value | None:
    """A choice by a constant condition between a value and data; None for others."""
    left, right = operand(left), operand(right)
    kept, other = (right, left) if left.node.kind is Kind.CONSTANT else (left, right)
    if Kind.CONSTANT not in (condition.node.kind, other.node.kind):
        return None
    return elementwise(Kind.MASK, elementwise(Kind.MASK, kept, condition), other)


def embedding(call: Call, table: Value, indices: Value, *_: Any, **__: Any) -> Value | None:
    """Rows of a table, by constant indices."""
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


TABLE: dict[str, Reading] = {
    "add": add, "sub": subtract, "rsub": lambda call, a, b, alpha=1: subtract(call, b, a), "neg": negative,
    "mul": multiply, "div": divide, "pow": power, "clamp": clamp, "clamp_min": clamp, "_prelu_kernel": prelu,
    "addcmul": addcmul, "glu": glu, "mm": matrix_product, "bmm": matrix_product, "mv": matrix_product,
    "dot": matrix_product, "addmm": add_matrix_product, "baddbmm": add_matrix_product, "addmv": add_matrix_product,
    "outer": outer_product, "mean": mean, "sum": total, "var": variance, "masked_fill": masked, "where": where,
    "embedding": embedding, "linalg_vector_norm": vector_norm, "index": indexed,
}  # fmt: skip
