"""Detection: the symmetries of a model, from what it computes."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import nn

from ..factor import AbstractFactor
from ..model_symmetry import ModelSymmetry
from ..params import trainable_parameters
from ..statistics import FixedStatistics
from .examples import example_arguments
from .means import propose_reader_means, propose_writer_means
from .network import Network
from .pairs import propose_pairs
from .parallel import propose_parallel
from .parts import lineage
from .proposal import Proposal
from .reading import read
from .recording import Recording, record
from .rescalings import propose_rescalings, propose_trades
from .rotations import propose_rotations
from .shifts import propose_shifts
from .trial import TOLERANCE, Trial
from .updates import pinned, propose_updates


def detect(model: nn.Module, example: Any = None, head: Literal["softmax", "raw"] = "softmax") -> ModelSymmetry:
    r"""The continuous symmetries of a model, found in its computation and tried on it.

    One forward pass is recorded and read as sums, products and nonlinear functions over index sets, whatever classes
    the model is written with. Rules propose factors: scalings and changes of basis that cancel, scales that tensors
    trade or norms forget, constants that are taken back, means that a LayerNorm or a softmax removes, rotations of a
    stream between norms (a curve of them, where the gain of a norm lies between two streams). Every proposal is then
    tried with random group elements at a generic point, in double precision; what does not hold is dropped with a
    warning.

    ``unrecognised`` of the result names the modules with operations that detection does not know, or whose symmetry it
    cannot express: there, something may be missing. A module without symmetry, such as a GELU layer, is not among them.

    Example:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
        >>> print(detect(model, head="raw"))
        symmetry of dimension 5 (15.62% of 32 parameters)
          rescaling of units           5  exact

    Args:
        model: any module; it is evaluated in evaluation mode, and left as it was.
        example: an input: a tensor, a tuple of arguments, or a mapping of keyword arguments. By default it is made from
            ``model.dummy_inputs`` or the first layer.
        head: ``"softmax"`` if the first output is read as logits, ``"raw"`` to keep every output as it is.

    Returns:
        The symmetry group, bound to the shapes of the trainable parameters.

    Raises:
        ValueError: no trainable parameter, an unknown head, or no example that the model accepts.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise ValueError("expected a module in Python, got a scripted or traced one; pass the module it was made from")
    if head not in ("softmax", "raw"):
        raise ValueError(f"head must be 'softmax' or 'raw', got {head!r}")
    params = trainable_parameters(model)
    if not params:
        raise ValueError("the model has no trainable parameter; call requires_grad_(True) on those that matter")
    recording = record(model, *example_arguments(model, example))
    if not recording.outputs:
        raise ValueError(
            "no output depends on a trainable parameter: return tensors, in tuples, mappings or dataclasses"
        )
    expression = read(recording)
    network = Network.of(expression, softmax=head == "softmax" and recording.is_logits)
    wholes = dict.fromkeys(lineage(leaf)[-1] for leaf in network.leaves)
    statistics = tuple(leaf.statistics for leaf in wholes if leaf.statistics is not None)
    proposals = list(_proposals(network))
    factors = _distinct(_held(proposals, recording, model, statistics))
    unrecognised = [module for proposal in proposals if proposal.reason for module in proposal.modules]
    shapes = {name: value.shape for name, value in params.items()}
    unknown = tuple(dict.fromkeys((*expression.unknown, *unrecognised)))
    return ModelSymmetry(tuple(factors), shapes, head, unknown, statistics)


def _proposals(network: Network) -> Iterable[Proposal]:
    updates = list(propose_updates(network))
    yield from updates
    parallel = list(_beyond(propose_parallel(network), pinned(updates)))
    yield from parallel
    explained = pinned(updates) | _parameters(parallel)
    pairs = list(_beyond(propose_pairs(network), explained))
    yield from pairs
    yield from _beyond(propose_trades(network, _parameters([*parallel, *pairs])), explained)
    yield from propose_reader_means(network)
    writer_means = list(propose_writer_means(network))
    yield from writer_means
    yield from propose_shifts(network, _parameters(writer_means))
    yield from propose_rotations(network)
    yield from propose_rescalings(network)


def _beyond(proposals: Iterable[Proposal], explained: set[str]) -> Iterable[Proposal]:
    """The proposals that move more than parameters whose changes others explain, and those that give a reason."""
    return (each for each in proposals if not each.alternatives or _parameters([each]) - explained)


def _parameters(proposals: Iterable[Proposal]) -> set[str]:
    return {name for proposal in proposals for group in proposal.alternatives for f in group for name in f.parameters}


def _distinct(factors: list[AbstractFactor]) -> Iterable[AbstractFactor]:
    """The factors, those of one name numbered: two axes of the same two parameters, for instance."""
    count: dict[str, int] = {}
    for factor in factors:
        count[factor.name] = count.get(factor.name, 0) + 1
        again = count[factor.name] > 1
        yield replace(factor, name=f"{factor.name} ({count[factor.name]})") if again else factor  # type: ignore[type-var]


def _held(
    proposals: list[Proposal], recording: Recording, model: nn.Module, statistics: tuple[FixedStatistics, ...]
) -> list[AbstractFactor]:
    """The factors that hold; on the meta device, where nothing can be tried, the largest alternatives."""
    open_ = [proposal for proposal in proposals if proposal.alternatives]
    choice = [0] * len(open_)
    if any(p.is_meta for p in model.parameters()):
        return [factor for proposal in open_ for factor in proposal.alternatives[0]]
    trial = Trial(recording, trainable_parameters(model), statistics)
    alive = list(range(len(open_)))
    while failing := trial.failing([open_[i].alternatives[choice[i]] for i in alive]):
        for i in [alive[at] for at in failing]:
            choice[i] += 1
            if choice[i] == len(open_[i].alternatives):
                alive.remove(i)
                dropped = open_[i].alternatives[-1]
                warnings.warn(
                    f"{', '.join(factor.name for factor in dropped)}: proposed and dropped, it changes the function by "
                    f"{trial.defect(dropped):.0e} relative (rounding stays below {TOLERANCE:.0e})",
                    stacklevel=3,
                )
    return [factor for i in alive for factor in open_[i].alternatives[choice[i]]]
