from collections.abc import Callable

import pytest
import torch
from torch import nn

from experiments.models import DiagonalNet, conv_net, mlp


def test_an_mlp_alternates_linear_maps_and_activations(generator: torch.Generator) -> None:
    model = mlp([4, 6, 5, 3], nn.Tanh, generator=generator)
    assert [type(m) for m in model] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert model(torch.randn(2, 4, generator=generator)).shape == (2, 3)


def test_a_convolutional_net_reads_images(generator: torch.Generator) -> None:
    assert conv_net((1, 3, 4), generator=generator)(torch.randn(2, 1, 8, 8, generator=generator)).shape == (
        2,
        10,
    )


def test_a_diagonal_net_is_linear_in_the_product(generator: torch.Generator) -> None:
    model, x = DiagonalNet(5, generator), torch.randn(3, 5, generator=generator)
    torch.testing.assert_close(model(x), (x * model.u * model.v).sum(-1))


@pytest.mark.parametrize("make", [lambda: mlp([4]), lambda: conv_net((1,))])
def test_too_few_sizes_are_refused(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(ValueError, match="needs"):
        make()
