"""What an audit finds."""

from dataclasses import dataclass
from typing import Literal

from ..family import Family


@dataclass(frozen=True)
class Audit:
    r"""The null space of :math:`\partial f / \partial \theta`, and the part of it that is declared.

    The declared symmetries bound the dimension of the fibre of equal functions from below, the measured null space
    bounds it from above: for a dense audit ``unexplained == 0`` with a vertical defect of rounding size proves that the
    declaration is complete at this point [Grigsby2022].

    A sketched audit proves less: that what is declared leaves the function unchanged, and that at least
    ``unexplained`` dimensions are missing. Zero says that none was met in the blocks that were searched, not that there
    is none.

    Attributes:
        parameters: the number of trainable entries.
        rows: the number of output entries looked at.
        nullity: dimension of the null space; sketched: a lower bound of it.
        declared: rank of the vertical space, overlaps counted once; factors flagged ``approximate`` left out.
        overlap: by how much the dimensions of the factors, each by itself, add up to more than ``declared``.
        approximate: null dimensions beyond ``declared`` that approximate factors explain, those that hold to rounding
            here: with an eps of zero, for instance; sketched: 0, they are not looked for.
        inert: null dimensions beyond the vertical space that come from entries without influence on these inputs;
            sketched: 0, such entries are left out of the search.
        vertical_defect: the largest :math:`|J v| / (|J| |v|)` of vertical directions v.
        false_factors: factors whose vertical directions change the function.
        spectral_gap: smallest non-zero singular value over largest zero one; sketched: the least of all blocks.
        linear_units: for ``nn.ReLU``, ``nn.LeakyReLU`` and ``nn.PReLU`` modules by name, how many units never change
            side on these inputs: k of them act as a linear layer there, with up to k^2 more null dimensions.
        families: dimensions by family.
        method: how it was measured.
        blocks: for a sketched audit, by block: its name, the dimension searched, null directions not declared.
    """

    parameters: int
    rows: int
    nullity: int
    declared: int
    overlap: int
    approximate: int
    inert: int
    vertical_defect: float
    false_factors: tuple[str, ...]
    spectral_gap: float
    linear_units: dict[str, int]
    families: tuple[Family, ...]
    method: Literal["dense", "sketched"] = "dense"
    blocks: tuple[tuple[str, int, int], ...] = ()

    @property
    def unexplained(self) -> int:
        """Null dimensions that no factor declares and no entry without influence explains; negative for false ones."""
        return self.nullity - self.declared - self.approximate - self.inert

    def __str__(self) -> str:
        least = ">= " if self.method == "sketched" else ""
        lines = [
            f"{self.method} audit of {self.parameters:,} parameters on {self.rows:,} outputs",
            f"  null space        {f'{least}{self.nullity:,}':>11}",
            f"  declared          {self.declared:>11,}   {self.overlap:,} shared by several factors",
            f"  without influence {self.inert:>11,}   entries that these inputs do not reach",
            f"  approximate       {self.approximate:>11,}   scales that hold to rounding here",
            f"  unexplained       {f'{least}{self.unexplained:,}':>11}",
            f"  vertical defect   {self.vertical_defect:>11.0e}",
            f"  spectral gap      {self.spectral_gap:>11.0e}",
        ]
        lines += [f"  {name!r}: {units} units linear on these inputs" for name, units in self.linear_units.items()]
        lines += [f"  not a symmetry: {name}" for name in self.false_factors]
        lines += [
            f"  searched {name}: {size} directions, {left} null and not declared" for name, size, left in self.blocks
        ]
        if self.method == "sketched":
            lines.append(
                "  a search, not a proof: symmetries outside these blocks are not seen; audit a small instance"
            )
        return "\n".join(lines)
