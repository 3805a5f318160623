"""The keeper without its sockets: real keys, real papers, a clock moved by hand, two doors that remember."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.rig import SOMEWHERE, Rig, observation, run

from stillroom.errors import StorageError, TrustError
from stillroom.events import Audited, GateChanged, Snapshot, StateChanged
from stillroom.keeper.eye_life import LEASE_TTL_MS
from stillroom.keeper.slots import Slots
from stillroom.keeper.unit import Unit
from stillroom.link import Down, Fault, Halt, Hello, Lease, Network, Sent, Up
from stillroom.wire import parse


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_without_authorisation_no_eye_may_start_and_no_lease_is_given(rig):
    rig.beat(5)
    assert not rig.may_start and rig.eye.last(Lease) is None
    snapshot = rig.slot().snapshot
    assert (snapshot.gate, snapshot.state) == ("no-authorisation", "unknown")
    assert snapshot.breathing.value is None and snapshot.pulse.value is None


def test_authorised_leases_carry_the_scopes_and_are_shorter_than_a_second(rig):
    rig.authorise(scopes="status,breathing")
    rig.beat()
    lease = rig.eye.last(Lease)
    assert rig.may_start
    assert (lease.ttl_ms, lease.breathing, lease.pulse) == (LEASE_TTL_MS, True, False)
    assert LEASE_TTL_MS < 1000


def test_a_withdrawal_halts_at_once_and_for_good(rig):
    rig.authorise()
    rig.beat()
    rig.eye.occupied = True
    rig.withdraw()
    rig.beat()
    assert rig.eye.last(Halt) and rig.eye.put_outs == 1 and not rig.may_start
    for note in (rig.folder / "trust" / "withdrawals").iterdir():
        note.unlink()
    rig.slot()
    rig.unit.close()
    rig.start()
    rig.beat(2)
    assert not rig.may_start and rig.slot().snapshot.gate == "withdrawn"


def test_an_authorisation_that_lapses_ends_the_eye(rig):
    rig.authorise(days=0.005)
    rig.beat()
    assert rig.may_start
    rig.eye.occupied = True
    rig.clock.pass_time(timedelta(seconds=400))
    rig.beat()
    assert rig.eye.last(Halt) and not rig.may_start
    assert rig.slot().snapshot.gate == "expired"


def test_a_review_that_is_overdue_ends_the_eye_at_the_next_lease(rig):
    rig.authorise(1, "status", "--review-days", 0.005)
    rig.beat()
    assert rig.may_start
    rig.eye.occupied = True
    rig.clock.pass_time(timedelta(seconds=300))
    rig.beat()
    assert rig.may_start
    rig.clock.pass_time(timedelta(seconds=132))
    rig.unit.lease()
    assert rig.eye.last(Halt) and rig.eye.put_outs == 1 and not rig.may_start
    assert rig.slot().snapshot.gate == "review-overdue"
    rig.authorise()
    rig.beat()
    assert rig.may_start


def test_scopes_that_no_unit_can_do_yet_change_nothing(rig):
    rig.authorise(1, "status,view-figure,view-picture,release")
    rig.beat()
    lease = rig.eye.last(Lease)
    assert rig.may_start and (lease.breathing, lease.pulse) == (False, False)


def test_the_button_pauses_at_once_outlives_a_restart_and_ends_by_itself(rig):
    rig.authorise()
    rig.beat()
    rig.eye.occupied = True
    rig.unit.button()
    assert rig.eye.put_outs == 1 and not rig.may_start
    rig.unit.close()
    rig.start()
    rig.beat()
    assert not rig.may_start and rig.slot().snapshot.gate == "paused"
    rig.clock.pass_time(timedelta(seconds=rig.settings.pause.duration_s))
    rig.beat()
    assert rig.may_start


def test_the_button_again_ends_the_pause(rig):
    rig.authorise()
    rig.beat()
    rig.unit.button()
    rig.unit.button()
    assert rig.may_start


def test_a_system_clock_that_is_turned_is_a_condition_and_changes_nothing_else(rig):
    rig.authorise()
    rig.beat()
    for by in (timedelta(hours=-1), timedelta(days=400)):
        rig.clock.turn(by)
        rig.beat()
        body = rig.slot()
        assert body.snapshot.gate == "open" and body.snapshot.clock == "gateway"
        assert abs(body.sealed_ms - rig.unit._clock.utc_ms()) < 1000


def test_observations_become_states_readings_and_numbers_that_rise(rig):
    rig.authorise()
    rig.unit.from_eye(Hello("simulated", "none"))
    rig.see(SOMEWHERE)
    body = rig.slot()
    assert body.snapshot.state == "occupied" and body.snapshot.room == "r-1"
    assert body.snapshot.breathing.value == 15.0
    assert body.snapshot.camera == "simulated"
    entries = [*body.entries, *rig.entries()]
    assert any(isinstance(e.event, StateChanged) and e.event.state == "occupied" for e in entries)
    assert {e.number for e in entries} == set(range(1, body.snapshot.accepted + 1))


def test_what_an_eye_says_while_the_gate_is_closed_is_not_heard(rig):
    rig.beat()
    rig.unit.from_eye(observation(rig.clock, SOMEWHERE, 0.02))
    snapshot = rig.slot().snapshot
    assert snapshot.state == "unknown" and snapshot.breathing.value is None


def test_nobody_there_has_no_breathing(rig):
    rig.authorise()
    rig.see(None, 60)
    snapshot = rig.slot().snapshot
    assert snapshot.state == "empty"
    assert snapshot.breathing.withheld == snapshot.pulse.withheld == "no-person"


def test_an_eye_that_falls_silent_is_unknown_and_a_condition(rig):
    rig.authorise()
    rig.see(SOMEWHERE)
    rig.beat(3)
    snapshot = rig.slot().snapshot
    assert snapshot.state == "unknown" and "camera-silent" in snapshot.faults
    rig.see(SOMEWHERE, 1)
    assert "camera-silent" not in rig.slot().snapshot.faults


def test_a_recording_that_ends_closes_the_camera_until_the_next_start(rig):
    rig.authorise()
    rig.beat()
    rig.unit.from_eye(Fault("recording-ended", "the recording has ended"))
    rig.beat()
    assert not rig.may_start and rig.slot().snapshot.gate == "camera-refused"


def test_every_record_has_one_size_whatever_happens(rig):
    sizes = set()
    for act in (lambda: None, rig.authorise, lambda: rig.see(SOMEWHERE), rig.unit.button, rig.withdraw):
        act()
        rig.beat()
        rig.slot()
        sizes |= {len(m.record) for m in rig.courier.sent if isinstance(m, Up)}
    assert sizes == {2048}


def test_entries_go_again_when_the_broker_was_lost_and_not_before(rig):
    rig.authorise()
    rig.beat()
    rig.unit.from_courier(Network(True, "connected"))
    first = {e.number for e in rig.slot().entries}
    assert first and not {e.number for e in rig.slot().entries} & first
    rig.unit.from_courier(Network(False, "closed"))
    assert {e.number for e in rig.slot().entries} >= first


def test_what_comes_down_and_is_no_record_changes_nothing(rig):
    rig.authorise()
    rig.beat()
    rig.slot()
    before = rig.slot().snapshot.waiting
    for junk in (b"", b"junk", bytes(2048)):
        rig.unit.from_courier(Down(junk))
    assert rig.slot().snapshot.waiting >= before


def test_pubacks_settle_nothing_where_there_is_a_gateway(rig):
    rig.authorise()
    rig.beat()
    rig.unit.from_courier(Network(True, "connected"))
    assert rig.slot().entries
    waiting = rig.unit._outbox.waiting
    rig.unit.from_courier(Sent(rig.courier.last(Up).slot))
    assert rig.unit._outbox.waiting == waiting


def test_a_unit_without_a_roster_or_with_another_sites_does_not_start(rig, tmp_path):
    rig.unit.close()
    run("site", "new", tmp_path / "other", "--site", "other", "--no-tls")
    (rig.folder / "trust" / "roster.note").write_bytes((tmp_path / "other" / "roster.note").read_bytes())
    with pytest.raises(TrustError, match=r"roster\.note"):
        rig.start()


@pytest.mark.parametrize(
    ("was", "now"), [('unit = "u-1"', 'unit = "u-9"'), ('site = "test"', 'site = "other"')]
)
def test_anothers_key_is_refused_by_both_names(rig, was, now):
    rig.unit.close()
    settings = rig.folder / "unit.toml"
    settings.write_text(settings.read_text().replace(was, now))
    with pytest.raises(TrustError, match=r"unit\.key.*'u-1' of site 'test'.*" + now.split('"')[1]):
        rig.start()
    settings.write_text(settings.read_text().replace(now, was))
    rig.start()


def test_a_state_folder_in_use_is_refused(rig):
    with pytest.raises(StorageError, match="another keeper"):
        Unit(rig.settings, rig.clock)


def test_gate_changes_are_in_the_audit_chain(rig):
    rig.authorise()
    rig.beat()
    rig.unit.button()
    rig.beat()
    entries = rig.entries()
    said = [msgspec.json.decode(e.event.body)["what"] for e in entries if isinstance(e.event, Audited)]
    assert said[:2] == ["start", "authorisation-seen"]
    assert "paused-by-button" in said
    assert [e.event.gate for e in entries if isinstance(e.event, GateChanged)] == ["open", "paused"]


def test_a_slot_takes_what_fits_and_no_more(rig):
    rig.authorise()
    rig.beat()
    for _ in range(60):
        rig.unit._outbox.add(rig.clock.utc_ms(), StateChanged("in-bed", "occupied", "x" * 120))
    seen: list[int] = []
    for _ in range(20):
        seen += [e.number for e in rig.slot().entries]
        rig.unit.from_courier(Network(True, "connected"))
    assert set(range(1, rig.unit._outbox.accepted + 1)) == set(seen)


def test_the_slots_memory_is_bounded(rig):
    slots = Slots(rig.unit._outbox, 2.0)
    snapshot: Snapshot = rig.slot().snapshot
    for number in range(500):
        slots.compose(number, number, rig.clock.utc_ms(), snapshot, lambda _body: True)
    assert len(slots._slots) <= 64


def test_without_a_broker_no_sequence_is_taken(rig: Rig):
    """One that was counted and never left would be missing to whoever listens: an alarm after each restart."""
    rig.unit.from_courier(Network(False, "not connected yet"))
    before = len(rig.courier.sent)
    for _ in range(3):
        rig.unit.slot()
    assert len(rig.courier.sent) == before
    rig.slot()
    up = rig.courier.last(Up)
    assert isinstance(up, Up) and parse(up.record).sequence == 0
