"""Commands downwards: carried out once, in order, only what the authority signed for this unit; each answered."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.parties import authorisation
from tests.rig import Rig

from stillroom.documents import KINDS, Authorisation, Roster, Withdrawal, from_ms, now
from stillroom.epochs import Stream
from stillroom.events import MAX_COMMAND_BYTES, Audited, Command, DownBody, Receipt
from stillroom.keeper import commands as module
from stillroom.keys import KeyRing, RecipientKey
from stillroom.link import Down, Network
from stillroom.notes import sign_note
from stillroom.wire import Lane
from stillroom_tools.site.layout import open_site


class Commanded:
    """A unit, and the hands of its site's gateway and authority."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.site = open_site(self.rig.site_folder)
        self.authority = self.site.authority_keys()
        box = RecipientKey(self.site.enrolment("u-1").box)
        self.stream = Stream(Lane.DOWN, self.site.keys("gateway").signing, 1, self.rig.clock, [box])
        self.trust = self.rig.folder / "trust"
        self.rig.unit.from_courier(Network(True, "connected"))
        self.rig.beat()

    def record(self, number: int, note: bytes) -> bytes:
        body = DownBody(self.rig.clock.utc_ms(), 0, (), Command(number, note))
        return self.stream.seal(msgspec.msgpack.encode(body))

    def tell(self, number: int, note: bytes) -> None:
        self.rig.unit.from_courier(Down(self.record(number, note)))

    def paper(self, name: str = "a-1", *, by: KeyRing | None = None, **changes: object) -> bytes:
        start = now(self.rig.clock)
        plain = {"start": start, "until": start + timedelta(days=1), "site": "test", "room": "r-1"}
        return sign_note(
            KINDS[Authorisation], authorisation(name, **(plain | changes)), [by or self.authority]
        )

    def end(self, name: str = "a-1") -> bytes:
        document = Withdrawal(authorisation=name, site="test", unit="u-1", at=now(self.rig.clock))
        return sign_note(KINDS[Withdrawal], document, [self.authority])

    def roster(self, **changes: object) -> bytes:
        """Small enough to be sent: without the keys of the months to come."""
        old = self.site.roster()
        short = tuple(msgspec.structs.replace(r, boxes=r.boxes[:1]) for r in old.recipients)
        roster = msgspec.structs.replace(old, version=old.version + 1, recipients=short, **changes)
        return sign_note(KINDS[Roster], roster, [self.authority])

    def receipts(self) -> list[tuple[int, str, str | None, str]]:
        found = [e.event for e in self.rig.entries() if isinstance(e.event, Receipt)]
        return [(r.command, r.kind, r.document, r.outcome) for r in found]


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    return Commanded(tmp_path)


def test_an_authorisation_opens_and_a_withdrawal_closes_without_a_hand_on_the_unit(told):
    told.tell(5, told.paper())
    told.rig.beat()
    assert told.rig.may_start
    assert (told.trust / "authorisations" / "a-1.note").read_bytes() == told.paper()
    told.tell(6, told.end())
    told.rig.beat()
    assert not told.rig.may_start
    assert told.receipts() == [(5, "authorisation", "a-1", "done"), (6, "withdrawal", "a-1", "done")]


def test_a_command_said_again_is_carried_out_once_and_answered_once(told):
    for _ in range(5):
        told.tell(5, told.paper())
    (told.trust / "authorisations" / "a-1.note").unlink()
    told.tell(5, told.paper())
    assert not (told.trust / "authorisations" / "a-1.note").exists()
    assert told.receipts() == [(5, "authorisation", "a-1", "done")]


def test_a_lower_number_is_not_heard_any_more_also_after_a_restart(told):
    told.tell(9, told.paper())
    told.rig.unit.close()
    told.rig.start()
    told.rig.beat()
    told.tell(8, told.paper("a-2"))
    told.tell(9, told.paper("a-3"))
    assert sorted(p.name for p in (told.trust / "authorisations").iterdir()) == ["a-1.note"]
    told.tell(10, told.paper("a-4"))
    assert (told.trust / "authorisations" / "a-4.note").exists()


def test_a_replayed_record_is_refused_before_its_command_is_looked_at(told):
    record = told.record(5, told.paper())
    told.rig.unit.from_courier(Down(record))
    told.rig.unit.close()
    told.rig.start()
    told.rig.beat()
    (told.trust / "authorisations" / "a-1.note").unlink()
    told.rig.unit.from_courier(Down(record))
    assert told.rig.unit._delivery.refused_down == 1, "seen before, and that outlives the restart"
    assert not list((told.trust / "authorisations").iterdir())


