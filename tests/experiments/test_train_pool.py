import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from experiments import train_pool
from experiments.pool import Pool
from experiments.pool.member import WEIGHTS
from experiments.pool.recipes import Vision, task_of
from experiments.report import read_json

COMMAND = [sys.executable, "-m", "experiments", "pool", "--quick"]


def table(folder):
    """What a pool is worth, without how long it took."""
    return {
        member.id: (member.targets, member.covariates, {n: w.tolist() for n, w in member.weights().items()})
        for member in Pool(folder).trained
    }


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_pool_of_twelve_models_is_trained_and_killed_and_goes_on(tmp_path, capsys):
    config = replace(train_pool.QUICK, recipe="text", workers=1, output=tmp_path / "whole")
    train_pool.main(config)
    assert len(table(config.output)) == 12
    assert "12 models in" in capsys.readouterr().out

    folder = tmp_path / "killed"
    killed = subprocess.Popen(
        [*COMMAND, "--recipe", "text", "--workers", "1", "--output", str(folder)], stderr=subprocess.DEVNULL
    )
    while len(list(folder.glob("models/*/model.json"))) < 3:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    finished = {member.folder: contents(member.folder) for member in Pool(folder).trained}
    assert len(finished) < 12

    train_pool.main(replace(config, output=folder))
    assert table(folder) == table(config.output)
    assert all(contents(place) == before for place, before in finished.items())  # none of them was made again
    assert not list(folder.rglob(".*"))  # neither claims nor drafts are left


def test_more_models_are_added_to_those_that_are_there(tmp_path):
    config = replace(train_pool.QUICK, workers=1, output=tmp_path)
    train_pool.main(replace(config, models=1))
    before = contents(tmp_path)
    train_pool.main(replace(config, models=2))
    assert len(Pool(tmp_path).trained) == 2
    assert before.items() <= contents(tmp_path).items()
    description = read_json(tmp_path / "pool.json")
    assert description["task"] == "vision"
    assert description["versions"]["torch"]
    assert description["grid"]["values"].keys() == Pool(tmp_path).trained[0].configuration.keys()


def test_a_failure_is_told_and_tried_again_on_request_only(tmp_path, capsys):
    config = replace(train_pool.QUICK, workers=1, models=1, output=tmp_path)
    train_pool.main(config)
    (member,) = Pool(tmp_path).trained
    card = json.loads((member.folder / "model.json").read_text())
    (member.folder / "model.json").write_text(json.dumps(card | {"failure": "a power cut", "targets": {}}))
    (member.folder / WEIGHTS).unlink()
    train_pool.main(config)
    assert "a power cut" in capsys.readouterr().out
    assert not Pool(tmp_path).trained
    train_pool.main(replace(config, retry=True))
    assert Pool(tmp_path).trained == [replace(member, seconds=Pool(tmp_path).trained[0].seconds)]


def test_another_recipe_does_not_mix_with_a_pool(tmp_path):
    config = replace(train_pool.QUICK, workers=1, models=1, output=tmp_path)
    train_pool.main(config)
    with pytest.raises(ValueError, match="is a pool of vision .* choose another folder"):
        train_pool.main(replace(config, recipe="text"))


def test_options_of_the_recipe_are_those_of_the_pool(tmp_path):
    train_pool.main(replace(train_pool.QUICK, workers=1, models=1, options='{"images": 30}', output=tmp_path))
    assert task_of(Pool(tmp_path)) == replace(Vision.small(), images=30)


@pytest.mark.parametrize("text", ["images=30", "[30]", '{"pictures": 30}'])
def test_options_that_the_recipe_does_not_have_are_refused(text):
    with pytest.raises(ValueError, match="--options must be JSON with names among folder, images, noise"):
        replace(train_pool.QUICK, options=text)


@pytest.mark.parametrize("options", [{"recipe": "music"}, {"workers": 0}, {"models": -1}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=f"--{next(iter(options))} must"):
        replace(train_pool.QUICK, **options)
