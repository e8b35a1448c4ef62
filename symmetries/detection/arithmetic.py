"""How arithmetic operations of ATen read as nodes: sums, products, elementwise functions, choices by index."""

from typing import Any

from .call import Call, Reading
from .expression import Kind
from .multiples import multiple
from .pieces import contracted
from .value import Value, einsum, elementwise, scalar
from .written_norm import normalized

FUNCTIONS = frozenset(
    (
        *("gelu", "silu", "tanh", "sigmoid", "elu", "selu", "celu", "softplus", "hardswish", "hardsigmoid", "hardtanh"),
        *("mish", "log_sigmoid_forward", "exp", "exp2", "expm1", "log", "log1p", "log2", "cos", "sin", "erf", "sqrt"),
        *("rsqrt", "reciprocal", "clamp_max", "sign", "floor", "ceil", "trunc", "round", "frac", "nan_to_num", "sgn"),
        *("sinh", "cosh", "tan", "asin", "acos", "atan", "asinh", "acosh", "atanh", "erfc", "erfinv", "lgamma", "sinc"),
        *("softshrink", "hardshrink", "logit", "digamma", "log10"),
    )
)
RECTIFIERS = frozenset({"relu", "leaky_relu", "abs", "rrelu_with_noise"})


def operand(value: Value | complex) -> Value:
    """A tensor as it is, a number as data."""
    if isinstance(value, Value):
        return value
    return scalar(value if isinstance(value, int | float) else None)


def add(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    """``left + alpha * right``; a parameter plus a number stays a parameter, with an offset."""
    if isinstance(right, int | float):
        right, alpha = alpha * right, 1
        if right == 0:
            return left
        if left.node.kind is Kind.LEAF:
            return left.plus(right)
        biased = with_bias_plus(left, right)
        if biased is not None:
            return biased
    left, right = operand(left), operand(right) if alpha == 1 else scaled(operand(right))
    return multiple(left, right) or multiple(right, left) or elementwise(Kind.SUM, left, right)


def with_bias_plus(value: Value, number: float) -> Value | None:
    """A sum with a parameter plus a number, as the sum with the parameter plus the number; None for another value."""
    if value.node.kind is not Kind.SUM or len(value.node.operands) != 2:
        return None
    for i, leaf in enumerate(value.node.operands):
        if leaf.kind is Kind.LEAF:
            return elementwise(Kind.SUM, value.operand(1 - i), value.operand(i).plus(number))
    return None


def subtract(call: Call, left: Any, right: Any, alpha: float = 1) -> Value:
    """``left - alpha * right``, marked so that a written-out mean removal is found."""
    if isinstance(right, int | float):
        return add(call, left, -alpha * right)
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
    """A product, read as a norm where it is one written out; once a value is the value."""
    if not isinstance(right, Value) and right == 1:
        return operand(left)
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


def threshold(call: Call, value: Value, at: float, low: float) -> Value:
    """A ReLU where it is one."""
    return value.mapped(Kind.RECTIFIER if at == low == 0 else Kind.FUNCTION, name="threshold")


def maximum(call: Call, left: Value, right: Value) -> Value:
    """Half of ``left + right + |left - right|``; a minimum likewise."""
    distance = subtract(call, left, right).mapped(Kind.RECTIFIER, name="abs")
    return elementwise(Kind.SUM, elementwise(Kind.SUM, left, right), distance)


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

    def product(left: Value, right: Value) -> Value:
        return einsum(Kind.PRODUCT, left, right, of_left, of_right, result)

    return contracted(call.selector, left, right, (of_left.index(1), of_right.index(1)), product)


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


def deviation(call: Call, value: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Value:
    """The root of the variance."""
    return variance(call, value, dim, correction, keepdim).mapped(Kind.FUNCTION, name="sqrt")


def moments(call: Call, value: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> list[Value]:
    """Variance or standard deviation, and the mean."""
    spread = variance if call.name == "var_mean" else deviation
    return [spread(call, value, dim, correction, keepdim), mean(call, value, dim, keepdim)]


def vector_norm(
    call: Call, value: Value, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Value:
    """The root of a sum of squares, or a sum of other powers of absolute values."""
    if ord == 2:
        return total(call, power(call, value, 2), dim, keepdim).mapped(Kind.FUNCTION, name="sqrt")
    size = value.mapped(Kind.RECTIFIER, name="abs")
    if ord == float("inf"):
        return size.reduced(Kind.POOL, reduced_dims(value, dim), keep=keepdim)
    return total(call, size if ord == 1 else power(call, size, ord), dim, keepdim)


def cumulative_sum(call: Call, value: Value, dim: int, **_: Any) -> Value:
    """Sums of the entries so far."""
    return value.windowed(Kind.PRODUCT, call.shape, [dim % len(value.axes)])


def trilinear(
    call: Call, left: Value, weight: Value, right: Value, of_left: Any, of_weight: Any, of_right: Any, summed: Any,
    *_: Any,
) -> Value:  # fmt: skip
    """The sum over some dimensions of a product of three tensors, each constant along some."""
    rank = len(left.axes) + len(of_left)
    one, two, three = ([i for i in range(rank) if i not in gone] for gone in (of_left, of_weight, of_right))
    between = [i for i in range(rank) if (i in one or i in two) and (i in three or i not in summed)]
    product = einsum(Kind.PRODUCT, left, weight, one, two, between)
    return einsum(Kind.PRODUCT, product, right, between, three, [i for i in range(rank) if i not in summed])


def masked(call: Call, value: Value, mask: Value, fill: Any) -> Value:
    """Some entries replaced; by zero it is a product with the mask."""
    return elementwise(Kind.MASK if fill != 0 else Kind.PRODUCT, value, mask)


TABLE: dict[str, Reading] = {
    "add": add, "sub": subtract, "rsub": lambda call, a, b, alpha=1: subtract(call, b, a), "neg": negative,
    "mul": multiply, "div": divide, "pow": power, "clamp": clamp, "clamp_min": clamp, "_prelu_kernel": prelu,
    "addcmul": addcmul, "glu": glu, "mm": matrix_product, "bmm": matrix_product, "mv": matrix_product,
    "dot": matrix_product, "addmm": add_matrix_product, "baddbmm": add_matrix_product, "addmv": add_matrix_product,
    "outer": outer_product, "mean": mean, "sum": total, "var": variance, "std": deviation, "var_mean": moments,
    "std_mean": moments, "linalg_vector_norm": vector_norm, "cumsum": cumulative_sum, "_trilinear": trilinear,
    "maximum": maximum, "minimum": maximum, "threshold": threshold, "masked_fill": masked,
}  # fmt: skip
