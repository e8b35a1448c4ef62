r"""Which sharpness predicts generalization: the statistics of a pool, on one page.

Claim
    None of its own. What a page says of a pool holds with the intervals on it: measures are ranked by what their
    radius or order is worth on models that did not choose it, compared at equal rises of the loss, beside baselines
    that know the configuration alone, noise, and the target itself.

Runs for
    a minute and a half on 1 core for 72 models and the 270 columns of four plans, --quick a few seconds.

Writes
    POOL/report/report.json      every number; configuration, seeds and versions
    POOL/report/report.html      the page: tables and figures, nothing to load
    POOL/report/PLAN-TABLE.csv   the tables
    with --docs also docs/results/POOL.md, between two marks, and figures beside it

Expect
    the baseline noise near 0, the oracle at 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from measures import JudgementProtocol, replacing

from .command import option, require_positive
from .pool import Pool
from .pool.measuring import PLANS
from .pool.reporting.document import report
from .pool.reporting.drawing import drawings
from .pool.reporting.figures import svg
from .pool.reporting.page import page
from .pool.reporting.summary import illustrations, summary
from .report import plain, provenance, write_csv, write_json
from .section import write_section

CONTROLS = ("learning rate", "train loss", "logit norm")
"""What the partial correlation holds fixed, of that which a pool knows."""

DOCS = Path("docs/results")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the report.

    Raises:
        ValueError: a number that is not positive.
    """

    pool: Path = option(Path("results/pools/vision"), "folder of the pool")
    plan: str = option("", "the one plan to report; by default all that were measured")
    seed: int = option(0, "of resamples and permutations")
    resamples: int = option(2000, "of the bootstrap over configurations")
    permutations: int = option(200, "of the targets, for the null of searches and of mutual information")
    docs: bool = option(False, "write docs/results/ as well")

    def __post_init__(self) -> None:
        for name in ("resamples", "permutations"):
            require_positive(name, getattr(self, name))

    @property
    def output(self) -> Path:
        """Where files go."""
        return self.pool / "report"


QUICK = Config(resamples=100, permutations=10)


def main(config: Config) -> None:
    """Judge a pool, and write what comes out."""
    pool = Pool(config.pool)
    plans = [config.plan] if config.plan else measured(pool)
    protocol = JudgementProtocol(
        controls=CONTROLS, across="settings", resamples=config.resamples, permutations=config.permutations
    )
    document = report(pool, plans, protocol=protocol, seed=config.seed, progress=True)
    document |= {"made": plain(provenance(config))}
    write_json(config.output / "report.json", document)
    for plan, found in document["plans"].items():
        for name, rows in found["tables"].items():
            if rows:
                write_csv(config.output / f"{plan}-{name}.csv", rows)
    figures = {name: svg(figure) for name, figure in tqdm(drawings(document), desc="figures")}
    name = config.pool.resolve().name
    with replacing(config.output / "report.html") as draft:
        draft.write_text(page(document, figures, title=name), encoding="utf-8")
    if config.docs:
        write_summary(DOCS, document, figures, name=name)


def write_summary(folder: Path, document: Mapping[str, Any], figures: Mapping[str, bytes], *, name: str) -> None:
    """Write the section of a pool, and the figures that it shows."""
    target = document["targets"][0]
    shown = [picture for plan in document["plans"] for picture in illustrations(plan, target) if picture in figures]
    files = {picture: f"{name}-{picture.replace(' ', '-')}.svg" for picture in shown}
    for picture, file in files.items():
        with replacing(folder / file) as draft:
            draft.write_bytes(figures[picture])
    section = "\n".join(summary(document, files, name=name))
    write_section(folder / f"{name}.md", section, name="report-pool", title=f"The pool {name}")


def measured(pool: Pool) -> list[str]:
    """The plans whose measurements are whole, as :data:`PLANS` has them.

    Raises:
        SystemExit: there is none.
    """
    known = list(PLANS)
    plans = sorted(
        (path.stem for path in pool.folder.glob("measures/*.parquet")),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
    if not plans:
        raise SystemExit(f"nothing is measured in {pool.folder}; first: python -m experiments measure-pool")
    return plans
