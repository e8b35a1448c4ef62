import pytest
import torch

from experiments.benchmarks.geometry import SUBJECTS
from measures import EmpiricalLoss


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name.endswith("tiny")])
def test_every_subject_has_a_loss_that_its_seed_decides(name: str) -> None:
    def value(seed: int, **options: int) -> torch.Tensor:
        loss: EmpiricalLoss = SUBJECTS[name].loss(4, seed, **options)
        return loss(dict(loss.model.named_parameters())).detach()

    assert value(0).isfinite()
    assert value(0) == value(0) != value(1)
    torch.testing.assert_close(value(0, microbatch=2), value(0))  # a mean over examples of one length


def test_published_subjects_have_their_sizes() -> None:
    count = {name: sum(p.numel() for p in SUBJECTS[name].loss(1, 0).model.parameters()) for name in ("vit", "bert")}
    assert count["vit"] == pytest.approx(22e6, rel=0.01)
    assert count["bert"] == pytest.approx(109e6, rel=0.01)
