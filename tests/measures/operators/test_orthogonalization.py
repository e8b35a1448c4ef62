import pytest
import torch

from measures.operators.orthogonalization import inner, lengths, negligible, orthogonalize_, orthogonalized, products

#: More than one piece, and not a whole number of them.
LONG = 150_000


@pytest.fixture
def rows(float64, generator):
    return torch.linalg.qr(torch.randn(LONG, 3, generator=generator)).Q.mT.contiguous()


def test_long_sums_in_single_precision_keep_their_digits():
    """Of a constant sign, where single precision loses most: 1e-3 when 2e7 entries are added up at once."""
    x = torch.rand(4_000_000, generator=torch.Generator().manual_seed(0))
    expected = x.double().square().sum().item()
    for found in (inner(x, x), lengths(x).item() ** 2, products(x, x.unsqueeze(0)).item()):
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lengths_whose_squares_leave_single_precision_are_found(scale):
    vectors = scale * torch.rand(2, LONG, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(lengths(vectors), vectors.double().norm(dim=1), rtol=1e-7, atol=0)


@pytest.mark.parametrize("as_rows", [lambda rows: rows, list], ids=["matrix", "list"])
def test_several_vectors_are_projected_like_each_of_them(rows, generator, as_rows):
    vectors = torch.randn(4, LONG, generator=generator)
    part = vectors.clone()
    along, left = orthogonalize_(part, as_rows(rows))
    torch.testing.assert_close(along, vectors @ rows.mT)
    torch.testing.assert_close(part, vectors - vectors @ rows.mT @ rows)
    torch.testing.assert_close(left, part.norm(dim=1))
    torch.testing.assert_close(orthogonalized(vectors[2], as_rows(rows)), part[2])


def test_what_is_left_of_a_dependent_vector_is_orthogonal_to_rounding(rows, generator):
    vector = rows[0] + 1e-9 * torch.randn(LONG, generator=generator) / LONG**0.5
    along, left = orthogonalize_(vector, rows)
    assert left.item() == pytest.approx(1e-9, rel=0.02)  # the length of a random vector is known to 1 / sqrt(2 n)
    assert (rows @ vector).abs().max() < 1e-15 * left
    assert along[0].item() == pytest.approx(1.0)
    assert not negligible(left.item(), rows[0])


def test_no_rows_take_nothing_off(float64):
    vector = torch.arange(5.0)
    along, left = orthogonalize_(vector, [])
    assert (vector.tolist(), along.tolist(), left.item()) == ([0, 1, 2, 3, 4], [], pytest.approx(30**0.5))


def test_rounding_errors_are_negligible(rows):
    assert negligible(1e-16 * lengths(rows[0]).item(), rows[0])
