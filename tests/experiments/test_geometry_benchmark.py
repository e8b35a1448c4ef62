"""The benchmark of geometries: parts are kept and reported, at sizes where no claim is made."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments import geometry_benchmark as benchmark
from experiments.benchmarks.isolation import Outcome
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
    for kind, evaluations in {"ascents": quick.steps, "averages": quick.steps + 1, "products": 3}.items():
        assert {who: len(runs) for who, runs in found[kind].items()} == dict.fromkeys(("adaptive", "quotient"), 1)
        assert all(len(run["passes"]) == len(run["plain"]) == evaluations for run in found[kind]["quotient"])
    assert set(found["memory"]) == {"gradients", "adaptive", "quotient"}


def test_what_was_interrupted_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(function: Callable[..., None], task: object, *arguments: Any, limit: float) -> Outcome:
        asked.append((function.__name__, *(a for a in arguments if isinstance(a, str))))
        symmetry = ModelSymmetry((), {})
        return Outcome(({"symmetry": symmetry, "parameters": 1, "bytes": 8, "run": len(asked)},))

    monkeypatch.setattr(benchmark, "isolated", answer)
    kept: list[dict[str, Any]] = []
    task = benchmark.QUICK.task("vit-tiny")
    measures = tuple(benchmark.MEASURES)
    benchmark.compare(task, measures, 1.0, {}, lambda found: kept.append(copy.deepcopy(dict(found))))
    everything = [
        ("ascents", "adaptive"),
        ("ascents", "quotient"),
        ("averages", "adaptive"),
        ("averages", "quotient"),
        ("products", "adaptive"),
        ("products", "quotient"),
        ("memory", "gradients"),
        ("memory", "adaptive"),
        ("memory", "quotient"),
    ]
    assert asked == [("about",), *everything]
    asked.clear()
    benchmark.compare(task, measures, 1.0, kept[1], lambda found: None)
    assert asked == [("about",), *everything[2:]]
    asked.clear()
    benchmark.compare(task, ("products",), 1.0, kept[1], lambda found: None)
    assert asked == [("about",), *everything[4:6]]
    asked.clear()
    benchmark.compare(replace(task, steps=7), measures, 1.0, kept[1], lambda found: None)
    assert asked == [("about",), *everything]


@pytest.mark.parametrize(
    "wrong", [{"parts": "vit,giant"}, {"measures": "all"}, {"batch": "giant=3"}, {"rounds": 0}, {"limit": 0.0}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="got"):
        benchmark.Config(**wrong)  # type: ignore[arg-type]


def test_a_model_that_fails_ends_the_program_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "isolated", lambda *_, limit: Outcome((), f"not within {limit:g} s", timed_out=True))
    with pytest.raises(SystemExit, match="vit-tiny: not within 5 s"):
        benchmark.main(replace(benchmark.QUICK, parts="vit-tiny", limit=5.0, output=tmp_path))
