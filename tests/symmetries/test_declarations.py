"""Ready declarations: the function does not change, and names that do not fit are said."""

import inspect

import pytest
import torch
from torch import nn

from symmetries import (
    GeneralLinear,
    Symmetry,
    SymmetryError,
    View,
    declare,
    diagonal,
    gated_mlp,
    key_bias,
    layer_scale,
    linear_chain,
    lora_pair,
    norm_gain,
    norm_shift,
    query_key,
    reader_mean,
    relu_rescaling,
    value_bias,
    value_output,
    verify,
    writer_mean,
)

RTOL = 1e-11  # rounding of a few float64 products with condition number 10


def test_declared_group_leaves_the_function_unchanged(case, generator):
    assert verify(case.model, case.symmetry, case.inputs, rtol=RTOL, generator=generator) <= RTOL


def test_declared_dimension_is_that_of_theory(case):
    assert case.symmetry.dimension == case.dimension


def sequential() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 2))


def attention(**options) -> nn.ModuleDict:
    return nn.ModuleDict(
        {"attn": nn.MultiheadAttention(8, 2, **options), "fc": nn.Linear(8, 7), "qkv": nn.Linear(8, 24)}
    )


def norms() -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            "plain": nn.LayerNorm(4, elementwise_affine=False),
            "layer": nn.LayerNorm(4),
            "rms": nn.RMSNorm(4),
            "image": nn.LayerNorm((2, 4)),
            "reader": nn.Linear(4, 3),
            "unbiased": nn.Linear(4, 3, bias=False),
            "wide": nn.Linear(5, 3),
            "padded": nn.Conv1d(4, 3, 3, padding=1),
            "depthwise": nn.Conv1d(4, 4, 3, groups=4),
            "act": nn.ReLU(),
        }
    )


@pytest.mark.parametrize(
    ("make", "declaration", "message"),
    [
        (sequential, relu_rescaling("0", "5"), r"no module named '5' .* nearest are"),
        (sequential, relu_rescaling("0", "1"), "'1': expected Linear or Conv1d/2d/3d, got ReLU"),
        (sequential, relu_rescaling("0", "4"), "'4': expected inputs for 5 units, or a multiple of it .* got 4"),
        (sequential, relu_rescaling("2", "4", activation="3"), "'3': expected a positively homogeneous .* got GELU"),
        (sequential, relu_rescaling((), "2"), "at least one layer, got none"),
        (sequential, linear_chain("0", "4"), "expected 1 copies of matrices with 5 columns"),
        (sequential, lora_pair("0", "4"), r"got A with 5 rows and B with 4 columns: 0, 4"),
        (sequential, lora_pair("0.bias", "2"), r"'0.bias': expected a matrix, got shape \(5,\)"),
        (sequential, diagonal("0.weight", "0.bias"), r"'0.weight': expected a vector, got shape \(5, 3\)"),
        (sequential, diagonal("u", "v"), "no parameter named 'u'"),
        (sequential, gated_mlp(up="0", down="4"), "expected inputs for 5 units"),
        (sequential, gated_mlp(up="0", down="2", relu_gate=True), "got none; pass gate="),
        (sequential, query_key("0"), "'0': expected nn.MultiheadAttention, got Linear; name its projection, query="),
        (attention, query_key("attention"), r"no module named 'attention' .* nearest are \['attn'"),
        (attention, query_key("attn", heads=3), "heads"),
        (attention, query_key("attn", heads=2, kv_heads=4), "2 heads cannot share 4 key-value heads evenly"),
        (attention, query_key(query="fc", key="fc"), "expected the number of heads, got none; pass heads="),
        (attention, query_key(query="fc", key="fc", heads=2), "7 outputs do not make 2 equal heads"),
        (attention, query_key("attn", rotary="quarter"), "'half' or 'interleaved'"),
        (attention, query_key(qkv="fc", heads=2), "query, key and value along its outputs, got 7 outputs"),
        (attention, query_key(qkv="qkv", heads=4, kv_heads=2), "three equal parts, got 4 heads and 2 key-value heads"),
        (attention, value_output("attn", output="missing"), "no module named 'attn.missing'"),
        (attention, value_output(value="fc", output="fc", heads=7), "'fc': expected 7 inputs, got 8"),
        (lambda: attention(bias=False), key_bias("attn"), "'attn.key': expected a layer with a bias, got none"),
        (lambda: attention(bias=False), value_bias("attn"), "with a bias, got none"),
        (lambda: attention(add_zero_attn=True), key_bias("attn"), "add_zero_attn appends a key"),
        (lambda: attention(add_zero_attn=True), value_bias("attn"), "add_zero_attn appends a key"),
        (norms, norm_gain("plain", "reader"), "'plain': expected a norm with a gain, got none"),
        (norms, norm_gain("reader", "reader"), r"'reader': expected a norm .* got \{'weight': \(3, 4\)"),
        (norms, norm_gain("image", "reader"), "weight and a bias of one axis"),
        (norms, norm_gain("layer", "wide"), "expected 4 channels in the last axis of 'wide.weight'"),
        (norms, norm_gain("layer", "act"), "'act': expected Linear or Conv1d/2d/3d, got ReLU"),
        (norms, norm_shift("rms", "reader"), "'rms': expected a norm with a shift, got none"),
        (norms, norm_shift("layer", "unbiased"), "'unbiased': expected a layer with a bias, got none"),
        (norms, norm_shift("layer", "padded"), "'padded': a constant does not pass a grouped or zero-padded"),
        (norms, norm_shift("layer", "depthwise"), "'depthwise': a constant does not pass"),
        (norms, reader_mean("rms", "reader"), "'rms': expected nn.LayerNorm, which removes the mean, got RMSNorm"),
        (norms, reader_mean("layer", "unbiased"), "'unbiased': expected a bias to take the constant of 'layer'"),
        (norms, reader_mean("layer", "padded"), "'padded': a constant does not pass"),
        (norms, writer_mean(("reader", "depthwise")), r"must agree in channels, got \[3, 4\]"),
        (norms, writer_mean("act"), "got ReLU"),
        (norms, layer_scale("scale", "reader"), "no parameter named 'scale'"),
        (norms, layer_scale("layer.weight", "reader"), "expected 4 channels in the last axis of 'reader.weight'"),
    ],
)
def test_names_that_do_not_fit_are_said(make, declaration, message):
    with pytest.raises(SymmetryError, match=message):
        declare(make(), declaration)


