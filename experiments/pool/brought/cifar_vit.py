"""The vision transformers on CIFAR-10 of [Andriushchenko2023]."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

from torch import Tensor, nn

from ...local.cifar10 import cifar10
from ...local.examples import Pixels
from ...local.pictures import Preparation
from ...local.rows import rows
from ...local.weights import read_weights
from ...report import read_json
from ..evaluation import with_gaps
from ..published import SimpleViT, SimpleViTSizes
from .brought import AbstractBrought, Part
from .numbers import hyperparameter, typed
from .record import Record

#: Of channels, as these models were trained.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)

#: Where a checkpoint holds the weights at the end of training.
ENTRY = "last"

#: Names in the logs of the authors' evaluation.
TARGETS = {
    "train_err": "train error",
    "train_loss": "train loss",
    "test_err": "test error",
    "test_loss": "test loss",
    "test_err_corrupt": "shifted error",
    "test_loss_corrupt": "shifted loss",
}


@dataclass(frozen=True, kw_only=True)
class CifarViT(AbstractBrought):
    """Files ``DATE TIME dataset=cifar10 model=vit_exp lr_max=... seed=0 epoch=200.pth``; CIFAR-10 as it is distributed.

    Hyperparameters are read from the name of the file; the model is called by the date and time at its beginning.
    Numbers are those of the authors' evaluation, one JSON document for each run of it in a folder, or come from an
    evaluation here.

    Args:
        patch: side of a patch.
        dim: of the residual stream.
        depth: blocks.
        heads: of attention.
        hidden: units of a block.
        classes: of the data.
        channels: of the pictures.
    """

    name: ClassVar[str] = "cifar-vit"

    patch: int = SimpleViTSizes.patch
    dim: int = SimpleViTSizes.dim
    depth: int = SimpleViTSizes.depth
    heads: int = SimpleViTSizes.heads
    hidden: int = SimpleViTSizes.hidden
    classes: int = SimpleViTSizes.classes
    channels: int = SimpleViTSizes.channels

    @classmethod
    def of(cls, checkpoint: Path, *, data: Path, base: Path | None = None, double: bool = False) -> Self:
        """See :class:`AbstractBrought`; nothing is shared."""
        return cls(data=str(data), double=double, **asdict(SimpleViTSizes.of(cls.weights(checkpoint))))

    @staticmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """Vision transformers only: the authors' folder holds other networks too."""
        return {"_".join(path.stem.split()[:2]): path for path in sorted(folder.glob("*model=vit_exp*.pth"))}

    @staticmethod
    def records(checkpoints: Mapping[str, Path], results: Path | None) -> dict[str, Record]:
        """Hyperparameters from the names of the files, numbers from ``results`` where it is given."""
        numbers = _numbers(results) if results is not None else {}
        found = {}
        for name, path in checkpoints.items():
            if results is not None and path.name not in numbers:
                continue
            pairs = (word.split("=", 1) for word in path.stem.split() if "=" in word)
            configuration = {hyperparameter(key): typed(value) for key, value in pairs if key != "dataset"}
            found[name] = Record(configuration, int(configuration.pop("seed", 0)), numbers.get(path.name, {}))
        return found

    @staticmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """Those at the end of training."""
        return read_weights(checkpoint, ENTRY)

    def network(self) -> nn.Module:
        """A vision transformer that averages its tokens."""
        return SimpleViT(
            SimpleViTSizes(self.patch, self.dim, self.depth, self.heads, self.hidden, self.classes, self.channels)
        )

    def examples(self, part: Part) -> Pixels:
        """The training part or the test part of CIFAR-10."""
        return Pixels(*cifar10(Path(self.data), train=part == "train"), Preparation(32, mean=MEAN, std=STD))


def _numbers(results: Path) -> dict[str, dict[str, float]]:
    """Targets by the name of the checkpoint's file; every run of the evaluation on a model says the same.

    Raises:
        ValueError: no runs are there.
    """
    runs = [read_json(path) for path in sorted(results.glob("*.json"))] if results.is_dir() else list(rows(results))
    if not runs:
        raise ValueError(f"expected JSON documents of an evaluation in {results}, found none")
    return {
        Path(run["model_path"]).name: with_gaps(
            {ours: run[theirs] for theirs, ours in TARGETS.items() if theirs in run}
        )
        for run in runs
    }
