"""A part of a written document that a command replaces."""

from pathlib import Path

from measures import replacing


def write_section(path: Path, section: str, *, name: str, title: str) -> None:
    """Replace a section of a file, see :func:`inserted`; what others have written in it stays."""
    document = path.read_text(encoding="utf-8") if path.exists() else ""
    with replacing(path) as draft:
        draft.write_text(inserted(section, document, name=name, title=title), encoding="utf-8")


def inserted(section: str, document: str, *, name: str, title: str) -> str:
    r"""The document with the section of a name replaced, between two marks, or put at its end.

    Example:
        >>> once = inserted("1.0\n", "", name="table", title="Results")
        >>> print(inserted("2.0\n", once + "\nWords.\n", name="table", title="Results"))
        # Results
        <BLANKLINE>
        <!-- begin table -->
        2.0
        <!-- end table -->
        <BLANKLINE>
        Words.

    Args:
        section: lines.
        document: lines; empty where there is none yet.
        name: of the section.
        title: of a document that begins with it.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    head, found, rest = document.partition(begin)
    tail = rest.partition(end)[2] if found else ""
    head = head if found or not document else f"{document.rstrip()}\n\n"
    return f"{head or f'# {title}{chr(10) * 2}'}{begin}\n{section}{end}{tail or chr(10)}"
