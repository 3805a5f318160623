"""Commands downwards: carried out once, in order, only what the authority signed for this unit; each answered."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.rig import observation

from stillroom.document_forms import from_ms, now
from stillroom.documents import KINDS, Authorisation, Roster, ViewAcceptance
from stillroom.epochs import Stream
from stillroom.events import MAX_PART_BYTES, MAX_PARTS, Audited
from stillroom.keeper import commands as module
from stillroom.keys import KeyRing
from stillroom.link import Down, Sent
from stillroom.notes import sign_note
from stillroom.public_keys import RecipientKey
from stillroom.wire import Lane


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


def test_an_older_authorisation_does_not_take_the_place_of_a_narrower_one_under_its_id(told):
    wide, narrow = told.paper(scopes=("status", "breathing")), told.paper(scopes=("status",))
    told.tell(5, narrow)
    told.tell(6, wide)
    told.tell(7, narrow)
    assert (told.trust / "authorisations" / "a-1.note").read_bytes() == narrow
    assert [outcome for *_, outcome in told.receipts()] == ["done", "used", "done"]


def test_a_gateway_that_burnt_all_numbers_shuts_out_no_later_one(told):
    told.tell(2**53, told.paper())
    told.tell(2**53, told.paper("a-2"))
    assert told.receipts() == [(2**53, "authorisation", "a-1", "done")]
    gateway = KeyRing.generate("test", "gateway", "gateway")
    old = told.site.roster()
    recipients = tuple(
        msgspec.structs.replace(r, sign=gateway.signing.verify_key.raw) if r.role == "gateway" else r
        for r in old.recipients
    )
    roster = msgspec.structs.replace(old, version=old.version + 1, recipients=recipients)
    (told.trust / "roster.note").write_bytes(told.sign(roster))
    told.rig.beat()
    box = RecipientKey(told.site.enrolment("u-1").box)
    told.stream = Stream(Lane.DOWN, gateway.signing, 1, told.rig.clock, [box])
    told.tell(1, told.end())
    assert told.receipts()[-1] == (1, "withdrawal", "a-1", "done")


def test_junk_from_the_broker_fills_no_log(told, capsys):
    capsys.readouterr()
    for _ in range(1000):
        told.rig.unit.from_courier(Down(b"junk"))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10 and said[-1].endswith("magic (512 of that kind)")
    assert told.rig.unit._delivery.refused_down == 1000


def test_a_replayed_record_is_refused_before_its_command_is_looked_at(told):
    record = told.record(5, told.paper())
    told.rig.unit.from_courier(Down(record))
    told.rig.unit.close()
    told.rig.start()
    told.rig.beat()
    (told.trust / "authorisations" / "a-1.note").unlink()
    told.rig.unit.from_courier(Down(record))
    assert told.rig.slot().snapshot.refused == 1, (
        "seen before, and that outlives the restart; the site sees it"
    )
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


def test_nobody_but_the_authority_can_make_the_brokers_word_count(told):
    def settled() -> bool:
        """Whether an acknowledgement of the broker's deletes what was sent."""
        told.rig.clock.pass_time(timedelta(seconds=10))
        before = told.rig.slot().snapshot.waiting
        assert before > 0
        told.rig.unit.from_courier(Sent(told.slot_number))
        return told.rig.unit._outbox.waiting < before

    path = told.trust / "roster.note"
    forged = sign_note(KINDS[Roster], told.by_puback, [told.site.keys("gateway")])
    altered = path.read_bytes().replace(b'"cursor"', b'"puback"')
    told.tell_all(2, forged)
    told.tell_all(3, altered)
    assert [r[3] for r in told.receipts()] == ["signer", "signature"] and not settled()
    good = path.read_bytes()
    for bad in (forged, altered):
        path.write_bytes(bad)
        told.rig.beat()
        assert told.rig.unit._delivery.roster.delivery == "cursor" and not settled()
    path.write_bytes(good)
    told.tell_all(4, told.sign(told.by_puback))
    assert settled(), "the control"


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


def in_parts(note: bytes) -> list[bytes]:
    return [note[at : at + MAX_PART_BYTES] for at in range(0, len(note), MAX_PART_BYTES)]


def usual_roster(told) -> bytes:
    """With the keys of a year."""
    return told.sign(msgspec.structs.replace(told.site.roster(), version=2))


