"""Small models in float64 with declared symmetries: one table of cases, on which every law is tested."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from symmetries import (
    AbstractFactor,
    Declaration,
    Gain,
    IsospectralCurve,
    ModelSymmetry,
    Rescaling,
    Rotation,
    Shift,
    Update,
    View,
    WriterMean,
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
    writer_mean,
)
from symmetries.factor import COUNTED, EXACT
from tests.symmetries.networks import (
    Attention,
    Block,
    Cosine,
    DiagonalNet,
    GatedMLP,
    LoRA,
    NormedHeads,
    Parallel,
    PostNorm,
    PreNorm,
    ScaledBranch,
    Transposed,
)


@dataclass(frozen=True)
class Case:
    """A model, what is declared on it, inputs, the dimension that theory gives, how wide inputs must be to show it."""

    model: nn.Module
    declarations: tuple[Declaration | AbstractFactor, ...]
    inputs: tuple[Tensor, ...]
    dimension: int
    head: str = "raw"
    spread: float = 1.0

    @property
    def symmetry(self) -> ModelSymmetry:
        return declare(self.model, *self.declarations, head=self.head)

    def many(self, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Inputs with more outputs than the model has parameters, and not fewer than 60 samples."""
        size = sum(value.numel() for value in self.model.parameters())
        with torch.no_grad():
            output = self.model(*self.inputs)
        outputs = output if isinstance(output, tuple) else (output,)
        shown = sum(value.numel() for value in outputs)
        samples = max(60, math.ceil((1.3 * size + 60) * len(self.inputs[0]) / shown))
        return tuple(
            self.spread * torch.randn(samples, *x.shape[1:], generator=generator)
            if x.is_floating_point()
            else torch.randint(int(x.max()) + 1, (samples, *x.shape[1:]), generator=generator)
            for x in self.inputs
        )


UPDATE = Update(
    "update",
    View("base.weight", "n m -> 1 n m"),
    View("lora_B.weight", "n r -> 1 n r"),
    View("lora_A.weight", "r m -> 1 m r"),
    scale=2.0,
)


def mlp() -> Case:
    model = nn.Sequential(nn.Linear(5, 8), nn.LeakyReLU(), nn.Linear(8, 7), nn.LeakyReLU(), nn.Linear(7, 4))
    rescalings = (relu_rescaling("0", "2", activation="1"), relu_rescaling("2", "4"))
    return Case(model, rescalings, (torch.randn(60, 5),), 15, spread=10.0)


def conv_net() -> Case:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.LeakyReLU(),
        nn.Conv2d(4, 6, 3, groups=2),
        nn.LeakyReLU(),
        nn.AvgPool2d(2),  # a maximum is positive on nearly all inputs, which hides the kink
        nn.Flatten(),
        nn.Linear(6 * 4, 3),
    )
    rescalings = (relu_rescaling("0", "2"), relu_rescaling("2", "6", activation=("3", "4", "5")))
    return Case(model, rescalings, (torch.randn(8, 2, 6, 6),), 10, spread=10.0)


def conv1d_net() -> Case:
    model = nn.Sequential(nn.Conv1d(2, 4, 3), nn.LeakyReLU(), nn.Conv1d(4, 4, 1, groups=4, bias=False))
    return Case(model, (relu_rescaling("0", "2"),), (torch.randn(8, 2, 6),), 4)


def parallel() -> Case:
    inputs = (torch.randn(40, 3), torch.randn(40, 5))
    return Case(Parallel(), (relu_rescaling(("a", "b"), ("c", "d")),), inputs, 4)


def chain() -> Case:
    return Case(nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 4)), (linear_chain("0", "1"),), (torch.randn(9, 5),), 12)


def multihead(**options) -> Case:
    model = Block(nn.MultiheadAttention(8, 2, batch_first=True, **options))
    declarations = [query_key("attn"), value_output("attn")]
    if options.get("bias", True) and not options.get("add_zero_attn"):
        declarations += [key_bias("attn"), value_bias("attn")]
    widths = (8, options.get("kdim", 8), options.get("vdim", 8))
    inputs = tuple(torch.randn(12, 5, width) for width in widths)
    return Case(model, tuple(declarations), inputs, 64 + 8 * (len(declarations) - 2))


