"""Pools that tests of several modules look at."""

import pytest

from experiments.pool import Pool
from tests.experiments.pool.drawn_pool import draw


@pytest.fixture(scope="session")
def drawn_pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """A pool that was drawn, not trained: nothing may be written into it."""
    return draw(tmp_path_factory.mktemp("drawn") / "pool")
