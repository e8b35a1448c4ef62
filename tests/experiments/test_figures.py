from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments import figures

DOCUMENT: dict[str, Any] = {
    "sizes": [0.1, 1.0, 10.0],
    "defects": [1e-15, 0.0, 1e-14],
    "curves": [
        {"measure": "trace", "geometry": "standard", "ratios": [3.0, 1.2, None], "invariant": False, "resolved": True},
        {"measure": "rise", "geometry": "standard", "ratios": [-3.0, 1.0, 9.0], "invariant": False, "resolved": False},
        {"measure": "trace", "geometry": "geodesic", "ratios": [1.0, 1.0, 1.0], "invariant": True, "resolved": True},
        {"measure": "loss", "geometry": "", "ratios": [1.0, 1.0, 1.0], "invariant": True, "resolved": True},
    ],
    "invariance": [
        {"measure": "trace", "geometry": "standard", "ratio": 30.0, "invariant": False, "resolved": True},
        {"measure": "average case", "geometry": "standard", "ratio": -2.0, "invariant": False, "resolved": False},
        {"measure": "worst case", "geometry": "standard", "ratio": None, "invariant": False, "resolved": True},
        {"measure": "trace", "geometry": "geodesic", "ratio": 1.0, "invariant": True, "resolved": True},
    ],
    "geodesics": [{"geometry": "standard", "distances": [-0.1, 0.0, 0.1], "theta": [2, 1, 2], "g.theta": [9, 1, 7]}],
    "density": [
        {
            "geometry": "standard",
            "theta": {"grid": [-0.1, 0.0, 1.0], "density": [0.0, 9.0, 0.1]},
            "g.theta": {"grid": [-10.0, 0.0, 100.0], "density": [0.0, 0.5, 0.01]},
        }
    ],
}


@pytest.mark.parametrize("draw", [figures.orbit, figures.ratios, figures.geodesics, figures.density])
def test_figures_are_drawn_from_plain_data_missing_numbers_included(
    draw: Callable[[dict[str, Any], Path], None], tmp_path: Path
) -> None:
    draw(DOCUMENT, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1
