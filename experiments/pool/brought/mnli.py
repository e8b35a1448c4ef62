"""The 100 BERT fine-tuned on MNLI of [McCoy2020]."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from ...local.examples import Sentences
from ...local.parts import part_rows
from ...local.rows import rows
from ...local.tensor_bundle import read_bundle
from ...models.zoo import library
from ..published import bert_sizes, bert_state
from .brought import AbstractBrought, Part
from .hugging_face import pretrained_state
from .record import Record

#: The order of the classes in these checkpoints, and that of data sets that number them.
CLASSES, NUMBERED = ("contradiction", "entailment", "neutral"), ("entailment", "neutral", "contradiction")

#: Names of the parts, by those who distribute them.
PARTS: Mapping[Part, tuple[str, ...]] = {
    "train": ("train", "multinli_1.0_train"),
    "test": ("dev_matched", "validation_matched", "multinli_1.0_dev_matched"),
}

#: Names of the columns with the two sentences, and with the label.
SENTENCES, LABELS = (("sentence1", "sentence2"), ("premise", "hypothesis")), ("gold_label", "label")

#: What training adds to the variables, two thirds of a file.
MOMENTS = ("/adam_m", "/adam_v")


@dataclass(frozen=True, kw_only=True)
class Mnli(AbstractBrought):
    """Folders ``bert_NN`` with a checkpoint of TensorFlow, or converted to transformers; the accuracies by run as CSV.

    All runs share their hyperparameters and differ in the seed, so that no hyperparameter is told. ``test error`` is
    that on the matched development set, ``shifted error`` that on HANS. Training errors were not published: they, and
    the gap, come from an evaluation.

    Args:
        vocabulary: the file ``vocab.txt`` of BERT, uncased.
        length: tokens of an example at most.
        vocab_size: of the vocabulary.
        hidden_size: of the residual stream.
        num_hidden_layers: blocks.
        num_attention_heads: of 64 channels.
        intermediate_size: units of a block.
        max_position_embeddings: tokens of any text at most.
        type_vocab_size: kinds of text.
    """

    name: ClassVar[str] = "mnli"

    vocabulary: str
    length: int = 128
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2

    @classmethod
    def of(cls, checkpoint: Path, *, data: Path, base: Path | None = None, double: bool = False) -> Self:
        """See :class:`AbstractBrought`; ``base`` is the folder of the pretrained model, for its vocabulary."""
        places = (base, checkpoint, checkpoint.parent)
        files = [place / "vocab.txt" for place in places if place is not None and (place / "vocab.txt").is_file()]
        if not files:
            raise ValueError("expected vocab.txt of the pretrained BERT; name the folder that it is in by --base")
        sizes = bert_sizes(cls.weights(checkpoint))
        length = min(cls.length, sizes["max_position_embeddings"])
        return cls(data=str(data), double=double, vocabulary=str(files[0]), length=length, **sizes)

    @staticmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """``bert_NN``."""
        return {path.name: path for path in sorted(folder.glob("bert_*")) if path.is_dir()}

    @staticmethod
    def records(checkpoints: Mapping[str, Path], results: Path | None) -> dict[str, Record]:
        """Rows ``Run N`` are of the models ``bert_NN``; the table ends in means and deviations."""
        if results is None:
            raise ValueError(
                "expected berts_of_a_feather_accuracies_by_run.csv of the pool, got none; name it by --results"
            )
        found = {}
        for row in rows(results):
            kind, _, run = row["Run"].partition(" ")
            if kind == "Run" and run.isdigit():
                targets = {"test error": row["MNLI dev acc."], "shifted error": row["Overall accuracy"]}
                errors = {name: 1.0 - float(accuracy) for name, accuracy in targets.items()}
                found[f"bert_{int(run):02d}"] = Record({}, int(run), errors)
        return found

    @staticmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """Of the checkpoint of TensorFlow in the folder, or else of transformers."""
        indices = sorted(checkpoint.glob("*.index"))
        if len(indices) > 1:
            raise ValueError(f"expected one checkpoint in {checkpoint}, got {[i.stem for i in indices]}; keep the last")
        return bert_state(read_bundle(indices[0], leave_out=MOMENTS)) if indices else pretrained_state(checkpoint)

    def network(self) -> nn.Module:
        """BERT with a classifier; GELU by a hyperbolic tangent, as in the implementation that trained it."""
        transformers = library("transformers")
        config = transformers.BertConfig(
            vocab_size=self.vocab_size,
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            intermediate_size=self.intermediate_size,
            max_position_embeddings=self.max_position_embeddings,
            type_vocab_size=self.type_vocab_size,
            num_labels=len(CLASSES),
            hidden_act="gelu_new",
            layer_norm_eps=1e-12,
        )
        return transformers.BertForSequenceClassification(config)

    def examples(self, part: Part) -> Sentences:
        """Pairs of sentences, from the files of GLUE, of MultiNLI or of the hub; those without a label are left out."""
        pairs = list(_pairs(part_rows(Path(self.data), PARTS[part])))
        tokenizer = library("transformers").BertTokenizer(vocab=self.vocabulary)
        return Sentences([texts for texts, _ in pairs], [label for _, label in pairs], tokenizer, self.length)


def _pairs(table: Iterator[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], int]]:
    for row in table:
        names = next((names for names in SENTENCES if names[0] in row), None)
        label = next((row[name] for name in LABELS if name in row), None)
        if names is None or label is None:
            raise ValueError(f"expected the columns {SENTENCES[0]} and {LABELS[0]} of MNLI, got {list(row)}")
        word = NUMBERED[label] if isinstance(label, int) and label >= 0 else label
        if word in CLASSES:
            yield (row[names[0]], row[names[1]]), CLASSES.index(word)
