"""The trace of an operator, to a wanted accuracy."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Literal, get_args

import torch
from tqdm import tqdm

from .arguments import require_positive
from .deflation import DeflatedOperator
from .estimate import Estimate
from .hutchpp import RangeSketch
from .operator import AbstractOperator
from .quadratic_forms import QuadraticForms
from .xtrace import XTrace

Method = Literal["hutch++", "xtrace", "hutchinson"]

#: Vectors drawn where neither a number of them nor an accuracy is asked for.
DEFAULT_PROBES = 32
#: No accuracy is believed from fewer quadratic forms: their error is itself an estimate.
FEWEST = 3


def trace(
    operator: AbstractOperator,
    *,
    probes: int | None = None,
    rtol: float | None = None,
    method: Method = "hutch++",
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Estimate:
    r"""The trace from products with random vectors, with its standard error.

    ============  =====================================================  ==========  =======================
    method        what it does                                           products    memory, in vectors
    ============  =====================================================  ==========  =======================
    hutchinson    mean of :math:`x^T A x` [Hutchinson1990]               p           1
    hutch++       a sketch of the range, :math:`x^T A x` on its          about 3p/2  the rows of the sketch
                  complement [Meyer2021], [Persson2022]
    xtrace        every vector sketches for all others [Epperly2024]     2p          2p
    ============  =====================================================  ==========  =======================

    The error after m products decays like :math:`\|A\|_F / \sqrt m` for Hutchinson, whose products are best spent
    on spectra that are flat, and like 1/m at worst for the other two, much faster where eigenvalues decay, as those
    of Hessians of networks do. With ``rtol`` Hutch++ grows its sketch only while that pays, and so is never much
    worse than the better of the two: it is the default. XTrace is the most accurate for a given number of products,
    by a factor of up to 2, but takes the most memory, and its stated error is cautious.

    With vectors uniform on a sphere the first two have an error formula that holds in repeats for few draws and
    skewed spectra too: 94 to 98 % within two standard errors; see :func:`measures.quadratic_forms.variance_of_mean`.
    The trace comes out exact, with error 0, where the sketch exhausts the range of A.

    Example:
        >>> import torch
        >>> from measures import MatrixOperator
        >>> eigenvalues = torch.tensor([100.0, 10.0] + 98 * [0.1], dtype=torch.float64)
        >>> generator = torch.Generator().manual_seed(0)
        >>> found = trace(MatrixOperator(torch.diag(eigenvalues)), rtol=1e-3, generator=generator)
        >>> abs(found.value / 119.8 - 1) < 2e-3, found.products < 40
        (True, True)

    Args:
        operator: A.
        probes: p, the number of random vectors; with ``rtol``, at most that many. By default 32, or the dimension.
        rtol: stop at this standard error relative to the value. Out of reach for traces that cancel: see the
            ``stderr`` of the result where ``probes`` limits the work.
        method: see above.
        generator: where the vectors come from.
        progress: show a bar over the products.

    Raises:
        ValueError: numbers that are not positive, an unknown method, or an operator without dimensions.
    """
    require_positive(**{name: x for name, x in {"probes": probes, "rtol": rtol}.items() if x is not None})
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}, got {method!r}")
    if not operator.dimension:
        raise ValueError("the operator acts on a space of dimension 0: expected at least one direction")
    limit = probes or (DEFAULT_PROBES if rtol is None else operator.dimension)
    if method == "xtrace":
        steps = exchangeable(operator, limit, generator)
    else:
        steps = deflated(operator, limit, rtol, generator) if method == "hutch++" else plain(operator, limit, generator)
    found = Estimate(math.nan, math.inf, 0)
    for found in tqdm(steps, desc=f"trace, {method}", disable=not progress):
        if rtol is not None and found.stderr <= rtol * abs(found.value):
            break
    return found


def plain(operator: AbstractOperator, limit: int, generator: torch.Generator | None) -> Iterator[Estimate]:
    """Hutchinson's estimates after one product, two, and so on."""
    forms = QuadraticForms(operator, generator)
    while forms.products < limit:
        forms.draw()
        believed = forms.products >= min(FEWEST, limit)
        yield Estimate(forms.mean, forms.stderr if believed else math.inf, forms.products)


def deflated(
    operator: AbstractOperator, limit: int, rtol: float | None, generator: torch.Generator | None
) -> Iterator[Estimate]:
    """Those of Hutch++: first the sketch, of half the vectors or as many as pay, then quadratic forms."""
    sketch = RangeSketch(operator, generator)
    growth = sketch.growth(rtol) if rtol is not None else sketch.growth()
    for _ in islice(growth, limit // 2):
        yield Estimate(sketch.trace, math.inf, sketch.products)
    if sketch.exhausted:
        yield Estimate(sketch.trace, 0.0, sketch.products)
        return
    for rest in plain(DeflatedOperator(operator, sketch.rows), limit - len(sketch.rows), generator):
        yield Estimate(sketch.trace + rest.value, rest.stderr, sketch.products + rest.products)


def exchangeable(operator: AbstractOperator, limit: int, generator: torch.Generator | None) -> Iterator[Estimate]:
    """Those of XTrace."""
    state = XTrace(operator, generator)
    while len(state) < limit and not state.exhausted:
        state.grow()
        yield Estimate(state.value, state.stderr, state.products)
