"""One model of a pool, on disk."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, load_model, save_model
from torch import Tensor, nn

from measures import replacing

from ..report import read_json
from .brought import BROUGHT
from .grid import Configuration

WEIGHTS, CARD = "weights.safetensors", "model.json"


@dataclass(frozen=True)
class Member:
    """A trained model: its folder holds the weights and, written last, a card that says what they are.

    Args:
        folder: of the model, named like it.
        configuration: hyperparameters by name.
        seed: of the run.
        targets: see :class:`Evaluation`; none for a model that failed.
        covariates: see :class:`Evaluation`.
        seconds: that training took.
        failure: why there are no weights, in words; None for a model that was trained.
        source: of a model that others have trained, the layout and the path of its checkpoint, which stays where it is.
    """

    folder: Path
    configuration: Configuration
    seed: int
    targets: Mapping[str, float]
    covariates: Mapping[str, float]
    seconds: float
    failure: str | None = None
    source: Mapping[str, str] | None = None

    @classmethod
    def at(cls, folder: Path) -> "Member":
        """The member that a folder holds."""
        return cls(folder, **read_json(folder / CARD))

    @property
    def id(self) -> str:
        """Its name in the pool."""
        return self.folder.name

    @property
    def card(self) -> dict[str, Any]:
        """What :meth:`at` reads."""
        document = asdict(self)
        del document["folder"]
        return document

    def keep(self, model: nn.Module) -> None:
        """Write the weights; the card comes after them."""
        for draft in self.folder.glob(f".*{Path(WEIGHTS).suffix}"):
            draft.unlink()  # of a run that was killed while it wrote
        with replacing(self.folder / WEIGHTS) as draft:
            save_model(model, str(draft))

    def weights(self) -> dict[str, Tensor]:
        """The state of the model, parameters and buffers; what is tied once.

        Raises:
            ValueError: a checkpoint of others that is absent or damaged.
        """
        if self.source is None:
            return load_file(self.folder / WEIGHTS)
        return BROUGHT[self.source["task"]].weights(Path(self.source["path"]))

    def into(self, model: nn.Module) -> nn.Module:
        """The model with these weights, in evaluation mode.

        Raises:
            ValueError: a checkpoint of others that is absent or damaged, or whose weights are of another model.
        """
        if self.source is None:
            load_model(model, self.folder / WEIGHTS)
            return model.eval()
        try:
            model.load_state_dict(self.weights())
        except RuntimeError as error:
            raise ValueError(f"{self.source['path']} does not fit the model of the pool: {error}") from error
        return model.eval()
