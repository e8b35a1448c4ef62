"""Factor pairs: stacking, balancing, and what does not fit."""

import pytest
import torch

from symmetries import GeneralLinear, Symmetry, SymmetryError, View
from symmetries.symmetry import balancing_element

ROWS = View("a", "h n -> 1 n h")
BIAS = View("b", "h -> 1 1 h")
COLUMNS = View("c", "n h -> 1 n h")
PAIR = Symmetry(GeneralLinear(3), (ROWS, BIAS), (COLUMNS,), name="pair")


def point(generator, inputs=5, outputs=4):
    shapes = {"a": (3, inputs), "b": (3,), "c": (outputs, 3)}
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


def test_stack_puts_the_bias_below_the_weights(generator):
    params = point(generator)
    g, h = PAIR.stack(params)
    assert torch.equal(g[0], torch.cat([params["a"].T, params["b"][None]]))
    assert torch.equal(h[0], params["c"])


def test_unstack_is_the_inverse_of_stack(generator):
    params, target = point(generator), point(generator)
    PAIR.unstack_(target, *PAIR.stack(params))
    assert all(torch.equal(target[name], params[name]) for name in params)


def test_default_name_says_which_parameters():
    assert Symmetry(GeneralLinear(3), (ROWS,), (COLUMNS,)).name == "a ~ c"


@pytest.mark.parametrize(
    ("inputs", "outputs", "dimension"),
    [(5, 4, 9), (1, 4, 9), (5, 1, 9), (1, 1, 9 - 1 * 2), (5, 2, 9)],  # h^2 - (h - rank G)(h - rank H), with a bias row
)
def test_dimension_counts_stabilisers_of_narrow_factors(inputs, outputs, dimension, generator):
    params = point(generator, inputs, outputs)
    shapes = {name: value.shape for name, value in params.items()}
    assert PAIR.dimension(shapes) == dimension
    velocities = [PAIR.infinitesimal(PAIR.random_algebra(shapes, generator=generator), params) for _ in range(12)]
    vertical = torch.stack([torch.cat([v[name].flatten() for name in params]) for v in velocities])
    assert torch.linalg.matrix_rank(vertical, rtol=1e-10) == dimension


def test_section_is_none_where_a_factor_lacks_rank(generator):
    params = point(generator)
    params["c"][:, 0] = 0.0
    assert PAIR.section(params) is None


def test_section_of_a_positive_group_stays_in_its_component(generator):
    group = GeneralLinear(3, positive=True)
    pair = Symmetry(group, (ROWS, BIAS), (COLUMNS,))
    for _ in range(10):
        assert bool((torch.linalg.det(pair.section(point(generator))) > 0).all())


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_balancing_element_diagonalises_both_gram_matrices(dtype, generator):
    g, h = (torch.randn(4, n, 3, generator=generator, dtype=dtype) for n in (5, 6))
    element, deficient = balancing_element(g.mH @ g, h.mH @ h)
    assert not deficient.any()
    g, h = GeneralLinear(3, "complex" if dtype.is_complex else "real").act(element, g, h)
    singular = torch.linalg.svdvals(g @ h.mH)[:, :3]
    for factor in (g, h):
        gram = factor.mH @ factor
        values = torch.diagonal(gram, 0, -2, -1).real
        torch.testing.assert_close(gram, torch.diag_embed(values).to(dtype), rtol=0.0, atol=1e-11)
        torch.testing.assert_close(values.sort(descending=True).values, singular)


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (((ROWS,), (View("c", "(copies m) h -> copies m h", copies=2),)), "expected 1 copies .* got 2 copies"),
        (((ROWS,), (View("c", "n m -> 1 m n"),)), "matrices with 3 columns, got 1 copies with 4"),
        (((ROWS,), (View("d", "n h -> 1 n h"),)), "no parameter named 'd'"),
    ],
)
def test_views_that_do_not_fit_together_are_an_error(views, message, generator):
    shapes = {name: value.shape for name, value in point(generator).items()}
    with pytest.raises(SymmetryError, match=message):
        Symmetry(GeneralLinear(3), *views).check(shapes)


def test_empty_side_is_an_error():
    with pytest.raises(ValueError, match="at least one view on either side"):
        Symmetry(GeneralLinear(3), (ROWS,), ())


def test_real_views_under_a_complex_group_are_an_error():
    with pytest.raises(ValueError, match=r"GL\(1, C\) needs views that are all complex"):
        Symmetry(GeneralLinear(1, "complex"), (ROWS,), (COLUMNS,))


BETWEEN = Symmetry(GeneralLinear(3), (ROWS,), (COLUMNS,), gains=((COLUMNS, View("d", "h -> 1 1 h")),), name="between")


def three_factors(generator):
    params = point(generator)
    return {**params, "d": torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)}


def test_a_diagonal_between_the_factors_conjugates_the_action(generator):
    params = three_factors(generator)
    shapes = {name: value.shape for name, value in params.items()}
    g, h = (BETWEEN.random(shapes, generator=generator, condition=5.0, scale=1.0) for _ in range(2))
    moved = BETWEEN.act(g, params)
    assert torch.equal(moved["d"], params["d"])
    before, after = (p["c"] @ p["d"].diag() @ p["a"] for p in (params, moved))
    torch.testing.assert_close(after, before)
    for name, value in BETWEEN.act(h, moved).items():
        torch.testing.assert_close(BETWEEN.act(h @ g, params)[name], value)


def test_the_velocity_of_a_conjugated_action_is_its_derivative(generator):
    params = three_factors(generator)
    x = BETWEEN.random_algebra({name: value.shape for name, value in params.items()}, generator=generator)
    _, velocity = torch.func.jvp(
        lambda t: BETWEEN.act(torch.linalg.matrix_exp(t * x), params),
        (torch.zeros((), dtype=torch.float64),),
        (torch.ones((), dtype=torch.float64),),
    )
    for name, value in BETWEEN.infinitesimal(x, params).items():
        torch.testing.assert_close(velocity[name], value)


def test_a_diagonal_that_does_not_fit_is_an_error(generator):
    shapes = {name: value.shape for name, value in three_factors(generator).items()} | {"d": torch.Size([2])}
    with pytest.raises(SymmetryError, match=r"expected a gain \(1, 1, 3\) behind one of its maps, got \(1, 1, 2\)"):
        BETWEEN.check(shapes)
