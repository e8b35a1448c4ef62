"""The spectrum of every layer, in one call."""

from typing import Any

import torch
from tqdm import tqdm

from quotient import AbstractGeometry, Euclidean
from symmetries import Params

from ..loss import EmpiricalLoss
from .hessian_spectrum import hessian_spectrum
from .layers import layers
from .spectrum import Spectrum


def layer_spectra(
    loss: EmpiricalLoss,
    params: Params,
    geometry: AbstractGeometry = Euclidean(),
    *,
    generator: torch.Generator | None = None,
    progress: bool = False,
    **options: Any,
) -> dict[str, Spectrum]:
    r"""The spectra of the diagonal blocks that belong to layers, see :func:`measures.layers`.

    Layers without a direction to move in, where every parameter is pinned or vertical, are left out.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        >>> loss = EmpiricalLoss(model, lambda f, x: f(x).square().mean(), [torch.ones(4, 2)])
        >>> {name: spectrum.dimension for name, spectrum in layer_spectra(loss, dict(model.named_parameters())).items()}
        {'0': 9, '2': 4}

    Args:
        loss: L.
        params: the point.
        geometry: what is orthonormal, and horizontal.
        generator: where probes come from.
        progress: show a bar over the layers.
        options: of :func:`hessian_spectrum`, the same for every layer.

    Raises:
        ValueError: see :func:`hessian_spectrum`.
    """
    found = {}
    point = geometry.representative({name: p.detach() for name, p in params.items()})
    for layer, names in tqdm(layers(params).items(), desc="layers", disable=not progress):
        if geometry.restricted(names).chart({name: point[name] for name in names}).dimension:
            found[layer] = hessian_spectrum(loss, params, geometry, parameters=names, generator=generator, **options)
    return found
