"""Measures of the literature, as rows of a table beside those of a geometry."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from quotient import AbstractGeometry
from symmetries import Params, Tangent

from ..loss import EmpiricalLoss
from ..settings import Settings
from ..sharpness import Sharpness
from ..spectra.hessian_spectrum import hessian_spectrum
from ..spectra.spectrum import Spectrum
from ..table import Row
from ..timing import timed
from .fisher import fisher_spectrum
from .fisher_rao import fisher_rao_norm
from .norms import log_norm_product, path_norm
from .pac_bayes import WidthError, pac_bayes_flatness
from .relative_flatness import relative_flatness


@dataclass(frozen=True, kw_only=True)
class Literature:
    """What :func:`measures.measure` adds to its table for comparison.

    Without a geometry, the Fisher-Rao norm, the logarithms of the products of norms, the relative flatness of the
    layers named, and the path norm where ``inputs`` are given. Over every geometry, trace and largest eigenvalue
    of the empirical Fisher matrix, and PAC-Bayes flatness; NaN where no noise raises the loss that far.

    Args:
        layers: names of weights, each with the axis that numbers its neurons (0, or 1 for a transposed weight).
        probes: Hessian products for the relative flatness of each; by default it is exact.
        tolerance: the rise of the loss at which noise is measured, see :func:`pac_bayes_flatness`.
        block: how many gradients of examples to hold at once, see :func:`fisher_spectrum`.
        inputs: one input of a ReLU network, see :func:`path_norm`.
        gauss_newton: also trace and largest eigenvalue of the Gauss-Newton matrix, see :class:`GaussNewtonProduct`
            for the losses that have one.
    """

    layers: Mapping[str, int] = field(default_factory=dict)
    probes: int | None = None
    tolerance: float = 0.1
    block: int | None = None
    inputs: Tensor | None = None
    gauss_newton: bool = False

    def count(self, geometries: int) -> int:
        """How many rows there are."""
        return 3 + len(self.layers) + (self.inputs is not None) + (5 if self.gauss_newton else 3) * geometries

    def point_rows(self, loss: EmpiricalLoss, params: Params, generator: torch.Generator | None) -> Iterator[Row]:
        """What needs no geometry."""
        measures = {
            "Fisher-Rao norm": partial(fisher_rao_norm, loss, params),
            "log Frobenius norms": partial(log_norm_product, params),
            "log spectral norms": partial(log_norm_product, params, norm="spectral"),
        }
        for layer, neurons in self.layers.items():
            measures[f"relative flatness {layer}"] = partial(
                relative_flatness, loss, params, layer, neurons=neurons, probes=self.probes, generator=generator
            )
        if self.inputs is not None:
            measures["path norm"] = partial(path_norm, loss.model, loss.fixed | params, self.inputs)
        for name, function in measures.items():
            found, seconds = timed(function)
            yield Row(name, "", found.value, found.stderr, seconds)

    def geometry_rows(
        self,
        loss: EmpiricalLoss,
        params: Params,
        geometry: AbstractGeometry,
        name: str,
        settings: Settings,
        directions: Sequence[Tangent] | None,
    ) -> Iterator[Row]:
        """What is measured in an orthonormal frame."""
        if self.gauss_newton:
            spectrum, seconds = timed(partial(gauss_newton_spectrum, loss, params, geometry, settings, directions))
            yield Row("Gauss-Newton trace", name, spectrum.trace, spectrum.trace_stderr, seconds)
            yield Row("Gauss-Newton lambda max", name, spectrum.eigenvalues[0].item(), seconds=seconds)
        fisher, seconds = timed(partial(fisher_spectrum, loss, params, geometry, block=self.block))
        yield Row("Fisher trace", name, fisher.trace, seconds=seconds)
        yield Row("Fisher lambda max", name, fisher.largest, seconds=seconds)
        found, seconds = timed(partial(self._flatness, loss, params, geometry, settings, directions))
        yield Row("PAC-Bayes flatness", name, found.value, found.stderr, seconds)

    def _flatness(
        self,
        loss: EmpiricalLoss,
        params: Params,
        geometry: AbstractGeometry,
        settings: Settings,
        directions: Sequence[Tangent] | None,
    ) -> Sharpness:
        """PAC-Bayes flatness; NaN where there is no such width."""
        try:
            return pac_bayes_flatness(
                loss,
                params,
                geometry,
                tolerance=self.tolerance,
                samples=settings.samples,
                generator=settings.generator,
                directions=directions,
            )
        except WidthError:
            return Sharpness(math.nan)


def gauss_newton_spectrum(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry,
    settings: Settings,
    directions: Sequence[Tangent] | None,
) -> Spectrum:
    """That of the Gauss-Newton matrix, with the effort of the settings."""
    return hessian_spectrum(
        loss,
        params,
        geometry,
        kind="gauss-newton",
        probes=settings.probes,
        steps=settings.lanczos_steps,
        generator=settings.generator,
        directions=None if directions is None else directions[: settings.probes],
    )
