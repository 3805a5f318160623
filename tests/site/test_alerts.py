"""The life of an alert: table by table, and as a model: no sequence of inputs loses one, or silences one for nobody."""

import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import delete, text, update

from stillroom.config_technical import TECHNICAL
from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.alert_book import AlertBook
from stillroom_tools.site.gateway.alert_forms import (
    PRIORITIES,
    SILENT,
    SOUNDING,
    Act,
    Alert,
    AlertsConfig,
    Begun,
    Ended,
    Input,
    Priority,
    TimePassed,
    UnitAnew,
    UnitBack,
    UnitGone,
    UnitSilent,
    What,
)
from stillroom_tools.site.gateway.alerts import step
from stillroom_tools.site.gateway.database import Database
from stillroom_tools.site.gateway.place import in_folder

CONFIG = AlertsConfig()
NOON = 1_790_000_000_000
S = 1_000
ACTS: tuple[What, ...] = ("acknowledge", "pause-audio", "pause-alarm", "attend")
LONGEST_SILENCE_MS = 600 * S


def began(number: int = 1, priority: Priority = "high") -> Begun:
    return Begun("u-1", "room-1", "left-bed", priority, number, "why")


def fault(number: int = 1, priority: Priority = "high") -> Begun:
    return Begun("u-1", "room-1", "left-bed", priority, number, technical=True)


def ended(number: int) -> Ended:
    return Ended("u-1", "left-bed", number)


def act(what: What, at_s: float, by: str = "ann", kind: str | None = None) -> Act:
    return Act(what, "u-1", by, NOON + round(at_s * S), kind)


def lived(*steps: tuple[float, Input]) -> Alert:
    """The alert after these inputs, each at its second."""
    alert: Alert | None = None
    for at_s, given in steps:
        alert = step(alert, given, NOON + round(at_s * S), CONFIG)
    assert alert is not None
    return alert


PASS = TimePassed()
KNOWN = UnitAnew("u-1", frozenset({"left-bed"}))
ANEW, GONE, SILENCE, BACK = UnitAnew("u-1"), UnitGone("u-1"), UnitSilent("u-1", "room-1"), UnitBack("u-1")

