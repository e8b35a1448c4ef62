"""Ready declarations of the symmetries of known blocks."""

from .attention import key_bias, query_key, value_bias, value_output
from .declaration import Declaration, declaration
from .diagonal import diagonal
from .gated_mlp import gated_mlp
from .layer import parameter
from .lora import lora_pair
from .mlp import linear_chain, relu_rescaling
from .normalization import layer_scale, norm_gain, norm_shift, reader_mean, writer_mean

__all__ = [
    "Declaration",
    "declaration",
    "diagonal",
    "gated_mlp",
    "key_bias",
    "layer_scale",
    "linear_chain",
    "lora_pair",
    "norm_gain",
    "norm_shift",
    "parameter",
    "query_key",
    "reader_mean",
    "relu_rescaling",
    "value_bias",
    "value_output",
    "writer_mean",
]
