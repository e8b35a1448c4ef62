"""The architecture, checked on the source: who may import whom, and what no library module does.

Imports go `symmetries <- quotient <- measures <- experiments`: relative inside a package, across packages
only from a package's root. The source is parsed and not run, so that imports inside functions count too.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ["symmetries", "quotient", "measures", "experiments"]  # a package may import those before it
LIBRARY = ORDER[:-1]


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def absolute_imports(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
    return []


def objection(module: str, package: str) -> str | None:
    """Why a module of `package` may not import `module` by its absolute name."""
    root, _, inside = module.partition(".")
    if root not in ORDER:
        return None
    if root == package:
        return f"imports {module} by its absolute name, inside a package imports are relative"
    if ORDER.index(root) > ORDER.index(package):
        return f"imports {module}, but {package} comes before {root}"
    if inside:
        return f"imports {module}, but what {root} offers is imported from its root"
    return None


def violations(source: str, package: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        objections = [objection(module, package) for module in absolute_imports(node)]
        match node:
            case ast.Call(func=ast.Name(id="print")) if package in LIBRARY:
                objections.append("prints, a library returns values and warns")
        found += [f"line {node.lineno} {reason}" for reason in objections if reason]
    return found


@pytest.mark.parametrize("package", ORDER)
def test_package_keeps_the_direction_of_imports_and_does_not_print(package: str):
    paths = modules(package)
    assert paths, f"no module found in {package}/"
    found = [
        f"{path.relative_to(ROOT)}: {violation}"
        for path in paths
        for violation in violations(path.read_text(encoding="utf-8"), package)
    ]
    assert not found, "\n".join(found)


def test_every_module_is_named_after_what_it_holds():
    catch_alls = [
        path.relative_to(ROOT)
        for package in ORDER
        for path in modules(package)
        if {"utils", "util"} & set(path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert not catch_alls


@pytest.mark.parametrize(
    ("package", "source", "reason"),
    [
        ("symmetries", "from quotient import Euclidean", "symmetries comes before quotient"),
        ("quotient", "import measures", "quotient comes before measures"),
        ("measures", "import torch, experiments.data", "measures comes before experiments"),
        ("quotient", "from symmetries.view import View", "from its root"),
        ("experiments", "import measures.loss as loss", "from its root"),
        ("quotient", "from quotient import Euclidean", "relative"),
        ("symmetries", "from symmetries.view import View", "relative"),
        ("symmetries", "def late():\n    import measures", "line 2 imports measures"),
        ("measures", "for _ in range(3):\n    print('sharp')", "line 2 prints"),
    ],
)
def test_checker_catches_a_violation(package: str, source: str, reason: str):
    (violation,) = violations(source, package)
    assert reason in violation


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("symmetries", "import torch\nfrom .view import View\nfrom ..group import GeneralLinear"),
        ("measures", "from quotient import Euclidean, Quotient\nimport symmetries"),
        ("experiments", "from measures import measure\nprint(measure)"),
        ("quotient", "import quotient_of_another_distribution"),
    ],
)
def test_checker_accepts_what_is_allowed(package: str, source: str):
    assert not violations(source, package)
