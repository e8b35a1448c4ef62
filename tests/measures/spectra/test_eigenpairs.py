import pytest
import torch
from safetensors.torch import load_file

from measures import AbstractOperator, MatrixOperator, eigenpairs
from measures.spectra.krylov import KrylovBasis


class Counted(AbstractOperator):
    """A matrix that counts its products, and may be interrupted."""

    def __init__(self, matrix, stop=None):
        self.inner, self.stop, self.products = MatrixOperator(matrix), stop, 0
        self.size, self.dimension = self.inner.size, self.inner.dimension
        self.dtype, self.device = self.inner.dtype, self.inner.device

    def __call__(self, vector):
        if self.products == self.stop:
            raise KeyboardInterrupt
        self.products += 1
        return self.inner(vector)

    def project(self, vector):
        return vector

    def random(self, generator=None):
        return self.inner.random(generator)


@pytest.fixture
def spectrum():
    """Like that of a network: a few outliers, a bulk that decays, some negative values."""
    bulk = torch.logspace(0, -6, 180, dtype=torch.float64)
    return torch.cat([torch.tensor([50.0, 30, 12, 7, 5], dtype=torch.float64), bulk, -0.5 * bulk[:15]])


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
@pytest.mark.parametrize("rows", [None, 16], ids=["whole", "restarted"])
def test_leading_pairs_are_those_of_the_dense_matrix(symmetric, spectrum, generator, which, rows):
    matrix = symmetric(*spectrum.tolist())
    count, memory = 6, rows and (rows + 1) * len(matrix) * 8
    pairs = eigenpairs(MatrixOperator(matrix), count, which=which, tolerance=1e-9, memory=memory, generator=generator)
    score = {"largest": spectrum, "smallest": -spectrum, "magnitude": spectrum.abs()}[which]
    expected = spectrum[score.argsort(descending=True)[:count]]
    assert pairs.converged
    torch.testing.assert_close(pairs.values, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(pairs.vectors @ pairs.vectors.mT, torch.eye(count, dtype=torch.float64))
    defects = (pairs.vectors @ matrix - pairs.values[:, None] * pairs.vectors).norm(dim=1)
    torch.testing.assert_close(defects, pairs.residuals, rtol=1e-3, atol=1e-11)


def test_errors_hold_and_the_products_are_counted(symmetric, spectrum, generator):
    operator = Counted(symmetric(*spectrum.tolist()))
    pairs = eigenpairs(operator, 5, tolerance=1e-3, generator=generator)
    assert pairs.products == operator.products
    assert bool(((pairs.values - spectrum[:5]).abs() <= pairs.errors + 1e-12).all())
    assert bool((pairs.errors <= 1e-3 * pairs.values).all())


def transformer_like(generator):
    """A dozen outliers over three powers of e, a bulk of both signs, and nearly nothing."""
    outliers = 5 * torch.exp(3 * torch.rand(12, generator=generator))
    bulk = 4 * torch.exp(-6 * torch.rand(50, generator=generator).sqrt())
    return torch.cat([outliers, bulk * torch.randn(50, generator=generator).sign(), torch.zeros(440)])


def clustered(generator):
    """Four clusters of four, a few percent wide, above a flat bulk."""
    centres = torch.tensor([10.0, 7.0, 5.0, 3.0]).repeat_interleave(4)
    return torch.cat(
        [centres * (1 + 0.02 * torch.randn(16, generator=generator)), 2 * torch.rand(484, generator=generator)]
    )


def power_law(generator):
    """Decaying, every fifth negative."""
    decay = torch.arange(1, 501) ** -(0.5 + torch.rand(1, generator=generator))
    return decay * torch.where(torch.rand(500, generator=generator) < 0.2, -1.0, 1.0)


@pytest.mark.parametrize("spectrum", [transformer_like, clustered, power_law])
def test_stated_errors_hold_for_99_of_100_values(float64, generator, spectrum):
    """An eigenvalue that was missed moves all after it by a place, and every one of them counts."""
    missed, tolerance = 0, 1e-2  # what tempts to stop too soon
    for _ in range(20):
        eigenvalues = spectrum(generator)
        true = eigenvalues[eigenvalues.abs().argsort(descending=True)[:10]]
        operator = MatrixOperator(torch.diag(eigenvalues))
        pairs = eigenpairs(operator, 10, which="magnitude", tolerance=tolerance, generator=generator)
        assert bool((pairs.errors <= tolerance * pairs.values.abs()).all())
        missed += int(((pairs.values - true).abs() > pairs.errors + 1e-11 * true[0].abs()).sum())
    assert missed <= 2


def test_a_search_that_is_cut_short_says_so(symmetric, spectrum, generator):
    pairs = eigenpairs(MatrixOperator(symmetric(*spectrum.tolist())), 5, max_products=6, generator=generator)
    assert not pairs.converged
    assert pairs.products == 6


def test_an_invariant_start_is_followed_by_another(generator):
    """Of rank two: the Krylov space of any vector has at most three dimensions."""
    matrix = torch.zeros(20, 20, dtype=torch.float64)
    matrix[0, 0], matrix[1, 1] = 3.0, 3.0
    pairs = eigenpairs(MatrixOperator(matrix), 4, generator=generator)
    torch.testing.assert_close(
        pairs.values, torch.tensor([3.0, 3.0, 0.0, 0.0], dtype=torch.float64), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_all_pairs_of_a_small_matrix(symmetric, generator, dimension):
    values = torch.arange(dimension, 0, -1, dtype=torch.float64)
    pairs = eigenpairs(MatrixOperator(symmetric(*values.tolist())), dimension, generator=generator)
    torch.testing.assert_close(pairs.values, values)


def test_an_interrupted_search_goes_on_where_it_was(symmetric, spectrum, tmp_path):
    matrix, file = symmetric(*spectrum.tolist()), tmp_path / "state.safetensors"
    options = {"count": 8, "tolerance": 1e-9, "memory": 17 * len(matrix) * 8, "checkpoint": file}

    def seeded():
        return torch.Generator().manual_seed(1)

    expected = eigenpairs(MatrixOperator(matrix), **options, generator=seeded())
    file.unlink()
    with pytest.raises(KeyboardInterrupt):
        eigenpairs(Counted(matrix, stop=25), **options, generator=seeded())
    done = int(load_file(file)["products"])
    assert 10 < done <= 25
    operator = Counted(matrix)
    resumed = eigenpairs(operator, **options, generator=seeded())
    torch.testing.assert_close(resumed.values, expected.values, rtol=1e-12, atol=0)
    assert operator.products == expected.products - done + 1  # one to see that the state is of this operator
    finished = Counted(matrix)
    again = eigenpairs(finished, **options, generator=seeded())
    torch.testing.assert_close(again.values, resumed.values)
    torch.testing.assert_close(again.residuals, resumed.residuals, rtol=1e-3, atol=1e-12)
    assert again.converged
    assert finished.products == 1


def test_a_state_of_another_operator_is_refused(symmetric, spectrum, generator, tmp_path):
    matrix, file = symmetric(*spectrum.tolist()), tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        eigenpairs(Counted(matrix, stop=5), 3, checkpoint=file, generator=generator)
    with pytest.raises(ValueError, match="another operator.*remove the file"):
        eigenpairs(MatrixOperator(matrix + torch.eye(len(matrix))), 3, checkpoint=file, generator=generator)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 201}, "at most 200 pairs"),
        ({"count": 0}, "count"),
        ({"which": "middle"}, "which must be one of"),
        ({"count": 10, "memory": 10_000}, "memory for 6"),
    ],
)
def test_bad_arguments_are_refused(symmetric, spectrum, options, message):
    with pytest.raises(ValueError, match=message):
        eigenpairs(MatrixOperator(symmetric(*spectrum.tolist())), **options)


def test_restarts_keep_the_relation_of_the_basis(symmetric, spectrum, generator):
    """A V^T = V^T T + the coupling to the next row, before and after a restart."""
    matrix = symmetric(*spectrum.tolist())
    basis = KrylovBasis(MatrixOperator(matrix), 12, generator)
    for _ in range(3):
        while not basis.is_full:
            basis.extend_()
        values, vectors, residuals = basis.ritz()
        ritz = basis.combined(vectors)
        torch.testing.assert_close(ritz @ ritz.mT, torch.eye(12, dtype=torch.float64))
        defects = (ritz @ matrix - values[:, None] * ritz).norm(dim=1)
        torch.testing.assert_close(defects, residuals, rtol=1e-6, atol=1e-11)
        basis.restart_(torch.arange(8, 12))
