"""Docstrings of Python source, read without running it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["module", "class", "function"]

_KINDS: dict[type[ast.AST], Kind] = {ast.Module: "module", ast.ClassDef: "class", ast.FunctionDef: "function"}

#: Where prose ends: an example, a directive or field of reStructuredText, a title of a section.
_END = re.compile(r">>>|\.\. |:\w+.*:|[A-Z][\w ]*:$|[-=~^]{3,}$")

#: Roles and marks of reStructuredText and Markdown, which tell one house's style from another's.
_MARKS = re.compile(r":[\w:]+:(?=`)|[`*\\|~]")


@dataclass(frozen=True)
class Docstring:
    """What a module, class or function says of itself.

    Args:
        kind: of the object.
        text: with common indentation removed.
    """

    kind: Kind
    text: str


def docstrings(source: str) -> Iterator[Docstring]:
    r"""All of one module, those of outer objects first.

    Example:
        >>> list(docstrings('def f():\n    "The identity."'))
        [Docstring(kind='function', text='The identity.')]

    Raises:
        SyntaxError: the source is none.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield Docstring(_KINDS[type(node)], text)


def prose(text: str) -> str:
    r"""The sentences that a docstring begins with, on one line: no sections, examples, directives or markup.

    Example:
        >>> prose("Return `x` as a :class:`~a.B`.\n\nParameters\n----------\nx : int")
        'Return x as a a.B.'
    """
    kept: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if _END.match(line):
            if kept and line[0] in "-=~^":
                kept.pop()  # the title that it underlines
            break
        kept.append(line)
    return " ".join(_MARKS.sub("", " ".join(kept)).split())
