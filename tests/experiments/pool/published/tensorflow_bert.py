"""A tiny BERT with a classifier, and its variables as the original implementation names them."""

from typing import Any

import torch
from torch import Tensor

from experiments.models import generic_
from experiments.models.zoo import library
from tests.experiments.pool.published.openai_clip import SPREAD

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "doctor", "lawyer", "visited", "saw", "##s", ".")

#: Where a layer's variables lie, there and here.
LAYER = {
    "attention/self/query": "attention.self.query",
    "attention/self/key": "attention.self.key",
    "attention/self/value": "attention.self.value",
    "attention/output/dense": "attention.output.dense",
    "attention/output/LayerNorm": "attention.output.LayerNorm",
    "intermediate/dense": "intermediate.dense",
    "output/dense": "output.dense",
    "output/LayerNorm": "output.LayerNorm",
}


def tiny(seed: int = 0) -> Any:
    """One block of two heads."""
    transformers = library("transformers")
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=128,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
        num_labels=3,
        hidden_act="gelu_new",
    )
    model = transformers.BertForSequenceClassification(config).eval()
    generic_(model, None, spread=SPREAD)
    return model


def variables(model: Any) -> dict[str, Tensor]:
    """Of a fine-tune: the network, what the optimizer remembers, the number of steps."""
    state = model.state_dict()
    names = {
        "bert/embeddings/word_embeddings": "bert.embeddings.word_embeddings.weight",
        "bert/embeddings/position_embeddings": "bert.embeddings.position_embeddings.weight",
        "bert/embeddings/token_type_embeddings": "bert.embeddings.token_type_embeddings.weight",
        "output_weights": "classifier.weight",
        "output_bias": "classifier.bias",
    }
    pairs = {f"bert/encoder/layer_0/{a}": f"bert.encoder.layer.0.{b}" for a, b in LAYER.items()}
    pairs |= {"bert/embeddings/LayerNorm": "bert.embeddings.LayerNorm", "bert/pooler/dense": "bert.pooler.dense"}
    found = {theirs: state[ours] for theirs, ours in names.items()}
    for theirs, ours in pairs.items():
        norm = theirs.endswith("LayerNorm")
        weight, bias = state[f"{ours}.weight"], state[f"{ours}.bias"]
        found[f"{theirs}/{'gamma' if norm else 'kernel'}"] = weight if norm else weight.T
        found[f"{theirs}/{'beta' if norm else 'bias'}"] = bias
    moments = {
        f"{name}/{moment}": torch.zeros_like(value) for name, value in found.items() for moment in ("adam_m", "adam_v")
    }
    return {**found, **moments, "global_step": torch.tensor(36815)}