def grouped(rotary: str | None, bias: bool = True) -> Case:
    names = {"heads": 4, "kv_heads": 2}
    declarations = [
        query_key(query="q", key="k", rotary=rotary, **names),
        value_output(value="v", output="o", **names),
    ]
    if bias:
        declarations.append(value_bias(value="v", output="o", **names))
    if bias and rotary is None:
        declarations.append(key_bias(key="k"))
    dimension = 2 * (4 if rotary else 16) + 2 * 16 + 8 * (len(declarations) - 2)
    return Case(Attention(rotary=rotary, bias=bias), tuple(declarations), (torch.randn(20, 5, 5),), dimension)


def fused(make: type[nn.Module]) -> Case:
    model = Block(Attention(kv_heads=4, layout="fused", make=make))
    options = {"qkv": "qkv", "transposed": make is Transposed}
    declarations = (
        query_key("attn", heads=4, **options),
        value_output("attn", output="o", heads=4, **options),
        key_bias("attn", **options),
        value_bias("attn", output="o", **options),
    )
    return Case(model, declarations, (torch.randn(20, 5, 5),), 2 * 64 + 2 * 16)


def pre_norm(head: str = "raw") -> Case:
    declarations = (
        query_key("attn"),  # 18
        value_output("attn"),  # 18
        key_bias("attn"),  # 6
        value_bias("attn"),  # 6
        norm_gain("norm1", "attn"),  # 6
        norm_shift("norm1", "attn"),  # 6
        reader_mean("norm1", "attn"),  # 18
        norm_gain("norm2", "head"),  # 6
        norm_shift("norm2", "head"),  # 6
        reader_mean("norm2", "head"),  # 3
        writer_mean(("embed", "position", "attn")),  # 13 + 4 + 7
        Shift(  # 6, of which one, the common mean, is among those of the writers
            "embeddings",
            source=View("embed.weight", "n k -> 1 n k"),
            opposite=(View("position", "a n k -> a n k"),),
        ),
        Rotation(  # 10
            "stream",
            writers=(
                View("embed.weight", "h n -> 1 n h"),
                View("position", "a h n -> a n h"),
                View("attn.out_proj.weight", "n h -> 1 n h"),
                View("attn.out_proj.bias", "n -> 1 n 1"),
            ),
            readers=(
                (View("attn.in_proj_weight", "h n -> 1 n h"), View("norm1.weight", "n -> 1 n 1")),
                (View("head.weight", "h n -> 1 n h"), View("norm2.weight", "n -> 1 n 1")),
            ),
            shifts=tuple(
                (View(f"{name}.bias", "n -> 1 n 1"), View(f"{name}.weight", "n -> 1 n 1"))
                for name in ("norm1", "norm2")
            ),
            fixes_ones=True,
        ),
    )
    extra = (writer_mean("head", softmax=True),) if head == "softmax" else ()
    inputs = (torch.randint(13, (30, 4)),)
    return Case(
        PreNorm(), declarations + extra, inputs, 132 + 6 * len(extra), head
    )  # 7, one of them a mean of rows too


def post_norm() -> Case:
    declarations = (norm_shift("norm", "fc1", opposite="fc2"), reader_mean("norm", "fc1"))
    return Case(PostNorm(), declarations, (torch.randn(20, 5),), 5 + 7)


def scaled() -> Case:
    declarations = (norm_gain("norm", ("a", "b")), layer_scale("scale", "a"))
    return Case(ScaledBranch(), declarations, (torch.randn(20, 5),), 9)


def vector(name: str) -> View:
    return View(name, "n -> 1 n 1")


def normed_heads() -> Case:
    queries, keys = (
        (View(f"{name}.weight", "(h n) m -> 1 n (h m)", h=2), View(f"{name}.bias", "(h n) -> 1 n h", h=2))
        for name in ("q", "k")
    )
    gains = [View(f"{name}_norm.weight", "h -> 1 1 h") for name in ("q", "k")]
    shifts = [View(f"{name}_norm.bias", "h -> 1 1 h") for name in ("q", "k")]
    between = ((vector("q_norm.bias"), vector("k_norm.weight")),)
    rotation = Rotation("heads", (*queries, *keys), readers=between, fixes_ones=True)
    declarations = (
        value_output(value="v", output="o", heads=2, kv_heads=2),  # 32
        value_bias(value="v", output="o", heads=2, kv_heads=2),  # 8
        Gain("gains", gains[0], readers=(gains[1],), followers=(shifts[0],)),  # 4
        Shift("unseen", shifts[1]),  # 4
        WriterMean("queries", queries),  # 12
        WriterMean("keys", keys),  # 12
        WriterMean("shift", (vector("q_norm.bias"),), gain=vector("k_norm.weight")),  # 1
        IsospectralCurve("curve", vector("q_norm.weight"), rotation, vector("k_norm.weight")),  # 1
    )
    return Case(NormedHeads(), declarations, (torch.randn(20, 5, 5),), 74)


