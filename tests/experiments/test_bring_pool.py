"""Stand-ins of published pools, from their files to a measure, as the command brings them."""

from dataclasses import replace

import pytest
import torch

from experiments.bring_pool import Config, main
from experiments.pool import Pool
from experiments.pool.brought import BROUGHT
from experiments.pool.recipes import task_of
from measures import EmpiricalLoss, worst_case_sharpness
from quotient import Adaptive, Quotient
from symmetries import detect, trainable_parameters, verify
from tests.experiments.pool.brought.stand_ins import LAYOUTS


def brought(folder, layout, **options):
    stand_in = LAYOUTS[layout](folder / "theirs")
    config = Config(layout=layout, output=folder / "pool", workers=1, double=True, **stand_in.options)
    main(replace(config, **options))
    return stand_in, Pool(folder / "pool")


def test_every_layout_has_a_stand_in():
    assert set(LAYOUTS) == set(BROUGHT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pool_is_brought_verified_and_measured_the_same_at_two_points_of_an_orbit(tmp_path, layout):
    stand_in, pool = brought(tmp_path, layout, evaluate=3)
    assert [member.id for member in pool.members()] == stand_in.models
    assert [member.failure for member in pool.members()] == [None] * len(stand_in.models)
    task, member = task_of(pool), pool.trained[-1]
    assert task.name == layout
    model = member.into(task.model(member.configuration, member.seed))
    symmetry = detect(model, task.example())
    assert symmetry.dimension > 0
    assert not symmetry.unrecognised
    # Working precision times the condition of the elements.
    assert verify(model, symmetry, task.example()) < 1e-9
    loss = EmpiricalLoss(model, task.loss, task.sample(0, examples=2, batch=2))
    here = trainable_parameters(model)
    there = symmetry.act(symmetry.random(torch.Generator().manual_seed(0), condition=10.0), here)
    values = {
        type(geometry).__name__: [
            worst_case_sharpness(loss, params, geometry, radius=0.1, steps=2).value for params in (here, there)
        ]
        for geometry in (Adaptive(), Quotient(symmetry))
    }
    assert values["Quotient"][1] == pytest.approx(values["Quotient"][0], rel=1e-6)
    assert values["Adaptive"][1] != pytest.approx(values["Adaptive"][0], rel=1e-2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_stay_where_they_are(tmp_path, layout):
    stand_in, pool = brought(tmp_path, layout)
    assert not list(pool.folder.rglob("*.safetensors"))
    for member in pool.members():
        assert member.source["path"].startswith(str(stand_in.checkpoints))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_of_other_numbers_are_other_examples_and_those_of_one_number_the_same(tmp_path, layout):
    _, pool = brought(tmp_path, layout)
    (first,), (again,), (second,) = (task_of(pool).sample(number, examples=1, batch=1) for number in (0, 0, 1))
    inputs = [batch[0]["input_ids"] if isinstance(batch[0], dict) else batch[0] for batch in (first, again, second)]
    assert torch.equal(inputs[0], inputs[1])
    assert not torch.equal(inputs[0], inputs[2])
