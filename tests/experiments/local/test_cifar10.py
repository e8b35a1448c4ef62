import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch

from experiments.local.cifar10 import TEST, TRAIN, cifar10
from tests.experiments.local.cifar_files import random_batches, write_binary, write_pickled


@pytest.mark.parametrize("write", [write_pickled, write_binary])
@pytest.mark.parametrize("train", [True, False])
def test_both_versions_give_channels_rows_and_columns_in_the_order_of_the_files(tmp_path, write, train):
    batches = random_batches()
    write(tmp_path, batches)
    images, labels = cifar10(tmp_path, train=train)
    names = TRAIN if train else TEST
    assert images.shape == (4 * len(names), 3, 32, 32)
    assert images.dtype == torch.uint8
    pixels, expected = batches[names[-1]]
    assert np.array_equal(labels[-4:].numpy(), expected)
    assert images[-1, 2, 31, 30] == pixels[-1, 2 * 1024 + 31 * 32 + 30]


def test_a_pickle_that_holds_more_than_arrays_is_refused(tmp_path):
    write_pickled(tmp_path, random_batches())
    (tmp_path / "cifar-10-batches-py" / TEST[0]).write_bytes(pickle.dumps({b"data": Fraction(1, 2)}))
    with pytest.raises(ValueError, match=r"expected arrays, got fractions\.Fraction"):
        cifar10(tmp_path, train=False)


def test_a_file_that_is_absent_or_cut_short_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected test_batch or test_batch.bin"):
        cifar10(tmp_path, train=False)
    write_binary(tmp_path, random_batches())
    path = tmp_path / f"{TEST[0]}.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="expected a multiple of 3073"):
        cifar10(tmp_path, train=False)
