"""A unit, and the hands of its site: what a gateway brings, what the authority and people of the roster sign."""

from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from stillroom.document_forms import now
from stillroom.documents import KINDS, Roster, Withdrawal
from stillroom.epochs import Stream
from stillroom.events import MAX_PART_BYTES, Audited, Body, Command, DownBody, Entry, Receipt
from stillroom.keys import KeyRing
from stillroom.link import Down, Network, Up
from stillroom.notes import sign_note
from stillroom.public_keys import RecipientKey
from stillroom.wire import Lane
from stillroom_tools.site.layout import open_site
from tests.parties import authorisation
from tests.rig import Rig

E = TypeVar("E")


class Commanded:
    """A unit, and the hands of its site's gateway and authority."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self._one_slot, self.rig.slot = self.rig.slot, self._slot  # type: ignore[method-assign]
        self._heard: dict[int, Entry] = {}
        self.site = open_site(self.rig.site_folder)
        self.authority = self.site.authority_keys()
        box = RecipientKey(self.site.enrolment("u-1").box)
        self.stream = Stream(Lane.DOWN, self.site.keys("gateway").signing, 1, self.rig.clock, [box])
        self.trust = self.rig.folder / "trust"
        self.rig.unit.from_courier(Network(True, "connected"))
        self.rig.beat()

    def record(self, number: int, note: bytes, part: int = 1, parts: int = 1) -> bytes:
        body = DownBody(self.rig.clock.utc_ms(), 0, (), Command(number, part, parts, note))
        return self.stream.seal(msgspec.msgpack.encode(body))

    def tell(self, number: int, note: bytes, part: int = 1, parts: int = 1) -> None:
        self.rig.unit.from_courier(Down(self.record(number, note, part, parts)))

    def tell_all(self, number: int, note: bytes) -> None:
        """In as many parts as it takes."""
        parts = [note[at : at + MAX_PART_BYTES] for at in range(0, len(note), MAX_PART_BYTES)]
        for part, data in enumerate(parts, 1):
            self.tell(number, data, part, len(parts))

    def sign(self, document: msgspec.Struct, by: KeyRing | None = None) -> bytes:
        return sign_note(KINDS[type(document)], document, [by or self.authority])

    @property
    def by_puback(self) -> Roster:
        """The next roster, of a site without a gateway's word."""
        old = self.site.roster()
        return msgspec.structs.replace(old, version=old.version + 1, delivery="puback")

    @property
    def slot_number(self) -> int:
        """Of the newest record upwards."""
        up = self.rig.courier.last(Up)
        assert isinstance(up, Up)
        return up.slot

    @property
    def gate(self) -> str:
        return self.rig.slot().snapshot.gate

    def paper(self, name: str = "a-1", *, by: KeyRing | None = None, **changes: object) -> bytes:
        start = now(self.rig.clock)
        plain = {"start": start, "until": start + timedelta(days=1), "site": "test", "room": "r-1"}
        return self.sign(authorisation(name, **(plain | changes)), by)

    def end(self, name: str = "a-1") -> bytes:
        document = Withdrawal(authorisation=name, site="test", unit="u-1", at=now(self.rig.clock))
        return sign_note(KINDS[Withdrawal], document, [self.authority])

    def roster(self, **changes: object) -> bytes:
        """Small enough for one record: without the keys of the months to come."""
        old = self.site.roster()
        short = tuple(msgspec.structs.replace(r, boxes=r.boxes[:1]) for r in old.recipients)
        roster = msgspec.structs.replace(old, version=old.version + 1, recipients=short, **changes)
        return sign_note(KINDS[Roster], roster, [self.authority])

    def _slot(self) -> Body:
        body = self._one_slot()
        self._heard |= {entry.number: entry for entry in body.entries}
        return body

    def events(self, kind: type[E]) -> list[E]:
        """All of a kind that the gateway has heard so far, in order."""
        self.rig.entries()
        return [e.event for _, e in sorted(self._heard.items()) if isinstance(e.event, kind)]

    def receipts(self) -> list[tuple[int, str, str | None, str]]:
        return [(r.command, r.kind, r.document, r.outcome) for r in self.events(Receipt)]

    def audited(self, *what: str) -> list[dict[str, object]]:
        """What links of these kinds say."""
        said = (msgspec.json.decode(link.body) for link in self.events(Audited))
        return [body for body in said if body["what"] in what]
