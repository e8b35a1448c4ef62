from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from experiments import demo, orbit
from experiments.command import option, parse, require_positive

EXPERIMENTS: dict[str, ModuleType] = {"demo": demo, "orbit": orbit}


def test_every_field_of_a_configuration_is_an_option() -> None:
    module, config = parse(EXPERIMENTS, ["demo", "--seed", "3", "--sam-radius", "0.2", "--output", "elsewhere"])
    assert module is demo
    assert config == demo.Config(seed=3, sam_radius=0.2, output=Path("elsewhere"))


def test_without_options_the_configuration_is_the_default() -> None:
    assert parse(EXPERIMENTS, ["orbit"]) == (orbit, orbit.Config())


def test_quick_is_a_smaller_start_that_options_still_change() -> None:
    _, config = parse(EXPERIMENTS, ["orbit", "--quick", "--points", "7", "--readme"])
    assert (config.points, config.readme, config.epochs) == (7, True, orbit.QUICK.epochs)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_help_tells_runtime_files_and_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(EXPERIMENTS, [name, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for expected in ("Runs for", "Writes", "2 cores", "--quick", "--seed", "--epochs", "--output", f"{name}.json"):
        assert expected in text


def test_general_help_lists_the_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(EXPERIMENTS, ["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: NAME"),
        (["spectrum"], "invalid choice: 'spectrum' (choose from"),
        (["demo", "--epochs", "many"], "argument --epochs: invalid int value"),
        (["demo", "--epochs", "3"], "--epochs must be even"),
        (["demo", "--images", "0"], "--images must be positive, got 0"),
        (["demo", "--sam-radius", "-1"], "--sam-radius must be positive, got -1.0"),
        (["demo", "--condition", "0.5"], "--condition must be at least 1"),
        (["orbit", "--dim", "30"], "dim must be a multiple of heads"),
        (["orbit", "--smallest", "nan"], "--smallest must be positive, got nan"),
        (["orbit", "--raidus", "1"], "unrecognized arguments: --raidus"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(EXPERIMENTS, arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_an_option_is_a_field_with_its_help() -> None:
    @dataclass(frozen=True)
    class Config:
        speed: float = option(1.5, "how fast")

    assert Config().speed == 1.5
    assert Config.__dataclass_fields__["speed"].metadata["help"] == "how fast"


def test_not_a_number_is_not_positive() -> None:
    with pytest.raises(ValueError, match="--step-size must be positive, got nan"):
        require_positive("step_size", float("nan"))
