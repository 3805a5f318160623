"""Settings from afar: only what weakens no promise, versions that rise, all at once or nothing."""

from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.parties import NOON
from tests.rig import SOMEWHERE, observation

from stillroom import config
from stillroom.config import OutboxConfig, RoomConfig, UnitConfig, Zones
from stillroom.config_technical import TECHNICAL
from stillroom.document_forms import now
from stillroom.errors import StorageError
from stillroom.events import ConditionChanged
from stillroom.keeper import commands as module
from stillroom.keeper.settings import CONFIGURATION_FILE, applied
from stillroom.orders import ConditionRows, Configuration, OrderedRow, RoomConditions

BED = ((300, 300), (700, 300), (700, 950), (300, 950))


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    return Commanded(tmp_path)


def changed(told: Commanded, version: int = 1, unit: str = "u-1", **changes: object) -> Configuration:
    fields = set(Configuration.__struct_fields__) - {"at", "site", "unit", "version"}
    nothing = dict.fromkeys(fields)
    return Configuration(
        at=now(told.rig.clock), site="test", unit=unit, version=version, **(nothing | changes)
    )


def test_it_is_applied_at_once_and_whole(told: Commanded):
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed=BED, summary_s=10)))
    told.rig.see(SOMEWHERE, 12)
    snapshot = told.rig.slot().snapshot
    assert snapshot.state == "in-bed", "a bed that was not installed"
    kinds = [type(e.event).__name__ for e in told.rig.entries()]
    assert "Summary" in kinds, "within ten seconds"
    assert told.receipts()[1] == (2, "configuration", None, "done")
    assert [link["version"] for link in told.audited("configuration-changed")] == [1]


CROSSED = ((0, 0), (1000, 1000), (1000, 0), (0, 1000))
HIGH = OrderedRow("high", 0, "00:00", "24:00")


def rows(*each: ConditionRows, room: str = "r-1", zone: str | None = None) -> RoomConditions:
    return RoomConditions(room, zone, each)


CANNOT_BE = {
    "a bed that crosses itself": {"bed": CROSSED},
    "an unknown condition": {"conditions": rows(ConditionRows("lens-cracked", ()))},
    "a long one too soon": {"conditions": rows(ConditionRows("not-back", (HIGH,)))},
    "a row that is never reached": {"conditions": rows(ConditionRows("left-bed", (HIGH, HIGH)))},
    "a time zone that there is not": {"conditions": rows(zone="Europe/Atlantis")},
    "what contradicts, for another room": {
        "conditions": rows(
            ConditionRows("left-bed", (OrderedRow("low", 60_000, "00:00", "24:00"),)),
            ConditionRows("not-back", (OrderedRow("low", 60_000, "00:00", "24:00"),)),
            room="r-9",
        )
    },
}


@pytest.mark.parametrize("what", CANNOT_BE)
def test_what_cannot_be_applied_is_refused_and_the_one_before_stays_over_a_restart(
    told: Commanded, what: str
):
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed=BED)))
    told.tell(3, told.sign(changed(told, 2, **CANNOT_BE[what])))
    told.rig.see(SOMEWHERE, 12)
    snapshot = told.rig.slot().snapshot
    assert snapshot.state == "in-bed" and "configuration-refused" not in snapshot.faults
    assert told.receipts()[-1] == (3, "configuration", None, "settings")
    told.rig.unit.close()
    told.rig.start()
    told.rig.see(SOMEWHERE, 12)
    assert told.rig.slot().snapshot.state == "in-bed"


@pytest.mark.parametrize("what", CANNOT_BE)
def test_put_there_by_hand_it_is_a_condition_and_changes_nothing(told: Commanded, what: str):
    told.tell(1, told.paper())
    (told.trust / CONFIGURATION_FILE).write_bytes(told.sign(changed(told, **CANNOT_BE[what])))
    told.rig.see(SOMEWHERE, 12)
    snapshot = told.rig.slot().snapshot
    assert snapshot.state == "occupied" and "configuration-refused" in snapshot.faults


def conditions(told: Commanded) -> list[tuple[str, str, bool]]:
    """Of the two that are asked for in `ENTERED`."""
    told.rig.slot()
    found = (event for event in told.events(ConditionChanged) if event.kind in ("entered", "camera-blurred"))
    return [(event.kind, event.level, event.active) for event in found]


