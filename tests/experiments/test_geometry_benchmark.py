"""The benchmark of geometries: parts are kept and reported, at sizes where no claim is made."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments import geometry_benchmark as benchmark
from experiments.benchmark.isolation import Outcome
from experiments.report import read_json


def test_parts_are_measured_once_and_reported_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "LENGTHS", (0.1,))
    monkeypatch.setattr(benchmark, "AXES", {"depth": benchmark.AXES["depth"]})
    quick = replace(benchmark.QUICK, output=tmp_path)
    benchmark.main(replace(quick, parts="scaling,accuracy"))
    before = (tmp_path / "scaling.json").stat().st_mtime_ns
    benchmark.main(replace(quick, parts="vit-tiny"))
    assert (tmp_path / "scaling.json").stat().st_mtime_ns == before
    text = (tmp_path / "benchmarks.md").read_text()
    assert "| ViT: 2 layers of width 32" in text
    assert "| depth | 2, 4 |" in text
    assert "| invariant, Exact() |" in text
    assert (tmp_path / "geodesics.png").exists()
    assert "ViT: 2 layers" in capsys.readouterr().out
    document = read_json(tmp_path / "vit-tiny.json")
    assert document["config"]["steps"] == quick.steps
    assert len(document["found"]["rounds"]) == quick.rounds
    assert set(document["found"]["bytes"]) == {"gradients", "adaptive", "quotient"}


@pytest.mark.parametrize("wrong", [{"parts": "vit,giant"}, {"rounds": 0}, {"limit": 0.0}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="got"):
        benchmark.Config(**wrong)  # type: ignore[arg-type]


def test_ratios_are_of_one_round_and_memory_in_copies() -> None:
    seconds = [{"processor": s, "clock": 9.0} for s in (2.0, 2.2, 2.4)]
    rounds = [dict(zip(("gradients", "adaptive", "quotient"), seconds, strict=True)) for _ in range(3)]
    rounds[2] = rounds[2] | {"quotient": {"processor": 3.0, "clock": 9.0}}
    copy = 4 * 10**6
    held = {"gradients": 10 * copy, "adaptive": 12 * copy, "quotient": 13 * copy}
    found = {"title": "m", "batch": 2, "parameters": 10**6, "rounds": rounds, "bytes": held}
    row = benchmark.ascent_row({"found": found, "config": {"steps": 20}})
    assert row["gradient"] == "0.10 s"
    assert row["quotient"] == "1.200 (1.200 to 1.500)"
    assert (row["more, in copies"], row["bar"]) == ("2.0 / 3.0", "1.00")


def test_a_model_that_fails_ends_the_program_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "isolated", lambda *_, limit: Outcome((), f"not within {limit:g} s", timed_out=True))
    with pytest.raises(SystemExit, match="vit-tiny: not within 5 s"):
        benchmark.main(replace(benchmark.QUICK, parts="vit-tiny", limit=5.0, output=tmp_path))
