"""Absorptions: values against formulas written out, and what does not fit."""

import pytest
import torch

from symmetries import Gain, ReaderMean, Shear, Shift, SymmetryError, Update, View, WriterMean


@pytest.fixture
def params(generator):
    shapes = {"gain": (4,), "shift": (4,), "w": (3, 4), "b": (3,), "table": (5, 4), "other": (2, 4)}
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


GAIN = Gain("gain", View("gain", "k -> 1 1 k"), (View("w", "n k -> 1 n k"),), (View("shift", "k -> 1 1 k"),))
SHIFT = Shift("shift", View("shift", "k -> 1 1 k"), ((View("w", "n k -> 1 n k"), View("b", "n -> 1 n 1")),))
READER = ReaderMean(
    "reader",
    View("w", "h k -> 1 k h"),
    View("b", "h -> 1 1 h"),
    View("gain", "k -> 1 k 1"),
    View("shift", "k -> 1 k 1"),
)
TABLE = Shift("table", View("table", "n k -> 1 n k"), opposite=(View("other", "n k -> 1 n k"),))
WRITER = WriterMean("writer", (View("w", "n h -> 1 n h"), View("b", "n -> 1 n 1")))


def test_gain_scales_the_norm_and_divides_its_readers(params):
    scale = torch.tensor([1.0, 2.0, 4.0, 0.5], dtype=torch.float64)
    moved = GAIN.act(scale, params)
    torch.testing.assert_close(moved["gain"], params["gain"] * scale)
    torch.testing.assert_close(moved["shift"], params["shift"] * scale)
    torch.testing.assert_close(moved["w"], params["w"] / scale)


def test_gain_with_an_offset_scales_one_plus_the_weight(params):
    gemma = Gain("gain", View("gain", "k -> 1 1 k").plus(1.0), (View("w", "n k -> 1 n k"),))
    scale = torch.full((4,), 3.0, dtype=torch.float64)
    moved = gemma.act(scale, params)
    torch.testing.assert_close(1 + moved["gain"], 3 * (1 + params["gain"]))
    canonical = gemma.act(gemma.section(params), params)
    torch.testing.assert_close(canonical["gain"], torch.zeros(4, dtype=torch.float64))


def test_shift_folds_into_the_bias_of_its_reader(params):
    c = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    moved = SHIFT.act(c, params)
    torch.testing.assert_close(moved["shift"], params["shift"] + c)
    torch.testing.assert_close(moved["b"], params["b"] - params["w"] @ c)


def test_shift_passes_through_a_gain_entry_by_entry(params):
    c = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    chain = (View("gain", "k -> k 1 1"), View("w", "n k -> 1 n k"), View("b", "n -> 1 n 1"))
    factor = Shift("shift", View("shift", "k -> 1 1 k"), (chain,))
    factor.check({name: value.shape for name, value in params.items()})
    moved = factor.act(c, params)
    torch.testing.assert_close(moved["b"], params["b"] - params["w"] @ (params["gain"] * c))


def test_shift_moves_followers_along_and_opposites_back(params):
    c = torch.ones(4, dtype=torch.float64)
    factor = Shift(
        "c",
        View("table", "n k -> 1 n k"),
        opposite=(View("other", "n k -> 1 n k"),),
        followers=(View("w", "n k -> 1 n k"),),
    )
    moved = factor.act(c, params)
    torch.testing.assert_close(moved["table"], params["table"] + 1)
    torch.testing.assert_close(moved["w"], params["w"] + 1)
    torch.testing.assert_close(moved["other"], params["other"] - 1)


def test_reader_mean_takes_its_constant_from_the_bias(params):
    v = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    moved = READER.act(v, params)
    along = params["gain"].abs().min() / params["gain"]
    torch.testing.assert_close(moved["w"], params["w"] + v[:, None] * along)
    torch.testing.assert_close(moved["b"], params["b"] - v * (params["shift"] * along).sum())


def test_reader_mean_of_a_nearly_dead_channel_stays_of_the_size_of_its_element(params):
    """A pretrained norm can have a gain of 1e-30: the direction is that of 1 / gain, its length is not."""
    params["gain"][1] = 1e-30
    v = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(READER.act(v, params)["w"][:, 1], params["w"][:, 1] + 1)