ENTERED = rows(ConditionRows("entered", (HIGH,)), ConditionRows("camera-blurred", (HIGH,)))


def blur(told: Commanded) -> None:
    seen = observation(told.rig.clock, SOMEWHERE, 0.02)
    told.rig.unit.from_eye(msgspec.structs.replace(seen, health="blurred"))


def test_a_room_has_its_conditions_from_afar(told: Commanded):
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, conditions=ENTERED)))
    told.rig.see(None, 60)
    told.rig.see(SOMEWHERE, 6)
    blur(told)
    assert conditions(told) == [("entered", "high", True), ("camera-blurred", "high", True)]
    assert told.audited("configuration-changed")[-1]["room"] == "r-1"


def test_without_them_and_in_another_room_the_same_is_no_condition(told: Commanded):
    """The control, and the room that the resident of whom they were thought of has left."""
    told.tell(1, told.paper(room="r-2"))
    told.tell(2, told.sign(changed(told, conditions=ENTERED)))
    told.rig.see(None, 60)
    told.rig.see(SOMEWHERE, 6)
    blur(told)
    assert conditions(told) == [("camera-blurred", "technical", True)]


def test_they_come_and_go_with_the_rooms_name(told: Commanded):
    told.tell(1, told.sign(changed(told, conditions=ENTERED)))
    asked = lambda: told.rig.unit._room._conditions._tracks[-1].rows  # noqa: E731
    names = [track.kind.code for track in told.rig.unit._room._conditions._tracks]
    assert names[-1] == "entered" and asked() == ()
    for number, (room, is_asked) in enumerate((("r-1", True), ("r-2", False), ("r-1", True)), 1):
        told.tell(2 * number, told.paper(f"a-{number}", room=room))
        told.rig.beat(1)
        assert bool(asked()) == is_asked
        if number < 3:
            told.tell(2 * number + 1, told.end(f"a-{number}"))
            told.rig.beat(1)
            assert bool(asked()) == is_asked, "a room that is dark keeps its name"
    told.rig.unit.close()
    told.rig.start()
    told.rig.beat()
    assert told.rig.unit._room._conditions._tracks[-1].rows, "over a restart"


def test_what_stands_and_is_not_asked_for_any_more_ends(told: Commanded):
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, conditions=ENTERED)))
    told.rig.see(None, 60)
    told.rig.see(SOMEWHERE, 6)
    told.tell(3, told.sign(changed(told, 2)))
    told.rig.see(SOMEWHERE, 1)
    assert conditions(told) == [("entered", "high", True), ("entered", "high", False)]
    assert "not asked for any more" in {event.why for event in told.events(ConditionChanged)}


def test_without_it_the_same_is_no_bed(told: Commanded):
    """The control."""
    told.tell(1, told.paper())
    told.rig.see(SOMEWHERE, 12)
    assert told.rig.slot().snapshot.state == "occupied"


def test_it_stands_over_a_restart(told: Commanded):
    told.tell(1, told.paper())
    told.tell(2, told.sign(changed(told, bed=BED)))
    told.rig.unit.close()
    told.rig.start()
    told.rig.see(SOMEWHERE, 8)
    assert told.rig.slot().snapshot.state == "in-bed"


def test_versions_only_rise(told: Commanded):
    second = told.sign(changed(told, 2, bed_dwell_ms=5_000))
    told.tell(1, second)
    told.tell(2, told.sign(changed(told, 1, bed_dwell_ms=9_000)))
    told.tell(3, told.sign(changed(told, 2, bed_dwell_ms=9_000)))
    told.tell(4, second)
    told.tell(5, told.sign(changed(told, 3)))
    assert [r[3] for r in told.receipts()] == ["done", "version", "version", "done", "done"]
    assert told.rig.unit._room._machine._config == told.rig.settings.room, "as it was installed again"


