"""Detection: the whole null space of every function is found in its computation, and nothing that is not there."""

import math
import warnings
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmetries import ReaderMean, Rescaling, Rotation, Symmetry, audit, detect, verify
from symmetries.factor import COUNTED, SOFTMAX


class ViT(nn.Module):
    """Pre-LN vision transformer with a class token and fused projections; pools the class token or the mean."""

    def __init__(self, dim=6, heads=2, hidden=7, patch=2, side=4, classes=3, depth=2, pool="class"):
        super().__init__()
        self.heads, self.pool = heads, pool
        self.patches = nn.Conv2d(1, dim, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, dim))
        self.position = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, dim))
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(dim),
                    "qkv": nn.Linear(dim, 3 * dim),
                    "proj": nn.Linear(dim, dim),
                    "norm2": nn.LayerNorm(dim),
                    "fc1": nn.Linear(dim, hidden),
                    "fc2": nn.Linear(hidden, dim),
                }
            )
            for _ in range(depth)
        )
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def attend(self, block, x):
        b, t, d = x.shape
        q, k, v = block["qkv"](x).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return block["proj"](F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, d))

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.position
        for block in self.blocks:
            x = x + self.attend(block, block["norm1"](x))
            x = x + block["fc2"](F.gelu(block["fc1"](block["norm2"](x))))
        x = self.norm(x)
        return self.head(x[:, 0] if self.pool == "class" else x.mean(1))


def vit_dimension(dim=6, heads=2, hidden=7, patch=2, side=4, classes=3, depth=2):
    """Heads, key and value biases, norms, readers and writers by block; embeddings, head, rotation."""
    h, tokens = dim // heads, (side // patch) ** 2 + 1
    block = 2 * heads * h**2 + 10 * dim + 2 * hidden + 2
    rest = 1 + tokens + patch**2 + 1 + 2 * (dim - 1) + 2 * dim + classes + (dim - 1) * (dim - 2) // 2
    return depth * block + rest