def test_only_the_authority_commands_not_the_gateway_that_carries(told):
    gateway = told.site.keys("gateway")
    forged = KeyRing("test", "authority", "authority", gateway.signing, ())
    altered = told.paper().replace(b"r-1", b"r-2")
    cases = {
        "signer": told.paper(by=gateway),
        "signature": altered,
        "unit": told.paper(unit="u-2"),
        "kind": told.paper().replace(b"stillroom/1 authorisation", b"stillroom/1 enrolment"),
        "form": b"stillroom/1 authorisation\nno note at all",
        "content": sign_note(KINDS[Authorisation], told.site.enrolment("u-1"), [told.authority]),
    }
    for number, note in enumerate(cases.values(), 1):
        told.tell(number, note)
    told.tell(50, told.paper(by=forged))
    told.tell(51, told.paper(site="other"))
    told.rig.beat()
    assert not told.rig.may_start and not list((told.trust / "authorisations").iterdir())
    kinds = ["unknown" if reason == "kind" else "authorisation" for reason in cases]
    expected = [(n, k, None, reason) for n, (reason, k) in enumerate(zip(cases, kinds, strict=True), 1)]
    assert told.receipts()[: len(cases)] == expected
    told.tell(60, told.paper())
    told.rig.beat()
    assert told.rig.may_start, "the control"


def test_a_withdrawn_authorisation_does_not_come_back_by_a_command(told):
    note = told.paper()
    told.tell(1, note)
    told.tell(2, told.end())
    told.tell(3, note)
    told.rig.beat()
    assert not told.rig.may_start and told.rig.slot().snapshot.gate == "withdrawn"


def test_a_roster_takes_its_place_only_if_it_can_follow(told):
    before = (told.trust / "roster.note").read_bytes()
    start = from_ms(told.rig.clock.utc_ms()) + timedelta(days=1)
    told.tell(2, told.roster(start=start))
    assert (told.trust / "roster.note").read_bytes() == before
    told.tell(3, told.roster())
    assert told.rig.unit._delivery.roster.version == 2
    told.tell(4, told.roster(delivery="puback"))
    assert told.rig.unit._delivery.roster.delivery == "cursor", "another roster of the same version"
    assert [r[3] for r in told.receipts()] == ["time", "done", "version"]
    assert told.rig.slot().snapshot.gate == "no-authorisation", "and it still seals to the gateway"


def test_a_trust_folder_that_cannot_be_written_gives_no_receipt_until_it_can(told, monkeypatch):
    from stillroom.errors import StorageError

    def refuse(*_: object) -> None:
        raise StorageError("the card is full")

    with monkeypatch.context() as patched:
        patched.setattr(module, "replace_file", refuse)
        told.tell(5, told.paper())
    assert told.receipts() == []
    told.tell(5, told.paper())
    assert told.receipts() == [(5, "authorisation", "a-1", "done")]


def test_a_power_cut_before_the_receipt_was_accepted_lets_it_be_carried_out_again(told, monkeypatch):
    outbox = told.rig.unit._outbox
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "commit", lambda _utc_ms: 0)
        told.tell(5, told.paper())
    assert (told.trust / "authorisations" / "a-1.note").exists()
    outbox._database.rollback()
    outbox.close()
    told.rig.start()
    told.rig.beat()
    told.tell(5, told.paper())
    assert told.receipts() == [(5, "authorisation", "a-1", "done")]


def test_a_full_folder_refuses_more_and_a_withdrawal_still_fits(told, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 3)
    for number in range(1, 6):
        told.tell(number, told.paper(f"a-{number}"))
    told.tell(6, told.end("a-1"))
    assert [r[3] for r in told.receipts()] == ["done", "done", "done", "full", "full", "done"]


def test_each_command_is_in_the_audit_chain(told):
    told.tell(5, told.paper())
    links = [e.event for e in told.rig.entries() if isinstance(e.event, Audited)]
    bodies = [msgspec.json.decode(link.body) for link in links]
    assert {
        "what": "command",
        "number": 5,
        "kind": "authorisation",
        "document": "a-1",
        "outcome": "done",
    }.items() <= (next(b for b in bodies if b["what"] == "command").items())


def test_a_document_that_is_too_large_is_no_body(told):
    with pytest.raises(Exception, match="bytes"):
        told.record(1, bytes(1800))
    told.rig.unit.from_courier(Down(told.record(1, b"x" * (MAX_COMMAND_BYTES + 1))))
    assert told.rig.unit._delivery.refused_down == 1
    told.tell(2, b"x" * MAX_COMMAND_BYTES)
    assert told.receipts() == [(2, "unknown", None, "kind")]