def test_reader_mean_vanishes_on_the_section_at_any_gain(params):
    canonical = READER.act(READER.section(params), params)["w"]
    torch.testing.assert_close(canonical.sum(1), torch.zeros(3, dtype=torch.float64), rtol=0.0, atol=1e-12)


def test_writer_mean_shifts_every_column_by_itself(params):
    shifts = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.float64)
    moved = WRITER.act(shifts, params)
    torch.testing.assert_close(moved["w"], params["w"] + shifts[:4])
    torch.testing.assert_close(moved["b"], params["b"] + 5)
    canonical = WRITER.act(WRITER.section(params), params)
    torch.testing.assert_close(canonical["w"].mean(0), torch.zeros(4, dtype=torch.float64), rtol=0.0, atol=1e-15)


def test_zero_gain_cannot_be_folded(params):
    params["gain"][2] = 0.0
    with pytest.raises(SymmetryError, match=r"'gain' is zero in channels \[2\]"):
        GAIN.section(params)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (Gain("g", View("gain", "k -> 1 1 k"), (View("w", "k n -> 1 n k"),)), "expected 4 channels .* got shape"),
        (Gain("g", View("table", "n k -> n 1 k"), (View("w", "n k -> 1 n k"),)), r"must be read as \(1, n, k\)"),
        (
            Shift("s", View("b", "k -> 1 1 k"), ((View("w", "n k -> 1 n k"), View("b", "n -> 1 n 1")),)),
            "expected the weight 'w' to read as .*3",
        ),
        (Shift("s", View("shift", "k -> 1 1 k"), ((View("w", "n k -> 1 n k"), View("gain", "n -> 1 n 1")),)), "'gain'"),
        (Shift("s", View("shift", "k -> 1 1 k"), followers=(View("b", "k -> 1 1 k"),)), "expected 4 channels"),
        (WriterMean("w", (View("w", "n h -> 1 n h"), View("table", "n h -> 1 n h"))), r"got \[3, 5\]"),
        (ReaderMean("r", View("w", "h k -> 1 k h"), gain=View("b", "k -> 1 k 1")), r"\(1, 4, 1\), got \(1, 3, 1\)"),
    ],
)
def test_views_that_do_not_fit_are_an_error(factor, message, params):
    with pytest.raises(SymmetryError, match=message):
        factor.check({name: value.shape for name, value in params.items()})


def test_writer_mean_behind_a_layer_scale_is_constant_after_it(params, generator):
    views = (View("w", "h n -> 1 n h"), View("shift", "n -> 1 n 1"))
    factor = WriterMean("writer", views, View("gain", "n -> 1 n 1"))
    shifts = torch.randn(4, generator=generator, dtype=torch.float64)
    moved = factor.act(shifts, params)
    change = (moved["w"] - params["w"]) * params["gain"]
    torch.testing.assert_close(change, shifts[:3, None].expand(3, 4) * params["gain"].abs().min())
    canonical = factor.act(factor.section(params), params)
    torch.testing.assert_close(canonical["w"].sum(1), torch.zeros(3, dtype=torch.float64), rtol=0.0, atol=1e-12)


CHAIN = Shift(
    "chain",
    View("gain", "k -> 1 1 k"),
    ((View("w", "n k -> 1 n k"), View("w", "k n -> 1 n k"), View("shift", "n -> 1 n 1")),),
)


def test_a_reader_without_bias_passes_the_constant_on(params):
    c = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    moved = CHAIN.act(c, params)
    torch.testing.assert_close(moved["shift"], params["shift"] - params["w"].mT @ (params["w"] @ c))


SHEAR = Shear(
    "shear", View("shift", "k -> 1 1 k"), (View("w", "n k -> 1 n k"),), View("gain", "k -> 1 1 k"),
    ((View("table", "n k -> 1 n k"), View("d", "n -> 1 n 1")),),
)  # fmt: skip


