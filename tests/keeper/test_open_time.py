"""A camera that stays open is told in the audit chain at a fixed pace, so that a power cut leaves little unknown."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.rig import Rig

from stillroom.events import Audited
from stillroom.keeper.open_time import LEASE_LINK_S
from stillroom.link import Hello


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.authorise(3)
    rig.beat()
    rig.unit.from_eye(Hello("simulated", "none"))
    return rig


def leases(rig: Rig) -> list[tuple[int, dict[str, object]]]:
    found = [(e.at_ms, e.event) for e in rig.entries() if isinstance(e.event, Audited)]
    told = [(at_ms, msgspec.json.decode(event.body)) for at_ms, event in found]
    return [(at_ms, said) for at_ms, said in told if said["what"] == "lease"]


def stay_open(rig: Rig, seconds: int, step: int = 60) -> None:
    for _ in range(seconds // step):
        rig.clock.pass_time(timedelta(seconds=step))
        rig.hear_time()
        rig.beat()


def test_each_quarter_of_an_hour_a_link_says_since_when_and_under_what(rig):
    since_ms = rig.clock.utc_ms()
    stay_open(rig, 4 * LEASE_LINK_S + 120)
    told = leases(rig)
    assert len(told) == 4
    ids = {note.stem for note in (rig.folder / "trust" / "authorisations").iterdir()}
    for n, (at_ms, said) in enumerate(told, 1):
        assert said["since_ms"] == since_ms and said["authorisation"] in ids
        assert 0 <= at_ms - since_ms - n * LEASE_LINK_S * 1000 < n * 61_000


def test_a_system_clock_that_is_turned_changes_nothing_in_the_pace(rig):
    rig.clock.turn(timedelta(hours=5))
    rig.beat(1)
    assert leases(rig) == []


def test_a_camera_that_is_closed_or_never_opened_gets_none(rig):
    rig.unit.eye_gone()
    stay_open(rig, 2 * LEASE_LINK_S)
    assert leases(rig) == []
    rig.unit.from_eye(Hello("simulated", "none"))
    since_ms = rig.clock.utc_ms()
    rig.unit.button()
    stay_open(rig, 600)
    assert leases(rig) == [], "paused: nothing is lent"
    stay_open(rig, 2 * LEASE_LINK_S)
    assert {said["since_ms"] for _, said in leases(rig)} == {since_ms}
