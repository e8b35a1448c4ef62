from dataclasses import replace

import pytest
import torch

from experiments.pool.brought import Mnli
from experiments.pool.brought.mnli import CLASSES
from tests.experiments.pool.brought.stand_ins import PAIRS, mnli
from tests.experiments.pool.published.tensorflow_bert import tiny


@pytest.fixture
def stand_in(tmp_path):
    return mnli(tmp_path)


@pytest.fixture
def task(stand_in):
    return Mnli.of(stand_in.checkpoints / "bert_00", data=stand_in.data, base=stand_in.base)


def test_runs_are_rows_and_summaries_are_not(stand_in):
    records = Mnli.records({}, stand_in.results)
    assert list(records) == stand_in.models
    assert records["bert_02"].seed == 2
    assert records["bert_02"].targets == pytest.approx({"test error": 0.158, "shifted error": 0.43})


@pytest.mark.parametrize("number", [1, 2])
def test_a_checkpoint_of_either_library_is_the_model_it_was_made_from(stand_in, task, number):
    model, expected = task.model({}, 0), tiny(number)
    model.load_state_dict(Mnli.weights(stand_in.checkpoints / f"bert_{number:02d}"))
    ((inputs, labels),) = task.sample(0, examples=3, batch=3)
    torch.testing.assert_close(task.logits(model, (inputs, labels)), expected(**inputs).logits)


def test_pairs_without_a_label_are_left_out_and_classes_have_the_order_of_the_checkpoints(task):
    examples = task.examples("train")
    assert len(examples) == len(PAIRS) - 1
    assert [CLASSES[label] for label in examples.labels] == [word for _, _, word in PAIRS[:3]]


def test_numbers_for_labels_have_the_order_of_the_hub(stand_in, task, tmp_path):
    rows = [f'{{"premise": "a", "hypothesis": "b", "label": {label}}}' for label in (0, 1, 2, -1)]
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "train.jsonl").write_text("\n".join(rows))
    examples = replace(task, data=str(tmp_path / "hub")).examples("train")
    assert [CLASSES[label] for label in examples.labels] == ["entailment", "neutral", "contradiction"]


def test_both_sentences_reach_the_model_as_two_segments(task):
    inputs, _ = task.examples("train").batch([0])
    assert inputs["token_type_ids"].unique().tolist() == [0, 1]


def test_a_table_without_the_columns_is_refused_with_what_is_there(task, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.csv").write_text("text,label\na,1\n")
    with pytest.raises(ValueError, match=r"expected the columns .* got \['text', 'label'\]"):
        replace(task, data=str(tmp_path / "other")).examples("train")


def test_a_vocabulary_or_numbers_that_are_absent_are_asked_for(stand_in):
    with pytest.raises(ValueError, match=r"expected vocab.txt .* by --base"):
        Mnli.of(stand_in.checkpoints / "bert_00", data=stand_in.data)
    with pytest.raises(ValueError, match=r"berts_of_a_feather_accuracies_by_run.csv .* by --results"):
        Mnli.records({}, None)


def test_two_checkpoints_in_one_folder_are_refused(stand_in):
    place = stand_in.checkpoints / "bert_00"
    (place / "model.ckpt-1.index").touch()
    with pytest.raises(ValueError, match=r"got \['model.ckpt-1', 'model.ckpt-36815'\]"):
        Mnli.weights(place)
