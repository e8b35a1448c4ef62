import pytest

from experiments.attribution import PACKAGES, anonymous, excerpts, roots
from experiments.source_text import fingerprint

QUOTA = {"train": 6, "test": 6, "shifted": 3}


def test_parts_are_balanced_and_share_no_module_and_no_text(packages):
    found = excerpts(packages, QUOTA)
    for part, count in QUOTA.items():
        assert [sum(e.label == label for e in found[part]) for label in range(3)] == [count] * 3
    modules = {part: {e.module for e in found[part]} for part in QUOTA}
    assert modules["train"].isdisjoint(modules["test"] | modules["shifted"])
    texts = [e.text for part in QUOTA for e in found[part]]
    assert len(set(texts)) == len(texts)
    assert all(e.text.startswith("A class for") for e in found["shifted"])
    assert excerpts(packages, QUOTA) == found


def test_a_text_that_was_copied_is_there_once(packages, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in packages[0].iterdir():
        (copy / path.name).write_text(path.read_text())
    judged = sum(fingerprint(f"{packages[0].name}/m{module}.py") % 2 for module in range(24))
    everything = {"train": 3 * (24 - judged), "test": 3 * judged}
    assert len(excerpts(packages[:1], everything)["test"]) == everything["test"]
    with pytest.raises(ValueError, match="copy lacks"):
        excerpts([packages[0], copy], everything)


def test_names_that_give_a_package_away_are_gone():
    left = {
        "numpy": "",
        "NumPy's": "'s",
        "np.dot": "dot",
        "PyTorch": "",
        "torch.nn": "nn",
        "scikit-learn": "-learn",
        "nx.Graph": "Graph",
        "Matplotlib": "",
        "mpl_toolkits": "",
    }
    assert {name: anonymous(name) for name in left} == left
    assert anonymous("The input and the npy file of a transformer, richly") == (
        "The input and the npy file of a transformer, richly"
    )


def test_the_packages_are_on_every_machine_that_has_the_encoder():
    pytest.importorskip("transformers")
    assert [folder.name for folder in roots()] == list(PACKAGES)
    with pytest.raises(ImportError, match="install no_such_package"):
        roots(["torch", "no_such_package"])


@pytest.mark.slow
def test_real_packages_have_texts_enough():
    pytest.importorskip("transformers")
    found = excerpts(roots(), {"train": 40, "test": 80, "shifted": 40})
    assert len(found["test"]) == 800
    giveaways = ("torch", "numpy", "scipy", "sklearn", "sympy", "matplotlib", "networkx", "hugging")
    assert not [e for part in found.values() for e in part if any(name in e.text.lower() for name in giveaways)]
