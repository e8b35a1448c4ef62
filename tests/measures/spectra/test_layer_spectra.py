import pytest
import torch

from measures import curvature, layer_spectra, layers
from quotient import AbstractGeometry, Adaptive
from tests.measures.operators.test_hessian import dense


def test_every_layer_has_the_spectrum_of_its_block(classifier, generator):
    loss, params = classifier()
    spectra = layer_spectra(loss, params, steps=100, generator=generator)
    assert spectra.keys() == layers(params).keys()
    for layer, names in layers(params).items():
        expected = torch.linalg.eigvalsh(dense(curvature(loss, params, parameters=names)))
        torch.testing.assert_close(spectra[layer].eigenvalues[0], expected[-1], rtol=1e-8, atol=0)


def test_layers_that_cannot_move_are_left_out(classifier, generator):
    loss, params = classifier()
    params |= {name: torch.zeros_like(p) for name, p in params.items() if name.startswith("head")}
    assert layer_spectra(loss, params, Adaptive(), probes=1, steps=2, generator=generator).keys() == {"embed", "norm"}


class Headless(AbstractGeometry):
    """Adaptive at a representative whose head is zero."""

    def chart(self, params):
        return Adaptive().chart(params)

    def representative(self, params):
        return {name: p * (not name.startswith("head")) for name, p in params.items()}


def test_where_a_layer_can_move_is_asked_at_the_representative(classifier, generator):
    loss, params = classifier()
    assert layer_spectra(loss, params, Headless(), probes=1, steps=2, generator=generator).keys() == {"embed", "norm"}


@pytest.mark.parametrize(
    ("name", "layer"),
    [("w", "w"), ("head.weight", "head"), ("h.0.attn.0.weight", "h.0"), ("encoder.layer.11.bias", "encoder.layer.11")],
)
def test_a_layer_is_the_first_numbered_module(name, layer):
    assert list(layers([name])) == [layer]
