import math

import pytest

from experiments.pool.measuring.entropies import Entropies
from measures import hessian_spectrum


def test_whole_and_layers_have_every_order(preparation):
    subject = preparation.subject()
    part = Entropies(("geodesic",), (0.5, math.inf), probes=1, steps=3)
    found = {r.setting: r.row for r in part.readings(subject, lambda rise, geometry: math.nan)}
    spectrum = hessian_spectrum(
        subject.loss(), subject.params, subject.geometry("geodesic"), probes=1, steps=3, generator=subject.generator()
    )
    assert found["alpha=0.5"].value == pytest.approx(spectrum.renyi(0.5), rel=1e-12)
    assert {"alpha=inf", "alpha=0.5, layer=blocks.0", "alpha=inf, layer=head"} <= found.keys()
