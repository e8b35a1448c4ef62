"""Checkpoints that lie beside their configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .brought import AbstractBrought
from .numbers import records_of
from .record import Record

#: What a checkpoint of this kind has.
CONFIG = "config.json"


@dataclass(frozen=True, kw_only=True)
class AbstractConfigured(AbstractBrought):
    """Folders with a configuration and weights, each a model; a table of numbers.

    Args:
        base: folder of the configuration, and of what else the models share.
    """

    base: str

    @classmethod
    def of(cls, checkpoint: Path, *, data: Path, base: Path | None = None, double: bool = False) -> Self:
        """See :class:`AbstractBrought`; ``base`` is by default the checkpoint itself."""
        return cls(data=str(data), double=double, base=str(base or checkpoint))

    @staticmethod
    def records(checkpoints: Mapping[str, Path], results: Path | None) -> dict[str, Record]:
        """See :func:`records_of`; without a file, nothing is known but the names."""
        return records_of(results) if results is not None else {name: Record({}) for name in checkpoints}
