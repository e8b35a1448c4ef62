"""Geometry modulo a symmetry: metrics, horizontal spaces, geodesics, and the optimizer that moves along them."""

from typing import TYPE_CHECKING

from .coordinates import (
    Coordinates,
    combined,
    copied,
    dot,
    flattened,
    gaussian,
    length,
    length_of_sum,
    mix_,
    scale_,
    scaled,
    select_,
    selected,
    shrinkage,
    size,
    unflattened,
    within_ball,
)
from .flat import Adaptive, Euclidean
from .geodesic import AbstractGeodesic, Exact, RungeKutta, Taylor
from .geometry import AbstractChart, AbstractGeometry
from .logarithm import Logarithm, logarithm
from .metric import AbstractMetric, Embedded, Invariant, Mixed
from .quotient import Quotient
from .sam import MESA, SAF, Ascent, RandomState, RenyiSAM, RiemannianSAM, trajectory_loss
from .sharded import Sharded

if TYPE_CHECKING:
    from .geoopt_adapter import PackedManifold

__all__ = [
    "MESA",
    "SAF",
    "AbstractChart",
    "AbstractGeodesic",
    "AbstractGeometry",
    "AbstractMetric",
    "Adaptive",
    "Ascent",
    "Coordinates",
    "Embedded",
    "Euclidean",
    "Exact",
    "Invariant",
    "Logarithm",
    "Mixed",
    "PackedManifold",
    "Quotient",
    "RandomState",
    "RenyiSAM",
    "RiemannianSAM",
    "RungeKutta",
    "Sharded",
    "Taylor",
    "combined",
    "copied",
    "dot",
    "flattened",
    "gaussian",
    "length",
    "length_of_sum",
    "logarithm",
    "mix_",
    "scale_",
    "scaled",
    "select_",
    "selected",
    "shrinkage",
    "size",
    "trajectory_loss",
    "unflattened",
    "within_ball",
]


def __getattr__(name: str) -> object:
    """``PackedManifold`` on demand: importing geoopt takes longer than all of this package."""
    if name == "PackedManifold":
        from .geoopt_adapter import PackedManifold

        return PackedManifold
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
