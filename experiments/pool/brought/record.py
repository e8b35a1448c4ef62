"""What is known of a model that others have trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..grid import Configuration


@dataclass(frozen=True)
class Record:
    """What the authors of a model say of it.

    Args:
        configuration: hyperparameters by name.
        seed: of the run; 0 where nobody says.
        targets: see :class:`Evaluation`.
    """

    configuration: Configuration
    seed: int = 0
    targets: Mapping[str, float] = field(default_factory=dict)
