"""What is known of a day, entry by entry: a unit that dies, entries lost or never come, changes that are missing."""

from datetime import UTC
from pathlib import Path

import msgspec
from tests.rig import SOMEWHERE, Rig

from stillroom.document_forms import from_ms
from stillroom.events import Audited, ConditionChanged, Event, GateChanged, Lost, StateChanged, Summary
from stillroom.link import Hello, Network
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.erased import Erased
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.report.day import RoomDay, UnitDay, room_day, unit_day
from stillroom_tools.site.report.days import LocalDay, Span
from stillroom_tools.site.report.kept import Told
from stillroom_tools.site.report.picture import picture
from stillroom_tools.site.report.words import NOTHING, lines, sentences

MIN = 60_000
NOW = 100 * MIN
OPEN = GateChanged("open", "a-1")


def start() -> Audited:
    return Audited(1, 0, b'{"what":"start"}', bytes(16), bytes(32), bytes(64))


def state(after: str, before: str = "unknown") -> StateChanged:
    return StateChanged(after, before, "why")  # type: ignore[arg-type]


def minutes(first: int, last: int, sensed: float = 1.0) -> list[tuple[int, Event]]:
    """A summary for each minute."""
    return [
        ((at + 1) * MIN, Summary(at * MIN, (at + 1) * MIN, "in-bed", 0.0, sensed, None, 0.0, None, 0.0))
        for at in range(first, last)
    ]


def technical(active: bool, kind: str = "camera-failed") -> ConditionChanged:
    return ConditionChanged(kind, "technical", active, "")


def day(*told: tuple[int, Event], numbers: dict[int, int] | None = None, until: int = 60) -> UnitDay:
    """Of an hour of minutes. numbers: at which time (ms) an entry has another number than its place."""
    found = [
        Told("u-1", (numbers or {}).get(at_ms, place), at_ms, at_ms, at_ms + 1_500, event)
        for place, (at_ms, event) in enumerate(sorted(told, key=lambda one: one[0]), 1)
    ]
    return unit_day("u-1", found, (), Span(0, until * MIN), NOW)


def known(found: UnitDay) -> list[tuple[float, float, str]]:
    return [(each.from_ms / MIN, each.until_ms / MIN, each.what) for each in found.stretches]


def states(found: UnitDay) -> list[tuple[float, float, str]]:
    return [(each.from_ms / MIN, each.until_ms / MIN, each.state) for each in found.states]


BEGUN = ((0, start()), (0, OPEN), (0, state("in-bed")))


def test_a_whole_hour() -> None:
    found = day(*BEGUN, *minutes(0, 60))
    assert known(found) == [(0, 60, "sensed")] and states(found) == [(0, 60, "in-bed")]


def test_a_unit_that_died_and_its_last_word_and_was_unknown_until_seen_again() -> None:
    found = day(*BEGUN, *minutes(0, 20), (20 * MIN + 30_000, state("on-floor", "in-bed")), (40 * MIN, start()),
                (40 * MIN, OPEN), *minutes(40, 60), (45 * MIN, state("in-bed")))  # fmt: skip
    assert known(found) == [(0, 20.5, "sensed"), (20.5, 40, "off"), (40, 60, "sensed")]
    assert states(found) == [(0, 20.5, "in-bed"), (40, 45, "unknown"), (45, 60, "in-bed")]
    assert found.stretches[1].why == "the unit was off"


def test_entries_that_were_lost_are_said_by_number() -> None:
    told = [*BEGUN, *minutes(0, 20), *minutes(30, 60), (30 * MIN + 1, Lost(((24, 33),), "storage-damaged"))]
    after = {at_ms: 34 + n for n, (at_ms, _) in enumerate(sorted(told, key=lambda one: one[0])[23:])}
    found = day(*told, numbers=after)
    assert known(found) == [(0, 20, "sensed"), (20, 30, "lost"), (30, 60, "sensed")]
    assert "10 entries" in found.stretches[1].why


def test_what_never_came_and_what_comes_no_more() -> None:
    found = day(*BEGUN, *minutes(0, 20), *minutes(30, 40))
    assert known(found) == [(0, 20, "sensed"), (20, 30, "unheard"), (30, 40, "sensed"), (40, 60, "unheard")]
    assert [each.why for each in found.stretches if each.why] == [
        "nothing of this time has come",
        "nothing was heard of the unit",
    ]
    assert states(found) == [(0, 20, "in-bed"), (30, 40, "in-bed")], "no state over what is not known"


def test_before_the_first_word_and_after_now() -> None:
    found = day(*[(at + 10 * MIN, event) for at, event in BEGUN], *minutes(10, 100), until=120)
    assert known(found) == [(0, 10, "unheard"), (10, 100, "sensed"), (100, 120, "to-come")]
    assert not states(found)[-1][1] > 100


