"""Which two velocities span a section through one model."""

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional as F

from measures import EmpiricalLoss, curvature, eigenpairs
from quotient import AbstractGeometry, Adaptive, Coordinates, flattened, gaussian, unflattened
from symmetries import Params

from .section import Section

#: How well eigenvectors are found, as errors of their eigenvalues.
TOLERANCE = 1e-8

Directions = Callable[[EmpiricalLoss, Params, AbstractGeometry, torch.Generator], Section]


def random(loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry, generator: torch.Generator) -> Section:
    """Gaussian horizontal velocities, drawn in coordinates at the representative: the same ones along an orbit."""
    chart = geometry.chart(geometry.representative(params))
    return Section.spanned(chart, chart.random(generator), chart.random(generator))


def gradient(loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry, generator: torch.Generator) -> Section:
    """The gradient, and a random velocity."""
    point = geometry.representative(params)
    chart = geometry.chart(point)
    return Section.spanned(chart, chart.project(chart.components(loss.gradient(point))), chart.random(generator))


def eigenvectors(
    loss: EmpiricalLoss, params: Params, geometry: AbstractGeometry, generator: torch.Generator
) -> Section:
    """The two leading eigenvectors of the Hessian, with the signs in which the loss does not fall at first."""
    point = geometry.representative(params)
    chart = geometry.chart(point)
    slopes = flattened(chart.project(chart.components(loss.gradient(point))))
    found = eigenpairs(curvature(loss, point, geometry), 2, tolerance=TOLERANCE, generator=generator).vectors
    upward = (vector * (1.0 if vector @ slopes >= 0 else -1.0) for vector in found)
    return Section.spanned(chart, *(unflattened(vector, chart.zeros()) for vector in upward))


#: By the name of the option.
DIRECTIONS: Mapping[str, Directions] = {"random": random, "gradient": gradient, "eigenvectors": eigenvectors}


def filter_normalized(params: Params, generator: torch.Generator) -> Section:
    r"""The raw picture of [LiXu2018]: Gaussian directions, every filter of which has the length of the model's.

    .. math:: d_f \leftarrow d_f\, \frac{\|\theta_f\|}{\|d_f\|}, \qquad d = 0 \text{ for biases and gains},

    on straight lines; the two directions are not made orthogonal. Draws are numbers for entries of the parameters, and
    the lengths of filters are those of the representative, so that the picture is not one of the function.
    """
    chart = Adaptive("filterwise").chart(params)

    def direction() -> Coordinates:
        drawn = gaussian(chart.zeros(), generator)
        return tuple(torch.zeros_like(d) if d.ndim <= 1 else F.normalize(d.flatten(1)).view_as(d) for d in drawn)

    return Section(chart, (direction(), direction()))
