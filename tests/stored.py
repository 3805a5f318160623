"""What a store gets: a unit's entries, sealed as the unit does and opened by the real receiver."""

import sqlite3
from pathlib import Path

import msgspec

from stillroom.document_forms import to_ms
from stillroom.events import Body, Entry, StateChanged
from stillroom.receiver import Receiver
from stillroom.wire import Epoch
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store
from tests.parties import GATEWAY, NOON, UNIT, body, enrolment, epoch, packed, record

NOON_MS = to_ms(NOON)
FOUR = (Path(__file__).parent / "site" / "gateway-4.sql").read_text()
"""As the last gateway without SQLAlchemy wrote it: a run of every kind of row."""
LATER = {
    1: "DROP TABLE commands; DROP TABLE alerts; DROP TABLE alert_boots; DROP TABLE alert_changes; DROP INDEX chains;",
    2: "DROP TABLE alerts; DROP TABLE alert_boots; DROP TABLE alert_changes; DROP INDEX chains;",
    3: "DROP INDEX chains;",
    4: "",
}


def before(folder: Path, version: int = 4) -> Path:
    """A database of that version, with a run of each kind of row."""
    database = sqlite3.connect(folder / FILE)
    database.executescript(f"{FOUR} {LATER[version]} PRAGMA user_version={version};")
    database.close()
    return folder


def entry(number: int, why: str = "") -> Entry:
    return Entry(number, to_ms(NOON), to_ms(NOON) + 5, StateChanged("in-bed", "occupied", why))


def holding(*entries: Entry, room: str = "room-1") -> Body:
    plain = body()
    snapshot = msgspec.structs.replace(plain.snapshot, room=room)
    return msgspec.structs.replace(plain, entries=entries, snapshot=snapshot)


class Sender:
    """Seals as a unit does; `arrive` opens through the real receiver into the store."""

    def __init__(self, store: Store, boot: int = 1, under: Epoch | None = None) -> None:
        self._receiver = Receiver([enrolment(UNIT)], GATEWAY.boxes, store)
        self.under = under or epoch(boot=boot, boot_id=boot.to_bytes(16, "big"))
        self._sequence = 0

    def arrive(self, *entries: Entry, room: str = "room-1") -> Arrived:
        data = record(packed(holding(*entries, room=room)), under=self.under, sequence=self._sequence)
        self._sequence += 1
        return Arrived(self._receiver.open(data), to_ms(NOON) + 9)
