"""The models of published pools, in the names that their checkpoints use or translated from them."""

from .bert import bert_sizes, bert_state
from .clip import ClipClassifier, ClipSizes, clip_state
from .simple_vit import SimpleViT, SimpleViTSizes

__all__ = [
    "ClipClassifier",
    "ClipSizes",
    "SimpleViT",
    "SimpleViTSizes",
    "bert_sizes",
    "bert_state",
    "clip_state",
]
