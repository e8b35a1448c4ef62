"""Hugging Face's Trainer takes the steps of the plain loop."""

import copy

import pytest
import torch
from torch.utils.data import Dataset

from tests.experiments.integrations.conftest import Classifier, assert_drawn_twice, make_optimizer

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


class Examples(Dataset):
    """The examples of the batches, in their order."""

    def __init__(self, batches) -> None:
        self.rows = [{"x": x, "labels": y} for b in batches for x, y in zip(b["x"], b["labels"], strict=True)]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.rows[index]


def run(model, optimizer, batches, folder, **options):
    from experiments.integrations.hugging_face import SharpnessAwareTrainer

    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=8,
        num_train_epochs=1,
        lr_scheduler_type="constant",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="no",
        remove_unused_columns=False,
        max_grad_norm=0.0,
        train_sampling_strategy="sequential",
        **options,
    )
    trainer = SharpnessAwareTrainer(
        model=model, args=arguments, train_dataset=Examples(batches), optimizers=(optimizer, None)
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("options", [{}, {"every": 2}, {"mode": "riemannian"}])
def test_trainer_takes_the_steps_of_the_plain_loop(accumulated, options, batches, plain_loop, tmp_path):
    model = Classifier()
    twin = copy.deepcopy(model)
    expected = plain_loop(model, make_optimizer(model, **options), accumulated)
    run(twin, make_optimizer(twin, **options), batches, tmp_path, gradient_accumulation_steps=accumulated)
    torch.testing.assert_close([p.detach() for p in twin.parameters()], expected)


@pytest.mark.parametrize("accumulated", [1, 2])
def test_every_micro_batch_gets_its_dropout_masks_again(accumulated, batches, tmp_path):
    model = Classifier(dropout=0.5)
    run(model, make_optimizer(model), batches, tmp_path, gradient_accumulation_steps=accumulated)
    assert_drawn_twice(model.masks, accumulated)


def test_another_optimizer_is_refused(batches, tmp_path):
    model = Classifier()
    with pytest.raises(TypeError, match="expected a RiemannianSAM, got SGD"):
        run(model, torch.optim.SGD(model.parameters(), lr=0.1), batches, tmp_path)
