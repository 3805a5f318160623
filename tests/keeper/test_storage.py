"""A damaged card, seen from the facility: a condition, the numbers lost, a link in the audit chain; life goes on."""

from pathlib import Path

import msgspec
import pytest
from tests.rig import SOMEWHERE, Rig

from stillroom.events import Audited, ConditionChanged, Lost, StateChanged
from stillroom.link import Network


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
