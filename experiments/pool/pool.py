"""A pool of models, on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .member import CARD, Member


@dataclass(frozen=True)
class Pool:
    """A folder with ``pool.json``, which says how it was made, and one folder for each model below ``models/``.

    Measurements lie in ``measures/PLAN/MODEL.json`` and, collected, in ``measures/PLAN.parquet``; reports below
    ``report/``.

    Args:
        folder: where it is.
    """

    folder: Path

    def members(self) -> Iterator[Member]:
        """The models that are there, by name; those that failed have a card too, but no weights."""
        for card in sorted(self.folder.glob(f"models/*/{CARD}")):
            yield Member.at(card.parent)

    @property
    def trained(self) -> list[Member]:
        """The models with weights."""
        return [member for member in self.members() if member.failure is None]
