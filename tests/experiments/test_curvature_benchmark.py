import json

import pytest

from experiments import curvature_benchmark
from experiments.curvature_benchmark import Config


def test_the_command_writes_results_and_tables_and_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(curvature_benchmark, "TARGETS", {"eigenvalues": curvature_benchmark.TARGETS["eigenvalues"]})
    config = Config(sizes="tiny", competitors="this project", threads=1, repeats=2, limit=100.0, output=tmp_path)
    curvature_benchmark.main(config)
    document = json.loads((tmp_path / "benchmark.json").read_text())
    times = list((tmp_path / "cells").glob("tiny-rms-times-*.json"))
    before = times[0].stat().st_mtime_ns
    text = (tmp_path / "benchmark.md").read_text()
    assert "| this project |" in text
    assert document["sizes"]["tiny"]["one product"][0]["product"] == "gradient"
    curvature_benchmark.main(config)
    assert times[0].stat().st_mtime_ns == before
    assert (tmp_path / "benchmark.md").read_text() == text
    assert "one product" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"sizes": "giant"}, {"competitors": "nobody"}, {"limit": 0.0}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        Config(**wrong)


def test_a_missing_library_is_named_with_its_extra(monkeypatch, capsys):
    def missing(name):
        raise ImportError(f"{name} is not installed; install it with: pip install 'quotient-sharpness[peers]'")

    monkeypatch.setattr(curvature_benchmark, "library", missing)
    assert list(curvature_benchmark.present(("PyHessian",))) == []
    assert "left out: PyHessian" in capsys.readouterr().out