def test_frozen_parameter_is_an_error():
    model = sequential()
    model[0].bias.requires_grad_(False)
    with pytest.raises(SymmetryError, match=r"'0.bias' is frozen .* unfreeze it, or leave this symmetry out"):
        declare(model, relu_rescaling("0", "2"))
    pair = Symmetry(GeneralLinear(5), (View("0.bias", "h -> 1 1 h"),), (View("2.weight", "n h -> 1 n h"),))
    with pytest.raises(SymmetryError, match="'0.bias' is frozen"):
        declare(model, pair)


def test_projections_that_stay_frozen_do_not_stop_the_others():
    model = attention()
    model["attn"].out_proj.requires_grad_(False)
    assert declare(model, query_key("attn")).dimension == 32
    with pytest.raises(SymmetryError, match=r"'attn.out_proj.bias' is frozen"):
        declare(model, value_output("attn"))


def test_parametrized_weight_is_not_a_parameter():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 5)), nn.ReLU(), nn.Linear(5, 2))
    with pytest.raises(SymmetryError, match="owns its weight, got one that computes it"):
        declare(model, relu_rescaling("0", "2"))


def test_tied_parameter_goes_by_its_first_name():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.Linear(4, 5, bias=False))
    model[2].weight = model[0].weight
    (factor,) = declare(model, relu_rescaling("1", "2")).factors
    assert factor.parameters == {"1.weight", "1.bias", "0.weight"}


def test_wrong_arguments_are_errors_before_there_is_a_model():
    with pytest.raises(TypeError, match="missing a required argument: 'second'"):
        relu_rescaling("0")
    with pytest.raises(TypeError, match="unexpected keyword argument 'head'"):
        query_key("attn", head=4)


def test_signature_of_a_ready_declaration_does_not_show_the_model():
    assert list(inspect.signature(relu_rescaling).parameters) == ["first", "second", "activation"]


@pytest.mark.parametrize("wrong", ["query_key", query_key, nn.Linear(2, 2)])
def test_what_is_neither_factor_nor_declaration_is_an_error(wrong):
    with pytest.raises(TypeError, match="expected a factor such as"):
        declare(sequential(), wrong)


