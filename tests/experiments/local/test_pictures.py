import numpy as np
import pytest
import torch
from PIL import Image

from experiments.local.pictures import Preparation, opened, picture_folder
from experiments.models.zoo import library


def picture(width: int, height: int) -> Image.Image:
    """Noise."""
    return Image.fromarray(np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(40, 30), (30, 47), (33, 33)])
@pytest.mark.parametrize("resize", [None, 20])
def test_a_preparation_is_that_of_torchvision(size, resize):
    vision = library("torchvision.transforms")
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    expected = vision.Compose(
        [
            vision.Resize(resize or 16, interpolation=vision.InterpolationMode.BICUBIC),
            vision.CenterCrop(16),
            vision.ToTensor(),
            vision.Normalize(mean, std),
        ]
    )(picture(*size))
    assert torch.allclose(Preparation(16, resize, mean, std)(picture(*size)), expected, atol=1e-6)


def test_a_square_larger_than_the_side_it_is_cut_from_is_refused():
    with pytest.raises(ValueError, match="cannot be cut"):
        Preparation(32, resize=16)


def test_grey_pictures_and_transparent_ones_get_three_channels():
    for mode in ("L", "RGBA", "P"):
        assert Preparation(8)(picture(9, 9).convert(mode)).shape == (3, 8, 8)


def test_classes_are_the_folders_in_alphabetical_order(tmp_path):
    for name in ("n02", "n01", "n10"):
        (tmp_path / name).mkdir()
        picture(4, 4).save(tmp_path / name / "a.PNG")
    (tmp_path / "n01" / "notes.txt").touch()
    files, labels = picture_folder(tmp_path)
    assert [path.parent.name for path in files] == ["n01", "n02", "n10"]
    assert labels == [0, 1, 2]


def test_a_folder_without_pictures_and_a_file_that_is_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a folder of pictures for each class"):
        picture_folder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"expected a picture in .*a\.png"):
        opened(tmp_path / "a.png")
