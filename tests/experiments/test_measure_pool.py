import os
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.parquet as parquet
import pytest

from experiments.measure_pool import Config, main
from experiments.pool import Pool
from experiments.pool.frame import Column, Frame
from experiments.report import read_json, write_json
from tests.experiments.pool.measuring.conftest import made  # noqa: F401 (a fixture)

PLAN = "renyi"  # the quickest


def measured(folder, **options):
    main(Config(pool=folder, plan=PLAN, workers=1, small=True, **options))
    return rows(folder)


def rows(folder):
    """All but the time that they took."""
    return parquet.read_table(folder / "measures" / f"{PLAN}.parquet").drop_columns("seconds").to_pylist()


@pytest.fixture(scope="module")
def whole(made, tmp_path_factory):  # noqa: F811
    folder = shutil.copytree(made, tmp_path_factory.mktemp("whole") / "pool")
    measured(folder)
    return folder


def test_every_model_has_its_rows_in_one_table_that_the_statistics_read(whole):
    pool = Pool(whole)
    frame = Frame.read(pool, PLAN)
    column = frame.columns[Column("Rényi", "geodesic", setting="alpha=0.5")]
    assert len(set(column)) == len(pool.trained) == 4
    schema = parquet.read_schema(whole / "measures" / f"{PLAN}.parquet")
    assert schema.names == [
        *("model", "measure", "geometry", "radius", "setting", "sample", "representative", "value", "stderr", "seconds")
    ]


def test_killed_in_the_middle_and_started_again_it_writes_the_same_table(whole, made, tmp_path):  # noqa: F811
    folder = shutil.copytree(made, tmp_path / "pool")
    command = [sys.executable, "-m", "experiments", "measure-pool", "--quick", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--pool", str(folder), "--plan", PLAN], stderr=subprocess.DEVNULL, cwd=os.getcwd()
    )
    results = folder / "measures" / PLAN
    while not list(results.glob("*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    assert 0 < len(kept) < 4
    assert measured(folder) == rows(whole)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())  # nothing is done twice


def test_models_that_come_later_are_added(whole, made, tmp_path):  # noqa: F811
    folder = shutil.copytree(made, tmp_path / "pool")
    last = Pool(folder).trained[-1]
    card = read_json(last.folder / "model.json")
    (last.folder / "model.json").unlink()
    assert {row["model"] for row in measured(folder)} == {member.id for member in Pool(folder).trained}
    write_json(last.folder / "model.json", card)
    assert measured(folder) == rows(whole)


def test_a_model_that_cannot_be_measured_is_told_and_tried_again_on_request(made, tmp_path, capsys):  # noqa: F811
    folder = shutil.copytree(made, tmp_path / "pool")
    weights = Pool(folder).trained[0].folder / "weights.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(b"torn")
    assert len({row["model"] for row in measured(folder)}) == 3
    assert "SafetensorError" in capsys.readouterr().out
    weights.write_bytes(kept)
    assert len({row["model"] for row in measured(folder)}) == 3
    assert len({row["model"] for row in measured(folder, retry=True)}) == 4


def test_measurements_of_two_plans_are_not_mixed(whole):
    with pytest.raises(ValueError, match="measurements of another plan of that name; remove it"):
        main(Config(pool=whole, plan=PLAN, workers=1))


@pytest.mark.parametrize("options", [{"plan": "other"}, {"workers": 0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match="--plan must be one of main|--workers must be positive"):
        Config(**options)
