import torch

from experiments.pool.published import bert_sizes, bert_state
from tests.experiments.pool.published.tensorflow_bert import tiny, variables


def test_variables_come_back_as_the_state_they_were_made_from():
    model = tiny()
    state, expected = bert_state(variables(model)), model.state_dict()
    assert set(state) == set(expected)
    assert all(torch.equal(state[name], expected[name]) for name in state)


def test_sizes_are_those_of_the_configuration():
    model = tiny()
    config = model.config.to_dict()
    sizes = bert_sizes(model.state_dict())
    assert sizes == {name: config[name] for name in sizes}


def test_heads_of_pretraining_are_left_out():
    extra = {"cls/predictions/output_bias": torch.zeros(3), "cls/seq_relationship/output_weights": torch.zeros(2, 3)}
    assert bert_state(extra) == {}
