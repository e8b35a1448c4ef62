"""Whether a measure predicts a target, asked of every statistic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .coefficient import CoefficientName
from .correlation import Correlation, correlate
from .finding import Finding
from .granulated import granulated
from .model_table import ModelTable
from .mutual_information import conditional_mutual_information
from .partial import partial_correlation
from .protocol import JudgementProtocol
from .sign_error import sign_error
from .undefined import UndefinedStatisticError


@dataclass(frozen=True)
class Question:
    """One measure of a pool against one of its targets.

    Args:
        target: the name of the target.
        measure: the name of the measure.
        values: the measure of every model.
        baseline: whether it is one that sharpness has to beat.
        table: the pool.
        protocol: how it is judged.
        generator: where draws come from.
    """

    target: str
    measure: str
    values: Sequence[float]
    baseline: bool
    table: ModelTable
    protocol: JudgementProtocol
    generator: torch.Generator | None

    def answers(self) -> Iterator[Finding]:
        """Every statistic; one that the models do not determine says why."""
        statistics = {
            ("tau",): lambda: self.correlation("kendall"),
            ("rho",): lambda: self.correlation("spearman"),
            ("partial rho",): self.partial_correlation,
            ("psi",): self.granulated,
            ("information",): self.information,
            ("mean sign error", "90 % sign error", "worst sign error"): self.sign_error,
        }
        for names, statistic in statistics.items():
            try:
                yield from statistic()
            except UndefinedStatisticError as reason:
                yield from (self.finding(name, None, note=str(reason)) for name in names)

    def finding(self, statistic: str, value: float | None, **fields: Any) -> Finding:
        """A row of this question."""
        return Finding(self.target, self.measure, self.baseline, statistic, value, **fields)

    @property
    def goal(self) -> Sequence[float]:
        """The target of every model."""
        return self.table.targets[self.target]

    def bootstrap(self) -> dict[str, Any]:
        """What every interval over configurations is made with."""
        return {
            "groups": self.table.configurations,
            "confidence": self.protocol.confidence,
            "resamples": self.protocol.resamples,
            "generator": self.generator,
        }

    def correlated(self, found: Correlation, note: str = "") -> Finding:
        """The row of a correlation."""
        ends = {"low": found.low, "high": found.high, "p_value": found.p_value}
        return self.finding(found.symbol, found.value, **ends, n=found.n, missing=found.missing, note=note)

    def correlation(self, coefficient: CoefficientName) -> Iterator[Finding]:
        """Kendall's or Spearman's."""
        yield self.correlated(correlate(self.values, self.goal, coefficient=coefficient, **self.bootstrap()))

    def partial_correlation(self) -> Iterator[Finding]:
        """Spearman's with the controls held fixed; no row without controls."""
        if self.protocol.controls:
            known = self.table.known()
            held = {name: known[name] for name in self.protocol.controls}
            found = partial_correlation(self.values, self.goal, held, **self.bootstrap())
            yield self.correlated(found, note=f"given {', '.join(held)}")

    def granulated(self) -> Iterator[Finding]:
        """The mean over hyperparameters, then each of them."""
        found = granulated(self.values, self.goal, self.table.hyperparameters)
        count = {"n": found.n, "missing": found.missing}
        yield self.finding("psi", found.value, **count)
        for name, axis in found.axes.items():
            error = "" if axis.stderr is None else f", standard error {axis.stderr:.2g}"
            note = f"{axis.levels} levels, {axis.settings} settings of the others{error}"
            yield self.finding(f"psi {name}", axis.value, **count, note=note)

    def information(self) -> Iterator[Finding]:
        """The least conditional mutual information."""
        found = conditional_mutual_information(
            self.values,
            self.goal,
            self.table.hyperparameters,
            permutations=self.protocol.permutations,
            generator=self.generator,
        )
        note = f"given {', '.join(found.given) or 'nothing'}; {found.null:.3g} for a measure that knows nothing"
        count = {"n": found.n, "missing": found.missing}
        yield self.finding("information", found.value, p_value=found.p_value, **count, note=note)

    def sign_error(self) -> Iterator[Finding]:
        """Mean, 90th percentile and worst over environments."""
        found = sign_error(
            self.values,
            self.goal,
            self.table.hyperparameters,
            across=self.protocol.across,
            evaluated_on=self.protocol.evaluated_on.get(self.target),
            least_pairs=self.protocol.least_pairs,
        )
        count = {"n": found.n, "missing": found.missing}
        kept = f"{len(found.environments)} environments, {found.thin} with too few pairs"
        yield self.finding("mean sign error", found.mean, **count, note=kept)
        yield self.finding("90 % sign error", found.quantile(0.9), **count, note=kept)
        worst = found.worst
        where = f"{worst.hyperparameter} from {worst.values[0]} to {worst.values[1]}"
        at = ", ".join(f"{name} {value}" for name, value in worst.setting.items())
        yield self.finding("worst sign error", worst.error, **count, note=f"{where}, {at}" if at else where)
