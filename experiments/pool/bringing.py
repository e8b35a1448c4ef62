"""The work of bringing one model into a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from ..work import AbstractJob
from .brought import AbstractBrought, Record
from .evaluation import evaluate, parameter_norm, with_gaps
from .member import CARD, Member
from .pool import Pool


@dataclass(frozen=True)
class Bringing(AbstractJob):
    """A model of others, on its way into a pool: its weights are tried, and stay where they are.

    Args:
        pool: where it goes.
        task: how it is read.
        model: its name.
        checkpoint: its weights.
        record: what its authors say of it.
        examples: of training data and of test data, on which it is evaluated; 0 for none.
        device: where it is evaluated.
    """

    pool: Pool
    task: AbstractBrought
    model: str
    checkpoint: Path
    record: Record
    examples: int = 0
    device: str = "cpu"

    @property
    def result(self) -> Path:
        """The card."""
        return self.pool.place(self.model) / CARD

    def document(self) -> dict[str, Any]:
        """The card, when the weights fit. What the authors say goes before what is evaluated on a part of the data."""
        begun = perf_counter()
        model = self._member().into(self.task.model(self.record.configuration, self.record.seed))
        covariates = {"parameter norm": parameter_norm(model)}
        targets = self.record.targets
        if self.examples:
            found = evaluate(self.task, model.to(self.device), self.task.parts(self.examples))
            gapless = {name: value for name, value in found.targets.items() if not name.endswith(" gap")}
            targets, covariates = with_gaps({**gapless, **targets}), {**covariates, **found.covariates}
        return self._member(targets, covariates, seconds=perf_counter() - begun).card

    def failed(self, reason: str) -> dict[str, Any]:
        """A card without numbers."""
        return self._member(failure=reason).card

    def _member(
        self,
        targets: Mapping[str, float] | None = None,
        covariates: Mapping[str, float] | None = None,
        *,
        seconds: float = 0.0,
        failure: str | None = None,
    ) -> Member:
        source = {"task": self.task.name, "path": str(self.checkpoint)}
        return Member(
            self.result.parent,
            self.record.configuration,
            self.record.seed,
            targets or {},
            covariates or {},
            seconds,
            failure,
            source,
        )


def matched(checkpoints: Mapping[str, Path], records: Mapping[str, Record], *, partial: bool = False) -> list[str]:
    """The models with weights and numbers, by name.

    Args:
        checkpoints: that were found, by the names of their models.
        records: likewise.
        partial: leave out what lacks either.

    Raises:
        ValueError: no model has both, or without ``partial`` one of them has not.
    """
    both = [name for name in checkpoints if name in records]
    lacking = {
        "numbers": sorted(set(checkpoints) - set(records)),
        "a checkpoint": sorted(set(records) - set(checkpoints)),
    }
    words = "; ".join(f"{_listed(names)} without {what}" for what, names in lacking.items() if names)
    if not both:
        raise ValueError(f"expected models with a checkpoint and with numbers, got none: {words or 'neither is there'}")
    if words and not partial:
        raise ValueError(
            f"expected a checkpoint and numbers of every model, got {words}; add them, or leave them out by --partial"
        )
    return both


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
