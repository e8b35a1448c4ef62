"""Verification: false declarations are refused by name, and inputs of every kind are compared."""

import warnings
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from symmetries import (
    GeneralLinear,
    Rotation,
    Symmetry,
    SymmetryError,
    View,
    declare,
    defects,
    detect,
    gated_mlp,
    query_key,
    relu_rescaling,
    value_output,
    verify,
    writer_mean,
)
from symmetries.verify import RTOL, WHOLE


def net(activation: nn.Module | None = None) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), activation or nn.ReLU(), nn.Linear(5, 4)).double()


def rescaled(model: nn.Module):
    return declare(model, relu_rescaling("0", "2"))


def batch(generator: torch.Generator) -> Tensor:
    return torch.randn(6, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("condition", [1.0, 10.0, 1e3])
def test_default_tolerance_has_a_margin_of_ten_up_to_a_large_condition_number(case, condition, generator):
    found = verify(case.model, case.symmetry, case.inputs, condition=condition, generator=generator)
    assert found < RTOL / 10


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_in_low_precision_is_verified_in_double(case, dtype, generator):
    model = case.model.to(dtype)
    inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in case.inputs)
    assert verify(model, case.symmetry, inputs, condition=100.0, generator=generator) < RTOL / 10


@pytest.mark.parametrize("activation", [nn.GELU(), nn.Tanh(), nn.SiLU(), nn.ReLU6(), nn.Softplus()])
def test_rescaling_of_another_activation_is_refused(activation, generator):
    model = net(activation)
    with pytest.raises(SymmetryError, match=r"'relu_rescaling\(0, 2\)' is not a symmetry .* allowed 1e-09"):
        verify(model, rescaled(model), 4 * batch(generator), generator=generator)


def test_reader_left_out_is_refused(cases, generator):
    case = cases("parallel layers")
    symmetry = declare(case.model, relu_rescaling(("a", "b"), "c"))
    with pytest.raises(SymmetryError, match=r"relu_rescaling\(a\+b, c\)"):
        verify(case.model, symmetry, case.inputs, generator=generator)


@pytest.mark.parametrize("rotary", [None, "half"])
def test_wrong_pairing_of_rotary_channels_is_refused(cases, rotary, generator):
    case = cases("grouped, rope interleaved")
    symmetry = declare(case.model, query_key(query="q", key="k", heads=4, kv_heads=2, rotary=rotary))
    with pytest.raises(SymmetryError, match=r"query_key\(q, k\)"):
        verify(case.model, symmetry, case.inputs, generator=generator)


def test_wrong_order_of_query_groups_is_refused(cases, generator):
    case = cases("grouped")
    keys = View("k.weight", "(copies h) n -> copies n h", copies=2)
    queries = View("q.weight", "(q copies h) n -> copies (q n) h", copies=2, q=2)
    bias = View("q.bias", "(q copies h) -> copies q h", copies=2, q=2)
    key_bias = View("k.bias", "(copies h) -> copies 1 h", copies=2)
    symmetry = declare(case.model, Symmetry(GeneralLinear(4), (queries, bias), (keys, key_bias), name="strided"))
    with pytest.raises(SymmetryError, match="'strided' is not a symmetry"):
        verify(case.model, symmetry, case.inputs, generator=generator)


def test_the_worst_factor_is_named(generator):
    model = nn.Sequential(*net(nn.ReLU()), nn.GELU(), nn.Linear(4, 2)).double()
    symmetry = declare(model, relu_rescaling("0", "2"), relu_rescaling("2", "4"))
    found = defects(model, symmetry, batch(generator), generator=generator)
    assert found["relu_rescaling(0, 2)"] < 1e-12 < found["relu_rescaling(2, 4)"]
    with pytest.raises(SymmetryError, match=r"'relu_rescaling\(2, 4\)'"):
        verify(model, symmetry, batch(generator), generator=generator)


