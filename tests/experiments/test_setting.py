import pytest
import torch

from experiments.data import digits
from experiments.setting import Setting, adamw, fitted


def test_a_seed_gives_the_same_network_bit_by_bit() -> None:
    setting = Setting(dim=8, depth=1)
    data = digits(setting.generator())[0].first(128)
    first, second = (fitted(setting, data, adamw(setting), epochs=1, label="")[0] for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), second.parameters(), strict=True))
    assert all(p.dtype == torch.float64 for p in first.parameters())


@pytest.mark.parametrize("name", ["epochs", "batch", "lr", "images", "steps", "samples", "probes", "lanczos", "depth"])
def test_amounts_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"--{name} must be positive, got 0"):
        Setting(**{name: 0})
