"""What people of the roster may ask: who may, what it does, what a copy does that comes again, what is refused."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.parties import ring

from stillroom.document_forms import now
from stillroom.documents import Recipient
from stillroom.keys import BoxKey, KeyRing
from stillroom.orders import Acknowledgement, Pause, Resume, ViewRequest

SESSION = BoxKey.generate()
VIEWER = ring("viewer", "carer", 0, "test")
ADVOCATE = ring("advocate", "advocate", 0, "test")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    """Open, with a viewer and an advocate in the roster."""
    one = Commanded(tmp_path)
    more = tuple(Recipient(r.name, r.role, r.signing.verify_key.raw, ()) for r in (VIEWER, ADVOCATE))
    old = one.site.roster()
    roster = msgspec.structs.replace(old, version=2, recipients=(*old.recipients, *more))
    (one.trust / "roster.note").write_bytes(one.sign(roster))
    one.tell(1, one.paper())
    one.rig.beat()
    assert one.gate == "open"
    return one


@pytest.fixture
def board(told: Commanded) -> KeyRing:
    return told.site.keys("board")


def pause(told: Commanded, by: KeyRing, name: str = "p-1", minutes: int = 30, **changes: object) -> bytes:
    start = now(told.rig.clock)
    plain = {"start": start, "until": start + minutes * MINUTE, "id": name, "site": "test", "unit": "u-1"}
    return told.sign(Pause(**(plain | changes)), by)


def resume(told: Commanded, by: KeyRing, name: str = "p-1") -> bytes:
    return told.sign(Resume(now(told.rig.clock), name, "test", "u-1"), by)


def outcomes(told: Commanded) -> list[str]:
    return [receipt[3] for receipt in told.receipts()[1:]]


def test_a_pause_closes_at_once_and_ends_by_itself(told: Commanded, board: KeyRing):
    told.rig.eye.occupied = True
    told.tell(2, pause(told, board))
    assert not told.rig.may_start and told.rig.eye.put_outs == 1 and told.gate == "paused"
    told.rig.clock.pass_time(29 * MINUTE)
    told.rig.beat()
    assert told.gate == "paused"
    told.rig.clock.pass_time(MINUTE)
    told.rig.beat()
    assert told.gate == "open"
    assert told.receipts()[1] == (2, "pause", "p-1", "done")
    (link,) = told.audited("paused-by-command")
    assert link["by"] == "board" and link["pause"] == "p-1"


def test_whoever_signed_it_ends_it_and_nobody_else(told: Commanded, board: KeyRing):
    told.tell(2, pause(told, ADVOCATE))
    told.tell(3, resume(told, board))
    assert told.gate == "paused"
    told.tell(4, resume(told, ADVOCATE))
    assert told.gate == "open"
    assert outcomes(told) == ["done", "unknown", "done"]
    assert [link["by"] for link in told.audited("resumed-by-command")] == ["advocate"]


def test_two_pauses_of_two_people_stand_each_for_itself(told: Commanded, board: KeyRing):
    told.tell(2, pause(told, ADVOCATE, "p-1", minutes=10))
    told.tell(3, pause(told, board, "p-2", minutes=60))
    told.tell(4, resume(told, board, "p-2"))
    assert told.gate == "paused"
    told.rig.clock.pass_time(10 * MINUTE)
    told.rig.beat()
    assert told.gate == "open"


def test_no_signature_ends_the_pause_of_somebody_in_the_room_nor_does_the_button_end_theirs(
    told: Commanded, board: KeyRing
):
    told.tell(2, pause(told, board, minutes=5))
    told.rig.unit.button()
    told.tell(3, resume(told, board))
    assert told.gate == "paused", "the button's own"
    told.rig.unit.button()
    assert told.gate == "open"
    told.rig.clock.pass_time(MINUTE)
    told.tell(4, pause(told, board, "p-2"))
    told.rig.unit.button()
    told.rig.unit.button()
    assert told.gate == "paused", "the board's"


def test_a_copy_neither_revives_nor_prolongs_it(told: Commanded, board: KeyRing):
    first, end = pause(told, board), resume(told, board)
    told.tell(2, first)
    told.tell(3, end)
    told.tell(4, first)
    assert told.gate == "open", "ended is ended"
    told.rig.clock.pass_time(MINUTE)
    told.tell(5, pause(told, board, "p-2"))
    told.tell(6, end)
    assert told.gate == "paused", "an old end ends no new pause"
    told.tell(7, first)
    told.tell(8, resume(told, board, "p-2"))
    assert told.gate == "open"
    assert outcomes(told) == ["done", "done", "stale", "done", "unknown", "stale", "done"]


@pytest.mark.parametrize("lost", [False, True], ids=["restart", "restart without its database"])
def test_it_outlives_a_restart(told: Commanded, board: KeyRing, lost: bool):
    told.tell(2, pause(told, board))
    told.rig.unit.close()
    if lost:
        for path in (told.rig.folder / "state").glob("*.db*"):
            path.write_bytes(b"no database")
    told.rig.start()
    told.rig.beat()
    assert told.gate == "paused"
    told.rig.clock.pass_time(30 * MINUTE)
    told.rig.beat()
    assert told.gate == "open"


def test_a_pause_that_a_bad_card_has_changed_still_closes_and_another_can_be_signed(
    told: Commanded, board: KeyRing
):
    told.tell(2, pause(told, board))
    told.rig.unit._outbox.remember("pause by board", b"\xc1 no pause")
    told.tell(3, resume(told, board))
    assert told.gate == "paused" and outcomes(told) == ["done", "unknown"]
    told.rig.clock.pass_time(30 * MINUTE)
    told.tell(4, pause(told, board, "p-2"))
    told.tell(5, resume(told, board, "p-2"))
    assert told.gate == "open"


def test_before_and_after_its_time_it_is_refused(told: Commanded, board: KeyRing):
    start = now(told.rig.clock)
    told.tell(2, pause(told, board, start=start + 2 * MINUTE))
    told.tell(3, pause(told, board, "p-2", start=start - 5 * MINUTE, until=start))
    assert told.gate == "open" and outcomes(told) == ["time", "time"]
    told.tell(4, pause(told, board, "p-3", start=start + timedelta(seconds=50)))
    assert told.gate == "paused", "a clock that is a little ahead"


@pytest.mark.parametrize("by", ["gateway", "authority"])
def test_neither_the_gateway_nor_the_authority_signs_for_people(told: Commanded, by: str):
    keys = told.site.authority_keys() if by == "authority" else told.site.keys("gateway")
    documents = (pause(told, keys), resume(told, keys), acknowledgement(told, keys), view(told, keys))
    for number, note in enumerate(documents, 2):
        told.tell(number, note)
    assert outcomes(told) == ["signer"] * 4 and told.gate == "open"


def acknowledgement(told: Commanded, by: KeyRing, entry: int = 1) -> bytes:
    return told.sign(Acknowledgement(now(told.rig.clock), entry, "test", "u-1"), by)


def view(told: Commanded, by: KeyRing) -> bytes:
    asked = ViewRequest(
        now(told.rig.clock), "v-1", "test", "u-1", "figure", 15, "fall-check", 1, SESSION.public.raw
    )
    return told.sign(asked, by)


def test_who_has_seen_an_entry_is_kept_and_changes_nothing(told: Commanded, board: KeyRing):
    accepted = told.rig.slot().snapshot.accepted
    told.tell(2, acknowledgement(told, board, accepted))
    told.tell(3, acknowledgement(told, VIEWER, 1))
    told.tell(4, acknowledgement(told, ADVOCATE, 1))
    told.tell(5, acknowledgement(told, board, 2**53 - 1))
    assert outcomes(told) == ["done", "done", "signer", "unknown"]
    assert [(link["by"], link["entry"]) for link in told.audited("acknowledged")] == [
        ("board", accepted),
        ("carer", 1),
    ]
    assert told.gate == "open"


def test_a_look_that_nothing_allows_is_refused_with_a_receipt_and_a_link_that_says_who_asked(
    told: Commanded, board: KeyRing
):
    told.tell(2, view(told, board))
    told.tell(3, view(told, VIEWER))
    assert told.receipts()[1:] == [
        (2, "view-request", None, "signer"),
        (3, "view-request", "v-1", "not-authorised"),
    ]
    (link,) = told.audited("view-refused")
    assert (
        link.items()
        >= {"by": "carer", "view": "v-1", "reason": "fall-check", "why": "not-authorised"}.items()
    )


def test_whoever_is_not_in_the_roster_any_more_is_not_heard(told: Commanded):
    told.tell(2, pause(told, ADVOCATE))
    told.tell(3, resume(told, ADVOCATE))
    old = told.rig.unit._delivery.roster
    without = tuple(r for r in old.recipients if r.role != "advocate")
    (told.trust / "roster.note").write_bytes(
        told.sign(msgspec.structs.replace(old, version=3, recipients=without))
    )
    told.rig.beat()
    told.tell(4, pause(told, ADVOCATE, "p-2"))
    assert outcomes(told) == ["done", "done", "signer"] and told.gate == "open"


def test_longer_than_a_shift_is_no_pause(told: Commanded, board: KeyRing):
    with pytest.raises(ValueError, match="8 hours"):
        pause(told, board, minutes=8 * 60 + 1)
    told.tell(2, pause(told, board, minutes=8 * 60))
    assert told.gate == "paused"