LIVES: list[tuple[str, list[tuple[float, Input]], str, str, bool]] = [
    ("begins", [(0, began())], "raised", "", True),
    ("nobody comes", [(0, began()), (59.9, PASS)], "raised", "", True),
    ("nobody comes in time", [(0, began()), (60, PASS)], "escalated", "", True),
    ("over while it sounds", [(0, began()), (5, ended(2))], "latched", "", False),
    ("latched and left", [(0, began()), (50, ended(2)), (60, PASS)], "escalated", "", False),
    ("over after escalation", [(0, began()), (60, PASS), (70, ended(2))], "escalated", "", False),
    ("again while latched", [(0, began()), (5, ended(2)), (8, began(3))], "re-raised", "", True),
    ("flapping hides nothing", [(0, began()), (30, ended(2)), (50, began(3)), (60, PASS)], "escalated", "", True),
    ("taken on", [(0, began()), (9, act("acknowledge", 9))], "acknowledged", "ann", True),
    ("no sound", [(0, began()), (9, act("pause-audio", 9))], "audio-paused", "ann", True),
    ("no signal", [(0, began()), (9, act("pause-alarm", 9))], "alarm-paused", "ann", True),
    ("looked at", [(0, began()), (9, act("look", 9))], "raised", "", True),
    ("looked at when over", [(0, began()), (5, ended(2)), (9, act("look", 9))], "latched", "", False),
    ("comes back", [(0, began()), (9, act("pause-audio", 9)), (129, PASS)], "re-raised", "", True),
    ("not yet", [(0, began()), (9, act("pause-audio", 9)), (128.9, PASS)], "audio-paused", "ann", True),
    ("pause of another", [(0, began()), (1, act("acknowledge", 1)), (2, act("pause-alarm", 2, "bob"))],
     "alarm-paused", "bob", True),
    ("taken on, over", [(0, began()), (9, act("acknowledge", 9)), (20, ended(2))], "acknowledged", "ann", False),
    ("taken on, over, left", [(0, began()), (9, act("acknowledge", 9)), (20, ended(2)), (609, PASS)],
     "re-raised", "", False),
    ("taken on, again", [(0, began()), (9, act("acknowledge", 9)), (20, ended(2)), (30, began(3))],
     "re-raised", "", True),
    ("attended when over", [(0, began()), (5, ended(2)), (9, act("attend", 9))], "cleared", "", False),
    ("attended before", [(0, began()), (9, act("attend", 9))], "acknowledged", "ann", True),
    ("attended, then over", [(0, began()), (9, act("attend", 9)), (20, ended(2))], "cleared", "", False),
    ("attended, never over", [(0, began()), (9, act("attend", 9)), (609, PASS)], "re-raised", "", True),
    ("attended, never over, over", [(0, began()), (9, act("attend", 9)), (609, PASS), (650, ended(2))],
     "latched", "", False),
    ("attended, again", [(0, began()), (9, act("attend", 9)), (20, began(2)), (30, ended(3))], "latched", "", False),
    ("attended and paused", [(0, began()), (9, act("attend", 9)), (10, act("pause-audio", 10)), (11, ended(2))],
     "cleared", "", False),
    ("raised after it was done", [(0, ended(1)), (9, began(2)), (9.5, act("acknowledge", 8))], "raised", "", True),
    ("of another kind", [(0, began()), (9, act("acknowledge", 9, kind="no-movement"))], "raised", "", True),
    ("older than what was done", [(0, began()), (9, act("acknowledge", 9)), (9.5, act("pause-audio", 8, "bob"))],
     "acknowledged", "ann", True),
    ("told when its time is over", [(0, began()), (50, PASS), (130, act("pause-audio", 5))], "escalated", "", True),
    ("in the future", [(0, began()), (9, act("pause-audio", 9_000)), (129, PASS)], "re-raised", "", True),
    ("clock set back while silent", [(0, began()), (9, act("acknowledge", 9)), (-500, PASS)], "re-raised", "", True),
    ("clock set back while it sounds", [(0, began()), (-500, PASS)], "escalated", "", True),
    ("and handled after that", [(0, began()), (-500, PASS), (-400, act("acknowledge", -400))],
     "acknowledged", "ann", True),
    ("an end that was overtaken", [(0, began(5)), (1, ended(4))], "raised", "", True),
    ("an end that overtook", [(0, ended(6)), (1, began(5))], "latched", "", False),
    ("two at once, out of order", [(0, began(5)), (1, ended(9)), (2, began(7))], "re-raised", "", False),
    ("unit started anew", [(0, began()), (5, ANEW)], "raised", "", True),
    ("unit started anew, attended", [(0, began()), (5, ANEW), (9, act("attend", 9))], "acknowledged", "ann", True),
    ("technical, forgotten by a unit started anew", [(0, fault()), (5, ANEW)], "latched", "", False),
    ("technical, known to it still", [(0, fault()), (5, KNOWN)], "raised", "", True),
    ("and over after that", [(0, fault(1, "low")), (5, KNOWN), (9, ended(2))], "cleared", "", False),
    ("and said again", [(0, fault()), (5, ANEW), (6, fault(2))], "re-raised", "", True),
    ("low, technical and forgotten", [(0, fault(1, "low")), (5, ANEW)], "cleared", "", False),
    ("unit taken away", [(0, began()), (5, GONE)], "latched", "", False),
    ("unit taken away, attended", [(0, began()), (5, GONE), (9, act("attend", 9))], "cleared", "", False),
    ("medium, over, unseen", [(0, began(1, "medium")), (5, ended(2))], "latched", "", False),
    ("medium, over, then seen", [(0, began(1, "medium")), (5, ended(2)), (9, act("acknowledge", 9))],
     "cleared", "", False),
    ("medium, seen, then over", [(0, began(1, "medium")), (5, act("acknowledge", 5)), (9, ended(2))],
     "cleared", "", False),
    ("medium escalates later", [(0, began(1, "medium")), (299, PASS)], "raised", "", True),
    ("low, over", [(0, began(1, "low")), (5, ended(2))], "cleared", "", False),
    ("low that was", [(0, ended(6)), (5, began(5, "low"))], "cleared", "", False),
    ("high stays high", [(0, began()), (5, began(2, "low")), (9, ended(3))], "latched", "", False),
    ("low becomes high", [(0, began(1, "low")), (5, began(2)), (65, PASS)], "escalated", "", True),
    ("a new life", [(0, began()), (5, ended(2)), (9, act("attend", 9)), (20, began(3))], "raised", "", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "steps", "state", "owner", "present"), LIVES, ids=[row[0] for row in LIVES])
