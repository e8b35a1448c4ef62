"""Products with the Hessian: how long they take, how exact they are, what they hold."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch
from torch import Tensor

from measures import timed
from quotient import flattened, unflattened

from ..peak import added_memory
from .competitors import COMPETITORS
from .problem import Problem

#: The step of the difference quotient, in parts of the parameters' length: its error is of the fourth power.
STEP = 3e-4

Make = Callable[[], Problem]


def times(make: Make, names: Sequence[str], *, repeats: int, seed: int) -> dict[str, Any]:
    """Seconds of a gradient and of everybody's product, in turns: a change of the machine's load meets all alike.

    Vectors are given and taken in the form that a library prefers, as the gradient is.

    Args:
        make: a fresh copy of the problem.
        names: of the competitors.
        repeats: rounds, after one that is not counted.
        seed: of the vector.

    Returns:
        For ``"gradient"`` and every competitor the median of ``seconds``, and of ``gradients``: seconds over those of
        the gradient in the same round.
    """
    plain = make()
    vector = direction(plain, seed)
    calls: dict[str, Callable[[], object]] = {"gradient": plain.gradient}
    for name in names:
        calls[name] = COMPETITORS[name](make()).prepared(vector)
    rounds = [{name: timed(call)[1] for name, call in calls.items()} for _ in range(repeats + 1)][1:]
    return {
        name: {
            "seconds": median(one[name] for one in rounds),
            "gradients": median(one[name] / one["gradient"] for one in rounds),
        }
        for name in calls
    }


def errors(make: Make, names: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Relative errors of everybody's product, in double and in single precision, against differences of gradients.

    The truth is a difference quotient of fourth order in double precision, which no competitor has a part in.
    """
    vector = direction(make(), seed)
    true = differences(make().double(), vector.double())
    found: dict[str, Any] = {}
    for name in names:
        double = COMPETITORS[name](make().double()).product(vector.double())
        single = COMPETITORS[name](make()).product(vector)
        found[name] = {"double": distance(double, true), "single": distance(single.double(), true)}
    return found


def memory(make: Make, name: str, *, seed: int) -> dict[str, Any]:
    """Bytes that one product needs beyond the model, its preparation included; of ``"gradient"``, one gradient."""
    held = make()
    vector = direction(held, seed)
    call = held.gradient if name == "gradient" else lambda: COMPETITORS[name](held).product(vector)
    return {"bytes": added_memory(call)}


def direction(problem: Problem, seed: int) -> Tensor:
    """A standard normal vector."""
    count = sum(p.numel() for p in problem.parameters)
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


def differences(problem: Problem, vector: Tensor) -> Tensor:
    r"""The Hessian times v, :math:`\frac{8 (g(h) - g(-h)) - (g(2h) - g(-2h))}{12 h} + O(h^4)`; g is the gradient."""
    start = [p.detach().clone() for p in problem.parameters]
    step = STEP * float(torch.linalg.vector_norm(flattened(start)) / torch.linalg.vector_norm(vector))
    along = unflattened(vector, start)

    def gradient(multiple: float) -> Tensor:
        with torch.no_grad():
            for p, origin, part in zip(problem.parameters, start, along, strict=True):
                p.copy_(origin + multiple * step * part)
        return flattened(problem.gradient())

    return (8 * (gradient(1) - gradient(-1)) - (gradient(2) - gradient(-2))) / (12 * step)


def distance(found: Tensor, true: Tensor) -> float:
    """Relative to the true one."""
    return float(torch.linalg.vector_norm(found - true) / torch.linalg.vector_norm(true))
