"""Who of the staff looked after which room when: what an attacker may have beside the file.

    name,room,from,until
    nurse-a,room-12,2026-11-20T20:00:00+01:00,2026-11-21T08:00:00+01:00

An empty room is every room. Where a facility gives none, a synthetic one stands in, and the report says so: twelve
people, each a third of the rooms for eight hours, four shifts in five days.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from stillroom.document_forms import to_ms
from stillroom.errors import InputError
from stillroom_tools.site.disclosure.records import Key
from stillroom_tools.site.report.days import HOUR_MS

HEADER = ["name", "room", "from", "until"]
MOST_BYTES = 8 << 20
SYNTHETIC = (
    "a synthetic roster: twelve people, each a third of the rooms for eight hours, four shifts in five days"
)
_PEOPLE, _BLOCKS, _SHIFT_H = 12, 3, 8


@dataclass(frozen=True)
class Watch:
    """room: empty for every room. UTC in ms, `until_ms` not included."""

    name: str
    room: str
    from_ms: int
    until_ms: int


class Roster:
    """words: what it is, for the report."""

    def __init__(self, watches: Sequence[Watch], words: str) -> None:
        self.watches, self.words = tuple(watches), words
        self._by_room: dict[str, list[Watch]] = defaultdict(list)
        for watch in watches:
            self._by_room[watch.room].append(watch)

    def on_watch(self, room: str, at_ms: int) -> frozenset[str]:
        watches = (*self._by_room.get(room, ()), *self._by_room.get("", ()))
        return frozenset(watch.name for watch in watches if watch.from_ms <= at_ms < watch.until_ms)

    def busiest(self, when: Callable[[int], Key]) -> dict[Key, str]:
        """Of each time of a file who watched most then: hours times rooms."""
        hours: dict[Key, Counter[str]] = defaultdict(Counter)
        for watch in self.watches:
            for at_ms in range(watch.from_ms, watch.until_ms, HOUR_MS):
                hours[when(at_ms)][watch.name] += 1
        return {key: min(found, key=lambda name: (-found[name], name)) for key, found in hours.items()}


def synthetic(rooms: Sequence[str], from_ms: int, until_ms: int) -> Roster:
    return Roster(list(_shifts(sorted(rooms), from_ms, until_ms)), SYNTHETIC)


def _shifts(rooms: Sequence[str], from_ms: int, until_ms: int) -> Iterator[Watch]:
    length_ms = _SHIFT_H * HOUR_MS
    for number, start_ms in enumerate(range(from_ms, until_ms, length_ms)):
        day, shift = divmod(number, 24 // _SHIFT_H)
        team = [person for person in range(_PEOPLE) if (person + day + shift * 4) % _PEOPLE < _BLOCKS]
        for block, person in enumerate(team):
            for room in rooms[block::_BLOCKS]:
                yield Watch(f"staff-{person + 1:02}", room, start_ms, start_ms + length_ms)


def read(path: Path) -> Roster:
    """Raises InputError, naming the line."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        lines = data.decode().splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text in UTF-8") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES} bytes")
    rows = csv.reader(lines, strict=True)
    try:
        if next(rows, None) != HEADER:
            _wrong(path, 1, f"the first line is {','.join(HEADER)}")
        watches = [_watch(path, rows.line_num, row) for row in rows if row]
    except csv.Error as error:
        _wrong(path, rows.line_num, str(error))
    if not watches:
        _wrong(path, 2, "nobody is named")
    return Roster(
        watches, f"the roster {path.name}: {len({w.name for w in watches})} people, {len(watches)} watches"
    )


def _watch(path: Path, line: int, row: Sequence[str]) -> Watch:
    if len(row) != len(HEADER) or not row[0]:
        _wrong(path, line, f"{','.join(HEADER)} are needed")
    moments = []
    for text in row[2:]:
        try:
            moments.append(datetime.fromisoformat(text))
        except ValueError:
            moments.append(datetime.min)
        if moments[-1].tzinfo is None:
            _wrong(path, line, f"'{text}': a time with its zone is needed: 2026-11-20T20:00:00+01:00")
    start, until = map(to_ms, moments)
    if not 0 < until - start <= 7 * 24 * HOUR_MS:
        _wrong(path, line, "a watch lasts up to a week, and ends after it begins")
    return Watch(row[0], row[1], start, until)


def _wrong(path: Path, line: int, why: str) -> NoReturn:
    raise InputError(f"{path}: line {line}: {why}")
