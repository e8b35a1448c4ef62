"""LoRA fine-tuning of a Llama modulo the basis of its adapters.

Needs the extras ``hf`` and ``peft``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quotient import Quotient, RiemannianSAM
from symmetries import ModelSymmetry

from ..models.zoo import library


def small_llama(generator: torch.Generator, *, rank: int = 2) -> nn.Module:
    """A Llama of two small layers with LoRA pairs on queries and values, generic ones: B = 0 has no full rank."""
    transformers, peft = library("transformers"), library("peft")
    config = transformers.LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=16,
        attn_implementation="eager",
        pad_token_id=0,
    )
    adapters = peft.LoraConfig(r=rank, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model: nn.Module = peft.get_peft_model(transformers.LlamaForCausalLM(config), adapters)
    with torch.no_grad():
        for p in model.parameters():
            spread = 0.3 if p.requires_grad else 0.5
            p.copy_(spread * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    return model


def next_token_loss(model: nn.Module, tokens: Tensor) -> Tensor:
    """The cross-entropy of every next token."""
    logits: Tensor = model(input_ids=tokens).logits
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def fine_tune(
    model: nn.Module, symmetry: ModelSymmetry, batches: Sequence[Tensor], *, steps: int, **options: Any
) -> list[float]:
    """Train the adapters on the quotient: only the products B A matter, whatever the factorization.

    Args:
        model: whose adapters require gradients.
        symmetry: of them, as ``detect(model, ...)`` finds it.
        batches: token ids, in turns.
        steps: of sharpness-aware AdamW along geodesics.
        **options: of :class:`quotient.RiemannianSAM`.

    Returns:
        The loss at every step.
    """
    optimizer = RiemannianSAM(
        model.named_parameters(), Quotient(symmetry), torch.optim.AdamW, mode="riemannian", **options
    )
    return [
        optimizer.step(lambda tokens: next_token_loss(model, tokens), [batches[step % len(batches)]]).item()
        for step in range(steps)
    ]


def products(model: nn.Module) -> dict[str, Tensor]:
    """B A of every adapter: what the function depends on."""
    parameters = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    return {
        name.replace("lora_A", "product"): parameters[name.replace("lora_A", "lora_B")] @ a
        for name, a in parameters.items()
        if "lora_A" in name
    }
