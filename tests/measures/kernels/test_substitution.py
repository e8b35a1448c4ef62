"""What is replaced, and what is left as it is."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from measures.kernels import twice_differentiable

WIDTH = 6
MODULES = {
    "GELU": nn.GELU(),
    "GELU by tanh": nn.GELU("tanh"),
    "SiLU": nn.SiLU(),
    "Mish": nn.Mish(),
    "Softplus": nn.Softplus(beta=2.0),
    "LayerNorm": nn.LayerNorm(WIDTH),
    "LayerNorm without parameters": nn.LayerNorm(WIDTH, elementwise_affine=False),
    "RMSNorm": nn.RMSNorm(WIDTH),
    "RMSNorm with an eps": nn.RMSNorm(WIDTH, eps=0.1),
}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_module_is_replaced_and_has_the_same_values(module, generator):
    module = module.double()
    for p in module.parameters():
        nn.init.normal_(p, generator=generator)
    x = torch.randn(4, WIDTH, generator=generator, dtype=torch.float64, requires_grad=True)
    with twice_differentiable():
        replaced = module(x)
    torch.testing.assert_close(replaced, module(x))
    names, nodes = set(), [replaced.grad_fn]
    while nodes:
        node = nodes.pop()
        names.add(node.name())
        nodes += [following for following, _ in node.next_functions if following is not None]
    assert names & {"_PointwiseBackward", "_NormalizedBackward"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_left_as_it_is(dtype):
    x = torch.randn(4, WIDTH, dtype=dtype, requires_grad=True)
    with twice_differentiable():
        assert F.gelu(x).grad_fn.name() == F.gelu(x.detach().requires_grad_()).grad_fn.name() == "GeluBackward0"


def test_autocast_is_left_as_it_is():
    x = torch.randn(4, WIDTH, requires_grad=True)
    with twice_differentiable(), torch.autocast("cpu", torch.bfloat16):
        assert F.layer_norm(x, (WIDTH,)).grad_fn.name() == "NativeLayerNormBackward0"


def test_what_is_not_differentiated_is_left_as_it_is(monkeypatch):
    x = torch.randn(4, WIDTH)
    with twice_differentiable():
        assert F.gelu(x).grad_fn is None
        assert F.silu(x, inplace=True) is x, "an activation in place changes its input"
