"""Views: reading and writing are inverse, for every layout, and alias the parameter."""

import pytest
import torch

from symmetries import SymmetryError, View

# A view, the shape of its parameter, the shape of what is read, whether reading can alias.
VIEWS = {
    "rows": (View("w", "(copies h) n -> copies n h", copies=2), (6, 5), (2, 5, 3), True),
    "columns": (View("w", "m (copies h) -> copies m h", copies=2), (5, 6), (2, 5, 3), True),
    "bias": (View("w", "(copies h) -> copies 1 h", copies=2), (6,), (2, 1, 3), True),
    "units": (View("w", "copies n -> copies n 1"), (6, 5), (6, 5, 1), True),
    "kernels": (View("w", "o copies y x -> copies (o y x) 1"), (4, 3, 2, 2), (3, 16, 1), False),
    "flattened": (View("w", "n (copies s) -> copies (n s) 1", copies=3), (2, 12), (3, 8, 1), False),
    "grouped": (View("w", "(copies q h) n -> copies (q n) h", copies=2, q=3), (12, 5), (2, 15, 2), False),
    "fused": (View("w", "(three copies h) n -> three copies n h", three=3, copies=2).at(1), (18, 5), (2, 5, 3), True),
    "transposed": (
        View("w", "n (three copies h) -> three copies n h", three=3, copies=2).at(2),
        (5, 18),
        (2, 5, 3),
        True,
    ),
    "two indices": (View("w", "a b (copies h) n -> a b copies n h", copies=2).at(1, 0), (2, 3, 4, 5), (2, 5, 2), True),
    "part of every head": (
        View("w", "(copies h) n -> copies n h", copies=2).within(h=(1, 3)),
        (6, 5),
        (2, 5, 2),
        True,
    ),
    "part of the rows of one third": (
        View("w", "(three h) n -> three 1 n h", three=3).at(2).within(h=(0, 3), n=(1, 5)),
        (12, 5),
        (1, 4, 3),
        True,
    ),
    "complex half": (View("w", "(copies pair f) n -> (copies f) n 1 pair", copies=2, pair=2), (8, 5), (4, 5, 1), False),
    "complex interleaved": (
        View("w", "(copies q f pair) n -> (copies f) (q n) 1 pair", copies=2, q=2, pair=2),
        (16, 5),
        (4, 10, 1),
        False,
    ),
}


@pytest.fixture(params=VIEWS)
def sample(request, generator):
    view, shape, read, aliases = VIEWS[request.param]
    return view, torch.randn(shape, generator=generator, dtype=torch.float64), read, aliases


def test_reading_gives_copies_of_matrices(sample):
    view, tensor, read, _ = sample
    assert tuple(view.read({"w": tensor}).shape) == read == view.shape({"w": tensor.shape})
    assert view.read({"w": tensor}).is_complex() == view.is_complex


@pytest.mark.parametrize("transposed", [False, True])
def test_reading_into_memory_of_any_layout_is_reading(sample, transposed):
    view, tensor, *_ = sample
    expected = view.read({"w": tensor})
    target = torch.empty_like(expected, memory_format=torch.contiguous_format)
    target = torch.empty_like(expected.mT.contiguous()).mT if transposed else target
    view.read_into_({"w": tensor}, target)
    assert torch.equal(target, expected)


def test_filling_sets_all_that_is_read_and_nothing_else(sample):
    view, tensor, *_ = sample
    marked = torch.zeros(tensor.shape, dtype=torch.bool)
    view.fill_({"w": marked}, True)
    view.fill_({"w": tensor}, 0.0)
    assert not view.stored.read({"w": tensor}).any()
    assert torch.equal(tensor == 0, marked)


def test_writing_what_was_read_changes_nothing(sample):
    view, tensor, *_ = sample
    before = tensor.clone()
    view.write_({"w": tensor}, view.read({"w": tensor}).clone())
    assert torch.equal(tensor, before)


def test_reading_gives_what_was_written(sample, generator):
    view, tensor, read, _ = sample
    dtype = torch.complex128 if view.is_complex else torch.float64
    value = torch.randn(read, generator=generator, dtype=dtype)
    view.write_({"w": tensor}, value)
    assert torch.equal(view.read({"w": tensor}), value)


def test_writing_touches_only_the_part_that_is_read(sample):
    view, tensor, read, _ = sample
    before = tensor.clone()
    view.write_({"w": tensor}, torch.zeros(read, dtype=view.read({"w": tensor}).dtype))
    entries = torch.Size(read).numel() * (2 if view.is_complex else 1)
    assert int((tensor != before).sum()) == entries


def test_reading_aliases_the_parameter_where_it_can(sample):
    view, tensor, _, aliases = sample
    same = view.read({"w": tensor}).untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
    assert same == aliases


def test_view_of_a_column_stride_writes_into_the_parameter(generator):
    base = torch.randn(5, 6, generator=generator)
    tensor = base.T  # not contiguous
    View("w", "(copies h) n -> copies n h", copies=2).write_({"w": tensor}, torch.zeros(2, 5, 3))
    assert not base.any()


def test_gradient_passes_through_reading(sample):
    view, tensor, *_ = sample
    leaf = tensor.requires_grad_()
    read = view.read({"w": leaf})
    (gradient,) = torch.autograd.grad((read.abs() ** 2).sum(), leaf)
    expected = torch.zeros_like(tensor)
    view.write_({"w": expected}, 2 * read.detach())
    torch.testing.assert_close(gradient, expected)


def test_fused_parts_are_the_chunks_of_the_parameter(generator):
    tensor = torch.randn(18, 5, generator=generator)
    view = View("w", "(three copies h) n -> three copies n h", three=3, copies=2)
    for i, chunk in enumerate(tensor.chunk(3)):
        for head in range(2):
            assert torch.equal(view.at(i).read({"w": tensor})[head], chunk[3 * head : 3 * head + 3].T)


