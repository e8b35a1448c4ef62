"""A pool of models, on disk."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..report import read_json, write_json
from .member import CARD, Member
from .task import AbstractTask

DESCRIPTION = "pool.json"


@dataclass(frozen=True)
class Pool:
    """A folder with ``pool.json``, which says how it was made, and one folder for each model below ``models/``.

    Measurements lie in ``measures/PLAN/MODEL.json`` and, collected, in ``measures/PLAN.parquet``; reports below
    ``report/``.

    Args:
        folder: where it is.
    """

    folder: Path

    def describe(self, task: AbstractTask, **more: Any) -> None:
        """Write down of which task this is a pool, and whatever else says how it was made; once.

        Raises:
            ValueError: a pool of another task, or of the same with other options.
        """
        if not (self.folder / DESCRIPTION).exists():
            write_json(self.folder / DESCRIPTION, {"task": task.name, "options": asdict(task)} | more)
        found = self.description
        name, options = found["task"], found["options"]
        if name != task.name or type(task).remade(options) != task:
            raise ValueError(
                f"{self.folder} is a pool of {name} with {options}, not of {task}; choose another folder or its options"
            )

    @property
    def description(self) -> dict[str, Any]:
        """How the pool was made: ``task``, ``options``, and more."""
        return read_json(self.folder / DESCRIPTION)

    def place(self, name: str) -> Path:
        """The folder of a model."""
        return self.folder / "models" / name

    def members(self) -> Iterator[Member]:
        """The models that are there, by name; those that failed have a card too, but no weights."""
        for card in sorted(self.place("*").parent.glob(f"*/{CARD}")):
            yield Member.at(card.parent)

    @property
    def trained(self) -> list[Member]:
        """The models with weights."""
        return [member for member in self.members() if member.failure is None]
