"""The CSV of a batch: a line a unit. All that is wrong with it is said at once, with its lines, and nothing is made.

Columns `serial` and `model`; `unit` (an id; else a random one) may be there. UTF-8, with or without its mark; commas.
"""

import csv
import io
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom.config import Name
from stillroom.errors import InputError
from stillroom_tools.given_file import read_given
from stillroom_tools.make.card import Model, Serial
from stillroom_tools.site.layout import RESERVED

NEEDED, ALLOWED = ("serial", "model"), ("serial", "model", "unit")
MAX_BYTES = 1024 * 1024
MAX_UNITS = 2_000
MADE_UP = re.compile(r"u-[0-9a-f]{8}")
"""An id that was not asked for by name."""
_NAMED = {"serial": Serial, "model": Model, "unit": Name}
_WORDS = {
    "serial": "1 to 24 of A-Z 0-9 -",
    "model": "1 to 24 of A-Z 0-9 -",
    "unit": "1 to 32 of a-z 0-9 -",
}


class Planned(Struct, frozen=True, forbid_unknown_fields=True):
    """One unit of a batch, as it was asked for. unit: its id, which says nothing."""

    serial: Serial
    model: Model
    unit: Name


Row = dict[str, str]


def read(path: Path) -> tuple[Planned, ...]:
    """Units in the order of the file; those without an id get one. Raises InputError: everything that is wrong."""
    rows = _rows(path)
    problems = [*_problems(rows), *_doubled(rows, "serial"), *_doubled(rows, "unit")]
    if problems:
        many = f"{len(problems)} problems, and nothing was made" if len(problems) > 1 else "nothing was made"
        said = "; ".join(f"line {line}: {text}" for line, text in sorted(problems))
        raise InputError(f"{path}: {many}: {said}")
    if not rows:
        raise InputError(f"{path}: no unit in it: a line with {', '.join(NEEDED)} for each is needed")
    if len(rows) > MAX_UNITS:
        raise InputError(f"{path}: {len(rows)} units: at most {MAX_UNITS} in one batch")
    taken = {row["unit"] for _, row in rows if row.get("unit")}
    return tuple(Planned(row["serial"], row["model"], row.get("unit") or _new_id(taken)) for _, row in rows)


def _new_id(taken: set[str]) -> str:
    while (name := f"u-{secrets.token_hex(4)}") in taken:
        pass
    taken.add(name)
    return name


def _rows(path: Path) -> list[tuple[int, Row]]:
    """Line number and cells of each unit. Raises InputError: what makes the file unreadable as a whole."""
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not CSV: {error}") from None
    head = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    wrong = [f"column '{name}' is missing" for name in NEEDED if name not in head]
    wrong += [f"column {name!r} is not known" for name in head if name not in ALLOWED]
    wrong += [f"column '{name}' twice" for name in ALLOWED if head.count(name) > 1]
    if wrong:
        only = ", ".join(map(repr, head)) or "nothing"
        raise InputError(
            f"{path}: line 1: {'; '.join(wrong)}: columns are {', '.join(ALLOWED)}, and here are {only}"
        )
    return [(number, _row(head, cells)) for number, cells in lines[1:]]


def _row(head: list[str], cells: list[str]) -> Row:
    row = dict(zip(head, (cell.strip() for cell in cells), strict=False))
    if len(cells) != len(head):
        row["cells"] = f"{len(cells)} cells, and {len(head)} columns"
    return row


def _text(path: Path) -> str:
    data = read_given(path, MAX_BYTES, "no list of units")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        bad = [number for number, line in enumerate(data.split(b"\n"), 1) if not _is_utf8(line)]
        lines = ", ".join(map(str, bad[:20]))
        raise InputError(
            f"{path}: line {lines}: not UTF-8: save it as 'CSV UTF-8', nothing was made"
        ) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _problems(rows: list[tuple[int, Row]]) -> Iterator[tuple[int, str]]:
    for line, row in rows:
        if "cells" in row:
            yield line, row["cells"]
            continue
        for name, schema in _NAMED.items():
            given = row.get(name, "")
            if not (given or name in NEEDED):
                continue
            if not _fits(given, schema):
                yield line, f"{name} {given!r}: {_WORDS[name]}"
            elif name == "unit" and given in RESERVED:
                yield line, f"unit {given!r}: reserved, as are {', '.join(RESERVED)}"


def _fits(given: str, schema: object) -> bool:
    try:
        msgspec.convert(given, schema)
    except msgspec.ValidationError:
        return False
    return True


def _doubled(rows: list[tuple[int, Row]], name: str) -> Iterator[tuple[int, str]]:
    first: dict[str, int] = {}
    for line, row in rows:
        given = row.get(name, "")
        if given and first.setdefault(given, line) != line:
            yield line, f"{name} {given!r} again, first in line {first[given]}"
