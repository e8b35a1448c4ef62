"""Claims: small symbolic instances of every symmetry that can be declared or detected."""

from collections.abc import Callable

from . import adapters, attention, heads, neurons, normalization
from .claim import Claim

CLAIMS: dict[str, Callable[[], Claim]] = {
    claim.__name__: claim
    for claim in (
        neurons.relu_rescaling,
        neurons.linear_chain,
        neurons.gated_mlp,
        neurons.diagonal,
        attention.query_key,
        attention.rope_query_key,
        attention.value_output,
        attention.key_bias,
        attention.value_bias,
        normalization.norm_gain,
        normalization.norm_shift,
        normalization.reader_mean,
        normalization.writer_mean,
        normalization.layer_scale,
        adapters.lora_pair,
        heads.logits_mean,
    )
}
"""The claims by name: those of the ready declarations have their names."""

__all__ = ["CLAIMS", "Claim"]
