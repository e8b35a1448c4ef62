"""Every statistic of every measure and target of a pool, baselines beside them."""

from collections.abc import Iterator

import torch
from tqdm import tqdm

from .baselines import baselines
from .finding import Findings
from .model_table import ModelTable
from .protocol import JudgementProtocol
from .question import Question


def judge(
    table: ModelTable,
    protocol: JudgementProtocol = JudgementProtocol(),
    *,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Findings:
    """Judge every measure of a pool against every target: no target chosen, no measure without its baselines.

    The statistics are tau-b and Spearman's rho with intervals over configurations, the partial rank correlation
    given the controls, the granulated coefficient and its axes, conditional mutual information with its null,
    and mean, 90th percentile and worst of the sign error. What the models do not determine has a row without a
    value that says why. Measures that lack different models are judged on different models, which the counts
    show; ``table.complete()`` judges all on one list.

    Example:
        >>> rates = [0.1, 0.1, 0.2, 0.2, 0.4, 0.4]
        >>> gap = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
        >>> table = ModelTable({"rate": rates}, {"trace": [3.0, 1.0, 5.0, 4.0, 9.0, 8.0]}, {"error gap": gap})
        >>> findings = judge(table, JudgementProtocol(resamples=100), generator=torch.Generator().manual_seed(0))
        >>> findings["error gap", "trace", "psi"].value, findings["error gap", "oracle", "tau"].value
        (1.0, 1.0)
        >>> findings["error gap", "constant", "tau"].note
        'sharpness is constant (0.0) over 6 models, it ranks nothing'

    Args:
        table: the pool.
        protocol: how.
        generator: where all draws come from; one in the same state gives the same findings.
        progress: show a bar over measures and targets.

    Raises:
        ValueError: a control that is not known, a target without a column, a measure that has the name of a
            baseline, or what the statistics refuse.
    """
    known = table.known()
    if unknown := [name for name in protocol.controls if name not in known]:
        raise ValueError(f"controls must be among {list(known)}, got {unknown}")
    if unknown := [name for name in protocol.evaluated_on if name not in table.targets]:
        raise ValueError(f"evaluated_on must name targets, of {list(table.targets)}, got {unknown}")
    asked = list(questions(table, protocol, generator))
    bar = tqdm(asked, desc="statistics", disable=not progress)
    return Findings(tuple(answer for question in bar for answer in question.answers()))


def questions(table: ModelTable, protocol: JudgementProtocol, generator: torch.Generator | None) -> Iterator[Question]:
    """Target by target the measures, then the baselines."""
    for target, goal in table.targets.items():
        lines = baselines(goal, table.known(), noise=protocol.noise, generator=generator)
        if taken := table.measures.keys() & lines.keys():
            raise ValueError(f"{', '.join(sorted(taken))} is the name of a baseline; call the measure otherwise")
        for name, values in (*table.measures.items(), *lines.items()):
            yield Question(target, name, values, name in lines, table, protocol, generator)
