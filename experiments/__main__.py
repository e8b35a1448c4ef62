"""The command line: ``python -m experiments NAME``."""

import sys

from . import (
    bring_pool,
    checkpoint,
    curvature_benchmark,
    demo,
    detection_cost,
    diagonal,
    dimensions,
    draw,
    estimates,
    geometry_benchmark,
    invariances,
    landscape,
    measure_pool,
    orbit,
    report_pool,
    spectrum,
    step_cost,
    study,
    train_pool,
)
from .command import parse


def main(arguments: list[str] | None = None) -> int:
    """Run one experiment; the exit status is 0, or 130 when interrupted."""
    experiment, config = parse(
        {
            "demo": demo,
            "orbit": orbit,
            "invariances": invariances,
            "checkpoint": checkpoint,
            "dimensions": dimensions,
            "draw": draw,
            "spectrum": spectrum,
            "step-cost": step_cost,
            "benchmark": geometry_benchmark,
            "curvature-benchmark": curvature_benchmark,
            "estimates": estimates,
            "study": study,
            "pool": train_pool,
            "bring-pool": bring_pool,
            "report-pool": report_pool,
            "measure-pool": measure_pool,
            "detection-cost": detection_cost,
            "diagonal": diagonal,
            "landscape": landscape,
        },
        arguments,
    )
    try:
        experiment.main(config)
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Files under {config.output} are whole, but may be of an earlier run.",
            file=sys.stderr,
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
