"""Detection: the whole null space of every function is found in its computation, and nothing that is not there."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import ReaderMean, Rescaling, Rotation, Symmetry, audit, detect, verify
from symmetries.factor import COUNTED, SOFTMAX
from tests.symmetries.detected import CASES, Decoder, Gated, drawn, encoder, generic


@pytest.mark.parametrize("name", CASES)
def test_dimension_is_the_closed_form_and_every_factor_holds(name, generator):
    make, inputs, head, dimension = CASES[name]
    model, x = generic(make), drawn(inputs)
    symmetry = detect(model, x, head=head)
    assert symmetry.dimension == dimension
    assert not symmetry.unrecognised
    assert verify(model, symmetry, x[:8], rtol=1e-9, generator=generator) < 1e-9


@pytest.mark.filterwarnings("ignore:.*outputs for")
@pytest.mark.parametrize("name", sorted(set(CASES) - {"residual stream"}))  # some of its units never switch
def test_nothing_in_the_null_space_is_missed_or_counted_twice(name, generator):
    make, inputs, head, _ = CASES[name]
    model, x = generic(make), drawn(inputs)
    symmetry = detect(model, x, head=head)
    found = audit(model, symmetry, x, generator=generator)
    assert (found.unexplained, found.declared) == (0, symmetry.dimension)
    assert found.vertical_defect < 1e-13  # rounding of one product with the Jacobian


@pytest.mark.filterwarnings("ignore:.*outputs for")
def test_detection_agrees_with_the_declarations(case, generator):
    symmetry = detect(case.model, case.inputs, head=case.head)
    assert symmetry.dimension == case.symmetry.dimension
    assert verify(case.model, symmetry, case.inputs, rtol=1e-9, generator=generator) < 1e-9


def groups(symmetry):
    return {str(pair.group) for pair in symmetry.pairs}


def test_a_gelu_layer_has_no_rescaling_and_is_not_unrecognised():
    symmetry = detect(nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 3)), head="raw")
    assert symmetry.dimension == 0
    assert not symmetry.factors
    assert not symmetry.unrecognised


def test_rotary_embedding_leaves_complex_scalings_of_planes():
    tokens = torch.randint(13, (2, 5))
    assert "GL(1, C)" in groups(detect(Decoder(), tokens))
    assert "GL(1, C)" not in groups(detect(Decoder(rope=""), tokens))


def test_relu_units_are_scaled_by_positive_numbers_and_gated_units_by_any():
    assert groups(detect(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)))) == {"GL(1, R)+"}
    assert groups(detect(Gated(F.silu), torch.randn(2, 5))) == {"GL(1, R)"}


def test_a_skip_connection_forbids_folding_the_gain_of_a_norm():
    class Skip(nn.Module):
        def __init__(self, skip):
            super().__init__()
            self.norm, self.fc, self.skip = nn.LayerNorm(5), nn.Linear(5, 5), skip

        def forward(self, x):
            y = self.norm(x)
            return torch.tanh(self.fc(y)) + self.skip * y

    families = {skip: {family.name for family in detect(Skip(skip), torch.randn(3, 5)).families} for skip in (0.0, 1.0)}
    assert "gain into readers" not in families[1.0]
    assert "mean of readers" in families[1.0]  # it needs no complete readers


class AdaptedReader(nn.Module):
    """A LayerNorm that is not trained, read by a map that is: from a trained map, or from data."""

    def __init__(self, first, *, bias):
        super().__init__()
        self.first, self.norm = first, nn.LayerNorm(4).requires_grad_(False)
        self.reader, self.last = nn.Linear(4, 3, bias=bias), nn.Linear(3, 2)
        for value in self.norm.parameters():
            value.normal_()

    def forward(self, x):
        return self.last(torch.tanh(self.reader(self.norm(self.first(x)).unsqueeze(0))))


@pytest.mark.parametrize(
    "first", [nn.Identity, lambda: nn.Sequential(nn.Linear(4, 4), nn.Tanh())], ids=["data", "trained"]
)
@pytest.mark.parametrize("bias", [True, False])
def test_means_of_readers_behind_a_norm_that_is_not_trained(first, bias, float64, generator):
    model = AdaptedReader(first(), bias=bias)
    x = torch.randn(80, 4, generator=generator)
    symmetry = detect(model, x, head="raw")
    readers = [factor for factor in symmetry.factors if isinstance(factor, ReaderMean)]
    assert sum(factor.dimension(symmetry.shapes) for factor in readers) == (3 if bias else 0)
    assert verify(model, symmetry, x) < 1e-12
    found = audit(model, symmetry, x, generator=generator)
    assert (found.unexplained, found.false_factors) == (0, ())
    canonical = symmetry.canonical({name: value.detach() for name, value in model.named_parameters()})
    assert all(factor.reader.read(canonical).sum(1).abs().max() < 1e-12 for factor in readers)


def test_frozen_parameters_have_no_symmetry_of_their_own():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    model[2].requires_grad_(False)
    assert detect(model, head="raw").dimension == 0


def test_a_low_rank_pair_is_found_at_its_start_where_one_factor_is_zero():
    class LoRA(nn.Module):
        def __init__(self):
            super().__init__()
            self.base = nn.Linear(6, 5).requires_grad_(False)
            self.a, self.b = nn.Linear(6, 2, bias=False), nn.Linear(2, 5, bias=False)
            nn.init.zeros_(self.b.weight)

        def forward(self, x):
            return self.base(x) + 0.5 * self.b(self.a(x))

    symmetry = detect(LoRA(), torch.randn(3, 6), head="raw")
    assert [str(pair.group) for pair in symmetry.pairs] == ["GL(2, R)"]


def test_detection_does_not_mistake_a_special_point_for_a_symmetry():
    """With the gain of the final norm at one, a tied decoder may be rotated; it is no symmetry of the model."""
    symmetry = detect(Decoder(tied=True), torch.randint(13, (2, 5)))
    assert not [factor for factor in symmetry.factors if COUNTED in factor.flags]


def test_the_softmax_head_is_flagged():
    symmetry = detect(nn.Sequential(nn.Linear(4, 3)), head="softmax")
    (factor,) = symmetry.factors
    assert SOFTMAX in factor.flags
    assert factor.dimension(symmetry.shapes) == 5


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.ReLU(), nn.Linear(6, 3)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    dtype, fast = torch.get_default_dtype(), torch.backends.mha.get_fastpath_enabled()
    detect(model)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (torch.get_default_dtype(), torch.backends.mha.get_fastpath_enabled()) == (dtype, fast)


@pytest.mark.parametrize(
    ("model", "dimension"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU(), nn.Linear(3, 2)), 3),
        (nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 2)), 3),
        (nn.MultiheadAttention(8, 2), 80),
        (nn.MultiheadAttention(8, 2, kdim=6, vdim=7, batch_first=True), 80),
        (encoder(False, "gelu", False), 2 * (64 + 16 + 16 + 24 + 9) + 24 - 6),
    ],
)  # fmt: skip
def test_an_example_is_made_from_the_first_layer(model, dimension):
    symmetry = detect(model, head="raw")
    assert symmetry.dimension > 0
    if not isinstance(model, nn.TransformerEncoder):
        assert symmetry.dimension == dimension


def test_a_model_that_no_example_fits_asks_for_one():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x, y):
            return self.fc(x + y)

    with pytest.raises(ValueError, match="pass example="):
        detect(Odd())
    assert detect(Odd(), (torch.randn(2, 3), torch.randn(2, 3)), head="raw").dimension == 0
    assert detect(Odd(), {"x": torch.randn(2, 3), "y": torch.randn(2, 3)}, head="raw").dimension == 0


def test_operations_that_are_not_known_are_named_and_claim_nothing():
    class Accumulated(nn.Module):
        def forward(self, x):
            return x.logcumsumexp(-1)

    symmetry = detect(nn.Sequential(nn.Linear(4, 6), Accumulated(), nn.Linear(6, 3)), head="raw")
    assert symmetry.unrecognised == ("1",)
    assert symmetry.dimension == 0


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="head must be"):
        detect(nn.Linear(2, 2), head="logits")
    with pytest.raises(ValueError, match="no trainable parameter"):
        detect(nn.Linear(2, 2).requires_grad_(False))


def test_data_may_steer_the_computation():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x):
            return self.b(torch.relu(self.a(x))) if x.abs().max().item() > 0 else x

    assert detect(Branching(), torch.ones(2, 4), head="raw").dimension == 6


def test_no_warning_is_raised_on_what_holds():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect(Decoder(), torch.randint(13, (2, 5)))


def test_every_pair_acts_on_the_parameters_of_its_name():
    for pair in detect(Decoder(depth=1), torch.randint(13, (2, 5))).pairs:
        assert isinstance(pair, Symmetry)
        assert all(name.startswith("blocks.0") for name in pair.parameters)


class Towers(nn.Module):
    """Two maps whose normalized outputs are compared, as images and texts are."""

    def __init__(self, width=4):
        super().__init__()
        self.images, self.texts = nn.Linear(5, width, bias=False), nn.Linear(6, width, bias=False)

    def forward(self, x):
        images, texts = self.images(x[:, :5]), self.texts(x[:, 5:])
        return (images / images.norm(dim=-1, keepdim=True)) @ (texts / texts.square().sum(-1, keepdim=True).sqrt()).mT


def test_normalized_values_that_are_compared_may_be_rotated_together(generator):
    model, x = generic(Towers), torch.randn(9, 11, dtype=torch.float64)
    symmetry = detect(model, x, head="raw")
    rotations = [factor for factor in symmetry.factors if isinstance(factor, Rotation)]
    assert {frozenset(factor.parameters) for factor in symmetry.factors if isinstance(factor, Rescaling)} == {
        frozenset({"images.weight"}),
        frozenset({"texts.weight"}),
    }
    assert [factor.parameters for factor in rotations] == [{"images.weight", "texts.weight"}]
    assert rotations[0].dimension(symmetry.shapes) == 6
    assert not symmetry.unrecognised
    assert verify(model, symmetry, x, rtol=1e-9, generator=generator) < 1e-9
