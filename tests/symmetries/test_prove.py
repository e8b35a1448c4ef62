"""Proofs: every ready declaration has one, and what is false has none."""

import pytest
import sympy
import torch

import symmetries
from symmetries import Claim, Declaration, GeneralLinear, SymmetryError, prove
from symmetries.claims import CLAIMS
from symmetries.claims.claim import act, matrix, normalized, rotation, softmax, with_ones
from symmetries.claims.neurons import rescaling

READY = [
    name
    for name, value in vars(symmetries).items()
    if getattr(value, "__module__", "").startswith("symmetries.declarations") and not isinstance(value, type)
]


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_is_proved(name):
    assert prove(name).holds


def test_every_ready_declaration_has_a_claim():
    assert {"relu_rescaling", "query_key", "norm_gain"} <= set(READY)
    assert set(READY) <= set(CLAIMS)


def test_declaration_is_proved_by_itself_or_by_its_name():
    declared = symmetries.lora_pair("A", "B")
    assert isinstance(declared, Declaration)
    assert prove(declared) == prove(symmetries.lora_pair) == prove("lora_pair")


def test_symbolic_action_is_the_numeric_one(generator):
    names = [matrix(name, rows, 2) for name, rows in (("a", 2), ("g", 3), ("h", 4))]
    moved = sympy.lambdify([entry for m in names for entry in m], [list(side) for side in act(*names)])
    element, g, h = (torch.randn(1, n, 2, generator=generator, dtype=torch.float64) for n in (2, 3, 4))
    entries = torch.cat([element.flatten(), g.flatten(), h.flatten()]).tolist()
    for symbolic, numeric in zip(moved(*entries), GeneralLinear(2).act(element, g, h), strict=True):
        torch.testing.assert_close(torch.tensor(symbolic, dtype=torch.float64), numeric.flatten())


def key_shift_under(normal) -> Claim:
    queries, keys = matrix("q", 2, 2), matrix("k", 2, 2)
    shifted = keys + sympy.ones(2, 1) * matrix("c", 1, 2)
    return Claim("keys + c", normal(queries * keys.T), normal(queries * shifted.T))


def mean_before(centred: bool) -> Claim:
    x, u = matrix("x", 1, 3), sympy.Symbol("u", real=True)
    return Claim("stream + u 1", normalized(x, centred=centred), normalized(x + u * sympy.ones(1, 3), centred=centred))


def test_mean_passes_a_layer_norm_and_not_an_rms_norm():
    assert prove(mean_before(centred=True)).holds
    assert not prove(mean_before(centred=False)).holds


def test_key_bias_is_free_under_softmax_and_not_under_a_sigmoid():
    assert prove(key_shift_under(softmax)).holds
    assert not prove(key_shift_under(lambda scores: scores.applyfunc(lambda s: 1 / (1 + sympy.exp(-s))))).holds


@pytest.mark.parametrize("activation", [sympy.Function("gelu"), sympy.tanh, lambda s: s / (1 + sympy.exp(-s))])
def test_rescaling_of_an_activation_that_is_not_homogeneous_is_not_proved(activation):
    proof = prove(rescaling(activation))
    assert not proof.holds
    assert str(proof).startswith("not proved: r(x G) H^T")


def test_rotary_positions_break_the_general_linear_group():
    x, g, h = with_ones(matrix("x", 2, 1)), matrix("q", 2, 2), matrix("k", 2, 2)
    turn = sympy.Matrix([[sympy.Symbol("c"), -sympy.Symbol("s")], [sympy.Symbol("s"), sympy.Symbol("c")]])

    def score(g, h):
        return (x * g)[0, :] * (turn * (x * h)[1, :].T)

    moved = act(matrix("a", 2, 2), g, h)
    assert not prove(Claim("one score under GL(2)", score(g, h), score(*moved))).holds


def centred_rotation_by(q) -> Claim:
    stream = matrix("s", 1, 3)
    return Claim("stream Q", normalized(stream, centred=True) * q, normalized(stream * q, centred=True))


def test_layer_norm_commutes_with_the_rotations_that_fix_ones_and_no_others():
    turn = sympy.Rational(3, 5), sympy.Rational(4, 5)
    other = sympy.diag(sympy.Matrix([[turn[0], turn[1]], [-turn[1], turn[0]]]), 1)
    assert prove(centred_rotation_by(rotation(3, fixes_ones=True))).holds
    assert not prove(centred_rotation_by(other)).holds


@pytest.mark.parametrize(("eps", "holds"), [(0, True), (sympy.Symbol("eps", positive=True), False)])
def test_a_norm_forgets_the_scale_only_without_eps(eps, holds):
    x, a = matrix("x", 1, 2), sympy.Symbol("a", positive=True)
    before, after = (normalized(value, centred=False, eps=sympy.sympify(eps)) for value in (x, a * x))
    assert prove(Claim("Norm(a x)", before, after)).holds == holds


def test_rotations_are_orthogonal_and_fix_ones_where_asked():
    for q in (rotation(2), rotation(3, fixes_ones=True)):
        assert (q * q.T).applyfunc(sympy.cancel) == sympy.eye(q.rows)
        assert q != sympy.eye(q.rows)
    ones = sympy.ones(3, 1)
    assert (rotation(3, fixes_ones=True) * ones).applyfunc(sympy.cancel) == ones


def test_unknown_claim_names_the_nearest():
    with pytest.raises(SymmetryError, match="query_key"):
        prove("query_keys")
