import pytest
import torch

from experiments.data import Split, accuracy, cross_entropy, digits


def test_the_parts_make_up_the_whole(generator: torch.Generator) -> None:
    train, test = digits(generator, test=0.3)
    assert len(train) + len(test) == 1797
    assert train.images.shape[1:] == (1, 8, 8)
    assert train.images.dtype == torch.float64


def test_training_images_are_standardised(generator: torch.Generator) -> None:
    images = digits(generator)[0].images
    assert images.mean().item() == pytest.approx(0.0, abs=1e-12)
    assert images.std().item() == pytest.approx(1.0)


def test_a_seed_gives_the_same_partition_and_another_seed_another() -> None:
    one, same, other = (digits(torch.Generator().manual_seed(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(one.images, same.images)
    assert not torch.equal(one.images, other.images)


def test_batches_hold_every_image_once(generator: torch.Generator) -> None:
    train, _ = digits(generator)
    labels = torch.cat([y for _, y in train.batches(100, generator)])
    assert torch.equal(labels.bincount(), train.labels.bincount())
    assert not torch.equal(labels, train.labels)


def test_batches_without_a_generator_keep_the_order(generator: torch.Generator) -> None:
    train, _ = digits(generator)
    assert torch.equal(torch.cat([x for x, _ in train.batches(100)]), train.images)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_that_leaves_a_part_empty_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        digits(test=fraction)


def test_empty_data_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        Split(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.long))


def test_images_without_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="one label for each image"):
        Split(torch.zeros(2, 1, 8, 8), torch.zeros(1, dtype=torch.long))


def test_an_empty_batch_is_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="at least one image"):
        next(digits(generator)[0].batches(0))


def test_accuracy_counts_and_loss_averages() -> None:
    split = Split(torch.zeros(4, 3), torch.tensor([0, 0, 0, 1]))
    model = torch.nn.Linear(3, 2)
    model.bias.data = torch.tensor([1.0, 0.0])
    assert accuracy(model, split) == 0.75
    expected = -(0.75 * torch.tensor([1.0, 0.0]).log_softmax(0)[0] + 0.25 * torch.tensor([1.0, 0.0]).log_softmax(0)[1])
    torch.testing.assert_close(cross_entropy(model, (split.images, split.labels)), expected)
