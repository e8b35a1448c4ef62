from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import __main__ as program


def test_an_interrupted_run_says_so_and_returns_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(config: object) -> None:
        raise KeyboardInterrupt

    config = SimpleNamespace(output=Path("results/demo"))
    monkeypatch.setattr(program, "parse", lambda *_: (SimpleNamespace(main=interrupted), config))
    assert program.main(["demo"]) == 130
    assert "results/demo are whole" in capsys.readouterr().err


def test_a_run_that_ends_well_returns_0(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(program, "parse", lambda *_: (SimpleNamespace(main=ran.append), "config"))
    assert program.main([]) == 0
    assert ran == ["config"]
