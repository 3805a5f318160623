"""Releases that must not be carried out: forged, signed by one, by one person twice, of another unit, and what else."""

import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.parties import ring
from tests.recorded import (
    ADVOCATE,
    APPROVER,
    CUSTODIAN,
    MANAGER,
    OTHER_MANAGER,
    STRANGER,
    Recorded,
)

from stillroom import permits
from stillroom.document_forms import now
from stillroom.documents import Approver, Recipient
from stillroom.keeper import commands
from stillroom.keys import KeyRing
from stillroom.link import Piece
from stillroom.notes import add_signature
from stillroom_release import papers
from stillroom_release.keeper import Releases
from stillroom_tools.site import audit_releases

TWICE = KeyRing("test", "advocate", "second-hat", MANAGER.signing)
"""The manager under another name."""
NAMESAKE = ring("approver", "matron", 0, "test/2")
NAMESAKE.site = "test"
"""Another key under the manager's name."""


@pytest.fixture
def unit(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


@pytest.mark.parametrize("by", [(MANAGER, OTHER_MANAGER), (MANAGER, ADVOCATE), (APPROVER, MANAGER)])
def test_two_people_who_may_are_enough(unit: Recorded, by):
    assert unit.release(by=by) == "done"
    assert unit.recorder.announced


@pytest.mark.parametrize(
    "by",
    [
        (MANAGER,),
        (ADVOCATE, APPROVER),
        (MANAGER, CUSTODIAN),
        (MANAGER, STRANGER),
        (MANAGER, TWICE),
        (MANAGER, NAMESAKE),
        (ring("authority", "authority", 0, "test"), ring("gateway", "gateway", 0, "test")),
    ],
    ids=[
        "one alone",
        "no manager",
        "the custodian",
        "nobody's",
        "one person twice",
        "one name twice",
        "others",
    ],
)
def test_anybody_else_is_refused_from_afar_and_in_the_folder(unit: Recorded, by):
    more = (
        Recipient(TWICE.name, "advocate", TWICE.signing.verify_key.raw, ()),
        *unit.roster.recipients,
    )
    approvers = (*unit.roster.approvers, Approver(NAMESAKE.name, NAMESAKE.signing.verify_key.raw))
    roster = msgspec.structs.replace(unit.roster, version=3, recipients=more, approvers=approvers)
    (unit.told.trust / "roster.note").write_bytes(add_signature(unit.told.sign(roster), APPROVER))
    unit.rig.beat()
    assert unit.release(by=by) == "signer"
    unit.put(unit.sign(unit.paper(), by))
    unit.beat(3.0)
    assert unit.asked is None and not unit.folder.exists()
    assert unit.story() == [("release-refused", "signer")]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"until": -1}, "expired"),
        ({"unit": "u-2"}, "unit"),
        ({"site": "other"}, "unit"),
        ({"custodian": "nobody"}, "custodian"),
        ({"box": STRANGER.boxes[0].public.raw}, "custodian"),
    ],
)
def test_what_cannot_be_carried_out_here_is_refused(unit: Recorded, changes, outcome):
    if "until" in changes:
        moment = now(unit.rig.clock)
        changes = {"start": moment - timedelta(hours=2), "until": moment - timedelta(hours=1)}
    assert unit.release(**changes) == outcome
    unit.beat(2.0)
    assert unit.asked is None and not unit.folder.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"room": "r-2"}, "room"),
        ({"max_mb": 60_000}, "space"),
        ({"custodian": "nobody"}, "custodian"),
        ({"unit": "u-2"}, "unit"),
    ],
)
def test_what_lies_in_the_folder_is_judged_too(unit: Recorded, changes, why, monkeypatch):
    monkeypatch.setattr(Releases, "_free_bytes", lambda _: 10**9)
    unit.put(unit.sign(unit.paper(**changes), (MANAGER, ADVOCATE)))
    unit.rig.beat()
    unit.beat(2.0)
    assert unit.story()[-1] == ("release-refused", why) and unit.asked is None


def test_who_is_the_custodian_too_does_not_count(unit: Recorded):
    """A manager who holds the custodian's signing key, under another name."""
    both = KeyRing("test", "manager", "keeper-of-both", CUSTODIAN.signing)
    more = (Recipient(both.name, "manager", both.signing.verify_key.raw, ()), *unit.roster.recipients)
    roster = msgspec.structs.replace(unit.roster, version=3, recipients=more)
    (unit.told.trust / "roster.note").write_bytes(unit.told.sign(roster))
    unit.rig.beat()
    assert unit.release(by=(MANAGER, both)) == "signer"
    assert unit.release(by=(MANAGER, both, ADVOCATE)) == "done", "two others have signed it"


def test_the_authorisation_of_the_room_must_allow_it_too(unit: Recorded):
    unit.command(unit.told.end("a-0"))
    unit.authorise(("status",))
    assert unit.release() == "done"
    unit.beat(2.0)
    assert unit.story()[-1] == ("release-refused", "not-authorised") and unit.asked is None


