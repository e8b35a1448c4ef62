"""What an interrupted run goes on from: models and pictures, in a folder of their configuration."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from measures import replacing

from ..report import plain, read_json, write_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Options that change nothing in models and pictures.
IRRELEVANT = ("output", "threads", "docs")


class Parts:
    """Files that are written whole, and found again by runs of the same configuration.

    Args:
        folder: of one configuration.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, config: "DataclassInstance") -> "Parts":
        """The folder of a configuration, in its output."""
        options = asdict(config)
        relevant = {name: value for name, value in options.items() if name not in IRRELEVANT}
        digest = hashlib.sha256(json.dumps(plain(relevant), sort_keys=True).encode()).hexdigest()
        return cls(Path(options["output"]) / "parts" / digest[:12])

    def document(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What was made under this name, now or earlier."""
        file = self.folder / f"{name.replace(', ', '__').replace(' ', '-')}.json"
        if not file.exists():
            write_json(file, make())
        return read_json(file)

    def weights(self, index: int) -> dict[str, Tensor] | None:
        """The state of a model that was trained earlier."""
        file = self._model(index)
        return self.read(file) if file.exists() else None

    def keep(self, index: int, model: nn.Module) -> None:
        """Write the state of a trained model."""
        with replacing(self._model(index)) as draft:
            save_file(model.state_dict(), draft)

    @staticmethod
    def read(file: Path) -> dict[str, Tensor]:
        """The tensors of a safetensors file."""
        return load_file(file)

    def _model(self, index: int) -> Path:
        return self.folder / f"model-{index}.safetensors"
