"""Stand-ins of published pools, from their files to a measure, as the command brings them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments import measure_pool, report_pool
from experiments.bring_pool import Config, main
from experiments.pool import Pool
from experiments.pool.brought import BROUGHT
from experiments.pool.frame import Frame
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
def test_models_of_other_hyperparameters_or_without_any_are_of_other_configurations(tmp_path, layout):
    _, pool = brought(tmp_path, layout)
    configurations = [tuple(member.configuration.items()) for member in pool.members()]
    assert all(configurations)
    assert len(set(configurations)) == len(configurations)


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


def test_a_command_that_is_repeated_brings_what_is_missing_and_tries_again_on_demand(tmp_path):
    stand_in, pool = brought(tmp_path, "soup")
    path = stand_in.checkpoints / "model_1.pt"
    content = path.read_bytes()
    before = (pool.place("model_0") / "model.json").stat().st_mtime_ns
    config = Config(layout="soup", output=pool.folder, workers=1, double=True, **stand_in.options)
    path.write_bytes(content[:100])
    (pool.place("model_1") / "model.json").unlink()
    main(config)
    assert [member.id for member in pool.trained] == ["model_0", "model_2"]
    path.write_bytes(content)
    main(config)
    assert len(pool.trained) == 2
    main(replace(config, retry=True))
    assert len(pool.trained) == 3
    assert (pool.place("model_0") / "model.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "timm"}, "expected checkpoints in the layout timm"),
        ({"checkpoints": Path("absent")}, "--checkpoints must be a folder, got absent"),
        ({"data": Path("absent")}, "--data must be a folder, got absent"),
        ({"results": Path("absent.jsonl")}, "expected a table .* got absent.jsonl"),
    ],
)
def test_what_is_absent_is_named(tmp_path, options, words):
    config = Config(layout="soup", output=tmp_path / "pool", **LAYOUTS["soup"](tmp_path / "theirs").options)
    with pytest.raises(ValueError, match=words):
        main(replace(config, **options))


def test_data_without_a_training_part_are_refused_before_anything_is_brought(tmp_path):
    stand_in = LAYOUTS["soup"](tmp_path / "theirs")
    (stand_in.data / "train").rename(stand_in.data / "elsewhere")
    with pytest.raises(ValueError, match="expected a folder train in"):
        main(Config(layout="soup", output=tmp_path / "pool", **stand_in.options))
    assert not (tmp_path / "pool").exists()


def test_checkpoints_of_another_kind_are_refused_with_what_they_lack(tmp_path):
    stand_in = LAYOUTS["soup"](tmp_path / "theirs")
    for path in stand_in.checkpoints.iterdir():
        torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"has no 'model.visual.conv1.weight'.* no checkpoint in the layout soup"):
        main(Config(layout="soup", output=tmp_path / "pool", **stand_in.options))


def test_numbers_of_another_kind_are_refused_with_what_they_lack(tmp_path):
    stand_in = LAYOUTS["soup"](tmp_path / "theirs")
    stand_in.results.write_text('{"model_name": "model_0", "accuracy": 0.7}')
    with pytest.raises(ValueError, match=r"has no column 'ImageNet.*: it is not of the layout soup"):
        main(Config(layout="soup", output=tmp_path / "pool", **stand_in.options))


def test_options_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="--layout must be one of soup, mnli, cifar-vit, hugging-face, timm"):
        Config(layout="keras")
    with pytest.raises(ValueError, match="--evaluate must not be negative"):
        Config(evaluate=-1)


def fit_(stand_in, count=80):
    """Train the stand-ins of `cifar-vit` on their data: radii are in units of a rise that a random model has not."""
    kind = BROUGHT["cifar-vit"]
    checkpoints = kind.checkpoints(stand_in.checkpoints)
    task = kind.of(checkpoints[stand_in.models[0]], data=stand_in.data)
    images, labels = task.examples("train").batch(range(20))
    for path in checkpoints.values():
        model = task.network()
        model.load_state_dict(kind.weights(path))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(count):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        torch.save({"last": model.state_dict()}, path)


@pytest.mark.slow
def test_a_brought_pool_is_measured_and_reported_by_the_commands_that_measure_and_report_any_pool(tmp_path):
    stand_in = LAYOUTS["cifar-vit"](tmp_path / "theirs")
    fit_(stand_in)
    pool = Pool(tmp_path / "pool")
    main(Config(layout="cifar-vit", output=pool.folder, workers=1, **stand_in.options))
    measure_pool.main(measure_pool.Config(pool=pool.folder, plan="thin", workers=1, small=True))
    report_pool.main(report_pool.Config(pool=pool.folder, resamples=20, permutations=5))
    changes = {geometry: moved(Frame.read(pool, "thin"), geometry) for geometry in ("adaptive", "geodesic")}
    # Single precision, at elements of condition 30.
    assert changes["geodesic"] < 1e-3 < 1e-2 < changes["adaptive"]
    assert (pool.folder / "report" / "report.html").is_file()


def moved(frame, geometry):
    """The largest relative change at other weights of the same functions."""
    pairs = [
        pair
        for column, values in frame.columns.items()
        if column.geometry == geometry and column.moved() in frame.columns
        for pair in zip(values, frame.columns[column.moved()], strict=True)
    ]
    return max(abs(there / here - 1.0) for here, there in pairs)
