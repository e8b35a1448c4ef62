"""The drawn pool before the judge."""

import pytest

from experiments.pool import Pool
from experiments.pool.frame import Frame
from experiments.pool.reporting.case import Case
from experiments.pool.reporting.document import report
from measures import JudgementProtocol


@pytest.fixture(scope="session")
def protocol() -> JudgementProtocol:
    return JudgementProtocol(
        controls=["learning rate", "unknown"], across="settings", least_pairs=8, resamples=100, permutations=19
    )


@pytest.fixture(scope="session")
def case(drawn_pool: Pool) -> Case:
    return Case(Frame.read(drawn_pool, "main"), JudgementProtocol(resamples=100, permutations=19))


@pytest.fixture(scope="session")
def document(drawn_pool: Pool, protocol: JudgementProtocol):
    return report(drawn_pool, ["main"], protocol=protocol, seed=0, progress=False)
