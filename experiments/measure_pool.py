r"""Measures of every model of a pool: a plan of measurements, in parallel, resumable after a kill at any moment.

Claim
    None: the numbers that ``report-pool`` judges.

Plans
    main           worst and average case at radii that raise the loss alike, derivatives, spectra, the literature's
    rescaled-pool  the same on weights that a random function-preserving element has moved
    ablation       worst case with one thing of the geometry changed at a time, and on the products of attention
    renyi          orders and layers of Renyi sharpness
    thin           worst case in three geometries, for models whose gradient takes seconds

Runs for
    plan main, one core, a model of 40,000 parameters: half a minute with --examples 64 --steps 10, two with the
    defaults; the other plans a third to all of that. --quick seconds. Several of these commands may work on one pool,
    also from several machines that share the folder. An interrupted one leaves the table of what it has measured.

Writes
    results/pools/vision/measures/radii/MEASURE.json  the unit of the radii of a measure, found on a few models
    results/pools/vision/measures/main/MODEL.json     rows of one model
    results/pools/vision/measures/main.parquet        all rows: model, measure, geometry, radius, setting, sample,
                                                      representative, value, stderr, seconds
    results/pools/vision/measures/main.provenance.json  options, commit, versions

Expect
    see docs/results/vision.md and text.md for what the numbers say.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch

from . import console
from .command import option, require_positive
from .pool import Pool
from .pool.measuring import PLANS, Calibration, Effort, Measuring, Plan, collect
from .pool.measuring import QUICK as QUICK_EFFORT
from .pool.recipes import task_of
from .report import provenance, read_json, write_json
from .work import AbstractCrew, RayCluster, crew, failures, forget_failures, run


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of the measurement of a pool.

    Raises:
        ValueError: an unknown plan, or no workers.
    """

    pool: Path = option(Path("results/pools/vision"), "folder of the pool")
    plan: str = option("main", f"one of {', '.join(PLANS)}")
    workers: int = option(2, "models at once, with one thread each")
    ray: str = option("", "address of a Ray cluster, or 'local', in place of processes")
    device: str = option("cpu", "where to measure, such as cuda")
    retry: bool = option(False, "try again what failed")
    examples: int = option(128, "training examples in a data sample")
    batch: int = option(64, "of them, of which each has a worst case of its own")
    steps: int = option(20, "of the ascent of a worst case")
    small: bool = option(False, "the plan with little data, few steps and draws")

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            raise ValueError(f"--plan must be one of {', '.join(PLANS)}, got {self.plan!r}")
        for name in ("workers", "examples", "batch", "steps"):
            require_positive(name, getattr(self, name))

    @property
    def output(self) -> Path:
        """Where it writes."""
        return self.pool

    @property
    def measured(self) -> Plan:
        """The plan."""
        effort = Effort(steps=self.steps, examples=self.examples, batch=self.batch)
        return PLANS[self.plan](QUICK_EFFORT if self.small else effort)

    @property
    def crew(self) -> AbstractCrew:
        """Who does the work."""
        return RayCluster(self.ray, self.workers) if self.ray else crew(self.workers)


QUICK = Config(small=True, pool=Path("results/pools/quick"))


def main(config: Config) -> None:
    """Find the units of radii, measure the models that were not measured, and collect the rows."""
    torch.set_num_threads(1)  # as in the processes that help: the same numbers whoever does the work
    pool, plan = Pool(config.pool), config.measured
    task = task_of(pool)
    describe(pool, plan, config)
    units = [Calibration(task, pool, plan, rise, geometry, config.device) for rise, geometry in plan.calibrated()]
    jobs = [Measuring(task, pool, plan, member.id, config.device) for member in pool.trained]
    random.Random(0).shuffle(jobs)  # of the models that are measured first, no hyperparameter has one value only
    if config.retry:
        forget_failures([*units, *jobs])
    run(units, config.crew, label="radii", unit="unit")
    try:
        if not failures(units):  # without a unit no model could be measured
            run(jobs, config.crew, label=plan.name)
    finally:  # an interrupted run has a table too
        summarise(jobs, pool.folder / "measures" / f"{plan.name}.parquet")
    for result, reason in failures([*units, *jobs]).items():
        console.CONSOLE.print(f"{result.stem}: {reason}")


def summarise(jobs: list[Measuring], table: Path) -> None:
    """Collect what was measured."""
    rows = collect(jobs, table)
    done = sum(job.result.exists() for job in jobs)
    console.CONSOLE.print(f"\n{rows:,} rows of {done} of {len(jobs)} models in {table}", soft_wrap=True)


def describe(pool: Pool, plan: Plan, config: Config) -> None:
    """Write down what the plan is; once.

    Raises:
        ValueError: the pool was measured by another plan of that name.
    """
    path = pool.folder / "measures" / f"{plan.name}.provenance.json"
    mine = {"plan": repr(plan)}
    if not path.exists():
        write_json(path, mine | provenance(config))
    if read_json(path)["plan"] != mine["plan"]:
        folder = path.with_name(plan.name)
        raise ValueError(f"{folder} holds measurements of another plan of that name; remove it, and {path.name}")
