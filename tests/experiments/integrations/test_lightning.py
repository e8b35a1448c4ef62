"""Lightning takes the steps of the plain loop."""

import copy

import pytest
import torch

from experiments.models.zoo import library
from tests.experiments.integrations.conftest import Classifier, assert_drawn_twice, loss_fn, make_optimizer

pytestmark = pytest.mark.filterwarnings("ignore")  # of workers, loggers, and Lightning's own deprecations


def run(model, batches, folder, accumulate=1, **options):
    library("torch")
    pytorch_lightning = pytest.importorskip("pytorch_lightning")
    from experiments.integrations.lightning import SharpnessAwareModule

    module = SharpnessAwareModule(model, loss_fn, make_optimizer(model).geometry, torch.optim.AdamW, lr=0.05, **options)
    trainer = pytorch_lightning.Trainer(
        max_epochs=1,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(module, torch.utils.data.DataLoader(batches, batch_size=None))
    return trainer


@pytest.mark.parametrize("options", [{}, {"every": 2}, {"mode": "riemannian"}])
def test_lightning_takes_the_steps_of_the_plain_loop(options, batches, plain_loop, tmp_path):
    model = Classifier()
    twin = copy.deepcopy(model)
    expected = plain_loop(model, make_optimizer(model, **options))
    trainer = run(twin, batches, tmp_path, **options)
    assert trainer.global_step == len(batches)
    assert "loss" in trainer.logged_metrics
    torch.testing.assert_close([p.detach() for p in twin.parameters()], expected)


def test_the_second_pass_gets_the_dropout_masks_of_the_first(batches, tmp_path):
    model = Classifier(dropout=0.5)
    run(model, batches, tmp_path)
    assert_drawn_twice(model.masks)


def test_accumulation_outside_of_closures_is_refused(batches, tmp_path):
    with pytest.raises(ValueError, match="accumulate_grad_batches=1"):
        run(Classifier(), batches, tmp_path, accumulate=2)