def test_what_is_kept_no_longer_is_told_from_a_unit_that_was_off() -> None:
    told = [Told("u-1", 9, at_ms, at_ms, at_ms, event) for at_ms, event in ((40 * MIN, start()), (40 * MIN, OPEN),
            *minutes(40, 60))]  # fmt: skip
    found = unit_day("u-1", told, (), Span(0, 60 * MIN), NOW, forgotten_ms=30 * MIN)
    assert known(found) == [(0, 30, "forgotten"), (30, 40, "unheard"), (40, 60, "sensed")]


def erased(*told: tuple[int, Event | Erased], gone: Span, span: Span) -> UnitDay:
    found = [Told("u-1", place, at_ms, at_ms, at_ms, event) for place, (at_ms, event) in enumerate(told, 1)]
    return unit_day("u-1", found, (), span, NOW, erased=[gone])


def said_of(unit: UnitDay) -> list[str]:
    return [*sentences(RoomDay("s", "r-1", from_ms(0).date(), "UTC", 0, 60 * MIN, NOW, (unit,)))]


def drawn_of(unit: UnitDay) -> str:
    day = RoomDay("s", "r-1", from_ms(0).date(), "UTC", 0, 60 * MIN, NOW, (unit,))
    return picture(day, LocalDay(from_ms(0).date(), UTC, "UTC")).decode()


def test_what_is_left_of_what_was_erased_says_nothing_of_it() -> None:
    """Links of the audit chain stay, its gates do not: they prove that the unit ran, not that the camera was off."""
    links = [(26 * MIN, start()), (39 * MIN, Erased(2, 39 * MIN, bytes(32), bytes(32), bytes(64)))]
    found = erased(*links, gone=Span(0, 60 * MIN), span=Span(0, 60 * MIN))
    assert known(found) == [(0, 60, "erased")] and not states(found) and not found.conditions
    local = LocalDay(from_ms(0).date(), UTC, "UTC")
    drawn = drawn_of(found)
    assert drawn.count(">erased</text>") == 3, "conditions, breathing and pulse"
    assert "none was told" not in drawn and "not kept" not in drawn
    part = erased(*links, *minutes(40, 60), gone=Span(0, 40 * MIN), span=Span(0, 60 * MIN))
    assert ">erased in part</text>" in drawn_of(part) and "none was told" not in drawn_of(part)
    assert ">none was told</text>" in drawn_of(unit_day("u-1", (), (), Span(0, 60 * MIN), NOW))
    told = said_of(found)
    assert any("was erased" in said for said in told) and "none could be" not in " ".join(told)
    (line,) = lines(found, local)[0]
    assert line.said.endswith("erased on somebody's wish: nothing is known") and NOTHING not in told


