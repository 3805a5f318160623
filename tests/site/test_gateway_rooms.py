"""Presence by our own clock: silence, records that come late, and the newest record wins."""

from datetime import timedelta

import msgspec
import pytest
from parties import NOON, HandClock, body

from stillroom.document_forms import to_ms
from stillroom.events import Snapshot
from stillroom_tools.site.gateway.rooms import LATE_AFTER_MS, LastKnown, Rooms

SNAPSHOT = body().snapshot


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def rooms(clock: HandClock) -> Rooms:
    made = Rooms(clock, 2.0)
    made.enrol(["u-1"])
    return made


def saw(rooms: Rooms, clock: HandClock, sequence: int = 0, **changes: object) -> None:
    rooms.saw("u-1", (1, 0, sequence), clock.utc_ms(), msgspec.structs.replace(SNAPSHOT, **changes))


def test_waits_then_lives_then_falls_silent_after_three_slots(rooms: Rooms, clock: HandClock) -> None:
    assert [r.presence for r in rooms.all()] == ["waiting"]
    saw(rooms, clock)
    assert rooms.presence("u-1") == "live"
    clock.pass_time(timedelta(seconds=6))
    assert rooms.judge() == []
    clock.pass_time(timedelta(milliseconds=1))
    assert [r.unit for r in rooms.judge()] == ["u-1"]
    assert rooms.presence("u-1") == "silent"
    assert rooms.judge() == [], "said once"
    saw(rooms, clock, 1)
    assert rooms.presence("u-1") == "live"


def test_a_unit_never_heard_is_silent_too(rooms: Rooms, clock: HandClock) -> None:
    clock.pass_time(timedelta(seconds=7))
    (room,) = rooms.judge()
    assert (room.presence, room.seen_ms, room.snapshot) == ("silent", None, None)


def test_an_older_record_neither_shows_nor_counts_as_life(rooms: Rooms, clock: HandClock) -> None:
    saw(rooms, clock, 9, state="in-bed")
    clock.pass_time(timedelta(seconds=5))
    assert rooms.saw("u-1", (1, 0, 8), clock.utc_ms(), SNAPSHOT) is None
    clock.pass_time(timedelta(seconds=2))
    assert rooms.judge()


@pytest.mark.parametrize(
    ("behind_ms", "source", "presence"),
    [
        (0, "gateway", "live"),
        (LATE_AFTER_MS, "gateway", "live"),
        (LATE_AFTER_MS + 1, "gateway", "late"),
        (-LATE_AFTER_MS - 1, "system", "late"),
        (10**9, "unsure", "live"),
    ],
)
def test_old_records_are_late_unless_the_unit_is_unsure_of_the_time(
    rooms: Rooms, clock: HandClock, behind_ms: int, source: str, presence: str
) -> None:
    snapshot: Snapshot = msgspec.structs.replace(SNAPSHOT, clock=source)
    room = rooms.saw("u-1", (1, 0, 0), to_ms(NOON) - behind_ms, snapshot)
    assert room is not None
    assert room.presence == presence


def test_only_enrolled_units_are_there(rooms: Rooms, clock: HandClock) -> None:
    assert rooms.saw("u-2", (1, 0, 0), clock.utc_ms(), SNAPSHOT) is None
    saw(rooms, clock)
    rooms.enrol(["u-1", "u-2"])
    assert {r.unit: r.presence for r in rooms.all()} == {"u-1": "live", "u-2": "waiting"}
    rooms.withdraw(["u-1"])
    assert rooms.units() == {"u-2"}


def test_without_an_authorisation_the_room_has_the_units_name(rooms: Rooms, clock: HandClock) -> None:
    saw(rooms, clock, room="none")
    assert rooms.all()[0].name == "u-1"
    saw(rooms, clock, 1)
    assert rooms.all()[0].name == "room-1"


KNOWN = LastKnown("u-1", "room-1", to_ms(NOON) - 90_000, "in-bed", to_ms(NOON) - 3_600_000, "open", 1)


def test_what_is_known_from_before_is_shown_with_its_age_until_the_unit_is_heard(
    rooms: Rooms, clock: HandClock
) -> None:
    rooms.enrol(["u-2", "u-3"])
    known = rooms.remember([KNOWN, LastKnown("u-2", "none", 5), LastKnown("u-9", "room-9", 5)])
    assert [(r.unit, r.name, r.presence, r.seen_ms) for r in known] == [
        ("u-1", "room-1", "waiting", to_ms(NOON) - 90_000), ("u-2", "u-2", "waiting", 5),
    ]  # fmt: skip
    assert known[0].before == "was in-bed since 2026-11-22 11:00 UTC, not heard since 2026-11-22 11:58:30 UTC"
    assert known[1].before == "not heard since 1970-01-01 00:00:00 UTC" and known[0].snapshot is None
    clock.pass_time(timedelta(seconds=7))
    assert {room.name for room in rooms.judge()} == {"room-1", "u-2", "u-3"}, "silent, under the name it had"
    saw(rooms, clock)
    (room,) = [room for room in rooms.all() if room.unit == "u-1"]
    assert (room.presence, room.before, room.known) == ("live", "", None)
    assert [room.unit for room in rooms.remember([KNOWN])] == ["u-2"], "what is heard is never put back"
