"""Tiny sizes, as the configurations of transformers name them: large enough for every family to show in an audit."""

from typing import Any

VOCABULARY, POSITIONS = 11, 5
WIDTH, HIDDEN, DEPTH = 8, 9, 2
CLASSES, IMAGE, PATCH, CHANNELS = 7, 4, 2, 4
ENCODER: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": 2,
    "intermediate_size": HIDDEN,
    "max_position_embeddings": POSITIONS,
    "layer_norm_eps": 1e-5,
}
DISTILLED: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "dim": WIDTH,
    "n_layers": DEPTH,
    "n_heads": 2,
    "hidden_dim": HIDDEN,
    "max_position_embeddings": POSITIONS,
}
GPT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_positions": POSITIONS,
    "n_embd": WIDTH,
    "n_layer": DEPTH,
    "n_head": 2,
    "n_inner": HIDDEN,
}
VISION: dict[str, Any] = {
    "hidden_size": WIDTH,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": 2,
    "intermediate_size": HIDDEN,
    "image_size": IMAGE,
    "patch_size": PATCH,
    "layer_norm_eps": 1e-6,
}
DECODER: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": HIDDEN,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}
T5: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "d_kv": 4,
    "d_ff": HIDDEN,
    "num_layers": DEPTH,
    "num_heads": 2,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 16,
    "use_cache": False,
}
