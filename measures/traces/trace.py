"""The trace of an operator, to a wanted accuracy."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Literal, get_args

import torch
from tqdm import tqdm

from ..arguments import require_positive
from ..operators.deflation import DeflatedOperator
from ..operators.operator import AbstractOperator
from .estimate import Estimate
from .hutchpp import RangeSketch
from .krylov_sketch import KrylovSketch
from .quadratic_forms import QuadraticForms
from .sketch import AbstractSketch
from .xtrace import XTrace

Method = Literal["krylov", "hutch++", "xtrace", "hutchinson"]

#: Vectors drawn where neither a number of them nor an accuracy is asked for.
DEFAULT_PROBES = 32
#: No accuracy is believed from fewer quadratic forms: their error is itself an estimate.
FEWEST = 3


def trace(
    operator: AbstractOperator,
    *,
    probes: int | None = None,
    rtol: float | None = None,
    method: Method = "krylov",
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Estimate:
    r"""The trace from products with random vectors, with its standard error.

    ============  =====================================================  ==========  =======================
    method        what it does                                           products    memory, in vectors
    ============  =====================================================  ==========  =======================
    hutchinson    mean of :math:`x^T A x` [Hutchinson1990]               p           1
    krylov        a Lanczos process, :math:`x^T A x` on the complement   p           p/2, at most 256
                  of its space [ChenHallman2023]
    hutch++       the same with a sketch of the range [Meyer2021],       about 3p/2  the rows of the sketch
                  [Persson2022]
    xtrace        every vector sketches for all others [Epperly2024]     2p          2p
    ============  =====================================================  ==========  =======================

    The error after m products decays like :math:`\|A\|_F / \sqrt m` for Hutchinson, whose products are best spent
    on spectra that are flat, and like 1/m at worst for the two with sketches and XTrace, much faster where eigenvalues
    decay, as those of Hessians of networks do. With ``rtol`` a sketch grows only while that pays, so that it is never
    much worse than Hutchinson. A Krylov space takes half the products of a sketch of the range, and is the default;
    where large eigenvalues have large multiplicities it finds each but once, and Hutch++ is better. XTrace is the most
    accurate of the others for a given number of vectors, but takes the most memory, and its stated error is cautious.

    With vectors uniform on a sphere all but XTrace have an error formula that holds in repeats for few draws and
    skewed spectra too: 94 to 98 % within two standard errors; see
    :func:`measures.traces.quadratic_forms.variance_of_mean`.
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
    elif method == "hutchinson":
        steps = plain(operator, limit, generator)
    else:
        krylov = method == "krylov"
        sketch = KrylovSketch(operator, limit // 2, generator) if krylov else RangeSketch(operator, generator)
        steps = deflated(sketch, limit, rtol, generator)
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
    sketch: AbstractSketch, limit: int, rtol: float | None, generator: torch.Generator | None
) -> Iterator[Estimate]:
    """First the sketch, of half the vectors or as many as pay, then quadratic forms on its complement."""
    for _ in islice(sketch.growth(rtol), limit // 2):
        yield Estimate(sketch.trace, math.inf, sketch.products)
    if sketch.exhausted:
        yield Estimate(sketch.trace, 0.0, sketch.products)
        return
    for rest in plain(DeflatedOperator(sketch.operator, sketch.rows), limit - len(sketch.rows), generator):
        yield Estimate(sketch.trace + rest.value, rest.stderr, sketch.products + rest.products)


def exchangeable(operator: AbstractOperator, limit: int, generator: torch.Generator | None) -> Iterator[Estimate]:
    """Those of XTrace."""
    state = XTrace(operator, generator)
    while len(state) < limit and not state.exhausted:
        state.grow()
        yield Estimate(state.value, state.stderr, state.products)
