import torch

from measures import DeflatedOperator, MatrixOperator


def test_complement_of_eigenvectors_has_the_other_eigenvalues(float64, symmetric):
    matrix = symmetric(-2.0, 0.5, 1.0, 4.0)
    vectors = torch.linalg.eigh(matrix).eigenvectors
    rest = DeflatedOperator(MatrixOperator(matrix), vectors[:, [0, 3]].mT)
    dense = rest.block(torch.stack([rest.project(row) for row in torch.eye(4)]))
    expected = torch.tensor([0.0, 0.0, 0.5, 1.0])
    torch.testing.assert_close(torch.linalg.eigvalsh(dense), expected, rtol=1e-12, atol=1e-12)
    assert rest.dimension == 2


def test_traces_of_a_compression_and_of_its_complement_add_up(float64, generator, symmetric):
    matrix = symmetric(-2.0, 0.5, 1.0, 4.0, 9.0)
    basis = torch.linalg.qr(torch.randn(5, 2, generator=generator)).Q.mT
    rest = DeflatedOperator(MatrixOperator(matrix), basis)
    dense = rest.block(torch.stack([rest.project(row) for row in torch.eye(5)]))
    torch.testing.assert_close((basis @ matrix @ basis.mT).trace() + dense.trace(), matrix.trace())


def test_products_projections_and_draws_stay_in_the_complement(float64, generator, symmetric):
    basis = torch.linalg.qr(torch.randn(5, 2, generator=generator)).Q.mT
    rest = DeflatedOperator(MatrixOperator(symmetric(1.0, 2.0, 3.0, 4.0, 5.0)), basis)
    x, y = rest.random(generator), rest.project(torch.randn(5, generator=generator))
    for vector in (x, y, rest(x)):
        assert (basis @ vector).abs().max() < 1e-14
    torch.testing.assert_close(rest(x) @ y, x @ rest(y))
    torch.testing.assert_close(rest.block(torch.stack([x, y]))[1], rest(y))
