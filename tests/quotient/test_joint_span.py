"""Pairs of two models in the columns that both span."""

import pytest
import torch

from quotient import Quotient
from quotient.joint_span import JointSpan
from symmetries import Params, aligned
from tests.quotient.cases import GROUPS, parameters

NAMES = ("query-key", "rotary", "columns side by side", "single rescaling")


def spans(name: str, generator: torch.Generator) -> tuple[Quotient, Params, Params, list[JointSpan]]:
    """Two aligned points of one section, and their joint spans."""
    geometry = Quotient(GROUPS[name](), rest="tensorwise")
    start = geometry.representative(parameters(generator))
    _, near = aligned(geometry.symmetry, start, parameters(generator))
    return geometry, start, near, JointSpan.all_of(geometry, start, near)


@pytest.mark.parametrize("name", NAMES)
def test_geodesics_of_the_span_are_geodesics_of_the_model(name: str, generator: torch.Generator) -> None:
    geometry, start, _, found = spans(name, generator)
    chart = geometry.chart(start)
    tangent = {n: torch.zeros_like(p) for n, p in start.items()}
    ends = []
    for span in found:
        x = tuple(0.3 * a for a in span.chart().random(generator))
        span.lift_(tangent, x)
        ends.append(span.products(span.chart().exp(x)))
    reached = chart.exp(chart.project(chart.coordinates(tangent)))
    for span, products in zip(found, ends, strict=True):
        pieces = products.split([len(q) for q, _ in span.bases])
        for pair, (q, r), narrow in zip(span.pairs, span.bases, pieces, strict=True):
            g, h = pair.stack(reached)
            torch.testing.assert_close(q @ narrow @ r.mH, g @ h.mH, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_every_way_leads_from_one_model_to_the_other(name: str, generator: torch.Generator) -> None:
    *_, found = spans(name, generator)
    for span in found:
        ends = (span.start, span.target)
        ways = [span, span.detoured(generator, 2.0)]
        ways += [] if span.geometry.symmetry.pairs[0].group.positive else [span.mirrored()]
        for way in ways:
            for fraction, end in zip((0.0, 1.0), ends, strict=True):
                there = way.way(torch.full((span.copies,), fraction, dtype=torch.float64))
                torch.testing.assert_close(span.products(there), span.products(end))


def test_mirror_images_are_other_points(generator: torch.Generator) -> None:
    _, _, _, (span,) = spans("query-key", generator)
    image = span.mirrored().target
    assert not torch.allclose(image["standard"], span.target["standard"])
    far, near = (
        sum(float((params[n] - p).square().sum()) for n, p in span.start.items()) for params in (image, span.target)
    )
    assert far > near


def test_some_copies_alone_are_those_of_the_stack(generator: torch.Generator) -> None:
    _, _, _, (span,) = spans("query-key", generator)
    part = span.only(torch.tensor([2, 0]))
    assert part.copies == 2
    torch.testing.assert_close(part.products(part.target), span.products(span.target)[[2, 0]])
