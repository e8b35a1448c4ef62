"""The benchmark of geometries: parts are kept and reported, at sizes where no claim is made."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import geometry_benchmark as benchmark
from experiments.benchmark.isolation import Outcome
from experiments.report import read_json
from symmetries import ModelSymmetry


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
    found = read_json(tmp_path / "vit-tiny.json")["found"]
    assert {who: len(runs) for who, runs in found["runs"].items()} == dict.fromkeys(("adaptive", "quotient"), 1)
    assert all(len(run["passes"]) == len(run["gradients"]) == quick.steps for run in found["runs"]["quotient"])
    assert set(found["bytes"]) == {"gradients", "adaptive", "quotient"}


def test_what_was_interrupted_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(function: Callable[..., None], task: object, *arguments: Any, limit: float) -> Outcome:
        asked.append((function.__name__, *(a for a in arguments if isinstance(a, str))))
        symmetry = ModelSymmetry((), {})
        return Outcome(({"symmetry": symmetry, "parameters": 1, "bytes": 8, "run": len(asked)},))

    monkeypatch.setattr(benchmark, "isolated", answer)
    kept: list[dict[str, Any]] = []
    task = benchmark.QUICK.task("vit-tiny")
    benchmark.compare(task, 1.0, {}, lambda found: kept.append(copy.deepcopy(dict(found))))
    everything = [
        ("ascents", "adaptive"),
        ("ascents", "quotient"),
        ("memory", "gradients"),
        ("memory", "adaptive"),
        ("memory", "quotient"),
    ]
    assert asked == [("about",), *everything]
    asked.clear()
    benchmark.compare(task, 1.0, kept[1], lambda found: None)
    assert asked == [("about",), *everything[2:]]
    asked.clear()
    benchmark.compare(replace(task, steps=7), 1.0, kept[1], lambda found: None)
    assert asked == [("about",), *everything]


@pytest.mark.parametrize("wrong", [{"parts": "vit,giant"}, {"batch": "giant=3"}, {"rounds": 0}, {"limit": 0.0}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="got"):
        benchmark.Config(**wrong)  # type: ignore[arg-type]


def test_ratios_are_to_the_gradients_before_and_memory_is_in_copies() -> None:
    def seconds(clock: float) -> dict[str, float]:
        return {"processor": 9.0, "clock": clock}

    run = {
        "before": seconds(0.5),
        "passes": [seconds(s) for s in (2.0, 2.2, 2.4)],
        "gradients": [seconds(2.0)] * 3,
        "between": [seconds(0.1), seconds(0.3)],
        "after": seconds(0.6),
    }
    size = 4 * 10**6
    held = {"gradients": 10 * size, "adaptive": 12 * size, "quotient": 13 * size}
    runs = {"adaptive": [run], "quotient": [run, run | {"before": seconds(1.1)}, run | {"before": seconds(3.0)}]}
    task = {"steps": 3}
    found = {"title": "m", "batch": 2, "parameters": 10**6, "runs": runs, "bytes": held, "task": task}
    row = benchmark.ascent_row({"found": found})
    assert row["gradient"] == "2.00 s"
    assert row["adaptive"] == "1.250"  # 0.5 + 0.1 + 0.3 + 0.6 over 6
    assert row["adaptive, whole"] == "1.350 (1.05 to 1.15)"  # 6.6 in place of 6
    assert row["quotient"] == "1.350"  # of three rounds
    assert row["quotient, whole"] == "1.450 (1.00 to 1.20)"  # the middle half of nine gradients
    assert (row["before"], row["a step"]) == ("1.10 s", "0.20 s")
    assert (row["more, in copies"], row["bar"]) == ("2.0 / 3.0", "1.00")
    assert benchmark.ascent_row({"found": found | {"runs": {}, "bytes": {}}})["quotient"] == ""


def test_a_model_that_fails_ends_the_program_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "isolated", lambda *_, limit: Outcome((), f"not within {limit:g} s", timed_out=True))
    with pytest.raises(SystemExit, match="vit-tiny: not within 5 s"):
        benchmark.main(replace(benchmark.QUICK, parts="vit-tiny", limit=5.0, output=tmp_path))
