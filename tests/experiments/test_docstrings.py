import pytest

from experiments.docstrings import docstrings, prose

SOURCE = '''
"""Of the module."""

class Circle:
    """Of the class."""

    def area(self):
        """Of the method."""

def silent():
    return "no docstring"
'''


def test_every_docstring_is_found_with_its_kind():
    assert [(d.kind, d.text) for d in docstrings(SOURCE)] == [
        ("module", "Of the module."),
        ("class", "Of the class."),
        ("function", "Of the method."),
    ]
    with pytest.raises(SyntaxError):
        list(docstrings("def"))


@pytest.mark.parametrize(
    "rest",
    ["Parameters\n----------\nx", "Args:\n    x", ">>> f(1)", ".. versionadded:: 1", ":param x: a number", "Notes:\n"],
)
def test_prose_ends_where_a_section_begins(rest):
    assert prose(f"One sentence,\non two lines.\n\n{rest}") == "One sentence, on two lines."


def test_prose_keeps_words_and_loses_markup():
    assert prose("See :func:`~a.b`, *never* ``c``: it is 2-dimensional.") == "See a.b, never c: it is 2-dimensional."
    assert prose("Parameters\n----------\nx") == ""