def test_one_evaluation_for_each_draw_is_enough_where_all_hold(generator):
    """Verification of a model with hundreds of factors takes no longer than of one with a single factor."""
    model = nn.Sequential(*net(), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    symmetry = declare(model, relu_rescaling("0", "2"), relu_rescaling("2", "4"), relu_rescaling("4", "6"))
    calls: list[None] = []
    model.register_forward_hook(lambda *_: calls.append(None))
    verify(model, symmetry, batch(generator), generator=generator, draws=3)
    assert len(calls) == 2 + 3  # the function, whether it repeats, the draws


@pytest.mark.parametrize("false", range(4))
def test_a_false_factor_among_true_ones_is_named(false, generator):
    activations = [nn.GELU() if i == false else nn.ReLU() for i in range(4)]
    layers = [layer for activation in activations for layer in (nn.Linear(4, 4), activation)]
    model = nn.Sequential(*layers, nn.Linear(4, 2)).double()
    symmetry = declare(model, *(relu_rescaling(str(2 * i), str(2 * i + 2)) for i in range(4)))
    with pytest.raises(SymmetryError, match=rf"'relu_rescaling\({2 * false}, {2 * false + 2}\)'"):
        verify(model, symmetry, torch.randn(6, 4, generator=generator), generator=generator)


def test_approximate_factor_is_reported_and_not_held_against_the_tolerance(generator):
    model = net(nn.GELU())
    exact = rescaled(model).factors[0]
    symmetry = declare(model, replace(exact, flags=frozenset({"approximate"})))
    found = defects(model, symmetry, batch(generator), generator=generator)
    assert found[exact.name] > 1e-3
    assert found[WHOLE] == 0.0
    assert verify(model, symmetry, batch(generator), generator=generator) == 0.0


def test_counted_rotations_are_tried_too(float64, generator):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    false = Rotation("turn", (View("0.weight", "n h -> 1 n h"),), ((View("2.weight", "h n -> 1 n h"), None),))
    with pytest.raises(SymmetryError, match="'turn'"):
        verify(model, declare(model, false), torch.randn(5, 3), generator=generator)


def test_softmax_head_compares_probabilities(float64, generator):
    model = net()
    mean = writer_mean("2", softmax=True)
    assert verify(model, declare(model, mean, head="softmax"), batch(generator), generator=generator) < 1e-12
    with pytest.raises(SymmetryError, match="mean"):
        verify(model, declare(model, mean), batch(generator), generator=generator)


@dataclass
class Output:
    logits: Tensor
    hidden: tuple[Tensor, ...]
    steps: int = 3


class Nested(nn.Module):
    """Named inputs and an output object, as libraries of large models have them."""

    def __init__(self, kind: str):
        super().__init__()
        self.net, self.kind = net(), kind

    def forward(self, x: Tensor, scale: float = 1.0) -> object:
        hidden = self.net[1](self.net[0](x * scale))
        logits = self.net[2](hidden)
        if self.kind == "dataclass":
            return Output(logits, (logits.sum(), logits.argmax(-1)))
        return {self.kind: logits, "leaked": hidden, "cache": object()}


@pytest.mark.parametrize("wrap", [tuple, list, dict])
def test_inputs_are_positional_named_or_several(wrap, generator):
    model, x = Nested("dataclass"), batch(generator)
    symmetry = declare(model, relu_rescaling("net.0", "net.2"))
    inputs = {tuple: (x, 2.0), list: [x, (x, 2.0)], dict: {"x": x, "scale": 2.0}}[wrap]
    assert verify(model, symmetry, inputs, generator=generator) < 1e-12


def test_every_tensor_of_the_output_counts(generator):
    model = Nested("scores")
    symmetry = declare(model, relu_rescaling("net.0", "net.2"))
    with pytest.raises(SymmetryError):  # the hidden units that it returns are rescaled
        verify(model, symmetry, batch(generator), generator=generator)


class Leaking(nn.Module):
    """Returns a parameter beside what it computes."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x: Tensor) -> object:
        return self.net(x), self.net[0].weight


def test_a_parameter_that_is_returned_is_compared_with_what_it_was(generator):
    model, x = Leaking(), batch(generator)
    with pytest.raises(SymmetryError):
        verify(model, declare(model, relu_rescaling("net.0", "net.2")), x, generator=generator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is proposed and dropped
        assert detect(model, x, head="raw").dimension == 0


def test_beside_logits_nothing_else_counts(generator):
    model = Nested("logits_per_class")
    symmetry = declare(model, relu_rescaling("net.0", "net.2"))
    assert verify(model, symmetry, batch(generator), generator=generator) < 1e-12


class CastsDown(nn.Module):
    """A double model that computes in float32 on the way, as norms of some libraries do."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).float().softmax(-1, dtype=torch.float32).to(x.dtype)


def test_casts_down_to_float32_do_not_hide_behind_rounding(generator):
    model = CastsDown()
    symmetry = declare(model, relu_rescaling("net.0", "net.2"))
    found = verify(model, symmetry, batch(generator), generator=generator)
    assert 0 < found < 1e-12


class Counting(nn.Module):
    """Writes into a buffer in every forward pass."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


def test_parameters_buffers_and_mode_are_left_as_they_are(generator):
    model = nn.Sequential(net(), Counting(), nn.Dropout().eval())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    verify(model, declare(model, relu_rescaling("0.0", "0.2")), batch(generator), generator=generator)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model] == [True, True, False]


@pytest.mark.parametrize("noise", [nn.Dropout(0.1), nn.BatchNorm1d(5), nn.RReLU()])
def test_noisy_module_in_train_mode_is_an_error(noise, generator):
    model = nn.Sequential(nn.Linear(3, 5), noise, nn.Linear(5, 2)).double()
    with pytest.raises(ValueError, match=r"train mode in \['1'\]; call model.eval\(\)"):
        verify(model, declare(model), batch(generator))
    model.eval()
    verify(model, declare(model), batch(generator))


def test_attention_dropout_is_noise_too():
    model = nn.MultiheadAttention(4, 2, dropout=0.1).double()
    x = torch.randn(3, 2, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match="MultiheadAttention"):
        verify(model, declare(model, value_output()), (x, x, x))


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def test_hidden_noise_is_an_error(generator):
    model = nn.Sequential(net(), Noise())
    with pytest.raises(ValueError, match="two evaluations at the same parameters differ"):
        verify(model, declare(model, relu_rescaling("0.0", "0.2")), batch(generator))


def test_nan_among_parameters_is_an_error(generator):
    model = net()
    model[0].weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"NaN or Inf in \['0.weight'\]"):
        verify(model, rescaled(model), batch(generator))


def test_nan_among_outputs_is_an_error(generator):
    model = net()
    with pytest.raises(ValueError, match="output '0' holds NaN or Inf"):
        verify(model, rescaled(model), batch(generator) * torch.nan)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [([], ValueError, "inputs are empty"), ("text", TypeError, "got str"), ([[1.0]], TypeError, "got list")],
)
def test_inputs_that_cannot_be_used_are_errors(inputs, error, message):
    model = net()
    with pytest.raises(error, match=message):
        verify(model, rescaled(model), inputs)


def test_output_without_a_tensor_is_an_error(generator):
    model = nn.Sequential(net())
    model[0].register_forward_hook(lambda *_: "text")
    with pytest.raises(ValueError, match="no floating-point tensor"):
        verify(model, declare(model), batch(generator))


def test_no_draws_are_an_error(generator):
    model = net()
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        verify(model, rescaled(model), batch(generator), draws=0)


def test_symmetry_of_another_model_is_an_error(generator):
    with pytest.raises(SymmetryError, match="0.weight"):
        verify(net(), rescaled(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4))), batch(generator))


def test_sign_of_a_gated_unit_is_free_and_that_of_a_relu_is_not(cases, generator):
    gated = cases("SwiGLU")
    signs = {"gated_mlp(up, down)": -torch.ones(6, 1, 1)}
    symmetry = declare(gated.model, gated_mlp(up="up", down="down"))
    params = dict(gated.model.named_parameters())
    moved = torch.func.functional_call(gated.model, symmetry.act(signs, params), gated.inputs)
    torch.testing.assert_close(moved, gated.model(*gated.inputs))
    model = net()
    wrong = replace(rescaled(model).factors[0], group=GeneralLinear(1))
    with pytest.raises(SymmetryError):
        verify(model, declare(model, wrong), batch(generator), generator=generator)
