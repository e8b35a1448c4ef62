"""The code of the guide to training runs, in order."""

import re
from pathlib import Path

import pytest
import torch

GUIDE = (Path(__file__).parent.parent / "docs" / "training.md").read_text()


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
def test_the_code_of_the_guide_runs_and_prints_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL):
        exec(compile(block, "docs/training.md", "exec"), scope)
    one, other = capsys.readouterr().out.split()
    assert one == other
    assert torch.isfinite(scope["theta"]).all()


@pytest.mark.parametrize("module", re.findall(r"`(\w+\.py)`", GUIDE))
def test_the_modules_it_names_exist(module: str) -> None:
    assert (Path(__file__).parent.parent / "experiments" / "integrations" / module).exists()