def test_model_that_is_an_attention_needs_no_name(float64, generator):
    model = nn.MultiheadAttention(8, 2)
    symmetry = declare(model, query_key(), value_output(), key_bias(), value_bias())
    x = torch.randn(3, 5, 8, generator=generator)
    assert symmetry.dimension == 80
    assert verify(model, symmetry, (x, x, x), generator=generator) < RTOL


def test_parts_of_an_attention_read_a_norm_by_themselves(float64, generator):
    class Cross(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.norm = nn.MultiheadAttention(8, 2), nn.LayerNorm(8)

        def forward(self, x, memory):
            memory = self.norm(memory)
            return self.attn(x, memory, memory)[0]

    model, readers = Cross(), ("attn.key", "attn.value")
    symmetry = declare(model, norm_gain("norm", readers), norm_shift("norm", readers), reader_mean("norm", readers))
    assert symmetry.dimension == 8 + 8 + 16
    inputs = tuple(torch.randn(4, 3, 8, generator=generator) for _ in range(2))
    assert verify(model, symmetry, inputs, generator=generator) < RTOL
    with pytest.raises(SymmetryError, match="norm_gain"):
        verify(model, declare(model, norm_gain("norm", "attn.key")), inputs, generator=generator)


def test_norm_before_convolutions(float64, generator):
    class ConvNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.conv = nn.LayerNorm(4), nn.Conv1d(4, 3, 3, padding=1, padding_mode="circular")
            self.depthwise = nn.Conv1d(4, 4, 3, groups=4)

        def forward(self, x):
            x = self.norm(x).mT
            return self.conv(x), self.depthwise(x)

    model = ConvNorm()
    symmetry = declare(model, norm_gain("norm", ("conv", "depthwise")), reader_mean("norm", "conv"))
    assert symmetry.dimension == 4 + 3 * 3  # a convolution is one reader for each tap
    assert verify(model, symmetry, torch.randn(5, 6, 4, generator=generator), generator=generator) < RTOL
    with pytest.raises(SymmetryError, match="'depthwise': a constant does not pass"):
        declare(model, reader_mean("norm", "depthwise"))


def test_transposed_layer_needs_the_flag():
    model = nn.ModuleDict({"qkv": TransposedLayer(), "out": nn.Linear(4, 4)})
    with pytest.raises(SymmetryError, match="'qkv': expected Linear or Conv1d/2d/3d, got TransposedLayer"):
        declare(model, query_key(qkv="qkv", heads=2))
    assert declare(model, query_key(qkv="qkv", heads=2, transposed=True)).dimension == 8
    with pytest.raises(SymmetryError, match=r"'norm': expected a layer with a weight of shape \(in, out\)"):
        declare(nn.ModuleDict({"norm": nn.LayerNorm(4)}), query_key(qkv="norm", heads=2, transposed=True))


class TransposedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 12))


def test_factors_of_the_users_own_are_accepted_beside_declarations(float64, generator):
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4, bias=False))
    own = Symmetry(
        GeneralLinear(1, positive=True),
        (View("0.weight", "copies n -> copies n 1"), View("0.bias", "copies -> copies 1 1")),
        (View("2.weight", "n copies -> copies n 1"),),
        name="own",
    )
    (ready,) = declare(model, relu_rescaling("0", "2")).factors
    assert (own.standard, own.dual) == (ready.standard, ready.dual)
    assert verify(model, declare(model, own), torch.randn(4, 3), generator=generator) < RTOL


def test_mean_of_a_key_needs_no_bias_to_fold_into(float64, generator):
    class Reading(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.norm = nn.MultiheadAttention(8, 2, bias=False), nn.LayerNorm(8)
            nn.init.normal_(self.norm.bias)

        def forward(self, x):
            x = self.norm(x)
            return self.attn(x, x, x)[0]

    model, inputs = Reading(), torch.randn(4, 3, 8, generator=generator)
    symmetry = declare(model, reader_mean("norm", "attn.key", visible=False))
    assert verify(model, symmetry, inputs, generator=generator) < RTOL
    with pytest.raises(SymmetryError, match="'attn.key': expected a bias"):
        declare(model, reader_mean("norm", "attn.key"))
    false = declare(model, reader_mean("norm", "attn.query", visible=False))
    with pytest.raises(SymmetryError, match="reader_mean"):
        verify(model, false, inputs, generator=generator)
