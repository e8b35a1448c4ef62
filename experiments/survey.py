"""Every measure at the points of one orbit, with the same draws at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from measures import EmpiricalLoss, Literature, MeasureTable, Spectrum, hessian_spectrum, measure
from quotient import AbstractGeometry, Adaptive, Euclidean, Mixed, Quotient, Taylor, length, scaled
from symmetries import Element, ModelSymmetry, Params, Tangent, evaluate_at, trainable_parameters

from .data import Split, cross_entropy
from .effort import Effort
from .setting import Setting
from .verdict import is_invariant

#: Radii of the balls, the same for every model and every representative. Units differ: absolute for standard, relative
#: to the weights for adaptive and geodesic, absolute in the products of factors for geodesic mixed.
RADII = {"standard": 0.1, "adaptive": 0.5, "geodesic": 0.2, "geodesic mixed": 0.2}


RESOLVED = 2.0
"""An estimate is told from zero when it is this many standard errors away."""


@dataclass(frozen=True)
class Survey:
    """A trained model, its symmetry, and what is measured on it.

    Args:
        effort: how much work the measures do.
        loss: on a fixed batch.
        symmetry: of the model.
        theta: where the orbit starts.
        geometries: what a ball is; two depend on the representative, two do not.
        literature: what else to measure, for comparison.
    """

    effort: Effort
    loss: EmpiricalLoss
    symmetry: ModelSymmetry
    theta: Params
    geometries: Mapping[str, AbstractGeometry]
    literature: Literature | None = None

    @classmethod
    def of(cls, setting: Setting, model: nn.Module, data: Split, symmetry: ModelSymmetry) -> "Survey":
        """The survey of a model at its present parameters, on the first images of the data."""
        batch = next(data.first(setting.images).batches(setting.images))
        loss = EmpiricalLoss(model, cross_entropy, [batch])
        return cls(setting, loss, symmetry, trainable_parameters(model), geometries(symmetry))

    @cached_property
    def directions(self) -> dict[str, list[Tangent]]:
        """For each quotient geometry, Gaussian horizontal tangents at theta."""
        count, generator = max(self.effort.samples, self.effort.probes), self.effort.generator()
        return {
            name: [geometry.random(self.theta, generator) for _ in range(count)]
            for name, geometry in self.geometries.items()
            if isinstance(geometry, Quotient)
        }

    def point(self, g: Element) -> Params:
        """The parameters that ``g`` moves theta to."""
        return self.symmetry.act(g, self.theta)

    @torch.no_grad()
    def defect(self, g: Element) -> float:
        """How far the function has moved there: the largest change of a log-probability, relative to the largest."""
        before, after = (self._log_probabilities(params) for params in (self.theta, self.point(g)))
        return ((after - before).abs().max() / before.abs().max()).item()

    def _log_probabilities(self, params: Params) -> Tensor:
        (images, _) = self.loss.batches[0]
        return evaluate_at(self.loss.model, params, (images,)).log_softmax(-1)

    def transported(self, g: Element) -> dict[str, list[Tangent]]:
        """The directions seen from there: pushed forward by the differential of the action."""
        return {
            name: [self.symmetry.push(g, self.theta, tangent) for tangent in tangents]
            for name, tangents in self.directions.items()
        }

    def table(self, g: Element | None = None, *, progress: bool = False) -> MeasureTable:
        """Every measure there; without an element at theta, with draws that nothing else is compared to."""
        effort = self.effort
        return measure(
            self.loss,
            self.point(g or {}),
            self.geometries,
            radius=RADII,
            steps=effort.steps,
            samples=effort.samples,
            probes=effort.probes,
            lanczos_steps=effort.lanczos,
            literature=self.literature,
            generator=effort.generator(),
            directions=None if g is None else self.transported(g),
            progress=progress,
        )

    def spectrum(self, g: Element, name: str) -> Spectrum:
        """The Hessian spectrum there, in one geometry."""
        directions = self.transported(g).get(name)
        return hessian_spectrum(
            self.loss,
            self.point(g),
            self.geometries[name],
            probes=self.effort.probes,
            steps=self.effort.lanczos,
            generator=self.effort.generator(),
            directions=directions and directions[: self.effort.probes],
        )

    def along_gradient(self, g: Element, name: str, distances: Sequence[float]) -> list[float]:
        """The loss along the geodesic that leaves there in the direction of the gradient."""
        params = self.point(g)
        chart = self.geometries[name].chart(params)
        gradient = chart.project(chart.components(self.loss.gradient(params)))
        unit = scaled(gradient, 1.0 / length(gradient))
        with torch.no_grad():
            return [self.loss(chart.exp(scaled(unit, distance))).item() for distance in distances]


def geometries(symmetry: ModelSymmetry) -> dict[str, AbstractGeometry]:
    """What a ball may be, by the names of :data:`RADII`: two depend on the representative, two do not."""
    return {
        "standard": Euclidean(),
        "adaptive": Adaptive(),
        "geodesic": Quotient(symmetry),
        "geodesic mixed": Quotient(symmetry, metric=Mixed(), geodesic=Taylor(2)),
    }


def comparison(before: MeasureTable, after: MeasureTable) -> list[dict[str, object]]:
    """One row for each measure: its values at two representatives, their ratio, and whether it moved.

    ``stderr`` is that of the first value; where the value is not ``resolved``, zero is as likely, and the ratio says
    something only if it is 1 (the draws are the same).
    """
    return [
        {
            "measure": row.measure,
            "geometry": row.geometry,
            "theta": row.value,
            "g.theta": after[row.measure, row.geometry].value,
            "ratio": ratio,
            "invariant": is_invariant(ratio),
            "stderr": row.stderr,
            "resolved": row.stderr is None or abs(row.value) > RESOLVED * row.stderr,
        }
        for row, ratio in zip(before.rows, after.ratio(before).values(), strict=True)
    ]
