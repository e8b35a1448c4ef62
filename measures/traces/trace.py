"""The trace of an operator, to a wanted accuracy."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Literal, get_args

import torch
from tqdm import tqdm

from ..arguments import require_positive
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
    memory: int | None = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Estimate:
    r"""The trace from products with random vectors, with its standard error.

    ============  =====================================================  ==========  =======================
    method        what it does                                           products    memory, in vectors
    ============  =====================================================  ==========  =======================
    hutchinson    mean of :math:`x^T A x` [Hutchinson1990]               p           1
    krylov        a Lanczos process, :math:`x^T A x` on the complement   p           p/2, see ``memory``
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
        memory: bytes that the rows of a Krylov sketch may take; by default half of the free memory.
        generator: where the vectors come from.
        progress: show a bar over the products.

    Raises:
        ValueError: numbers that are not positive, an unknown method, or an operator without dimensions.
    """
    wanted = {"probes": probes, "rtol": rtol, "memory": memory}
    require_positive(**{name: x for name, x in wanted.items() if x is not None})
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}, got {method!r}")
    if not operator.dimension:
        raise ValueError("the operator acts on a space of dimension 0: expected at least one direction")
    limit = probes or (DEFAULT_PROBES if rtol is None else operator.dimension)
    if method == "xtrace":
        steps = exchangeable(operator, limit, generator)
    else:
        rows = 0 if method == "hutchinson" else limit // 2
        krylov = method == "krylov"
        sketch = KrylovSketch(operator, rows, generator, memory=memory) if krylov else RangeSketch(operator, generator)
        steps = deflated(sketch, rows, limit, rtol, generator)
    found = Estimate(math.nan, math.inf, 0)
    for found in tqdm(steps, desc=f"trace, {method}", disable=not progress):
        if rtol is not None and found.stderr <= rtol * abs(found.value):
            break
    return found


def deflated(
    sketch: AbstractSketch, rows: int, limit: int, rtol: float | None, generator: torch.Generator | None
) -> Iterator[Estimate]:
    """First the sketch, of at most so many rows and as many as pay, then quadratic forms on its complement."""
    for _ in islice(sketch.growth(rtol), rows):
        yield Estimate(sketch.trace, math.inf, sketch.products)
    if sketch.exhausted:
        yield Estimate(sketch.trace, 0.0, sketch.products)
        return
    forms, limit = QuadraticForms(sketch, generator), limit - len(sketch.rows)
    while forms.products < limit:
        forms.draw()
        stderr = forms.stderr if forms.products >= min(FEWEST, limit) else math.inf
        yield Estimate(sketch.trace + forms.mean, stderr, sketch.products + forms.products)


def exchangeable(operator: AbstractOperator, limit: int, generator: torch.Generator | None) -> Iterator[Estimate]:
    """Those of XTrace."""
    state = XTrace(operator, generator)
    while len(state) < limit and not state.exhausted:
        state.grow()
        yield Estimate(state.value, state.stderr, state.products)
