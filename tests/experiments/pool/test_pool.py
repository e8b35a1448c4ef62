import pytest

from experiments.pool import Pool
from experiments.pool.recipes import Vision, task_of
from experiments.report import write_json
from tests.experiments.pool.pool_cases import Line


def test_a_pool_is_of_one_task_with_its_options(tmp_path):
    pool = Pool(tmp_path)
    pool.describe(Line(2.0), commit="first")
    pool.describe(Line(2.0), commit="second")
    assert pool.description == {"task": "line", "options": {"scale": 2.0}, "commit": "first"}
    with pytest.raises(ValueError, match="is a pool of line with .*'scale': 2.0.*choose another folder"):
        pool.describe(Line(3.0))


def test_the_task_is_made_again_from_the_description(tmp_path):
    pool = Pool(tmp_path)
    pool.describe(Vision(images=50))
    assert task_of(pool) == Vision(images=50)


def test_an_option_that_came_after_the_pool_has_its_default(tmp_path):
    pool = Pool(tmp_path)
    write_json(tmp_path / "pool.json", {"task": "line", "options": {}})
    pool.describe(Line())
    with pytest.raises(ValueError, match="choose another folder"):
        pool.describe(Line(3.0))


def test_an_empty_pool_has_no_members(tmp_path):
    assert Pool(tmp_path).trained == []
