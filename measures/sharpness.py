"""What a measure returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sharpness:
    """A number, and how far it can be trusted.

    Args:
        value: the measure.
        stderr: its standard error over random draws; None where nothing was drawn, or a single draw was. For measures
            of a spectrum the stated error of an :class:`Estimate`, which holds ``unresolved`` too.
        per_batch: the values whose mean it is, for measures that are taken batch by batch.
        half_steps: the same estimate with half of the Lanczos steps, for measures of a spectrum.
        unresolved: how far, at most, too few Lanczos steps move it, for measures of a spectrum: more steps reduce
            that, and more probes do not.
    """

    value: float
    stderr: float | None = None
    per_batch: tuple[float, ...] = ()
    half_steps: float | None = None
    unresolved: float | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.6g}" + ("" if self.stderr is None else f" ± {self.stderr:.2g}")
