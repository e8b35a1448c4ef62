import re
from collections.abc import Iterator, Mapping

import pytest
import torch

from experiments.models.zoo import library, tiny
from experiments.pool import Pool, evaluate
from experiments.pool.recipes import FineTune, task_of
from experiments.pool.recipes.finetune import _share
from symmetries import detect, verify

pytest.importorskip("transformers")

CONFIGURATION = {"learning rate": 1e-2, "steps": 30, "batch size": 6, "weight decay": 0.01}


@pytest.fixture(scope="module")
def task(packages, tmp_path_factory) -> Iterator[FineTune]:
    """Three made-up packages, and an encoder with two small layers and random weights."""
    transformers, folder = library("transformers"), tmp_path_factory.mktemp("encoder")
    sources = " ".join(path.read_text().lower() for package in packages for path in package.iterdir())
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(re.findall(r"\w+", sources)))]
    transformers.BertTokenizer(vocab={word: i for i, word in enumerate(known)}).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = tiny.ENCODER | {"vocab_size": len(known), "max_position_embeddings": 16}
    transformers.BertModel(transformers.BertConfig(**sizes)).save_pretrained(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(packages[0].parent)
        names = tuple(package.name for package in packages)
        yield FineTune(str(folder), names, train_texts=6, test_texts=6, shifted_texts=3, tokens=12)


def trained(task: FineTune, seed: int) -> tuple[torch.nn.Module, Mapping[str, float]]:
    model = task.model(CONFIGURATION, seed)
    return model, task.train(model, CONFIGURATION, seed)


def judged(task: FineTune, model: torch.nn.Module) -> Mapping[str, float]:
    return evaluate(task, model, task.parts(CONFIGURATION)).targets


def test_the_pool_has_at_least_forty_models(task):
    assert len(FineTune().grid()) >= 40
    assert len(FineTune.small().grid()) >= 12
    assert {frozenset(configuration) for configuration, _ in task.grid()} == {frozenset(CONFIGURATION)}


def test_training_learns_and_depends_on_the_seed_alone(task):
    before = judged(task, task.model(CONFIGURATION, 0))
    (first, run), (again, _), (other, _) = trained(task, 0), trained(task, 0), trained(task, 1)
    after = judged(task, first)
    assert after["train loss"] < before["train loss"]
    assert after["train error"] < 0.1  # the words of a class never occur in another
    assert judged(task, again) == after
    assert judged(task, other) != after
    moved = [p - q for p, q in zip(first.parameters(), task.model(CONFIGURATION, 0).parameters(), strict=True)]
    assert run["distance"] == pytest.approx(torch.cat([d.flatten() for d in moved]).norm().item(), rel=1e-6)


def test_the_learning_rate_rises_and_falls():
    shares = [_share(step, 20) for step in range(20)]
    assert shares[:2] == [0.5, 1.0]
    assert shares[2:] == sorted(shares[2:], reverse=True)
    assert min(shares) > 0.0
    assert _share(0, 1) == 1.0


def test_a_run_that_diverges_says_so(task):
    model = task.model(CONFIGURATION, 0)
    with pytest.raises(FloatingPointError, match="the loss is"):
        task.train(model, CONFIGURATION | {"learning rate": 1e30}, 0)


def test_samples_have_no_text_in_common_and_are_always_the_same(task):
    samples = [task.sample(number, examples=9, batch=4) for number in (0, 1, 0)]
    assert [len(batch["labels"]) for batch in samples[0]] == [4, 4, 1]
    texts = [{tuple(row.tolist()) for batch in sample for row in batch["input_ids"]} for sample in samples]
    assert texts[0].isdisjoint(texts[1])
    assert texts[0] == texts[2]


def test_its_group_is_found_and_holds(task):
    model = task.model(CONFIGURATION, 0).double()
    symmetry = detect(model, task.example())
    assert symmetry.unrecognised == ()
    assert verify(model, symmetry, task.example()) < 1e-9


def test_a_pool_remembers_the_task(task, tmp_path):
    pool = Pool(tmp_path)
    pool.describe(task)
    assert task_of(pool) == task