def test_a_file_that_was_put_back_or_taken_away_changes_nothing_and_is_told(told: Commanded):
    path = told.trust / CONFIGURATION_FILE
    told.tell(1, told.sign(changed(told, 1, bed_dwell_ms=9_000)))
    old = path.read_bytes()
    told.tell(2, told.sign(changed(told, 2, bed_dwell_ms=5_000)))
    for spoil in (lambda: path.write_bytes(old), path.unlink):
        spoil()
        told.rig.beat()
        assert "configuration-refused" in told.rig.slot().snapshot.faults
        assert told.rig.unit._room._machine._config.bed_dwell_s == 5.0
    told.tell(3, told.sign(changed(told, 3, bed_dwell_ms=6_000)))
    told.rig.beat()
    assert "configuration-refused" not in told.rig.slot().snapshot.faults
    assert told.rig.unit._room._machine._config.bed_dwell_s == 6.0


@pytest.mark.parametrize(
    ("changes", "by", "outcome"),
    [({"unit": "u-2"}, "authority", "unit"), ({}, "board", "signer"), ({}, "gateway", "signer")],
)
def test_for_another_unit_or_by_another_it_is_refused(told: Commanded, changes, by: str, outcome: str):
    keys = told.authority if by == "authority" else told.site.keys(by)
    told.tell(1, told.sign(changed(told, bed_dwell_ms=9_000, **changes), keys))
    assert told.receipts() == [(1, "configuration", None, outcome)]
    assert not (told.trust / CONFIGURATION_FILE).exists()


def test_a_card_that_takes_nothing_changes_nothing(told: Commanded, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise StorageError("the card is full")

    note = told.sign(changed(told, bed_dwell_ms=9_000))
    with monkeypatch.context() as patched:
        patched.setattr(module, "replace_file", refuse)
        told.tell(1, note)
    told.rig.beat()
    assert told.receipts() == [] and told.rig.unit._room._machine._config == told.rig.settings.room
    told.tell(1, note)
    assert told.rig.unit._room._machine._config.bed_dwell_s == 9.0


def test_nothing_that_a_promise_rests_on_can_be_changed():
    """Whatever is signed: these parts of the settings stay as installed."""
    installed = config.UnitConfig(site="test", unit="u-1")
    everything = Configuration(
        at=NOON, site="test", unit="u-1", version=1, enter_dwell_ms=30_000, bed_dwell_ms=120_000,
        leave_dwell_ms=600_000, summary_s=3_600, bed=BED, floor=BED, conditions=rows(
            *(ConditionRows(code, ()) for code in (*TECHNICAL, "on-floor")), zone="Europe/London"
        ),
    )  # fmt: skip
    after = applied(installed, everything, "r-1")
    same = set(UnitConfig.__struct_fields__) - {"room", "zones", "outbox", "conditions"}
    assert {name for name in same if getattr(after, name) != getattr(installed, name)} == set()
    assert (after.zones.private, after.zones.door) == (installed.zones.private, installed.zones.door)
    assert (after.room.still_empty_s, after.room.unseen_unknown_s) == (45.0, 600.0)
    assert (after.conditions.on_floor, after.conditions.bathroom_long) == (
        (),
        installed.conditions.bathroom_long,
    )
    assert (after.outbox.max_entries, after.outbox.reserve_mb) == (200_000, 64.0)


ENDS = {
    "enter_dwell_ms": (200, 30_000),
    "bed_dwell_ms": (500, 120_000),
    "leave_dwell_ms": (1_000, 600_000),
    "summary_s": (10, 3_600),
}


@pytest.mark.parametrize("field", ENDS)
def test_from_afar_the_range_is_that_of_the_unit(field: str):
    """One range, said twice: in whole numbers here, in `unit.toml`'s own units there."""
    plain = dict.fromkeys(Configuration.__struct_fields__) | {
        "at": NOON, "site": "s", "unit": "u", "version": 1, "bed": BED,
    }  # fmt: skip
    least, most = ENDS[field]
    for value in (least, most):
        after = applied(UnitConfig("s", "u"), msgspec.convert(plain | {field: value}, Configuration), "")
        for table, schema in ((after.room, RoomConfig), (after.outbox, OutboxConfig), (after.zones, Zones)):
            assert msgspec.convert(msgspec.to_builtins(table), schema) == table
    for value in (least - 1, most + 1):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(plain | {field: value}, Configuration)
        after = applied(UnitConfig("s", "u"), Configuration(**(plain | {field: value})), "")
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(msgspec.to_builtins(after.room), RoomConfig)
            msgspec.convert(msgspec.to_builtins(after.outbox), OutboxConfig)
