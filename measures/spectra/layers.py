"""Which parameters belong to one layer."""

from collections.abc import Iterable


def layers(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parameters of every layer, by its name; in the order of ``names``.

    A layer is a numbered module, such as ``h.3`` or ``encoder.layer.11``; what belongs to none is grouped by the module
    that holds it.

    Example:
        >>> layers(["wte.weight", "h.0.attn.weight", "h.0.mlp.bias", "h.1.attn.weight", "ln.weight", "ln.bias"])
        {'wte': ('wte.weight',), 'h.0': ('h.0.attn.weight', 'h.0.mlp.bias'), 'h.1': ('h.1.attn.weight',),
         'ln': ('ln.weight', 'ln.bias')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        path = name.split(".")
        numbered = [i for i, part in enumerate(path[:-1]) if part.isdigit()]
        layer = ".".join(path[: numbered[0] + 1] if numbered else path[:-1]) or name
        found[layer] = (*found.get(layer, ()), name)
    return found