def test_lives(name: str, steps: list[tuple[float, Input]], state: str, owner: str, present: bool) -> None:
    alert = lived(*steps)
    assert (alert.state, alert.owner, alert.present) == (state, owner, present)


def test_every_state_is_reached_and_every_input_is_tried_in_each() -> None:
    seen = {lived(*steps).state for _, steps, *_ in LIVES}
    assert seen == SOUNDING | SILENT | {"cleared"}
    inputs = [began(50), began(0), ended(60), ANEW, PASS, *(act(what, 700) for what in (*ACTS, "look"))]
    for (_, steps, *_), given in product(LIVES, inputs):
        before = lived(*steps)
        after = lived(*steps, (700, given))
        if before.priority == "high" and before.active:
            assert after.active or (isinstance(given, Act) and given.what == "attend") or before.attended
        assert bool(after.owner) == (after.state in SILENT)


def test_the_silence_of_a_unit_is_an_alert_and_ends_none() -> None:
    silent = step(None, SILENCE, NOON, CONFIG)
    assert silent and (silent.kind, silent.state, silent.priority) == ("unit-silent", "raised", "low")
    assert step(silent, SILENCE, NOON + S, CONFIG) == silent, "once"
    assert step(silent, ANEW, NOON + S, CONFIG) == silent, "a start that is not heard yet"
    back = step(silent, BACK, NOON + S, CONFIG)
    assert back and back.state == "cleared"
    again = step(back, SILENCE, NOON + 2 * S, CONFIG)
    assert again and again.state == "raised" and again.number == 2
    assert lived((0, began()), (9, BACK)) == lived((0, began()))
    high = step(None, SILENCE, NOON, msgspec.structs.replace(CONFIG, technical="high"))
    assert high is not None
    left = step(high, BACK, NOON + S, CONFIG)
    assert left and left.state == "latched", "where a site says so, somebody has to go there"


@pytest.mark.parametrize("given", [PASS, ANEW, GONE, BACK, act("attend", 0)])
def test_of_nothing_comes_nothing(given: Input) -> None:
    assert step(None, given, NOON, CONFIG) is None


UNITS = ("u-1", "u-2")
KEYS = (("u-1", "left-bed"), ("u-1", "on-floor"), ("u-2", "left-bed"), ("u-2", "camera-covered"))
LEVELS = ("high", "high", "high", "medium", "low", "technical")


@cache
def unflushed() -> Database:
    """One for all lives of the model, emptied for each; nothing here is about the disk."""
    folder = tempfile.TemporaryDirectory(prefix="stillroom-alerts-")
    database = Database(in_folder(Path(folder.name)))
    database.run(text("PRAGMA synchronous=OFF"))
    database.folder = folder  # type: ignore[attr-defined] # as long as it
    return database


