"""Which patient was in which room, from when until when: a CSV that the facility keeps, and no unit ever sees.

    room,patient,from,until
    room-12,Patient/4711,2026-11-20T14:00:00+01:00,2026-11-25T09:30:00+01:00
    room-12,Patient/4712,2026-11-25T11:00:00+01:00,

An empty `until` is "still". A minute that lies whole in such a stay is that patient's; every other one is the room's.
"""

import csv
import os
import re
import stat
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from stillroom.document_forms import to_ms
from stillroom.errors import InputError, TrustError

HEADER = ["room", "patient", "from", "until"]
MOST_BYTES = 8 << 20
STILL_MS = 2**53
_ROOM = re.compile(r"[a-z0-9][a-z0-9.-]{0,47}")
_PATIENT = re.compile(r"(https?://[^\s\"]{1,400}/)?Patient/[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True)
class Stay:
    """A patient in a room; UTC in ms, `until_ms` not included."""

    patient: str
    from_ms: int
    until_ms: int
    line: int


@dataclass(frozen=True)
class Patients:
    """Stays by room; none where no file was given."""

    stays: dict[str, list[Stay]] = field(default_factory=dict)

    def of(self, room: str, from_ms: int, until_ms: int) -> str | None:
        """Reference of the patient who was there all the time, or None."""
        found = (s for s in self.stays.get(room, ()) if s.from_ms <= from_ms and until_ms <= s.until_ms)
        return next((stay.patient for stay in found), None)


def read_patients(path: Path) -> Patients:
    """Raises InputError, naming the line; TrustError where others may read the file: it says who lies where."""
    rows = csv.reader(_text(path).splitlines(), strict=True)
    stays: dict[str, list[Stay]] = defaultdict(list)
    try:
        if next(rows, None) != HEADER:
            _wrong(path, 1, f"the first line is {','.join(HEADER)}")
        for row in rows:
            if row:
                room, stay = _stay(path, rows.line_num, row)
                _apart(path, room, stay, stays[room])
                stays[room].append(stay)
    except csv.Error as error:
        _wrong(path, rows.line_num, str(error))
    return Patients(dict(stays))


def _text(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path}: not a plain file")
            if found.st_mode & 0o077:
                raise TrustError(f"{path}: others may read who lies where: chmod 600 {path}")
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES >> 20} MiB, which no list of stays is")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8") from None


def _stay(path: Path, line: int, row: list[str]) -> tuple[str, Stay]:
    if len(row) != len(HEADER):
        _wrong(path, line, f"{len(row)} values, where {','.join(HEADER)} are four")
    room, patient, start, until = (value.strip() for value in row)
    if not _ROOM.fullmatch(room):
        _wrong(path, line, f"room '{room[:60]}': as authorisations name it: a-z 0-9 . -")
    if not _PATIENT.fullmatch(patient):
        _wrong(
            path,
            line,
            f"patient '{patient[:60]}': a reference is needed: Patient/ID, or a URL that ends in it",
        )
    from_ms = _time(path, line, "from", start)
    until_ms = _time(path, line, "until", until) if until else STILL_MS
    if until_ms <= from_ms:
        _wrong(path, line, f"until '{until}' is not after from '{start}'")
    return room, Stay(patient, from_ms, until_ms, line)


def _time(path: Path, line: int, name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _wrong(path, line, f"{name} '{text[:60]}': a time with its zone is needed: 2026-11-25T09:30:00+01:00")
    return to_ms(moment)


def _apart(path: Path, room: str, stay: Stay, others: list[Stay]) -> None:
    for other in others:
        if stay.from_ms < other.until_ms and other.from_ms < stay.until_ms:
            _wrong(path, stay.line, f"room '{room}' has somebody else then, in line {other.line}")


def _wrong(path: Path, line: int, what: str) -> NoReturn:
    raise InputError(f"{path}: line {line}: {what}")
