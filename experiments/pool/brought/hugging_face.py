"""Classifiers in the layout of the library transformers, fine-tuned by anyone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from ...local.examples import AbstractExamples, Pictures, Sentences
from ...local.parts import HELD_OUT, TRAIN, part_rows
from ...models.zoo import library
from .brought import Part
from .configured import CONFIG, AbstractConfigured

#: Columns of text, the first pair or single one that is there, and of labels.
TEXTS = (("premise", "hypothesis"), ("sentence1", "sentence2"), ("question", "sentence"), ("sentence",), ("text",))
LABELS = ("label", "labels", "gold_label")


@dataclass(frozen=True, kw_only=True)
class HuggingFace(AbstractConfigured):
    """Folders with ``config.json`` and weights, each a model; a table of numbers; texts or pictures.

    The class of the model is the one that its configuration names. Whether it takes pictures or texts follows from
    what lies beside it, the settings of an image processor or of a tokenizer.

    Args:
        base: folder of the configuration, and of the tokenizer or image processor.
        length: tokens of an example at most.
    """

    name: ClassVar[str] = "hugging-face"

    length: int = 128

    @staticmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """Folders with a configuration, at any depth."""
        return {
            path.parent.relative_to(folder).as_posix().replace("/", "."): path.parent
            for path in sorted(folder.rglob(CONFIG))
            if path.parent != folder
        }

    @staticmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """See :func:`pretrained_state`."""
        return pretrained_state(checkpoint)

    def network(self) -> nn.Module:
        """The class that the configuration names."""
        return _architecture(Path(self.base))

    def examples(self, part: Part) -> AbstractExamples:
        """Pictures where an image processor lies beside the configuration, texts otherwise."""
        names = TRAIN if part == "train" else HELD_OUT
        base, data = Path(self.base), Path(self.data)
        transformers = library("transformers")
        if (base / "preprocessor_config.json").is_file():
            processor = transformers.AutoImageProcessor.from_pretrained(base, local_files_only=True)
            return Pictures.of(data, names, lambda picture: processor(picture, return_tensors="pt")["pixel_values"][0])
        tokenizer = transformers.AutoTokenizer.from_pretrained(base, local_files_only=True)
        classes = transformers.AutoConfig.from_pretrained(base, local_files_only=True).label2id
        pairs = list(_texts(part_rows(data, names), classes))
        return Sentences([texts for texts, _ in pairs], [label for _, label in pairs], tokenizer, self.length)


def pretrained_state(checkpoint: Path) -> dict[str, Tensor]:
    """The state of a model that transformers has saved, complete.

    Raises:
        ValueError: no configuration or no weights there, damaged ones, or weights that lack a part of the model.
    """
    model = _architecture(checkpoint)
    try:
        loaded, report = type(model).from_pretrained(checkpoint, local_files_only=True, output_loading_info=True)
    except Exception as error:  # each format of weights has errors of its own
        raise ValueError(f"the weights in {checkpoint} cannot be read ({error}); is the download whole?") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        lacking = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
        raise ValueError(f"{checkpoint} lacks {lacking} of {type(model).__name__}; was it saved without its head?")
    state: dict[str, Tensor] = loaded.state_dict()
    return state


def _architecture(folder: Path) -> Any:
    """The model of a configuration, with any values.

    Raises:
        ValueError: no configuration there, or one that names no class.
    """
    transformers = library("transformers")
    if not (folder / CONFIG).is_file():
        raise ValueError(f"expected {CONFIG} and the weights of a model in {folder}")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if not config.architectures:
        raise ValueError(
            f"{folder / CONFIG} names no class; give it the entry 'architectures', as save_pretrained does"
        )
    return getattr(transformers, config.architectures[0])(config)


def _texts(table: Iterator[Mapping[str, Any]], classes: Mapping[str, int]) -> Iterator[tuple[tuple[str, ...], int]]:
    for row in table:
        names = next((names for names in TEXTS if set(names) <= set(row)), None)
        label = next((row[name] for name in LABELS if name in row), None)
        if names is None or label is None:
            raise ValueError(f"expected columns such as 'text' and 'label' in the data, got {list(row)}")
        yield tuple(str(row[name]) for name in names), classes[label] if label in classes else int(label)
