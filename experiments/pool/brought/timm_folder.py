"""Image classifiers in the layout of the library timm, fine-tuned by anyone."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from ...local.examples import Pictures
from ...local.parts import HELD_OUT, TRAIN
from ...local.weights import read_weights
from ...models.zoo import library
from .brought import Part
from .configured import CONFIG, AbstractConfigured

#: Names of the weights beside a configuration.
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, kw_only=True)
class Timm(AbstractConfigured):
    """Folders as timm saves them for the hub, ``config.json`` and weights, each a model; a table of numbers; pictures.

    Args:
        base: folder of the configuration that the models share.
    """

    name: ClassVar[str] = "timm"

    @staticmethod
    def checkpoints(folder: Path) -> dict[str, Path]:
        """Folders with a configuration."""
        return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{CONFIG}"))}

    @staticmethod
    def weights(checkpoint: Path) -> dict[str, Tensor]:
        """Of safetensors, or of torch."""
        there = [checkpoint / name for name in WEIGHTS if (checkpoint / name).is_file()]
        if not there:
            raise ValueError(f"expected {' or '.join(WEIGHTS)} in {checkpoint}, found neither")
        return read_weights(there[0])

    def network(self) -> nn.Module:
        """The architecture that the configuration names."""
        model: nn.Module = library("timm").create_model(f"local-dir:{self.base}")
        return model

    def examples(self, part: Part) -> Pictures:
        """Tables or folders of pictures, prepared as the configuration says."""
        data = library("timm.data")
        prepare = data.create_transform(**data.resolve_model_data_config(self.network()), is_training=False)
        return Pictures.of(
            Path(self.data), TRAIN if part == "train" else HELD_OUT, lambda picture: prepare(picture.convert("RGB"))
        )
