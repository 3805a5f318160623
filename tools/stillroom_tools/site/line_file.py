"""Files of JSON, one value a line: the first says of what kind the file is, all others are of one type."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stillroom.errors import InputError
from stillroom_tools.given_file import read_given

H = TypeVar("H", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)


def read_lines(
    path: Path, what: str, kind: str, most_bytes: int, head: type[H], row: type[R]
) -> tuple[H, list[R]]:
    """First line and the others. Raises InputError: absent, too large, of another kind; names the line.

    what: the file in words, with its article; kind: what `stillroom` in its first line says.
    """
    lines = read_given(path, most_bytes, f"no {what.partition(' ')[2]}").split(b"\n")
    first: Any = _decode(path, 1, lines[0], what, head)
    if first.stillroom != kind:
        raise InputError(f"{path}: line 1: of kind '{first.stillroom}', and '{kind}' is read here")
    return first, [_decode(path, n, line, what, row) for n, line in enumerate(lines[1:], 2) if line]


def _decode(path: Path, number: int, line: bytes, what: str, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path}: line {number}: not a line of {what}") from None
