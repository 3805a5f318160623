"""What a store gets: a unit's entries, sealed as the unit does and opened by the real receiver."""

import msgspec

from stillroom.document_forms import to_ms
from stillroom.events import Body, Entry, StateChanged
from stillroom.receiver import Receiver
from stillroom.wire import Epoch
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.store import Store
from tests.parties import GATEWAY, NOON, UNIT, body, enrolment, epoch, packed, record


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
