"""The command line's parser: a mistake in it is one line, like every other mistake."""

import argparse
import difflib
import sys
from typing import Any, NoReturn

USAGE_CODE = 2


class Parser(argparse.ArgumentParser):
    """An argparse parser that names the mistake and where its help is, in one line in place of the whole usage."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}{_meant(message)}; '{self.prog} --help' tells more", file=sys.stderr)
        raise SystemExit(USAGE_CODE)

    def add_subparsers(self, **kwargs: Any) -> Any:
        kwargs.setdefault("parser_class", Parser)
        return super().add_subparsers(**kwargs)


def _meant(message: str) -> str:
    """The nearest of the choices that argparse lists, for a slip of the finger."""
    given, _, choices = message.partition(" (choose from ")
    if not choices:
        return ""
    known = [each.strip(" '\"") for each in choices.rstrip(")").split(",")]
    near = difflib.get_close_matches(given.rpartition("invalid choice: ")[2].strip("'\""), known, 1)
    return f": did you mean '{near[0]}'?" if near else ""
