"""A pool of four tiny vision transformers that nobody has trained."""

import shutil
from pathlib import Path

import pytest

from experiments.pool import Member, Pool, identifier
from experiments.pool.measuring import PLANS, QUICK
from experiments.pool.measuring.preparation import Preparation
from experiments.pool.recipes import Vision
from experiments.report import write_json

TASK = Vision(images=64, dim=8, depth=1, noise=0.0)
CONFIGURATION = {"learning rate": 1e-3}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pool = Pool(tmp_path_factory.mktemp("measured") / "pool")
    pool.describe(TASK)
    for seed in range(4):
        place = pool.place(identifier(CONFIGURATION, seed))
        member = Member(place, CONFIGURATION, seed, {"loss gap": 0.1 * seed}, {}, 0.0)
        member.keep(TASK.model(CONFIGURATION, seed))
        write_json(place / "model.json", member.card)
    return pool.folder


@pytest.fixture
def pool(made: Path, tmp_path: Path) -> Pool:
    """A copy that may be measured."""
    return Pool(shutil.copytree(made, tmp_path / "pool"))


@pytest.fixture
def preparation(made: Path) -> Preparation:
    """The first model."""
    return Preparation(TASK, Pool(made).trained[0], PLANS["main"](QUICK))
