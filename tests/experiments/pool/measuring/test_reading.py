from experiments.pool.frame import Column
from experiments.pool.measuring.reading import Reading, setting_text
from measures import Row


def test_a_setting_has_one_text_whatever_the_order_of_its_options():
    assert setting_text({"layer": "head", "alpha": 2.0}) == setting_text({"alpha": 2, "layer": "head"})
    assert setting_text({}) == ""


def test_a_setting_is_read_back_by_its_column():
    assert Column("m", setting=setting_text({"alpha": 1.5, "layer": "blocks.0"})).settings == {
        "alpha": "1.5",
        "layer": "blocks.0",
    }


def test_a_record_has_the_columns_of_the_table():
    record = Reading(Row("trace", "standard", 2.0), setting="alpha=1").record("model", 1, "moved")
    assert record == {
        "model": "model",
        "measure": "trace",
        "geometry": "standard",
        "radius": None,
        "setting": "alpha=1",
        "sample": 1,
        "representative": "moved",
        "value": 2.0,
        "stderr": None,
        "seconds": 0.0,
    }
