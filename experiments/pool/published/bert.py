"""The fine-tunes of BERT [Devlin2019] by [McCoy2020], checkpoints of TensorFlow, in the names of transformers."""

from collections.abc import Mapping

from torch import Tensor

#: Names of the original implementation, and those of transformers.
_NAMES = {
    "output_weights": "classifier.weight",
    "output_bias": "classifier.bias",
    "gamma": "weight",
    "beta": "bias",
    "kernel": "weight",
    "word_embeddings": "word_embeddings.weight",
    "position_embeddings": "position_embeddings.weight",
    "token_type_embeddings": "token_type_embeddings.weight",
}

#: What training adds to the variables of the network: moments of Adam, and the number of steps.
_TRAINING = ("adam_m", "adam_v", "global_step")

#: Of the heads of pretraining, which a classifier does not have.
_PRETRAINING = "cls"


def bert_state(variables: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The variables of a checkpoint in the names of ``BertForSequenceClassification``.

    Example:
        >>> import torch
        >>> list(
        ...     bert_state(
        ...         {"bert/encoder/layer_0/output/dense/kernel": torch.zeros(4, 2), "global_step": torch.zeros(())}
        ...     )
        ... )
        ['bert.encoder.layer.0.output.dense.weight']

    Args:
        variables: by their names in the checkpoint; kernels multiply from the right there, shape ``(in, out)``.
    """
    translated = {}
    for name, value in variables.items():
        *path, last = name.split("/")
        if last in _TRAINING or _PRETRAINING in path:
            continue
        ours = ".".join(_NAMES.get(part, part).replace("layer_", "layer.") for part in (*path, last))
        translated[ours] = value.mT.contiguous() if last == "kernel" else value
    return translated


def bert_sizes(state: Mapping[str, Tensor]) -> dict[str, int]:
    """The configuration of transformers that weights have, in the names of :func:`bert_state`; heads have 64 channels.

    Raises:
        KeyError: a tensor that every such checkpoint has is absent.
    """
    vocabulary, width = state["bert.embeddings.word_embeddings.weight"].shape
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": sum(name.endswith(".attention.self.query.weight") for name in state),
        "num_attention_heads": width // 64,
        "intermediate_size": len(state["bert.encoder.layer.0.intermediate.dense.bias"]),
        "max_position_embeddings": len(state["bert.embeddings.position_embeddings.weight"]),
        "type_vocab_size": len(state["bert.embeddings.token_type_embeddings.weight"]),
    }