def test_a_usual_roster_comes_in_parts_in_any_order_some_of_them_twice(told):
    parts = in_parts(usual_roster(told))
    assert len(parts) == 4
    for part in (3, 1, 3, 4, 1):
        told.tell(7, parts[part - 1], part, 4)
    assert told.rig.unit._delivery.roster.version == 1 and told.receipts() == [], "not whole yet"
    told.tell(7, parts[1], 2, 4)
    assert told.rig.unit._delivery.roster.version == 2
    assert told.receipts() == [(7, "roster", None, "done")]


def test_parts_of_two_commands_are_never_put_together(told):
    parts = in_parts(usual_roster(told))
    for number, part in ((7, 1), (7, 2), (8, 3), (8, 4), (7, 1), (7, 2)):
        told.tell(number, parts[part - 1], part, 4)
    assert told.receipts() == [] and told.rig.unit._delivery.roster.version == 1
    for part in (3, 4):
        told.tell(7, parts[part - 1], part, 4)
    assert told.rig.unit._delivery.roster.version == 2, "the control"


def test_a_part_that_was_changed_spoils_the_whole_and_nothing_of_it_is_done(told):
    parts = in_parts(usual_roster(told))
    for part, data in enumerate([*parts[:3], parts[3][:-9] + b"AAAAAAA=\n"], 1):
        told.tell(7, data, part, 4)
    assert [r[3] for r in told.receipts()] in (["signature"], ["signer"], ["form"])
    for part, data in enumerate(parts, 1):
        told.tell(8, data, part, 4)
    assert told.rig.unit._delivery.roster.version == 2


def test_what_is_held_of_parts_is_bounded_and_a_restart_begins_anew(told):
    parts = in_parts(usual_roster(told))
    for number in range(10, 60):
        for part in range(1, MAX_PARTS):
            told.tell(number, bytes(MAX_PART_BYTES), part, MAX_PARTS)
    held = told.rig.unit._commands._parts._held
    assert sum(map(len, held.values())) <= MAX_PARTS * MAX_PART_BYTES
    told.tell(60, bytes(MAX_PART_BYTES), MAX_PARTS, MAX_PARTS)
    for part in range(1, MAX_PARTS):
        told.tell(60, bytes(MAX_PART_BYTES), part, MAX_PARTS)
    assert told.receipts()[-1] == (60, "unknown", None, "kind"), "all of them, and no document"
    for part in (1, 2, 3):
        told.tell(61, parts[part - 1], part, 4)
    told.rig.unit.close()
    told.rig.start()
    told.rig.beat()
    told.tell(61, parts[3], 4, 4)
    assert told.rig.unit._delivery.roster.version == 1
    for part in (1, 2, 3):
        told.tell(61, parts[part - 1], part, 4)
    assert told.rig.unit._delivery.roster.version == 2


@pytest.mark.parametrize(("part", "parts"), [(0, 1), (2, 1), (1, MAX_PARTS + 1), (MAX_PARTS + 1, MAX_PARTS)])
def test_a_part_that_cannot_be_is_no_body(told, part: int, parts: int):
    command = {"number": 1, "part": part, "parts": parts, "note": b"x"}
    body = {"utc_ms": 0, "cursor": 0, "ranges": [], "command": command, "heard": b""}
    told.rig.unit.from_courier(Down(told.stream.seal(msgspec.msgpack.encode(body))))
    assert told.rig.unit._delivery.refused_down == 1 and told.receipts() == []


def test_a_part_that_is_too_large_is_no_body(told):
    with pytest.raises(Exception, match="bytes"):
        told.record(1, bytes(1800))
    told.rig.unit.from_courier(Down(told.record(1, b"x" * (MAX_PART_BYTES + 1))))
    assert told.rig.unit._delivery.refused_down == 1
    told.tell(2, b"x" * MAX_PART_BYTES)
    assert told.receipts() == [(2, "unknown", None, "kind")]


def test_the_view_of_a_moved_camera_is_accepted_from_afar(told):
    told.tell(1, told.paper())
    told.rig.beat()
    seen = observation(told.rig.clock, None, 0.0)
    told.rig.unit.from_eye(msgspec.structs.replace(seen, health="moved"))
    assert told.gate == "camera-moved"
    told.rig.clock.pass_time(timedelta(seconds=2))
    told.tell(2, told.sign(ViewAcceptance("test", "u-1", now(told.rig.clock))))
    assert told.gate == "open" and told.receipts()[-1] == (2, "view-acceptance", None, "done")
    told.tell(3, told.sign(ViewAcceptance("test", "u-1", now(told.rig.clock)), told.site.keys("board")))
    assert told.receipts()[-1][3] == "signer"
