"""Packages to tell apart, made up."""

import itertools
from pathlib import Path

import pytest

WORDS = {
    "astronomy": ["star", "planet", "orbit", "comet", "galaxy", "nebula", "moon", "dust"],
    "cookery": ["flour", "butter", "oven", "simmer", "pepper", "pastry", "onion", "yeast"],
    "music": ["chord", "tempo", "violin", "octave", "rhythm", "choir", "melody", "fugue"],
}


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three packages of 24 modules, with three functions and a class each, about different things."""
    root = tmp_path_factory.mktemp("packages")
    for name, words in WORDS.items():
        (root / name).mkdir()
        sentences = (" ".join(order) for order in itertools.permutations(words))
        for module in range(24):
            functions = [f'def f{i}():\n    "{next(sentences)}"\n' for i in range(3)]
            text = f'class C:\n    "A class for {next(sentences)}"\n' + "".join(functions)
            (root / name / f"m{module}.py").write_text(text)
        (root / name / "__init__.py").touch()
    return [root / name for name in WORDS]