def test_shear_leaves_what_is_read_of_a_layer_norm(params, generator):
    params = params | {"d": torch.zeros(5, dtype=torch.float64)}
    shapes = {name: value.shape for name, value in params.items()}
    moved = SHEAR.act(SHEAR.random(shapes, generator=generator, condition=1.0, scale=1.0), params)
    n = torch.randn(7, 4, generator=generator, dtype=torch.float64)
    n = n - n.mean(1, keepdim=True)

    def read(p):
        x = p["gain"] * n + p["shift"]
        return x @ p["w"].mT, x @ p["table"].mT + p["d"]

    for value, expected in zip(read(moved), read(params), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
    assert (moved["w"] - params["w"]).norm() > 0.1
    canonical = SHEAR.act(SHEAR.section(params), params)
    torch.testing.assert_close(canonical["shift"], canonical["gain"])


def test_shear_has_no_section_where_the_shift_of_a_new_norm_is_zero(params):
    params["shift"] = torch.zeros_like(params["shift"])
    assert SHEAR.section(params) is None


def test_shear_is_a_group_action_and_its_derivative_is_the_vertical_direction(params, generator):
    params = params | {"d": torch.zeros(5, dtype=torch.float64)}
    shapes = {name: value.shape for name, value in params.items()}
    g = SHEAR.random(shapes, generator=generator, condition=1.0, scale=1.0)
    back = SHEAR.act(SHEAR.inverse(g), SHEAR.act(g, params))
    x, step = SHEAR.random_algebra(shapes, generator=generator), 1e-5
    ahead, behind = (SHEAR.act(SHEAR.exponential(t * x), params) for t in (step, -step))
    tangent = SHEAR.infinitesimal(x, params)
    for name in SHEAR.parameters:
        torch.testing.assert_close(back[name], params[name], rtol=1e-12, atol=1e-12)
        slope = (ahead[name] - behind[name]) / (2 * step)
        torch.testing.assert_close(tangent[name], slope, rtol=1e-7, atol=1e-7)  # of second order in the step


def test_two_gains_with_offsets_share_a_factor_by_plane(params):
    gain, other = (View(name, "(n k) -> 1 n k", n=2).plus(1.0) for name in ("gain", "shift"))
    planes = Gain("planes", gain, readers=(other,))
    scale = torch.tensor([2.0, 5.0], dtype=torch.float64)
    moved = planes.act(scale, params)
    torch.testing.assert_close(1 + moved["gain"], (1 + params["gain"]) * scale.repeat(2))
    torch.testing.assert_close((1 + moved["gain"]) * (1 + moved["shift"]), (1 + params["gain"]) * (1 + params["shift"]))
    canonical = planes.act(planes.section(params), params)
    torch.testing.assert_close(canonical["gain"].reshape(2, 2).mean(0), torch.zeros(2, dtype=torch.float64))


def test_shift_along_an_inverse_gain_is_one_number(params, generator):
    factor = Shift(
        "tied",
        View("table", "n k -> 1 n k"),
        readers=((View("shift", "k -> 1 1 k"), View("b", "k -> 1 1 k")),),
        opposite=(View("other", "n k -> 1 n k"),),
        along=View("gain", "k -> 1 1 k"),
    )
    shapes = {name: value.shape for name, value in params.items()}
    assert factor.dimension(shapes) == 1
    element = factor.random(shapes, generator=generator, condition=1.0, scale=1.0)
    moved = factor.act(element, params)
    c = element / params["gain"]
    torch.testing.assert_close(moved["table"], params["table"] + c)
    torch.testing.assert_close(moved["other"], params["other"] - c)
    torch.testing.assert_close(moved["b"], params["b"] - params["shift"] @ c)
    canonical = factor.act(factor.section(params), params)["table"]
    assert abs(canonical.mean().item()) < 1e-14
    assert factor.pins[0].shape(shapes) == (1, 20, 1)


def test_canonical_representative_of_an_update_is_the_merged_weight(cases):
    case = cases("LoRA, base trained")
    params = {name: value.detach() for name, value in case.model.named_parameters()}
    canonical = case.symmetry.canonical(params)
    merged = params["base.weight"] + 2.0 * params["lora_B.weight"] @ params["lora_A.weight"]
    torch.testing.assert_close(canonical["base.weight"], merged)
    assert not canonical["lora_A.weight"].any()
    assert not canonical["lora_B.weight"].any()


def test_factors_of_an_update_must_fit_its_weight(params):
    update = Update("update", View("w", "n m -> 1 n m"), View("other", "n r -> 1 n r"), View("table", "m r -> 1 m r"))
    with pytest.raises(SymmetryError, match="expected factors"):
        update.check({name: value.shape for name, value in params.items()})
