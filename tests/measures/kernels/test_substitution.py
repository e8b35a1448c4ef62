"""What is replaced, and what is left as it is."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from measures.kernels import twice_differentiable

WIDTH = 6
MODULES = {
    "Linear": nn.Linear(WIDTH, 3),
    "Linear without bias": nn.Linear(WIDTH, 3, bias=False),
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
    assert nodes(replaced) & {"_LinearBackward", "_PointwiseBackward", "_NormalizedBackward"}


ATTENTION = {
    "plain": {},
    "causal": {"is_causal": True},
    "scaled": {"scale": 0.3},
    "with a mask": {"attn_mask": torch.tensor([[True, True, False, True]])},
}


def heads(generator, *counts):
    """Queries, keys and values of so many heads each."""
    return [
        torch.randn(2, count, 4, WIDTH, generator=generator, dtype=torch.float64, requires_grad=True)
        for count in counts
    ]


@pytest.mark.parametrize("options", ATTENTION.values(), ids=ATTENTION)
def test_attention_is_replaced_and_has_the_same_values(options, generator):
    given = heads(generator, 3, 3, 3)
    with twice_differentiable():
        replaced = F.scaled_dot_product_attention(*given, **options)
    torch.testing.assert_close(replaced, F.scaled_dot_product_attention(*given, **options))
    assert "_AttentionBackward" in nodes(replaced)


def test_heads_that_share_keys_and_values_are_replaced_and_have_the_same_values(generator):
    given = heads(generator, 6, 2, 2)
    with twice_differentiable():
        replaced = F.scaled_dot_product_attention(*given, enable_gqa=True)
    torch.testing.assert_close(replaced, F.scaled_dot_product_attention(*given, enable_gqa=True))
    assert "_AttentionBackward" in nodes(replaced)


LEFT = {
    "a mask that is differentiated": {"attn_mask": torch.zeros(4, 4, dtype=torch.float64, requires_grad=True)},
    "dropout": {"dropout_p": 0.5},
}


@pytest.mark.parametrize("options", LEFT.values(), ids=LEFT)
def test_attention_is_left_to_the_plain_kernel_of_the_library(options, generator):
    with twice_differentiable():
        result = F.scaled_dot_product_attention(*heads(generator, 3, 3, 3), **options)
    assert "_AttentionBackward" not in nodes(result)
    assert not any("Flash" in name or "Efficient" in name for name in nodes(result))


def test_two_masks_are_refused_as_the_library_refuses_them(generator):
    with twice_differentiable(), pytest.raises(RuntimeError, match="is_causal"):
        F.scaled_dot_product_attention(*heads(generator, 3, 3, 3), torch.ones(4, 4, dtype=torch.bool), is_causal=True)


def test_transforms_of_functions_are_left_as_they_are(generator):
    layer, x = nn.Linear(WIDTH, 3).double(), torch.randn(4, WIDTH, generator=generator, dtype=torch.float64)
    mapped = torch.func.vmap(torch.func.grad(lambda row: F.gelu(layer(row)).sum()))
    with twice_differentiable():
        inside = mapped(x)
    torch.testing.assert_close(inside, mapped(x))


def nodes(result):
    """Names of all that a result is made by."""
    names, left = set(), [result.grad_fn]
    while left:
        node = left.pop()
        names.add(node.name())
        left += [following for following, _ in node.next_functions if following is not None]
    return names


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
