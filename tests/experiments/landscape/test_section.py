import pytest
import torch

from experiments.landscape.section import Section
from measures import EmpiricalLoss
from quotient import Adaptive, Euclidean, dot, length

POINT = {"weight": torch.tensor([[3.0, -4.0]], dtype=torch.float64)}


def along(*entries: float) -> tuple[torch.Tensor, ...]:
    return (torch.tensor([entries], dtype=torch.float64),)


def test_axes_are_orthonormal_and_begin_with_the_first_velocity() -> None:
    section = Section.spanned(Euclidean().chart(POINT), along(2.0, 0.0), along(5.0, 1e-3))
    u, v = section.axes
    torch.testing.assert_close(u, along(1.0, 0.0))
    assert abs(dot(u, v).item()) < 1e-15
    assert length(v).item() == pytest.approx(1.0)


def test_the_end_of_a_velocity_is_drawn_where_its_point_is() -> None:
    chart = Adaptive().chart(POINT)
    section = Section.spanned(chart, along(1.0, 2.0), along(0.3, -0.1))
    velocity = along(0.7, -0.9)
    torch.testing.assert_close(section.point(*section.place(velocity)), chart.exp(velocity))


def test_values_are_losses_row_by_row() -> None:
    loss = EmpiricalLoss(
        torch.nn.Linear(2, 1, bias=False).double(), lambda f, x: f(x).square().mean(), [torch.eye(2).double()]
    )
    section = Section.spanned(Euclidean().chart(POINT), along(1.0, 0.0), along(0.0, 1.0))
    assert section.values(loss, [0.0, 1.0], [0.0, 4.0], "rows") == [[12.5, 16.0], [4.5, 8.0]]


@pytest.mark.parametrize("second", [(0.0, 0.0), (2.0, 0.0)])
def test_directions_that_span_no_plane_are_refused(second: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="neither zero nor parallel"):
        Section.spanned(Euclidean().chart(POINT), along(1.0, 0.0), along(*second))
