"""Parameters and symmetry groups without a model: every kind of factor, small enough for brute force."""

from collections.abc import Callable

import torch

from symmetries import (
    AbstractFactor,
    Columns,
    Gain,
    GeneralLinear,
    ModelSymmetry,
    Params,
    ReaderMean,
    Shift,
    Symmetry,
    View,
)
from symmetries import WriterMean as Writers

HEADS, HEAD, WIDTH = 3, 2, 6
POSITIVE = GeneralLinear(1, positive=True)


def unit(incoming: str, bias: str | None, outgoing: str) -> Symmetry:
    """The rescaling of hidden units."""
    biases = () if bias is None else (View(bias, "copies -> copies 1 1"),)
    return Symmetry(
        POSITIVE,
        (View(incoming, "copies n -> copies n 1"), *biases),
        (View(outgoing, "m copies -> copies m 1"),),
    )


def heads(weight: str, bias: str | None) -> tuple[View, ...]:
    """Rows of a projection by head, and its bias as one more row."""
    rows = View(weight, "(copies h) n -> copies n h", copies=HEADS)
    return (rows,) if bias is None else (rows, View(bias, "(copies h) -> copies 1 h", copies=HEADS))


QUERY_KEY = Symmetry(GeneralLinear(HEAD), heads("q", "qb"), heads("k", "kb"))
VALUE_OUTPUT = Symmetry(GeneralLinear(HEAD), heads("v", "vb"), (View("o", "n (copies h) -> copies n h", copies=HEADS),))
ROTARY = Symmetry(
    GeneralLinear(1, "complex"),
    (View("rq", "(g q pair f) n -> (g f) (q n) 1 pair", g=1, q=2, f=3),),
    (View("rk", "(g pair f) n -> (g f) n 1 pair", g=1, f=3),),
)
SIDE_BY_SIDE = Symmetry(
    GeneralLinear(3),
    (Columns((View("B1", "n h -> 1 n h"), View("B2", "n h -> 1 n h")), (1.0, -0.5)),),
    (Columns((View("A1", "h n -> 1 n h"), View("A2", "h n -> 1 n h"))),),
)
SINGLE = unit("w1", "b1", "w2")
CHAIN = (unit("c1", "cb1", "c2"), unit("c2", "cb2", "c3"))
ABSORPTIONS: tuple[AbstractFactor, ...] = (
    Gain(
        "gain",
        View("gamma", "k -> 1 1 k"),
        readers=(View("q", "o k -> 1 o k"), View("k", "o k -> 1 o k")),
        followers=(View("beta", "k -> 1 1 k"),),
    ),
    Shift(
        "norm shift",
        View("beta", "k -> 1 1 k"),
        readers=((View("q", "o k -> 1 o k"), View("qb", "o -> 1 o 1")),),
    ),
    ReaderMean(
        "reader",
        View("q", "o i -> 1 i o"),
        bias=View("qb", "o -> 1 1 o"),
        gain=View("gamma", "k -> 1 k 1"),
        shift=View("beta", "k -> 1 k 1"),
    ),
    Shift("key bias", View("kb", "k -> 1 1 k")),
    Shift("value bias", View("vb", "k -> 1 1 k"), readers=((View("o", "n k -> 1 n k"), View("ob", "n -> 1 n 1")),)),
    Writers("writer", (View("o", "n k -> 1 n k"), View("ob", "n -> 1 n 1"))),
    Shift("embeddings", View("pos", "t k -> 1 t k"), opposite=(View("emb", "v k -> 1 v k"),)),
    Writers("embedding means", (View("emb", "v d -> 1 d v"), View("pos", "t d -> 1 d t"))),
)
SHAPES = {
    "q": (HEADS * HEAD, WIDTH),
    "k": (HEADS * HEAD, WIDTH),
    "qb": (HEADS * HEAD,),
    "kb": (HEADS * HEAD,),
    "v": (HEADS * HEAD, WIDTH),
    "vb": (HEADS * HEAD,),
    "o": (WIDTH, HEADS * HEAD),
    "ob": (WIDTH,),
    "rq": (12, WIDTH),
    "rk": (6, WIDTH),
    "w1": (5, WIDTH),
    "b1": (5,),
    "w2": (WIDTH, 5),
    "c1": (4, WIDTH),
    "cb1": (4,),
    "c2": (3, 4),
    "cb2": (3,),
    "c3": (2, 3),
    "gamma": (WIDTH,),
    "beta": (WIDTH,),
    "emb": (4, WIDTH),
    "pos": (3, WIDTH),
    "B1": (5, 2),
    "B2": (5, 1),
    "A1": (2, WIDTH),
    "A2": (1, WIDTH),
    "free": (3, 2),
}
GROUPS: dict[str, Callable[[], ModelSymmetry]] = {
    "query-key": lambda: group(QUERY_KEY),
    "value-output": lambda: group(VALUE_OUTPUT),
    "rotary": lambda: group(ROTARY),
    "columns side by side": lambda: group(SIDE_BY_SIDE),
    "single rescaling": lambda: group(SINGLE),
    "chain of rescalings": lambda: group(*CHAIN),
    "pairs together": lambda: group(QUERY_KEY, VALUE_OUTPUT, ROTARY, SINGLE, *CHAIN),
    "absorptions": lambda: group(*ABSORPTIONS),
    "everything": lambda: group(QUERY_KEY, VALUE_OUTPUT, ROTARY, SINGLE, *CHAIN, *ABSORPTIONS),
}


def group(*factors: AbstractFactor) -> ModelSymmetry:
    """The group of some factors, on all parameters."""
    return ModelSymmetry(factors, {name: torch.Size(shape) for name, shape in SHAPES.items()})


def parameters(generator: torch.Generator, dtype: torch.dtype = torch.float64) -> Params:
    """Generic parameters; gains around one."""
    params = {n: torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for n, s in SHAPES.items()}
    params["gamma"] = 1.0 + 0.3 * params["gamma"]
    return params