def compared_heads() -> Case:
    queries, keys = (
        (View(f"{name}.weight", "(copies n) h -> copies n h", copies=2), View(f"{name}.bias", "(c n) -> c n 1", c=2))
        for name in ("q", "k")
    )
    scales = (Rescaling(view[0].parameter, tuple((v.column, 1.0) for v in view)) for view in (queries, keys))
    declarations = (
        value_output(value="v", output="o", heads=2, kv_heads=2),  # 32
        value_bias(value="v", output="o", heads=2, kv_heads=2),  # 8
        Rotation("heads", (*queries, *keys), (), copies=2),  # 2 * 6
        *(replace(scale, flags=frozenset({EXACT, COUNTED})) for scale in scales),  # 2 + 2
    )
    return Case(NormedHeads(norm=lambda _: Cosine()), declarations, (torch.randn(20, 5, 5),), 56)


def normed_embedding() -> Case:
    """A norm that writes the stream, as that behind the patches of CLIP."""
    model = nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.LayerNorm(5), nn.Linear(5, 4))
    rotation = Rotation(
        "both streams",
        writers=(View("0.weight", "n h -> 1 n h"), vector("0.bias"), vector("1.bias")),
        readers=((View("3.weight", "h n -> 1 n h"), vector("2.weight")),),
        shifts=((vector("2.bias"), vector("2.weight")),),
        fixes_ones=True,
    )
    declarations = (
        norm_gain("2", "3"),  # 5
        norm_shift("2", "3"),  # 5
        reader_mean("2", "3"),  # 4
        writer_mean(("0", "1.bias")),  # 7 + 1
        IsospectralCurve("curve", vector("1.weight"), rotation),  # 1
    )
    return Case(model, declarations, (torch.randn(20, 6),), 23)


CASES: dict[str, Callable[[], Case]] = {
    "mlp": mlp,
    "conv net": conv_net,
    "conv1d net": conv1d_net,
    "parallel layers": parallel,
    "linear chain": chain,
    "multihead": multihead,
    "multihead, no bias": lambda: multihead(bias=False),
    "multihead, other widths": lambda: multihead(kdim=6, vdim=7),
    "multihead, extra key": lambda: multihead(add_bias_kv=True),
    "multihead, zero key": lambda: multihead(add_zero_attn=True),
    "grouped": lambda: grouped(None),
    "grouped, no bias": lambda: grouped(None, bias=False),
    "grouped, rope half": lambda: grouped("half"),
    "grouped, rope interleaved": lambda: grouped("interleaved"),
    "fused": lambda: fused(nn.Linear),
    "fused, transposed": lambda: fused(Transposed),
    "LoRA": lambda: Case(LoRA(), (lora_pair("lora_A", "lora_B"),), (torch.randn(12, 9),), 9),
    "LoRA, base trained": lambda: Case(LoRA(base_trained=True), (UPDATE,), (torch.randn(12, 9),), 48),
    "SwiGLU": lambda: Case(GatedMLP(nn.functional.silu), (gated_mlp(up="up", down="down"),), (torch.randn(60, 7),), 6),
    "ReGLU": lambda: Case(
        GatedMLP(nn.functional.leaky_relu),
        (gated_mlp(up="up", down="down", gate="gate", relu_gate=True),),
        (torch.randn(60, 7),),
        12,
    ),
    "diagonal": lambda: Case(DiagonalNet(), (diagonal("u", "v"),), (torch.randn(12, 6),), 6),
    "pre-norm": pre_norm,
    "pre-norm, softmax": lambda: pre_norm("softmax"),
    "post-norm": post_norm,
    "layer scale": scaled,
    "normed heads": normed_heads,
    "compared heads": compared_heads,
    "normed embedding": normed_embedding,
}
