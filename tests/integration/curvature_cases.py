"""Small networks of every kind that a Hessian must be right for, each with its loss on data, in double precision."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from experiments.models import Decoder, DecoderConfig, ViT, ViTConfig, conv_net, mlp
from experiments.models.zoo.optional import library
from experiments.source_text import next_token
from measures import EmpiricalLoss
from symmetries import Params

BATCHES, EXAMPLES, VOCABULARY, LENGTH = 2, 4, 7, 5

Case = tuple[EmpiricalLoss, Params]


def classified(model: nn.Module, inputs: Callable[[torch.Generator], Tensor], classes: int) -> Callable[..., Case]:
    """Cross-entropy against random labels."""

    def make(generator: torch.Generator, **options: Any) -> Case:
        def batch() -> tuple[Tensor, Tensor]:
            return inputs(generator), torch.randint(classes, (EXAMPLES,), generator=generator)

        return posed(model, lambda f, b: F.cross_entropy(f(b[0]), b[1]), batch, generator, options)

    return make


def posed(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor],
    batch: Callable[[], Any],
    generator: torch.Generator,
    options: dict[str, Any],
) -> Case:
    """The loss of a model in double precision, all of its parameters moved off their initial values."""
    model = model.double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    loss = EmpiricalLoss(model, loss_fn, [batch() for _ in range(BATCHES)], **options)
    return loss, {name: p.detach() for name, p in model.named_parameters()}


def images(generator: torch.Generator) -> Tensor:
    return torch.randn(EXAMPLES, 1, 4, 4, generator=generator, dtype=torch.float64)


def multilayer(generator: torch.Generator, **options: Any) -> Case:
    model = mlp([5, 8, 8, 3], generator=generator)
    inputs = lambda g: torch.randn(EXAMPLES, 5, generator=g, dtype=torch.float64)  # noqa: E731
    return classified(model, inputs, 3)(generator, **options)


def convolutional(generator: torch.Generator, **options: Any) -> Case:
    """With batch norm in evaluation mode."""
    net = conv_net((1, 3, 4), image=4, classes=3, generator=generator)
    model = nn.Sequential(net[0], nn.BatchNorm2d(3), *net[1:])
    return classified(model, images, 3)(generator, **options)


def vision_transformer(generator: torch.Generator, **options: Any) -> Case:
    """LayerNorm, and the stock fused attention."""
    config = ViTConfig(image=4, patch=2, channels=1, dim=6, depth=2, heads=2, hidden=8, classes=3)
    return classified(ViT(config, generator), images, 3)(generator, **options)


def decoder(generator: torch.Generator, **options: Any) -> Case:
    """RMSNorm, rotary embedding, a gated MLP, and a tied embedding; the loss on every next token."""
    config = DecoderConfig(vocabulary=VOCABULARY, dim=6, depth=2, heads=2, kv_heads=1, head_dim=4, hidden=8, tied=True)

    def batch() -> Tensor:
        return torch.randint(VOCABULARY, (EXAMPLES, LENGTH), generator=generator)

    return posed(Decoder(config, generator), next_token, batch, generator, options)


def padded_tokens(generator: torch.Generator) -> dict[str, Tensor]:
    """Texts of several lengths; token 0 is the padding, whose embedding torch gives no gradient, and nothing else."""
    lengths = torch.randint(2, LENGTH + 1, (EXAMPLES, 1), generator=generator)
    mask = (torch.arange(LENGTH) < lengths).long()
    return {
        "input_ids": mask * torch.randint(1, VOCABULARY, (EXAMPLES, LENGTH), generator=generator),
        "attention_mask": mask,
    }


def hugging_face() -> Any:
    try:
        return library("transformers")
    except ImportError as error:
        pytest.skip(str(error))


def bert(generator: torch.Generator, **options: Any) -> Case:
    """Padding masks and labels in a dictionary; the model computes the loss itself."""
    transformers = hugging_face()
    sizes = {"hidden_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, max_position_embeddings=LENGTH, type_vocab_size=1, num_labels=3, **sizes
    )
    model = transformers.BertForSequenceClassification(config)

    def batch() -> dict[str, Tensor]:
        return padded_tokens(generator) | {"labels": torch.randint(3, (EXAMPLES,), generator=generator)}

    return posed(model, lambda f, b: f(**b).loss, batch, generator, options)


def gpt2(generator: torch.Generator, **options: Any) -> Case:
    """Tied head, fused query-key-value, transposed linear maps; padding left out of the loss.

    The loss is taken of the logits here: the library's own casts them to single precision.
    """
    transformers = hugging_face()
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=6, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )

    def next_word(f: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        targets = batch["input_ids"].where(batch["attention_mask"].bool(), -100)[:, 1:]
        each = F.cross_entropy(f(**batch).logits[:, :-1].flatten(0, 1), targets.flatten(), reduction="none")
        return each.unflatten(0, targets.shape).mean(dim=1).mean()

    return posed(transformers.GPT2LMHeadModel(config), next_word, lambda: padded_tokens(generator), generator, options)


CASES: dict[str, Callable[..., Case]] = {
    "MLP": multilayer,
    "conv net": convolutional,
    "LayerNorm ViT": vision_transformer,
    "RMSNorm and RoPE decoder": decoder,
    "BERT": bert,
    "GPT-2": gpt2,
}


def dense_hessian(loss: EmpiricalLoss, params: Params) -> Tensor:
    """All rows at once: only the outer backward pass is vectorized, which is exact."""
    leaves = {name: p.detach().requires_grad_() for name, p in params.items()}
    with sdpa_kernel(SDPBackend.MATH):
        gradient = torch.cat(
            [g.flatten() for g in torch.autograd.grad(loss(leaves), leaves.values(), create_graph=True)]
        )
        rows = torch.autograd.grad(
            gradient, leaves.values(), torch.eye(len(gradient)).to(gradient), is_grads_batched=True
        )
    return torch.cat([row.flatten(1) for row in rows], dim=1)
