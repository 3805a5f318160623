"""Commands of commands (`stillroom site new`): a sub-command's module is imported only where it is asked for.

Such a module gives HELP, add_arguments(parser) and run(options).
"""

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from stillroom.errors import SetupError
from stillroom.options import Parser


class _LateParser(Parser):
    """Takes its arguments from `module` when it is used, not when it is made."""

    module = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.module:
            _load(self.module).add_arguments(self)
            self.module = ""
        return super().parse_known_args(args, namespace)


def add(parser: argparse.ArgumentParser, commands: Mapping[str, tuple[str, str]]) -> None:
    """`commands`: name to (module, help)."""
    choices = parser.add_subparsers(
        dest="subcommand", metavar="COMMAND", required=True, parser_class=_LateParser
    )
    for name, (module, text) in commands.items():
        choices.add_parser(name, help=text, description=text).module = module


def run(options: argparse.Namespace, commands: Mapping[str, tuple[str, str]]) -> int:
    """Run what `add` parsed; its exit code."""
    module, _ = commands[options.subcommand]
    chosen: Callable[[argparse.Namespace], int] = _load(module).run
    return chosen(options)


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("stillroom"):
            raise
        raise SetupError(f"'{error.name}' is not installed: pip install 'stillroom[tools]'") from None
