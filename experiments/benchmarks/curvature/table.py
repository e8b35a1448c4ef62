"""Results as tables."""

from collections.abc import Callable, Mapping
from typing import Any

from .competitors import COMPETITORS

Row = dict[str, str]
#: What a cell holds on disk.
Result = Mapping[str, Any]

GRADIENT = "gradient"
NOTHING = "—"


def product_rows(times: Mapping[str, Result], errors: Mapping[str, Result], memory: Mapping[str, Result]) -> list[Row]:
    """One row for the gradient, and one for the product of everybody.

    Args:
        times: the result of that task for every norm.
        errors: likewise.
        memory: by competitor, with that of the gradient.
    """
    return [
        {"product": name}
        | {norm: shown(result, name, in_gradients) for norm, result in times.items()}
        | {f"error, {norm}": shown(result, name, lambda x: f"{x['double']:.0e}") for norm, result in errors.items()}
        | {"memory": told(held, lambda x: "unknown" if x["bytes"] is None else f"{x['bytes'] / 2**20:,.0f} MiB")}
        for name, held in memory.items()
    ]


def target_rows(results: Mapping[str, Result]) -> list[Row]:
    """One row for everybody on the way to a target: the cheapest run that reached it, or why there is none.

    Args:
        results: by competitor.
    """
    best = {name: cheapest(result) for name, result in results.items()}
    ours = best.get(next(iter(COMPETITORS)))
    return [
        {
            "by": name,
            "seconds": NOTHING if run is None else f"{run['seconds']:.1f}",
            "times ours": NOTHING if run is None or ours is None else f"{run['seconds'] / ours['seconds']:.2f}",
            "products": NOTHING if run is None or run["products"] is None else str(run["products"]),
            "error": NOTHING if run is None else f"{run['error']:.1e}",
            "remark": remark(results[name], run),
        }
        for name, run in best.items()
    ]


def cheapest(result: Result) -> dict[str, Any] | None:
    """The fastest run that reached the target."""
    return min((run for run in result["reports"] if run["reached"]), key=lambda run: run["seconds"], default=None)


def remark(result: Result, run: Mapping[str, Any] | None) -> str:
    """Why the target was not reached, and how near the best run came."""
    if run is not None:
        return ""
    errors = [one["error"] for one in result["reports"] if one["error"] is not None]
    nearest = f"; nearest {min(errors):.1e}" if errors else ""
    return (result["failure"] or "not with any effort") + nearest


def in_gradients(times: Mapping[str, Any]) -> str:
    """How many gradients a product takes; of the gradient itself, its seconds."""
    return f"{times['gradients']:.2f}" + (f" ({times['seconds']:.3f} s)" if times["gradients"] == 1 else "")


def shown(result: Result, name: str, text: Callable[[Mapping[str, Any]], str]) -> str:
    """What a result says of one competitor."""
    return told(result, lambda found: text(found[name]) if name in found else NOTHING)


def told(result: Result, text: Callable[[Mapping[str, Any]], str]) -> str:
    """The text of a result, or why there is none."""
    return text(result["reports"][-1]) if result["reports"] else str(result["failure"])
