import json
from dataclasses import replace

import pytest

from experiments import spectrum

SMALL = replace(spectrum.QUICK, training=2, top=2, probes=2, lanczos=4, tolerance=0.1, threads=1)


def read(folder):
    return json.loads((folder / "spectrum.json").read_text())


@pytest.mark.parametrize(
    "options", [{}, {"kind": "gauss-newton", "geometry": "quotient"}], ids=["hessian", "gauss-newton"]
)
def test_the_command_writes_a_table_and_a_figure(tmp_path, options):
    spectrum.main(replace(SMALL, output=tmp_path, **options))
    document = read(tmp_path)
    assert len(document["eigenvalues"]) == 2
    assert {row["measure"] for row in document["estimates"]} >= {"trace", "Rényi sharpness, order 1"}
    assert document["peak_memory_gib"] > 0
    assert (tmp_path / "spectrum.png").stat().st_size > 1000


def test_a_second_run_goes_on_from_the_first(tmp_path, monkeypatch):
    spectrum.main(replace(SMALL, output=tmp_path))
    first = read(tmp_path)
    monkeypatch.setattr(spectrum.source_text, "batches", lambda *_: pytest.fail("trained again"))
    spectrum.main(replace(SMALL, output=tmp_path, memory=1.0))
    second = read(tmp_path)
    for key in ("density", "estimates"):
        assert second[key] == first[key]
    for a, b in zip(first["eigenvalues"], second["eigenvalues"], strict=True):
        assert b["eigenvalue"] == pytest.approx(a["eigenvalue"], rel=1e-4)


def test_a_folder_of_another_configuration_is_refused(tmp_path):
    spectrum.main(replace(SMALL, output=tmp_path))
    with pytest.raises(SystemExit, match="other options \\(seed\\)"):
        spectrum.main(replace(SMALL, output=tmp_path, seed=1))


@pytest.mark.parametrize("options", [{"size": "7B"}, {"geometry": "flat"}, {"memory": 0.0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        replace(SMALL, **options)