def test_what_was_told_before_is_not_carried_over_what_was_erased() -> None:
    """Neither a gate, nor a state, nor a condition: each may have changed in it. A picture says that it was open."""
    before = [(0, start()), (0, GateChanged("paused", None)), (0, technical(True))]
    found = erased(
        *before, *minutes(20, 22, 0.0), *minutes(22, 60), gone=Span(5 * MIN, 20 * MIN), span=Span(0, 60 * MIN)
    )
    assert known(found) == [(0, 5, "dark"), (5, 22, "erased"), (22, 60, "sensed")]
    assert [(s.until_ms // MIN, s.over) for s in found.conditions] == [(5, False)]
    begun = [(0, start()), (0, OPEN), (0, state("on-floor"))]
    found = erased(
        *begun, *minutes(0, 5), *minutes(20, 60), gone=Span(5 * MIN, 20 * MIN), span=Span(0, 60 * MIN)
    )
    assert states(found) == [(0, 5, "on-floor"), (20, 60, "in-bed")]
    closed = erased(*begun, *minutes(0, 5), (20 * MIN, GateChanged("expired", None)), *minutes(20, 60, 0.0),
                    gone=Span(5 * MIN, 20 * MIN), span=Span(0, 60 * MIN))  # fmt: skip
    assert known(closed) == [(0, 5, "sensed"), (5, 20, "erased"), (20, 60, "dark")], "a later gate counts"


def test_the_day_after_is_known_by_its_pictures() -> None:
    """The last gate was erased with the day before: what was sensed since is not told as dark."""
    found = erased(
        *minutes(30, 60), (60 * MIN, technical(False)), gone=Span(0, 30 * MIN), span=Span(30 * MIN, 60 * MIN)
    )
    assert known(found) == [(30, 60, "sensed")] and "none could be" not in " ".join(said_of(found))


def test_a_gate_that_closes_in_the_middle_of_a_minute_and_a_camera_that_gives_nothing() -> None:
    found = day(*BEGUN, *minutes(0, 20), (20 * MIN + 30_000, GateChanged("paused", None)), *minutes(20, 21, 0.5),
                *minutes(21, 30, 0.0), (30 * MIN, OPEN), *minutes(30, 40, 0.0), *minutes(40, 60, 0.2),
                (30 * MIN, technical(True)), (40 * MIN, technical(False)))  # fmt: skip
    assert known(found) == [
        (0, 20.5, "sensed"),
        (20.5, 30, "dark"),
        (30, 40, "no-picture"),
        (40, 60, "sensed"),
    ]
    assert [each.why for each in found.stretches if each.why] == ["paused", "camera-failed"]
    assert all(not (20.5 <= since < 30) for since, _, _ in states(found)[1:]), (
        "no state where nothing is sensed"
    )


def test_a_change_that_is_missing_is_not_bridged() -> None:
    """The unit says that it was on the floor before: since when, nobody knows."""
    found = day(*BEGUN, *minutes(0, 60), (30 * MIN, state("occupied", "on-floor")))
    assert states(found) == [(0, 30, "unknown"), (30, 60, "occupied")]


def test_a_clock_that_was_set_back_or_a_whole_day_ahead_breaks_nothing() -> None:
    back = Summary(40 * MIN, 20 * MIN, "in-bed", 0.0, 1.0, None, 0.0, None, 0.0)
    long = Summary(-5000 * MIN, 10 * MIN, "in-bed", 0.0, 0.001, None, 0.0, None, 0.0)
    found = day(*BEGUN, *minutes(10, 60), (20 * MIN, back), (10 * MIN, long))
    assert known(found) == [(0, 10, "no-picture"), (10, 60, "sensed")]


def test_a_start_ends_no_condition() -> None:
    """The unit keeps its conditions over a start, and says their end."""
    begun = ConditionChanged("a", "technical", True, "why")
    found = day(*BEGUN, *minutes(0, 60), (10 * MIN, begun), (40 * MIN, start()), (40 * MIN, OPEN))
    (stood,) = found.conditions
    assert (stood.from_ms, stood.until_ms, stood.over) == (10 * MIN, 60 * MIN, False)


def test_what_began_before_the_day_and_at_another_level() -> None:
    begun = [(-10 * MIN, ConditionChanged("a", "low", True, "")), (20 * MIN, ConditionChanged("a", "low", False, "")),
             (20 * MIN, ConditionChanged("a", "high", True, "it goes on"))]  # fmt: skip
    found = day(*BEGUN, *minutes(0, 60), *begun)
    assert [(s.from_ms // MIN, s.until_ms // MIN, s.level, s.before, s.over) for s in found.conditions] == [
        (0, 20, "low", True, True),
        (20, 60, "high", False, False),
    ]


def test_a_real_keeper_through_the_real_store(tmp_path: Path) -> None:
    """Authorised, seen, paused, withdrawn: what the keeper itself says of minutes, not what a test would."""
    rig = Rig(tmp_path)
    rig.authorise()
    rig.beat()
    rig.unit.from_eye(Hello("simulated", "none"))
    began = rig.clock.utc_ms()
    rig.see(SOMEWHERE, 130)
    rig.unit.button()
    paused = rig.clock.utc_ms()
    rig.beat(61)
    rig.unit.button()
    rig.see(SOMEWHERE, 70)
    rig.withdraw()
    rig.beat(61)
    store = Store(rig.site_folder / "gateway")
    rig.receiver._store = store
    rig.unit.from_courier(Network(True, "connected"))
    while True:
        rig.unit.slot()
        opened = rig.receiver.open(rig.courier.sent[-1].record)
        if not opened.body.entries:
            break
        store.commit([Arrived(opened, rig.clock.utc_ms())])
    local = LocalDay(from_ms(began).date(), UTC, "UTC")
    day = room_day(open_site(rig.site_folder), "r-1", local, rig.clock.utc_ms())
    store.close()
    (unit,) = day.units
    whats = [each.what for each in unit.stretches if each.until_ms - each.from_ms > 30_000]
    assert whats in (
        ["unheard", "sensed", "dark", "sensed", "dark", "to-come"],
        ["unheard", "sensed", "dark", "sensed", "dark"],
    )
    dark = next(each for each in unit.stretches if each.why == "paused")
    assert abs(dark.from_ms - paused) < 1_000 and dark.until_ms - dark.from_ms > 60_000
    seen = [each for each in unit.states if each.state == "occupied"]
    assert len(seen) == 2 and seen[0].until_ms <= dark.from_ms and seen[1].from_ms >= dark.until_ms
    assert unit.scopes == ("breathing", "pulse", "status")
    assert msgspec.json.encode(day)
