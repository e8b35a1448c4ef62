"""Solutions that are followed while their targets move."""

import pytest
import torch
from torch import Tensor

from quotient import continuation
from quotient.continuation import continued


def rational(entries: Tensor, fraction: Tensor) -> Tensor:
    """x + x^3 = 2 f and y = f: the solution at 1 is (1, 1), in every system."""
    x, y = entries.unbind(-1)
    return torch.stack([x + x**3 - 2.0 * fraction, y - fraction], dim=-1)


def folded(entries: Tensor, fraction: Tensor) -> Tensor:
    """x - x^2 / 2 = 0.8 f, or 0.2 f in the second system: solutions of the first end at f = 0.625, where x is 1."""
    heights = entries.new_tensor([0.8, 0.2])
    return entries - entries**2 / 2 - (heights * fraction).unsqueeze(-1)


@pytest.mark.parametrize("dense", [True, False])
def test_solutions_are_followed_to_their_ends(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuation, "_DENSE", 1100 if dense else 0)
    found = continued(rational, torch.full((3, 2), 0.5, dtype=torch.float64), tolerance=1e-12, max_steps=200)
    torch.testing.assert_close(found.unknowns, torch.ones(3, 2, dtype=torch.float64), rtol=0, atol=1e-11)
    assert found.fractions.tolist() == [1.0, 1.0, 1.0]


def test_a_solution_that_ends_on_its_way_is_told_and_leaves_the_others_alone() -> None:
    found = continued(folded, torch.ones(2, 1, dtype=torch.float64), tolerance=1e-12, max_steps=500)
    ends, arrived = found.fractions.tolist()
    # Half a hundredth beyond the fold what is missed is still below the tolerance on the way.
    assert ends == pytest.approx(0.625, abs=0.02)
    assert arrived == 1.0
    assert found.unknowns[1].item() == pytest.approx(1.0 - 0.6**0.5, abs=1e-10)  # the root of x - x^2/2 = 0.2


def test_steps_are_bounded() -> None:
    found = continued(rational, torch.full((1, 2), 0.5, dtype=torch.float64), tolerance=1e-12, max_steps=3)
    assert found.fractions.item() < 1.0
    assert found.steps <= 3 + 8  # those of the last move are finished
