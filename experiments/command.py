"""Command-line options from a frozen configuration."""

import argparse
from collections.abc import Sequence
from dataclasses import field, fields, replace
from types import ModuleType
from typing import Any


def option(default: Any, text: str) -> Any:
    """A field of a ``Config`` that is an option of the command line as well; ``text`` is its help."""
    return field(default=default, metadata={"help": text})


def parse(experiments: dict[str, ModuleType], arguments: Sequence[str] | None = None) -> tuple[ModuleType, Any]:
    """The experiment that was asked for, and its configuration.

    An experiment is a module with a frozen dataclass ``Config``, a smaller one ``QUICK``, and ``main``;
    its docstring is its help. Every field of ``Config`` is an option; ``--quick`` starts from ``QUICK``.

    Args:
        experiments: the modules by name.
        arguments: by default those of the process.

    Raises:
        SystemExit: unknown experiment or option, or a value that ``Config`` refuses.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="One script per claim. Each writes tables and figures under results/.",
        epilog="'python -m experiments NAME --help' tells how long it runs, what it writes, its options.",
    )
    commands = parser.add_subparsers(dest="experiment", metavar="NAME", required=True, title="experiments")
    for name, module in experiments.items():
        title, _, text = (module.__doc__ or "").partition("\n")
        command = commands.add_parser(
            name,
            help=title,
            description=title,
            epilog=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            argument_default=argparse.SUPPRESS,
        )
        command.add_argument("--quick", action="store_true", help="small sizes: a try in seconds, not a result")
        for f in fields(module.Config):
            flag, kind = f"--{f.name.replace('_', '-')}", type(f.default)
            text = f"{f.metadata['help']} (default {f.default})"
            if kind is bool:
                command.add_argument(flag, action="store_true", help=f.metadata["help"])
            else:
                command.add_argument(flag, type=kind, metavar=kind.__name__.replace("Posix", ""), help=text)
    given = vars(parser.parse_args(arguments))
    module = experiments[given.pop("experiment")]
    base = module.QUICK if given.pop("quick", False) else module.Config()
    try:
        return module, replace(base, **given)
    except ValueError as refused:
        parser.error(str(refused))


def require_positive(name: str, value: float) -> None:
    """Raise ``ValueError`` in the words of the command line unless the option is positive."""
    if not value > 0:
        raise ValueError(f"--{name.replace('_', '-')} must be positive, got {value}")