def test_one_that_comes_again_changes_nothing_and_another_under_its_id_is_refused(unit: Recorded):
    note = unit.sign(unit.paper(), (MANAGER, ADVOCATE))
    assert [unit.command(note), unit.command(note)] == ["done", "done"]
    assert unit.release(max_mb=30) == "used"
    unit.beat(3.0)
    assert [what for what, _ in unit.story()].count("release-started") == 1


def test_no_bit_of_a_note_can_be_changed(unit: Recorded):
    note = unit.sign(unit.paper(), (MANAGER, ADVOCATE))
    unit.put(note.replace(b'"r-1"', b'"r-2"', 1))
    unit.put(note.replace(b'"max_mb": 20', b'"max_mb": 21'))
    unit.beat(2.0)
    assert unit.asked is None and unit.story() == [("release-refused", "signature")]


def test_nobody_else_ends_one(unit: Recorded):
    unit.release()
    for by in (CUSTODIAN, STRANGER, unit.told.site.keys("board"), unit.told.site.keys("gateway")):
        assert unit.withdraw(by=by) == "signer"
    unit.beat(2.0)
    assert unit.recorder.announced
    assert unit.withdraw(by=unit.told.authority) == "done" and not unit.recorder.announced


def test_a_custodian_who_is_struck_off_ends_it(unit: Recorded):
    unit.release()
    unit.beat(3.0)
    fewer = tuple(one for one in unit.roster.recipients if one.role != "custodian")
    roster = msgspec.structs.replace(unit.roster, version=3, recipients=fewer)
    (unit.told.trust / "roster.note").write_bytes(unit.told.sign(roster))
    unit.beat(1.0)
    assert ("release-ended", "custodian") in unit.story() and not unit.recorder.announced


def test_an_eye_that_says_something_else_writes_nothing(unit: Recorded):
    """Of another recording, out of its place, or more than a chunk: nothing of it is signed or written."""
    unit.release()
    unit.eye_works = False
    unit.beat(2.0)
    asked = unit.asked
    assert asked is not None
    say = unit.rig.unit.from_eye
    say(Piece(bytes(16), 0, 0, b"x" * 20_000))
    say(Piece(asked.recording, 1, 0, b"x" * 20_000))
    say(Piece(asked.recording, 0, 24_576, b"x" * 20_000))
    for at in range(0, 1_000_000 - 24_576, 24_576):
        say(Piece(asked.recording, 0, at, b"y" * 24_576))
    unit.beat(1.0)
    assert not unit.files() and unit.recorder._running.chunks == 0
    unit.eye_works = True
    unit.beat(3.0)
    assert unit.opened(unit.files()[0]) > 0, "and a right chunk is taken after it"


def test_more_junk_than_that_fills_no_chain(unit: Recorded):
    for number in range(40):
        unit.put(b"no note\n", f"junk-{number}")
    unit.beat(2.0)
    assert len(unit.story()) == 8 and {why for _, why in unit.story()} == {"form"}


def test_a_folder_of_too_many_ends_lets_nothing_be_recorded_and_an_end_is_heard_all_the_same(
    unit: Recorded, monkeypatch
):
    for module in (papers, commands):
        monkeypatch.setattr(module, "MAX_FILES", 4)
    assert unit.release() == "done"
    for number in range(5):
        assert unit.withdraw(f"r-{number + 2}") == "done", "one of no effect makes room"
    folder = unit.told.trust / "release-withdrawals"
    assert len(list(folder.glob("*.note"))) == 4 and unit.recorder.announced
    (folder / "one-more.note").write_bytes(b"no note\n")
    unit.beat(1.0)
    assert not unit.recorder.announced and ("release-refused", "full") in unit.story()


def test_what_expired_for_certain_leaves_the_folder_too(unit: Recorded):
    unit.release(until=now(unit.rig.clock) + timedelta(seconds=6))
    note = unit.told.trust / "releases" / "r-1.note"
    unit.rig.clock.pass_time(timedelta(days=8))
    unit.rig.unit.close()
    assert note.exists()
    unit.rig.start()
    unit.rig.beat()
    assert not note.exists()


def test_every_reason_has_words():
    """Of the recorder's own: why a release is refused, and how a recording ended."""
    files = (*Path(papers.__file__).parent.glob("*.py"), Path(permits.__file__))
    source = "".join(path.read_text() for path in files)
    said = r'_refuse_file\([^"]+"([a-z-]+)"|refuse\("unnamed", "([a-z-]+)"|return "([a-z-]+)"|NoteError\("([a-z-]+)"'
    whys = set(re.findall(said, source))
    codes = {one for found in whys for one in found if one and not one.startswith("release")}
    assert {"space", "room", "custodian", "unit", "full", "card-full"} <= codes
    known = set(audit_releases._WHY) | set(audit_releases._HOW)
    assert codes - known == set()
    whats = set(re.findall(r'"(releases?-[a-z-]+)"', source))
    assert {"release-started", "release-ended", "release-deleted"} <= whats
    for what in whats:
        assert audit_releases.sentence({"what": what}), what
