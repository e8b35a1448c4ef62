"""The 72 CLIP ViT-B/32 fine-tuned on ImageNet of [Wortsman2022]."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

from torch import Tensor, nn

from ...local.examples import Pictures
from ...local.pictures import Preparation
from ...local.rows import rows
from ...local.weights import read_weights
from ..published import ClipClassifier, ClipSizes, clip_state
from .brought import AbstractBrought, Part
from .numbers import hyperparameter
from .record import Record

#: Of channels, as CLIP was trained.
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

#: What the authors call their test set, and data of other distributions with the same classes.
TEST, SHIFTED = "ImageNet", ("ImageNetV2", "ImageNetSketch", "ImageNetR", "ObjectNet", "ImageNetA")

#: Hyperparameters of every fine-tune, by the authors' names.
HYPERPARAMETERS = "hparam_info.json"

#: The head alone was trained, the tower is that of CLIP: no epoch of what is varied.
INITIAL: dict[str, float | int | str] = {
    "learning rate": 0.0,
    "weight decay": 0.0,
    "epochs": 0,
    "augmentation": "none",
    "mixup": 0.0,
    "label smoothing": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class Soup(AbstractBrought):
    """Files ``model_N.pt``, ``individual_model_results.jsonl`` and beside it ``hparam_info.json``; ImageNet in folders.

    ``shifted error`` is the mean over five shifted test sets, as the authors plot it. Training errors were not
    published: they, and the gap, come from an evaluation. ``model_0`` is where the others begin. ``model_4`` and
    ``model_5`` have the same hyperparameters and the same numbers.

    Args:
        image: side of the pictures.
        patch: side of a patch.
        width: of the residual stream.
        depth: blocks.
        projection: of the features.
        classes: of the data.
    """

    name: ClassVar[str] = "soup"

    image: int = ClipSizes.image
    patch: int = ClipSizes.patch
    width: int = ClipSizes.width
    depth: int = ClipSizes.depth
    projection: int = ClipSizes.projection
    classes: int = ClipSizes.classes

    @classmethod
    def of(cls, checkpoint: Path, *, data: Path, base: Path | None = None, double: bool = False) -> Self:
        """See :class:`AbstractBrought`; nothing is shared."""
        return cls(data=str(data), double=double, **asdict(ClipSizes.of(read_weights(checkpoint))))

    @staticmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """``model_N.pt``."""
        return {path.stem: path for path in sorted(folder.glob("model_*.pt"))}

    @staticmethod
    def records(checkpoints: Mapping[str, Path], results: Path | None) -> dict[str, Record]:
        """Accuracies from ``results``, hyperparameters from the file beside it."""
        if results is None:
            raise ValueError(
                "expected the file individual_model_results.jsonl of the pool, got none; name it by --results"
            )
        accuracies = list(rows(results))
        configurations = {row.pop("name"): row for row in rows(results.parent / HYPERPARAMETERS)}
        found = {}
        for row in accuracies:
            name, shifted = row["model_name"], [1.0 - row[data] for data in SHIFTED]
            targets = {"test error": 1.0 - row[TEST], "shifted error": sum(shifted) / len(shifted)}
            found[name] = Record(_configuration(configurations.get(name, {})), 0, targets)
        return found

    @staticmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """The image tower and the head; what is left of the text tower takes no part in the function."""
        return clip_state(read_weights(checkpoint))

    def network(self) -> nn.Module:
        """A linear classifier on unit features."""
        return ClipClassifier(ClipSizes(self.image, self.patch, self.width, self.depth, self.projection, self.classes))

    def examples(self, part: Part) -> Pictures:
        """``train`` and ``val`` with a folder for each class, prepared as CLIP does.

        The authors held out 2 % of ``train``; it is not told apart here.
        """
        prepare = Preparation(self.image, mean=MEAN, std=STD)
        return Pictures.of(Path(self.data), ("train",) if part == "train" else ("val", "val_in_folder"), prepare)


def _configuration(row: Mapping[str, float | int | str | None]) -> dict[str, float | int | str]:
    """Hyperparameters of a fine-tune; where none are told, those of the initial model."""
    told = {hyperparameter(name): value for name, value in row.items() if value is not None}
    return INITIAL | {name: value for name, value in told.items() if name in INITIAL}
