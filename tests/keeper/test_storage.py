"""A damaged card, seen from the facility: a condition, the numbers lost, a link in the audit chain; life goes on."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.rig import SOMEWHERE, Rig

from stillroom.document_forms import from_ms
from stillroom.documents import KINDS, Authorisation
from stillroom.events import Audited, ConditionChanged, Lost, StateChanged
from stillroom.link import Network
from stillroom.notes import sign_note
from stillroom_tools.site.layout import open_site


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def restart(rig: Rig) -> None:
    rig.start()
    rig.beat()
    rig.unit.from_courier(Network(True, "connected"))


def test_damage_reaches_the_gateway_as_condition_loss_and_audit(rig: Rig):
    rig.authorise()
    rig.see(SOMEWHERE)
    rig.slot()
    used = rig.unit._outbox.accepted
    boot = rig.unit._outbox.recall("boot")
    rig.unit.close()
    file = rig.folder / "state" / "outbox.db"
    file.write_bytes(b"\xa5" * 100 + file.read_bytes()[100:])

    restart(rig)
    first = rig.slot()
    entries = [*first.entries, *rig.entries()]
    assert "storage-damaged" in rig.slot().snapshot.faults and first.snapshot.accepted > used
    assert min(e.number for e in entries) > used, "no number of before"
    lost = [e.event for e in entries if isinstance(e.event, Lost)]
    assert lost[0].reason == "outbox-damaged" and lost[0].ranges[-1][1] >= used
    said = next(
        e.event for e in entries if isinstance(e.event, ConditionChanged) and "storage" in e.event.kind
    )
    assert "kept as outbox.damaged-" in said.why
    bodies = [msgspec.json.decode(e.event.body) for e in entries if isinstance(e.event, Audited)]
    assert "storage-damaged" in {b["what"] for b in bodies}
    assert rig.unit._outbox.recall("boot") == boot + 1
    rig.see(SOMEWHERE)
    assert any(isinstance(e.event, StateChanged) for e in rig.slot().entries), "and it goes on"

    rig.unit.close()
    restart(rig)
    assert "storage-damaged" in rig.slot().snapshot.faults, "until somebody has looked"
    for aside in (rig.folder / "state").glob("outbox.damaged-*"):
        aside.unlink()
    rig.slot()
    assert "storage-damaged" not in rig.slot().snapshot.faults


def test_a_pause_outlives_the_damage(rig: Rig):
    rig.authorise()
    rig.beat()
    rig.unit.button()
    rig.unit.close()
    file = rig.folder / "state" / "outbox.db"
    file.write_bytes(bytes(file.stat().st_size))
    restart(rig)
    assert not rig.may_start and rig.slot().snapshot.gate == "paused"


def test_an_old_roster_is_refused_after_the_damage_too(rig: Rig):
    rig.unit._outbox.remember("roster_version", 5, lasting=True)
    rig.unit.close()
    (rig.folder / "state" / "outbox.db").unlink()
    with pytest.raises(Exception, match="version 1, but 5 was accepted before"):
        rig.start()


def ruined(rig: Rig) -> None:
    """The database is gone, and with it all files that took something back."""
    rig.unit.close()
    file = rig.folder / "state" / "outbox.db"
    file.write_bytes(bytes(file.stat().st_size))
    for folder in ("withdrawals", "halts"):
        for note in (rig.folder / "trust" / folder).glob("*.note"):
            note.unlink()
    rig.start()
    rig.beat()


def links(rig: Rig) -> set[str]:
    bodies = [msgspec.json.decode(e.event.body) for e in rig.entries() if isinstance(e.event, Audited)]
    return {body["what"] for body in bodies}


def test_a_withdrawal_outlives_database_and_file_until_somebody_signs_anew(rig: Rig):
    rig.authorise()
    rig.beat()
    rig.withdraw()
    rig.beat()
    assert not rig.may_start
    ruined(rig)
    assert not rig.may_start and rig.slot().snapshot.gate == "withdrawn"
    assert "withdrawals-forgotten" in links(rig)
    rig.unit.close()
    rig.start()
    rig.beat()
    assert not rig.may_start, "nor after another start"
    rig.clock.pass_time(timedelta(seconds=2))
    sign_anew(rig)
    rig.beat()
    assert rig.may_start


def sign_anew(rig: Rig) -> None:
    """At the rig's own time, which is ahead of the machine's."""
    site = open_site(rig.site_folder)
    old = site.authorisations("u-1")[0]
    start = from_ms(rig.clock.utc_ms())
    paper = msgspec.structs.replace(old, id="a-new", start=start, until=start + (old.until - old.start))
    paper = msgspec.structs.replace(paper, review_by=paper.until)
    note = sign_note(KINDS[Authorisation], paper, [site.authority_keys()])
    (rig.folder / "trust" / "authorisations" / "a-new.note").write_bytes(note)


def test_told_again_by_the_gateway_it_is_whole_and_what_was_not_taken_back_goes_on(rig: Rig):
    rig.authorise()
    rig.beat()
    withdrawal = rig.site_folder / "withdrawals"
    rig.withdraw()
    rig.authorise()
    rig.beat()
    assert rig.may_start
    ruined(rig)
    assert not rig.may_start, "which of them was taken back, nobody here knows"
    for note in withdrawal.glob("*.note"):
        (rig.folder / "trust" / "withdrawals" / note.name).write_bytes(note.read_bytes())
    rig.beat()
    assert rig.may_start


def test_after_28_days_nothing_from_before_can_run_and_nothing_is_missed(rig: Rig):
    rig.authorise()
    rig.beat()
    rig.withdraw()
    rig.beat()
    ruined(rig)
    assert rig.unit._gate._taken_back.forgot
    rig.clock.pass_time(timedelta(days=28, seconds=1))
    rig.authorise()
    rig.beat()
    assert not rig.unit._gate._taken_back.forgot


def test_where_nothing_was_taken_back_damage_ends_nothing(rig: Rig):
    """The control."""
    rig.authorise()
    rig.beat()
    ruined(rig)
    assert rig.may_start and "withdrawals-forgotten" not in links(rig)
