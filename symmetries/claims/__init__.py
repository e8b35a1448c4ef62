"""Claims: small symbolic instances of every symmetry that can be declared or detected."""

from collections.abc import Callable

from . import adapters, attention, heads, neurons, normalization, residual
from .claim import Claim

CLAIMS: dict[str, Callable[[], Claim]] = {
    claim.__name__: claim
    for claim in (
        neurons.relu_rescaling,
        neurons.linear_chain,
        neurons.gated_mlp,
        neurons.diagonal,
        neurons.squared_relu_rescaling,
        neurons.stream_rescaling,
        neurons.relu_gated_mlp,
        neurons.bilinear_gate,
        neurons.difference_of_squares,
        neurons.weight_norm,
        neurons.state_scale,
        attention.query_key,
        attention.rope_query_key,
        attention.value_output,
        attention.key_bias,
        attention.value_bias,
        attention.grouped_query_key,
        attention.partial_rotary_query_key,
        attention.query_key_gain,
        attention.rotary_query_key_gain,
        attention.query_norm_mean,
        attention.position_bias,
        attention.temperature,
        normalization.norm_gain,
        normalization.norm_shift,
        normalization.reader_mean,
        normalization.writer_mean,
        normalization.layer_scale,
        normalization.post_norm_shift,
        normalization.reader_mean_without_bias,
        normalization.norm_scale,
        normalization.tied_norm_scale,
        normalization.batch_norm_bias,
        normalization.batch_norm_fold,
        residual.stream_rotation,
        residual.centred_stream_rotation,
        residual.parallel_biases,
        residual.isospectral_gains,
        residual.isospectral_curve,
        adapters.lora_pair,
        adapters.parallel_adapters,
        adapters.trainable_base,
        adapters.adalora,
        adapters.vera,
        adapters.dora,
        adapters.dora_magnitudes,
        heads.logits_mean,
        heads.embedding_translation,
        heads.tied_logits_mean,
        heads.tied_reader_mean,
        heads.contrastive_projections,
    )
}
"""The claims by name: those of the ready declarations have their names."""

__all__ = ["CLAIMS", "Claim"]
