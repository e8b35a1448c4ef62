"""One number that was measured, with all that it depends on beside the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from measures import Row


@dataclass(frozen=True)
class Reading:
    """A row of a table of measures, and the options that it was measured with.

    Args:
        row: measure, geometry, value, standard error and time.
        radius: of the ball; None for what has none.
        setting: other options, see :func:`setting_text`.
    """

    row: Row
    radius: float | None = None
    setting: str = ""

    def record(self, model: str, sample: int, representative: str) -> dict[str, Any]:
        """The row of the pool's table."""
        return {
            "model": model,
            "measure": self.row.measure,
            "geometry": self.row.geometry,
            "radius": self.radius,
            "setting": self.setting,
            "sample": sample,
            "representative": representative,
            "value": self.row.value,
            "stderr": self.row.stderr,
            "seconds": self.row.seconds,
        }


def setting_text(options: Mapping[str, object]) -> str:
    """Options in one way only: by name, numbers in their shortest form.

    Example:
        >>> setting_text({"layer": "head", "alpha": 0.5})
        'alpha=0.5, layer=head'
    """
    return ", ".join(f"{name}={number_text(options[name])}" for name in sorted(options))


def number_text(value: object) -> str:
    """A number without trailing zeros, anything else as it prints."""
    return f"{value:g}" if isinstance(value, float) else str(value)
