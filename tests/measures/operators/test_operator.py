import pytest
import torch

from measures import MatrixOperator


def test_a_matrix_operator_multiplies_vectors_and_blocks(symmetric, generator):
    matrix = symmetric(1.0, 2.0, 3.0)
    operator = MatrixOperator(matrix)
    vectors = torch.stack([operator.random(generator) for _ in range(2)])
    torch.testing.assert_close(operator.block(vectors), vectors @ matrix)
    torch.testing.assert_close(operator.project(vectors[0]), vectors[0])
    assert (operator.size, operator.dimension) == (3, 3)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [(torch.ones(2, 3), "square"), (torch.tensor([[0.0, 1.0], [0.0, 0.0]]), "symmetric")],
)
def test_other_matrices_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        MatrixOperator(matrix)
