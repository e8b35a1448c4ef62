import torch

from experiments.pool import Member, Pool, trainings
from experiments.pool.member import CARD, WEIGHTS
from experiments.work import Here, run
from tests.experiments.pool.pool_cases import Line


def trained(folder, jobs=None):
    pool = Pool(folder)
    run(jobs or trainings(pool, Line()), Here(), label="lines")
    return pool


def test_every_point_of_the_grid_gets_a_card_and_those_that_failed_say_why(tmp_path):
    pool = trained(tmp_path)
    members = list(pool.members())
    assert len(members) == len(Line().grid())
    assert len(pool.trained) == 4
    for member in members:
        assert (member.failure is None) == (member.configuration["learning rate"] > 0) == bool(member.targets)
    failed = next(member for member in members if member.failure)
    assert failed.failure.startswith("FloatingPointError: the learning rate is -1.0 (pool_cases.py, line")
    assert not (failed.folder / WEIGHTS).exists()


def test_what_is_kept_is_what_was_evaluated(tmp_path):
    recipe = Line()
    for member in trained(tmp_path).trained:
        model = member.into(recipe.model(member.configuration, seed=99))
        (batch,) = recipe.parts(member.configuration)["train"]
        assert recipe.loss(model, batch).item() == member.targets["train loss"]
        assert member.covariates["steps"] == 1
        assert member.seconds > 0.0


def test_models_do_not_depend_on_what_was_trained_before(tmp_path):
    first = trained(tmp_path / "first")
    second = Pool(tmp_path / "second")
    torch.randn(7)
    run(trainings(second, Line())[::-1], Here(), label="lines")
    for one, other in zip(first.trained, second.trained, strict=True):
        assert (one.id, one.targets, one.covariates) == (other.id, other.targets, other.covariates)
        assert all(weight.equal(other.weights()[name]) for name, weight in one.weights().items())


def test_a_model_without_its_card_is_trained_again(tmp_path):
    pool = trained(tmp_path)
    member = pool.trained[0]
    (member.folder / CARD).unlink()
    (member.folder / f".{WEIGHTS.removesuffix('.safetensors')}.1.safetensors").write_text("half")
    assert len(pool.trained) == 3
    again = {other.id: other for other in trained(tmp_path).trained}[member.id]
    assert again.targets == member.targets
    assert sorted(path.name for path in member.folder.iterdir()) == [CARD, WEIGHTS]


def test_a_card_is_read_as_it_was_written(tmp_path):
    member = trained(tmp_path).trained[0]
    assert Member(member.folder, **member.card) == member
