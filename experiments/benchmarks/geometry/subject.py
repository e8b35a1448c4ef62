"""The models that geometries are measured on, each with a batch and a loss."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from measures import EmpiricalLoss

from ...data import cross_entropy
from ...models import Decoder, DecoderConfig, ViT, ViTConfig, generic_

#: Of the noise on initial weights, which leaves no exact zeros or ones and nothing far from initial.
SPREAD = 0.02

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model and its data.

    Args:
        title: its shape, in words.
        build: the model at its initial values.
        inputs: a batch of so many examples.
        classes: what is predicted, below this.
        each: how many predictions an example makes.
        batch: examples that a gradient is taken on.
    """

    title: str
    build: Callable[[Generator], nn.Module]
    inputs: Callable[[Generator, int], Tensor]
    classes: int
    each: int
    batch: int

    def loss(self, batch: int, seed: int, *, microbatch: int | None = None) -> EmpiricalLoss:
        """The mean cross-entropy of one batch, with random weights and data."""
        generator = torch.Generator().manual_seed(seed)
        model = self.build(generator).eval()
        generic_(model, generator, spread=SPREAD)
        targets = torch.randint(self.classes, (batch, self.each), generator=generator)
        return EmpiricalLoss(model, cross_entropy, [(self.inputs(generator, batch), targets)], microbatch=microbatch)


class Encoder(nn.Module):
    """A post-norm transformer encoder of stock layers under token and position embeddings, BERT's shape.

    Tokens ``(b, t)`` to logits ``(b, classes)``, read off the first token [Devlin2019].
    """

    def __init__(
        self, *, vocabulary: int, length: int, dim: int, depth: int, heads: int, hidden: int, classes: int
    ) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, dim), nn.Embedding(length, dim)
        self.norm = nn.LayerNorm(dim)
        layer = nn.TransformerEncoderLayer(dim, heads, hidden, dropout=0.0, activation="gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        where = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(self.layers(self.norm(self.tokens(tokens) + self.positions(where)))[:, 0])


def vit(*, image: int, dim: int, depth: int, heads: int, classes: int, batch: int) -> Subject:
    """A vision transformer on patches of side 16."""
    config = ViTConfig(
        image=image, channels=3, patch=16, dim=dim, depth=depth, heads=heads, hidden=4 * dim, classes=classes
    )
    return Subject(
        title=f"ViT: {depth} layers of width {dim}, {heads} heads, {config.tokens} tokens",
        build=lambda generator: ViT(config, generator),
        inputs=lambda generator, count: torch.randn(count, 3, image, image, generator=generator),
        classes=classes,
        each=1,
        batch=batch,
    )


def encoder(*, vocabulary: int, length: int, dim: int, depth: int, heads: int, batch: int) -> Subject:
    """A BERT-shaped classifier of texts."""

    def build(generator: Generator) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # stock layers draw their initial values there
            torch.manual_seed(generator.initial_seed())
            return Encoder(
                vocabulary=vocabulary, length=length, dim=dim, depth=depth, heads=heads, hidden=4 * dim, classes=3
            )

    return Subject(
        title=f"BERT: {depth} layers of width {dim}, {heads} heads, {length} tokens",
        build=build,
        inputs=lambda generator, count: torch.randint(vocabulary, (count, length), generator=generator),
        classes=3,
        each=1,
        batch=batch,
    )


def decoder(config: DecoderConfig, *, length: int, batch: int) -> Subject:
    """A causal decoder with RoPE, grouped queries and SwiGLU."""
    return Subject(
        title=(
            f"decoder: {config.depth} layers of width {config.dim}, {config.heads} heads, {config.kv_heads} of keys, "
            f"{length} tokens"
        ),
        build=lambda generator: Decoder(config, generator),
        inputs=lambda generator, count: torch.randint(config.vocabulary, (count, length), generator=generator),
        classes=config.vocabulary,
        each=length,
        batch=batch,
    )


#: A geometry does the same work whatever the batch: texts make as many tokens, 12,288, as 64 images do, 12,608.
SUBJECTS: dict[str, Subject] = {
    "vit": vit(image=224, dim=384, depth=12, heads=6, classes=1000, batch=64),
    "bert": encoder(vocabulary=30522, length=128, dim=768, depth=12, heads=12, batch=96),
    "decoder": decoder(
        DecoderConfig(vocabulary=8192, dim=768, depth=12, heads=12, kv_heads=4, head_dim=64, hidden=2048),
        length=256,
        batch=48,
    ),
    "vit-tiny": vit(image=32, dim=32, depth=2, heads=2, classes=10, batch=4),
    "bert-tiny": encoder(vocabulary=50, length=8, dim=32, depth=2, heads=2, batch=4),
    "decoder-tiny": decoder(DecoderConfig(), length=8, batch=4),
}
"""By name; tiny ones are for trying the program."""
