"""The symmetry group of a whole model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import networkx as nx
import torch
from torch import Tensor

from .absorption import AbstractAbsorption
from .coupling import coupled
from .errors import SymmetryError
from .factor import APPROXIMATE, COUNTED, AbstractFactor, named
from .family import Family, by_family, contributions
from .params import Params, Shapes, Tangent, lookup, require_finite, unknown_name
from .section_order import section_order
from .settling import Step, in_passing, settled
from .sharding import require_whole
from .statistics import FixedStatistics, fold_, folded, unfold_, unfolded
from .symmetry import Symmetry

Element = dict[str, Tensor]
Balance = Literal["none", "single", "all"]


@dataclass(frozen=True)
class ModelSymmetry:
    """The product of all factors of a model's symmetry group, bound to the shapes of its parameters.

    Elements and algebra elements are dictionaries from factor names to tensors; a factor that is absent stays at the
    identity. Factors act one after the other, in the order of :attr:`factors`.

    Laws: ``act(g, params)`` is the same function as ``params``; ``undo(g, act(g, params)) == params``;
    ``canonical(act(g, params))`` and ``canonical(params)`` differ by unitaries that commute with the singular values.

    Args:
        factors: pairs, absorptions, rotations; put in the order in which sections are taken.
        shapes: the shape of every trainable parameter.
        head: ``"softmax"`` when factors may change logits that a softmax turns into the same probabilities.
        unrecognised: modules that detection knows nothing about.
        statistics: of batch norms in evaluation mode; the factors act on gains and shifts with these folded in.

    Raises:
        SymmetryError: a view of an unknown parameter, or of a shape that does not fit.
        ValueError: two factors of one name.
    """

    factors: tuple[AbstractFactor, ...]
    shapes: Shapes
    head: Literal["softmax", "raw"] = "raw"
    unrecognised: tuple[str, ...] = ()
    statistics: tuple[FixedStatistics, ...] = ()

    def __post_init__(self) -> None:
        named(self.factors)
        for factor in self.factors:
            factor.check(self.shapes)
        object.__setattr__(self, "factors", tuple(section_order(self.factors)))

    def __getitem__(self, name: str) -> AbstractFactor:
        table = named(self.factors)
        if name not in table:
            raise SymmetryError(unknown_name("factor", name, table))
        return table[name]

    @property
    def pairs(self) -> tuple[Symmetry, ...]:
        """The factor pairs."""
        return tuple(factor for factor in self.factors if isinstance(factor, Symmetry))

    @property
    def absorptions(self) -> tuple[AbstractAbsorption, ...]:
        """The factors with a global section."""
        return tuple(factor for factor in self.factors if isinstance(factor, AbstractAbsorption))

    @property
    def exact(self) -> tuple[AbstractFactor, ...]:
        """The factors that are held to leave the function as it is: all that are not flagged ``approximate``."""
        return tuple(factor for factor in self.factors if APPROXIMATE not in factor.flags)

    @property
    def quotiented(self) -> tuple[AbstractFactor, ...]:
        """The factors that a quotient takes out: all that are flagged neither ``counted`` nor ``approximate``."""
        return tuple(factor for factor in self.factors if not factor.flags & {COUNTED, APPROXIMATE})

    def restricted(self, names: Iterable[str]) -> "ModelSymmetry":
        """The factors that move none but the parameters called ``names``: what is left when the others are held.

        Raises:
            SymmetryError: an unknown name.
        """
        kept = dict.fromkeys(names)
        for name in kept:
            if name not in self.shapes:
                raise SymmetryError(unknown_name("parameter", name, self.shapes))
        factors = tuple(factor for factor in self.factors if kept.keys() >= set(factor.parameters))
        return replace(self, factors=factors, shapes={name: self.shapes[name] for name in kept})

    @cached_property
    def dimension(self) -> int:
        """The dimension of a generic orbit: directions that belong to several absorptions are counted once.

        Factors flagged ``approximate`` are left out; :attr:`families` has them.
        """
        return sum(family.dimension for family in self.families if APPROXIMATE not in family.flags)

    @cached_property
    def _contributions(self) -> tuple[int, ...]:
        return contributions(self.factors, self.shapes)

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """Dimensions by family, largest first; without the ``approximate`` ones they add up to :attr:`dimension`."""
        return by_family(self.factors, self._contributions)

    def random(
        self,
        generator: torch.Generator | None = None,
        condition: float = 10.0,
        scale: float = 1.0,
        *,
        factors: Iterable[AbstractFactor] | None = None,
    ) -> Element:
        """A random group element.

        Args:
            generator: where the draws come from.
            condition: condition number of every GL block; scalings spread over ``[condition^-1/2, condition^1/2]``.
            scale: size of every block and shift.
            factors: which factors move; by default those that a quotient takes out (:attr:`quotiented`).
        """
        chosen = self.quotiented if factors is None else tuple(factors)
        return {f.name: f.random(self.shapes, generator=generator, condition=condition, scale=scale) for f in chosen}

    def random_algebra(
        self, generator: torch.Generator | None = None, *, factors: Iterable[AbstractFactor] | None = None
    ) -> Element:
        """A Gaussian element of the Lie algebra, of every factor by default (counted ones too)."""
        chosen = self.factors if factors is None else tuple(factors)
        return {f.name: f.random_algebra(self.shapes, generator=generator) for f in chosen}

    def exponential(self, x: Element) -> Element:
        """The group element each algebra element generates."""
        return {name: self[name].exponential(value) for name, value in x.items()}

    def act(self, g: Element, params: Params) -> Params:
        """The transformed parameters: another dictionary, the same function."""
        self._require_known(g)
        params = self.folded(params)
        for factor in self.factors:
            if factor.name in g:
                params = factor.act(g[factor.name], params)
        return self.unfolded(params)

    def act_(self, g: Element, params: Params) -> None:
        """:meth:`act` in place, without a second copy of the parameters; not to be differentiated."""
        self._require_known(g)
        fold_(params, self.statistics)
        for factor in self.factors:
            if factor.name in g:
                factor.act_(g[factor.name], params)
        unfold_(params, self.statistics)

    def undo(self, g: Element, params: Params) -> Params:
        """The inverse of :meth:`act`: ``undo(g, act(g, params)) == params``."""
        self._require_known(g)
        params = self.folded(params)
        for factor in reversed(self.factors):
            if factor.name in g:
                params = factor.act(factor.inverse(g[factor.name]), params)
        return self.unfolded(params)

    def push(self, g: Element, params: Params, tangent: Tangent) -> Tangent:
        """The differential of the action: what a tangent at ``params`` becomes at ``act(g, params)``."""
        carried: Tangent = torch.func.jvp(lambda p: self.act(g, p), (dict(params),), (dict(tangent),))[1]
        return carried

    def infinitesimal(self, x: Element, params: Params) -> Tangent:
        """The vertical direction of the algebra element ``x``: the sum over its factors, zero elsewhere."""
        self._require_known(x)
        tangent = {name: torch.zeros_like(value) for name, value in params.items()}
        for factor in self.factors:
            if factor.name in x:
                for name, velocity in self.velocity(factor, x[factor.name], params).items():
                    tangent[name] = tangent[name] + velocity
        return tangent

    def velocity(self, factor: AbstractFactor, x: Tensor, params: Params) -> Tangent:
        """The vertical direction of one factor, holding the touched parameters only."""
        return self.unfolded(factor.infinitesimal(x, self.folded(params)))

    def touched(self, factors: Iterable[AbstractFactor]) -> set[str]:
        """The parameters that an action of these factors writes: theirs, and those that statistics fold into."""
        folded = {name for norm in self.statistics for name in (norm.gain, norm.shift)}
        return folded.union(*(factor.parameters for factor in factors))

    def folded(self, params: Params) -> Params:
        """The coordinates in which the factors act: fixed statistics folded into the affine map behind them."""
        return folded(params, self.statistics)

    def unfolded(self, params: Params) -> Params:
        """Back from there; tangents too, since the change of coordinates is linear."""
        return unfolded(params, self.statistics)

    def section(self, params: Params, *, balance: Balance = "all") -> Element:
        """The element that moves ``params`` to the canonical representative of its orbit.

        Absorptions first (gains to 1, shifts to 0, means removed), then the pairs to their balanced bases.

        Args:
            params: any point of the orbit.
            balance: which pairs: ``"none"``; ``"single"``, those that share no weight with another, in closed form;
                ``"all"``, where those that do are balanced together, see ``symmetries.balancing``.
        """
        return self.settled(params, balance=balance)[1]

    def settled(self, params: Params, *, balance: Balance = "all") -> tuple[Params, Element]:
        """The canonical representative, and the element that moves ``params`` there, as :meth:`section` gives it."""
        self.require(params)
        largest = {"none": 0, "single": 1, "all": len(self.pairs)}[balance]
        steps = [step for step in self._steps if not isinstance(step, tuple) or len(step) <= largest]
        return settled(steps, params, self.statistics)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        """Absorptions one by one, pairs that share weights together."""
        return in_passing([*self.absorptions, *self.components()], self.shapes)

    def canonical(self, params: Params, *, balance: Balance = "all") -> Params:
        r"""The canonical representative: gains 1, shifts 0, readers and writers centred, heads balanced.

        The gain of a batch norm with fixed statistics is 1 with these folded in: then it leaves channels as they are.

        Of all points of an orbit that absorptions leave, the one of least Frobenius norm. The algebra is done in double
        precision and rounded once, to the dtypes of ``params``: the function is the same up to that rounding.

        Args:
            params: any point of the orbit.
            balance: as for :meth:`section`.

        Raises:
            ValueError: NaN or Inf among the parameters.
            SymmetryError: parameters that do not fit, or a gain that is exactly zero.
        """
        require_finite(params)
        return self.settled(params, balance=balance)[0]

    def graph(self) -> nx.Graph:
        """Factors and the parameters they move, as a bipartite graph.

        Nodes are ``("factor", name)`` and ``("parameter", name)``. Both have ``kind``, ``label`` and ``dimension`` (the
        number of entries of a parameter); factors have ``family``, ``flags`` and ``factor``, the name of their class.
        """
        graph: nx.Graph = nx.Graph()
        for name, shape in self.shapes.items():
            graph.add_node(("parameter", name), kind="parameter", label=name, dimension=shape.numel())
        for factor, dimension in zip(self.factors, self._contributions, strict=True):
            node = ("factor", factor.name)
            graph.add_node(
                node,
                kind="factor",
                label=factor.name,
                dimension=dimension,
                family=factor.family,
                flags=sorted(factor.flags),
                factor=type(factor).__name__,
            )
            graph.add_edges_from((node, ("parameter", name)) for name in sorted(factor.parameters))
        return graph

    @cached_property
    def _components(self) -> tuple[tuple[Symmetry, ...], ...]:
        return coupled(self.pairs, self.shapes)

    def components(self) -> tuple[tuple[Symmetry, ...], ...]:
        """Factor pairs that share entries of a parameter, together: those are projected jointly."""
        return self._components

    def require(self, params: Mapping[str, Tensor]) -> None:
        """Raise unless ``params`` has every parameter of the group, in the declared shape, and whole."""
        require_whole(params, "give the geometry as quotient.Sharded.of(geometry, params)")
        for factor in self.factors:
            for name in sorted(factor.parameters):
                got = lookup(params, name).shape
                if got != self.shapes[name]:
                    raise SymmetryError(
                        f"{name!r} has shape {tuple(got)}, the symmetry was declared for {tuple(self.shapes[name])}"
                    )

    def _require_known(self, g: Element) -> None:
        table = named(self.factors)
        for name in g:
            if name not in table:
                raise SymmetryError(unknown_name("factor", name, table))

    def __str__(self) -> str:
        width = max((len(family.name) for family in self.families), default=0)
        lines = [
            f"  {family.name:<{width}}  {family.dimension:>10,}  {', '.join(sorted(family.flags))}"
            for family in self.families
        ]
        total = sum(shape.numel() for shape in self.shapes.values())
        head = (
            f"symmetry of dimension {self.dimension:,} ({self.dimension / max(total, 1):.2%} of {total:,} parameters)"
        )
        unknown = [f"  not recognised: {', '.join(self.unrecognised)}"] if self.unrecognised else []
        return "\n".join([head, *lines, *unknown])