class Decoder(nn.Module):
    """RMSNorm, grouped queries with RoPE, SwiGLU, no biases."""

    def __init__(self, dim=6, heads=2, kv_heads=1, size=4, hidden=5, vocabulary=13, depth=2, tied=False, rope="half"):
        super().__init__()
        self.heads, self.kv_heads, self.size, self.rope = heads, kv_heads, size, rope
        self.embed, self.norm = nn.Embedding(vocabulary, dim), nn.RMSNorm(dim, eps=1e-5)
        self.head = nn.Linear(dim, vocabulary, bias=False)
        if tied:
            self.head.weight = self.embed.weight
        widths = {"q": heads * size, "k": kv_heads * size, "v": kv_heads * size, "gate": hidden, "up": hidden}
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {name: nn.Linear(dim, width, bias=False) for name, width in widths.items()}
                | {"o": nn.Linear(heads * size, dim, bias=False), "down": nn.Linear(hidden, dim, bias=False)}
                | {"norm1": nn.RMSNorm(dim, eps=1e-5), "norm2": nn.RMSNorm(dim, eps=1e-5)}
            )
            for _ in range(depth)
        )

    def rotated(self, x):
        t, h = x.shape[-2:]
        angle = torch.outer(torch.arange(t, dtype=x.dtype), 0.3 ** torch.arange(h // 2, dtype=x.dtype))
        if self.rope == "half":
            angle, other = angle.repeat(1, 2), torch.cat([-x[..., h // 2 :], x[..., : h // 2]], -1)
        else:
            angle, other = angle.repeat_interleave(2, -1), torch.stack([-x[..., 1::2], x[..., ::2]], -1).flatten(-2)
        return x * angle.cos() + other * angle.sin()

    def attend(self, block, x):
        q, k, v = (block[name](x).unflatten(-1, (-1, self.size)).transpose(1, 2) for name in "qkv")
        if self.rope:
            q, k = self.rotated(q), self.rotated(k)
        k, v = (z.repeat_interleave(self.heads // self.kv_heads, 1) for z in (k, v))
        return block["o"](F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))

    def forward(self, tokens):
        x = self.embed(tokens)
        for block in self.blocks:
            x = x + self.attend(block, block["norm1"](x))
            h = block["norm2"](x)
            x = x + block["down"](F.silu(block["gate"](h)) * block["up"](h))
        return self.head(self.norm(x))


def decoder_dimension(dim=6, kv_heads=1, size=4, hidden=5, depth=2, tied=False, rope=True):
    """Query-key and value-output bases, gated units and norm gains by block; final gain and rotation."""
    block = kv_heads * (size if rope else size**2) + kv_heads * size**2 + hidden + 2 * dim
    return depth * block + (0 if tied else dim + dim * (dim - 1) // 2)


def encoder(norm_first, activation, final_norm):
    layer = nn.TransformerEncoderLayer(8, 2, 9, norm_first=norm_first, activation=activation, batch_first=True)
    norm = nn.LayerNorm(8) if final_norm else None
    return nn.TransformerEncoder(layer, 2, norm=norm, enable_nested_tensor=False)


class Gated(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.gate, self.up, self.down = nn.Linear(5, 6), nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.down(self.activation(self.gate(x)) * self.up(x))


class Residual(nn.Module):
    """A residual stream with a leaky ReLU on it and no norm: one scale for each channel of the stream."""

    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList(nn.Sequential(nn.Linear(4, 6), nn.LeakyReLU(), nn.Linear(6, 4)) for _ in range(2))
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = F.leaky_relu(self.first(x))
        for layer in self.inner:
            x = F.leaky_relu(x + layer(x))
        return self.last(x)


class WrittenNorms(nn.Module):
    """A LayerNorm and an RMSNorm, written out."""

    def __init__(self):
        super().__init__()
        self.gain1, self.shift1 = nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(5))
        self.gain2 = nn.Parameter(torch.randn(5))
        self.first, self.inner, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.first(x)
        c = x - x.mean(-1, keepdim=True)
        y = self.gain1 * (c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + 1e-3)) + self.shift1
        y = torch.tanh(self.inner(y))
        return self.last(y * torch.rsqrt((y * y).mean(-1, keepdim=True) + 1e-3) * self.gain2)


class Squared(nn.Module):
    """A rectifier to the second power."""

    def forward(self, x):
        return F.leaky_relu(x) ** 2


def normal(*shape, spread=1.0):
    return lambda: spread * torch.randn(*shape)


def tokens(samples=30):
    return lambda: torch.randint(13, (samples, 5))


def dense(*sizes, activation=nn.LeakyReLU, bias=True):
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b, bias=bias), activation())]
    return lambda: nn.Sequential(*layers[:-1])


def conv_net():
    return nn.Sequential(
        *(nn.Conv2d(1, 3, 3, padding=1), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.LeakyReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)),
    )


def norm_between():
    return nn.Sequential(nn.Linear(7, 6), nn.LayerNorm(6, eps=0.1), nn.Linear(6, 7))


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x[:, :3], x[:, 3:], x[:, 3:])[0]


# model, inputs, head, dimension; inputs are wide where the kink of a rectifier must show.
CASES = {
    "GELU": (dense(4, 6, 3, activation=nn.GELU), normal(60, 4), "raw", 0),
    "leaky, softmax": (dense(4, 6, 3), normal(60, 4, spread=9), "softmax", 6 + 7),
    "squared ReLU": (dense(4, 6, 3, activation=Squared), normal(60, 4, spread=9), "raw", 6),
    "no biases": (dense(4, 6, 3, bias=False), normal(60, 4, spread=9), "raw", 6),
    "linear chain": (dense(5, 3, 4, activation=nn.Identity), normal(60, 5), "raw", 9 + 3),
    "conv, pool": (conv_net, normal(120, 1, 8, 8, spread=3), "raw", 3 + 4),
    # mean of the writer, gain, shift, mean of the reader, rotation
    "norm between maps": (norm_between, normal(60, 7), "raw", 8 + 6 + 6 + 7 + 10),
    "SwiGLU": (lambda: Gated(F.silu), normal(80, 5), "raw", 6),
    "ReGLU": (lambda: Gated(F.leaky_relu), normal(200, 5, spread=9), "raw", 6 + 6),
    "residual stream": (Residual, normal(300, 3, spread=9), "raw", 4 + 2 * 6),
    # mean of the writer and its rotation, gain, shift and mean of the reader, gain
    "written norms": (WrittenNorms, normal(80, 4), "raw", 5 + 6 + 5 + 5 + 5 + 5),
    "post-LN, ReLU": (lambda: encoder(False, "relu", False), normal(60, 5, 8), "raw", 282),
    "pre-LN, ReLU": (lambda: encoder(True, "relu", False), normal(60, 5, 8), "raw", 311),
    "pre-LN, GELU, final norm": (lambda: encoder(True, "gelu", True), normal(30, 5, 8), "raw", 328),
    # keys and values share a product: two thirds of the fused projection, read in parts
    "cross attention": (CrossAttention, normal(30, 7, 6, spread=2), "raw", 2 * 2 * 3**2 + 2 * 6),
    "ViT": (ViT, normal(400, 1, 4, 4, spread=3), "softmax", vit_dimension() + 6),
    "ViT, mean token": (lambda: ViT(pool="mean", depth=1), normal(300, 1, 4, 4), "raw", vit_dimension(depth=1)),
    "decoder": (Decoder, tokens(), "raw", decoder_dimension()),
    "decoder, softmax": (lambda: Decoder(depth=1), tokens(), "softmax", decoder_dimension(depth=1) + 6),
    "decoder, tied": (lambda: Decoder(tied=True), tokens(), "softmax", decoder_dimension(tied=True)),
    "decoder, neighbours": (lambda: Decoder(rope="neighbours"), tokens(), "raw", decoder_dimension()),
    "decoder without RoPE": (lambda: Decoder(rope=""), tokens(), "raw", decoder_dimension(rope=False)),
}


def generic(make):
    """A model in float64 at a generic point: gains near one, no zeros."""
    model = make().double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            is_gain = name.endswith("weight") and value.ndim == 1
            value.copy_(
                1 + 0.3 * noise if is_gain else noise / math.sqrt(value[0].numel()) if value.ndim > 1 else 0.3 * noise
            )
    return model


def drawn(make):
    """Inputs in float64, or tokens."""
    inputs = make()
    return inputs.double() if inputs.is_floating_point() else inputs


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
