import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments.pool import Member, Pool
from experiments.pool.bringing import Bringing, matched
from experiments.pool.brought import Soup
from experiments.work import Here, run
from tests.experiments.pool.brought.stand_ins import soup

HERE, NUMBERS = dict.fromkeys(("a", "b"), Path()), dict.fromkeys(("a", "b"))


def bringing(folder, model="model_1", **options):
    stand_in = soup(folder / "theirs")
    checkpoints = Soup.checkpoints(stand_in.checkpoints)
    task = Soup.of(checkpoints["model_0"], data=stand_in.data)
    record = Soup.records(checkpoints, stand_in.results)[model]
    return Bringing(Pool(folder / "pool"), task, model, checkpoints[model], record, **options)


def brought(job) -> Member:
    run([job], Here(), label="bring")
    return Member.at(job.result.parent)


def test_what_the_authors_say_goes_before_what_is_evaluated_and_gaps_follow(tmp_path):
    job = bringing(tmp_path, examples=4)
    member = brought(job)
    assert member.configuration == job.record.configuration
    assert {name: member.targets[name] for name in job.record.targets} == job.record.targets
    assert member.targets["error gap"] == member.targets["test error"] - member.targets["train error"]
    assert set(member.covariates) == {"logit norm", "parameter norm"}


def test_without_an_evaluation_only_what_the_authors_say_is_known_and_the_norm(tmp_path):
    job = bringing(tmp_path)
    member = brought(job)
    assert member.targets == job.record.targets
    norm = torch.cat([value.flatten() for value in Soup.weights(job.checkpoint).values()]).norm().item()
    # In another order of the terms, in single precision.
    assert member.covariates == {"parameter norm": pytest.approx(norm, rel=1e-6)}


def test_a_job_reaches_another_process_as_it_is(tmp_path):
    job = bringing(tmp_path)
    assert pickle.loads(pickle.dumps(job)) == job


def test_a_damaged_checkpoint_is_a_member_that_failed_and_says_why(tmp_path):
    job = bringing(tmp_path)
    job.checkpoint.write_bytes(job.checkpoint.read_bytes()[:1000])
    member = brought(job)
    assert f"{job.checkpoint} cannot be read as a checkpoint; is it whole?" in member.failure
    assert member.targets == {}


def test_weights_of_another_model_are_refused_with_the_names_that_do_not_fit(tmp_path):
    job = bringing(tmp_path)
    state = torch.load(job.checkpoint)
    state["model.visual.rogue"] = state.pop("model.visual.ln_post.bias")
    torch.save(state, job.checkpoint)
    failure = brought(job).failure
    assert "does not fit the model of the pool" in failure
    assert "post_layernorm.bias" in failure
    assert "rogue" in failure


def test_weights_of_another_size_are_refused(tmp_path):
    job = bringing(tmp_path)
    assert "size mismatch" in brought(replace(job, task=replace(job.task, classes=5))).failure


def test_models_have_weights_and_numbers():
    assert matched(HERE, NUMBERS) == ["a", "b"]


@pytest.mark.parametrize(
    ("checkpoints", "records", "words"),
    [
        ({**HERE, "c": Path()}, NUMBERS, "c without numbers"),
        (HERE, {**NUMBERS, "d": None}, "d without a checkpoint"),
        (HERE, dict.fromkeys("abcdefgh"), "c, d, e, f, g and 1 more without a checkpoint"),
    ],
)
def test_what_lacks_either_is_named_or_left_out_on_demand(checkpoints, records, words):
    with pytest.raises(ValueError, match=f"{words}; add them, or leave them out by --partial"):
        matched(checkpoints, records)
    assert matched(checkpoints, records, partial=True) == ["a", "b"]


def test_a_pool_without_any_model_is_refused_even_on_demand():
    with pytest.raises(ValueError, match="got none: a, b without numbers; c without a checkpoint"):
        matched(HERE, {"c": None}, partial=True)