def test_complex_parts_pair_the_channels_that_the_pattern_names():
    tensor = torch.arange(8.0)[:, None]
    half = View("w", "(pair f) n -> f n 1 pair", pair=2).read({"w": tensor}).flatten()
    adjacent = View("w", "(f pair) n -> f n 1 pair", pair=2).read({"w": tensor}).flatten()
    assert half.tolist() == [0 + 4j, 1 + 5j, 2 + 6j, 3 + 7j]
    assert adjacent.tolist() == [0 + 1j, 2 + 3j, 4 + 5j, 6 + 7j]


def test_equal_views_are_equal_and_hash_alike():
    first, second = (View("w", "(copies h) n  ->  copies n h", copies=2) for _ in range(2))
    assert first == second
    assert len({first, second, first.at()}) == 1
    assert first != View("w", "(copies h) n -> copies n h", copies=3)


@pytest.mark.parametrize(
    ("view", "shape", "message"),
    [
        (View("w", "(copies h) n -> copies n h", copies=4), (6, 5), r"multiple of \{'copies': 4\}, got shape \(6, 5\)"),
        (View("w", "(copies h) n -> copies n h", copies=2, h=2), (6, 5), "got shape"),
        (View("w", "(copies h) n -> copies n h", copies=2), (6,), "2 axes"),
        (View("v", "copies n -> copies n 1"), (6, 5), r"no parameter named 'v' .* nearest are \['w'\]"),
    ],
)
def test_view_that_does_not_fit_says_why(view, shape, message):
    with pytest.raises(SymmetryError, match=message):
        view.shape({"w": torch.Size(shape)})


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View("w", "(copies h) n -> copies n h"), "give the size of all but one"),
        (View("w", "(three copies h) n -> three copies n h", three=3, copies=2), r"choose among them with \.at"),
        (View("w", "(three copies h) n -> three copies n h", three=3, copies=2).at(3), "outside the axis three"),
        (View("w", "(copies h) n -> copies n h", copies=2).within(h=(3, 10)), "3:10 is outside the axis h of length 9"),
        (View("w", "(copies h) n -> copies n h", copies=2).within(m=(0, 1)), "outside the axis m of length 0"),
    ],
)
def test_view_that_is_not_complete_says_what_is_missing(view, message):
    with pytest.raises(ValueError, match=message):
        view.shape({"w": torch.Size((18, 5))})


@pytest.mark.parametrize("pattern", ["copies n h", "copies n -> copies n", "a -> b -> copies n h"])
def test_pattern_without_three_axes_is_an_error(pattern):
    with pytest.raises(ValueError, match="copies n h"):
        View("w", pattern)


def test_reading_an_unknown_parameter_names_the_nearest():
    with pytest.raises(SymmetryError, match=r"'attn.weight'"):
        View("attn.wieght", "copies n -> copies n 1").read({"attn.weight": torch.ones(2, 2)})


def test_row_and_column_flatten_every_matrix_of_the_same_entries(generator):
    tensor = torch.randn(6, 5, generator=generator)
    view = View("w", "(copies h) n -> copies n h", copies=2)
    matrices, column, row = (each.read({"w": tensor}) for each in (view, view.column, view.row))
    assert torch.equal(column, matrices.reshape(2, 15, 1))
    assert torch.equal(row, matrices.reshape(2, 1, 15))


def test_scaling_in_place_scales_what_is_read(sample, generator):
    view, tensor, read, _ = sample
    factor = torch.rand(1, 1, read[2], generator=generator, dtype=torch.float64)
    expected = view.read({"w": tensor}) * factor
    view.scale_({"w": tensor}, factor)
    assert torch.equal(view.read({"w": tensor}), expected)


def test_adding_in_place_adds_to_what_is_read(sample, generator):
    view, tensor, (copies, n, h), _ = sample
    before = view.read({"w": tensor}).clone()
    value, times = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((copies, 1, h), (1, n, 1)))
    value = value.to(before)
    view.add_({"w": tensor}, value)
    torch.testing.assert_close(view.read({"w": tensor}), before + value)
    view.add_({"w": tensor}, value, times)
    torch.testing.assert_close(view.read({"w": tensor}), before + value + value * times)


def marked(view, shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    view.fill_({"w": mask}, True)
    return mask


def test_views_that_are_apart_have_no_entry_in_common():
    third = View("w", "(three copies h) n -> three copies n h", three=3, copies=2)
    views = [third.at(0), third.at(1), third.at(2).within(h=(0, 1)), third.at(2).within(h=(1, 3))]
    views += [View("w", "(copies h) n -> copies n h", copies=2), View("w", "m (copies h) -> copies m h", copies=2)]
    shape = torch.Size([18, 6])
    for a in views:
        for b in views:
            assert not a.is_apart(b, shape) or not (marked(a, shape) & marked(b, shape)).any()
    assert all(a.is_apart(b, shape) == (a is not b) for a in views[:4] for b in views[:4])


def test_number_added_to_a_parameter_is_taken_off_when_written(generator):
    params = {"norm.weight": torch.randn(5, generator=generator)}
    stored, view = params["norm.weight"].clone(), View("norm.weight", "n -> 1 n 1").plus(1.0)
    torch.testing.assert_close(view.read(params).flatten(), stored + 1)
    view.write_(params, 2 * view.read(params))
    torch.testing.assert_close(params["norm.weight"], 2 * (stored + 1) - 1)
    assert view.column.plus(-1.0).row.offset == 0.0
    assert view != View("norm.weight", "n -> 1 n 1")