class Alerts(RuleBasedStateMachine):
    """A ward on the real book and the real tables. The model knows what began and what was closed, and nothing else."""

    @initialize(technical=st.sampled_from(PRIORITIES))
    def begin(self, technical: Priority) -> None:
        self.now_ms = NOON
        self.config = msgspec.structs.replace(CONFIG, technical=technical)
        for table in (tables.alerts, tables.alert_boots, tables.alert_changes):
            unflushed().run(delete(table))
        self.number = 0
        self.boot = 1
        self.waiting: list[tuple[str, str, Entry]] = []
        self.open_high: dict[tuple[str, str], int] = {}
        """Of each high alert that somebody must still attend: its newest beginning."""
        self.attended: set[tuple[str, str]] = set()
        self.standing: dict[tuple[str, str], bool] = {}
        self.technical: dict[tuple[str, str], bool] = {}
        self.newest: dict[tuple[str, str], int] = {}
        self.restart()

    @rule()
    def restart(self) -> None:
        self.book = AlertBook(unflushed(), self.config)

    def found(self) -> dict[tuple[str, str], Alert]:
        return {(alert.unit, alert.kind): alert for alert in self.book.all()}

    @rule(key=st.sampled_from(KEYS), level=st.sampled_from(LEVELS))
    def begins(self, key: tuple[str, str], level: str) -> None:
        self.condition(key, True, level)
        self.arrive(-1)

    @rule(key=st.sampled_from(KEYS))
    def ends(self, key: tuple[str, str]) -> None:
        self.condition(key, False, "high")
        self.arrive(-1)

    @rule(key=st.sampled_from(KEYS), active=st.booleans(), level=st.sampled_from(LEVELS))
    def is_held_back(self, key: tuple[str, str], active: bool, level: str) -> None:
        self.condition(key, active, level)

    def condition(self, key: tuple[str, str], active: bool, level: str) -> None:
        self.number += 1
        event = ConditionChanged(key[1], level, active, "")  # type: ignore[arg-type]
        self.waiting.append((*key, Entry(self.number, self.now_ms, self.now_ms, event)))

    @rule(place=st.integers(-1, 5))
    def arrive(self, place: int) -> None:
        """Entries come in any order."""
        if not self.waiting:
            return
        unit, kind, entry = self.waiting.pop(place % len(self.waiting))
        key, event = (unit, kind), entry.event
        assert isinstance(event, ConditionChanged)
        newer = entry.number > self.newest.get(key, 0)
        self.newest[key] = max(entry.number, self.newest.get(key, 0))
        before = self.found().get(key)
        self.book.heard(unit, "room", entry, self.now_ms)
        level = self.config.technical if event.level == "technical" else event.level
        if event.active:
            self.attended.discard(key)
            if newer:
                self.technical[key] = event.level == "technical" or event.kind in TECHNICAL
            self.standing[key] = newer or self.standing.get(key, False)
            if level == "high" or (before and before.priority == "high"):
                self.open_high[key] = entry.number
        elif newer:
            self.over(key)

    def over(self, key: tuple[str, str]) -> None:
        self.standing[key] = False
        if key in self.attended:
            self.open_high.pop(key, None)
            self.attended.discard(key)

    @rule(
        what=st.sampled_from(("acknowledge", "pause-audio", "pause-alarm", "look")),
        unit=st.sampled_from(UNITS),
    )
    def somebody_acts(self, what: What, unit: str) -> None:
        self.act(what, unit, None, "ann", 0)

    @rule(unit=st.sampled_from(UNITS))
    def somebody_attends(self, unit: str) -> None:
        self.act("attend", unit, None, "ann", 0)

    @rule(
        what=st.sampled_from(("attend", *ACTS)),
        key=st.sampled_from(KEYS),
        ago_s=st.sampled_from((0, 1, 100, 10_000, -5_000)),
    )
    def somebody_acted(self, what: What, key: tuple[str, str], ago_s: int) -> None:
        """Told late, or by a clock that runs ahead."""
        self.act(what, *key, "bob", ago_s)

    def act(self, what: What, unit: str, kind: str | None, by: str, ago_s: int) -> None:
        before = self.found()
        at_ms = self.now_ms - ago_s * S
        self.book.act(Act(what, unit, by, at_ms, kind), self.now_ms)
        if what != "attend":
            return
        for key, alert in before.items():
            superseded = alert.owner and alert.set_ms > at_ms
            if key[0] == unit and kind in (None, key[1]) and alert.raised_ms <= at_ms and not superseded:
                if not self.standing.get(key):
                    self.open_high.pop(key, None)
                elif at_ms + 600 * S > self.now_ms:
                    self.attended.add(key)

    @rule(seconds=st.sampled_from((1, 9, 59, 60, 119, 121, 599, 601, 5_000)))
    def time_passes(self, seconds: int) -> None:
        self.now_ms += seconds * S
        self.tick()

    @rule(seconds=st.sampled_from((1, 60, 5_000)))
    def clock_is_set_back(self, seconds: int) -> None:
        self.now_ms -= seconds * S
        self.tick()

    def tick(self) -> None:
        before = self.found()
        self.book.pass_time(self.now_ms)
        for key, alert in self.found().items():
            if alert.sounding and key in before and not before[key].sounding:
                self.attended.discard(key)

    @rule(unit=st.sampled_from(UNITS))
    def silence(self, unit: str) -> None:
        self.book.silent(unit, "room", self.now_ms)

    @rule(unit=st.sampled_from(UNITS))
    def heard_again(self, unit: str) -> None:
        self.book.back(unit, self.now_ms)

    @rule(unit=st.sampled_from(UNITS), faults=st.sets(st.sampled_from([kind for _, kind in KEYS])))
    def starts_anew(self, unit: str, faults: set[str]) -> None:
        self.boot += 1
        known = unit in self.book._boots
        self.book.booted(unit, self.boot, faults, self.now_ms)
        for key in [key for key in self.standing if key[0] == unit and known and self.technical.get(key)]:
            if key[1] not in faults:
                self.over(key)

    @rule(units=st.sampled_from((UNITS, UNITS, UNITS[:1])))
    def enrolled(self, units: tuple[str, ...]) -> None:
        self.book.enrolled(units, self.now_ms)
        for key in [key for key in self.standing if key[0] not in units]:
            self.over(key)

    @invariant()
    def none_is_lost(self) -> None:
        found = self.found()
        for key in self.open_high:
            assert key in found, f"{key} is gone, and nobody was there"
            assert found[key].priority == "high"

    @invariant()
    def each_sounds_or_is_somebodys(self) -> None:
        for alert in self.book.all():
            assert alert.sounding != (alert.state in SILENT)
            assert bool(alert.owner) == (alert.state in SILENT)

    @invariant()
    def silence_and_neglect_are_bounded(self) -> None:
        """After the last look at the clock nothing is silent beyond its time, or has sounded on without escalating."""
        self.book.pass_time(self.now_ms)
        for alert in self.book.all():
            assert not alert.over(self.now_ms)
            assert alert.until_ms - self.now_ms <= max(
                LONGEST_SILENCE_MS, self.config.escalate_ms(alert.priority)
            )
            assert alert.until_ms > 0 or alert.state == "escalated"

    @invariant()
    def each_can_be_closed(self) -> None:
        """Once it is over, or nobody would say so any more, and somebody is there; whatever happened before."""
        self.book.pass_time(self.now_ms)
        for alert in self.book.all():
            there = Act("attend", alert.unit, "eve", self.now_ms)
            for end in (Ended(alert.unit, alert.kind, alert.number + 1), UnitGone(alert.unit)):
                over = step(alert, end, self.now_ms, self.config)
                closed = step(over, there, self.now_ms, self.config)
                assert closed and not closed.active
                first = step(alert, there, self.now_ms, self.config)
                closed = step(first, end, self.now_ms, self.config)
                assert closed and not closed.active

    @invariant()
    def the_disk_has_it(self) -> None:
        again = AlertBook(unflushed(), self.config)
        assert again.all() == self.book.all()


