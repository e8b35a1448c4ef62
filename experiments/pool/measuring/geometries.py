"""What a ball may be, by the names that tables use."""

from collections.abc import Callable, Mapping
from functools import partial

from quotient import AbstractGeometry, Adaptive, Embedded, Euclidean, Mixed, Quotient, Taylor
from symmetries import ModelSymmetry

GeometryFactory = Callable[[ModelSymmetry], AbstractGeometry]

mixed = partial(Quotient, metric=Mixed(), geodesic=Taylor(2))

#: The four that are compared: two depend on the representative, two do not.
COMPARED: Mapping[str, GeometryFactory] = {
    "standard": lambda _: Euclidean(),
    "adaptive": lambda _: Adaptive(),
    "geodesic": Quotient,
    "geodesic mixed": mixed,
}

#: Each of them with one thing changed. Without projection, with straight lines and the elementwise rest, what is left
#: of geodesic sharpness is its norm. ``products`` perturbs W_Q W_K^T and W_V W_O by Frobenius norm.
VARIANTS: Mapping[str, GeometryFactory] = {
    "adaptive tensorwise": lambda _: Adaptive("tensorwise"),
    "geodesic order 1": partial(Quotient, geodesic=Taylor(1)),
    "geodesic order 2": partial(Quotient, geodesic=Taylor(2)),
    "geodesic unprojected": partial(Quotient, horizontal=False),
    "geodesic norm only": partial(Quotient, geodesic=Taylor(1), horizontal=False),
    "geodesic rest tensorwise": partial(Quotient, rest="tensorwise"),
    "geodesic rest euclidean": partial(Quotient, rest="euclidean"),
    "geodesic rest frozen": partial(Quotient, rest="frozen"),
    "geodesic mixed order 1": partial(Quotient, metric=Mixed(), geodesic=Taylor(1)),
    "geodesic mixed unprojected": partial(mixed, horizontal=False),
    "geodesic mixed rest frozen": partial(mixed, rest="frozen"),
    "products": partial(Quotient, metric=Embedded(), geodesic=Taylor(2)),
    "products rest frozen": partial(Quotient, metric=Embedded(), geodesic=Taylor(2), rest="frozen"),
}

GEOMETRIES: Mapping[str, GeometryFactory] = {**COMPARED, **VARIANTS}