TestAlerts = Alerts.TestCase
TestAlerts.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)


@pytest.mark.long
class TestAlertsAtLength(TestAlerts):
    """The same with many more sequences."""

    settings = settings(max_examples=2000, stateful_step_count=50, deadline=None)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(in_folder(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def book(database: Database) -> AlertBook:
    return AlertBook(database, CONFIG)


def test_a_damaged_alert_is_told(database: Database, book: AlertBook) -> None:
    book.silent("u-1", "room-1", NOON)
    database.run(update(tables.alerts).values(alert=b"\0"))
    with pytest.raises(StorageError, match="the alert 'unit-silent' of unit 'u-1' is damaged"):
        AlertBook(database, CONFIG)


def test_what_stands_comes_in_the_order_of_its_urgency(book: AlertBook) -> None:
    say: Callable[..., None] = lambda unit, kind, level, number: book.heard(  # noqa: E731
        unit, "r", Entry(number, NOON, NOON, ConditionChanged(kind, level, True, "")), NOON + number
    )
    say("u-1", "camera-covered", "technical", 1)
    say("u-2", "no-movement", "medium", 2)
    say("u-3", "left-bed", "high", 3)
    say("u-4", "on-floor", "high", 4)
    book.act(Act("acknowledge", "u-3", "ann", NOON + 10), NOON + 10)
    assert [alert.unit for alert in book.all()] == ["u-4", "u-3", "u-2", "u-1"]


def test_each_change_is_one_line_that_says_who(book: AlertBook) -> None:
    for number, active in ((1, True), (2, False)):
        event = ConditionChanged("on-floor", "high", active, "91 % on the floor")
        book.heard("u-1", "room-1", Entry(number, NOON, NOON, event), NOON + number)
    book.act(Act("attend", "u-1", "ann", NOON + 9), NOON + 9)
    lines = [msgspec.json.decode(text) for _, text in book.untold(0, 10)]
    assert [said.text for said in book.news()] == [line["text"] for line in lines]
    assert book.news() == [], "told once"
    assert [line["what"] for line in lines] == ["raised", "latched", "cleared"]
    assert lines[0] == {
        "notice": "alert", "at_ms": NOON + 1, "unit": "u-1", "what": "raised", "count": 1,
        "text": "high alert on-floor of unit u-1 (room room-1): raised", "room": "room-1", "kind": "on-floor",
        "priority": "high", "technical": False, "present": True, "owner": "", "last": "", "first_ms": NOON + 1,
        "number": 1, "why": "91 % on the floor", "act": None, "by": "", "act_ms": 0,
    }  # fmt: skip
    assert lines[2]["text"].endswith("cleared by ann")
    assert [lines[2][key] for key in ("act", "by", "act_ms")] == ["attend", "ann", NOON + 9]


def test_what_time_does_is_nobodys_act(book: AlertBook) -> None:
    """Something done about one alert is not said of another that escalates in the same step, nor of one too late."""
    for number, kind in ((1, "on-floor"), (2, "left-bed")):
        event = ConditionChanged(kind, "high", True, "")
        book.heard("u-1", "room-1", Entry(number, NOON, NOON, event), NOON)
    book.act(Act("acknowledge", "u-1", "ann", NOON + 70 * S, "on-floor"), NOON + 70 * S)
    book.act(Act("pause-audio", "u-1", "bob", NOON + 1 * S, "left-bed"), NOON + 200 * S)
    said = [(line.kind, line.what, line.act, line.by) for line in book.news()]
    assert said[2:] == [
        ("on-floor", "acknowledged", "acknowledge", "ann"),
        ("left-bed", "escalated", None, ""),
    ]
