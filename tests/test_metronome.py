"""What an observer of the broker learns about a room: nothing. And the same observer does find leaky builds."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stillroom import bodies
from stillroom.clock import NS_PER_S
from stillroom.events import Body
from stillroom.keeper.delivery import Delivery
from stillroom.keeper.unit import Unit
from stillroom.link import Up
from stillroom.metronome import Metronome, lead_ns
from stillroom_tools.site.subscriber import Message
from tests.observer import features, tells_apart
from tests.rig import Recorder
from tests.traffic import Capture, World

HALF_AN_HOUR_S = 1800.0
AN_HOUR_S = 3600.0
PART_S = 900.0
PERIOD_NS = 2 * NS_PER_S
KNOWS_NOTHING = 0.55

Pair = tuple[Capture, Capture]


def captured(folder: Path, seconds: float, make: Callable[..., World]) -> Pair:
    """A quiet and a busy life of the same length."""
    found = []
    for life in ("quiet", "busy"):
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = make(folder / life, monkeypatch)
            found.append(world.live(life, seconds))
            world.close()
    assert found[1].entries > 3 * found[0].entries, "the busy room was no busier"
    return found[0], found[1]


def told(pair: Pair, way: str) -> tuple[float, float, float]:
    quiet, busy = (getattr(capture, way) for capture in pair)
    return tells_apart(features(quiet, PERIOD_NS), features(busy, PERIOD_NS))


@pytest.fixture(scope="module", params=[HALF_AN_HOUR_S, pytest.param(AN_HOUR_S, marks=pytest.mark.long)])
def seconds(request: pytest.FixtureRequest) -> float:
    found: float = request.param
    return found


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory, seconds: float) -> Pair:
    return captured(tmp_path_factory.mktemp("lives"), seconds, World)


@pytest.mark.parametrize("way", ["up", "down"])
def test_so_much_traffic_tells_nothing(lives: Pair, way: str) -> None:
    auc, _, upper = told(lives, way)
    assert auc >= 1 - KNOWS_NOTHING and upper <= KNOWS_NOTHING, (auc, upper)


def test_and_in_the_busy_life_commands_went_down_and_receipts_came_up(lives: Pair, seconds: float) -> None:
    """So that the classifier had them before it: more than one in 90 s, some of them in parts."""
    quiet, busy = lives
    assert quiet.receipts == 0 and busy.receipts > seconds / 90


def test_one_record_each_slot_each_way(lives: Pair, seconds: float) -> None:
    for capture in lives:
        for seen in (capture.up, capture.down):
            assert abs(len(seen) - seconds * NS_PER_S / PERIOD_NS) <= 2
            assert {(one.size, one.qos, one.retain) for one in seen} == {(2048, 1, False)}
            assert len({one.topic for one in seen}) == 1


class Early(Unit):
    """Sends at once when something has happened, beside its slots."""

    def _commit_urgent(self) -> None:
        urgent = self._outbox.urgent
        super()._commit_urgent()
        if urgent:
            self.slot()


class UnpaddedDelivery(Delivery):
    def _hand_over(self, courier: Recorder, body: Body, send_ns: int) -> bool:
        super()._hand_over(courier, body, send_ns)
        up = courier.sent.pop()
        size = 400 + len(bodies.encode(body))
        return courier.send(Up(up.slot, up.record[:size].ljust(size), send_ns))


class SlowDelivery(Delivery):
    def _hand_over(self, courier: Recorder, body: Body, send_ns: int) -> bool:
        self._clock._clock.pass_time(timedelta(milliseconds=10 * len(body.entries)))
        return super()._hand_over(courier, body, send_ns)


class DrainingDelivery(Delivery):
    def _hand_over(self, courier: Recorder, body: Body, send_ns: int) -> bool:
        if body.entries:
            super()._hand_over(courier, body, send_ns - PERIOD_NS // 2)
        return super()._hand_over(courier, body, send_ns)


class _Delivering(Unit):
    """With another way of handing over than the real one."""

    delivery: type[Delivery]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._delivery.__class__ = self.delivery


class Unpadded(_Delivering):
    """Sends as many bytes as it has to say."""

    delivery = UnpaddedDelivery


class Slow(_Delivering):
    """On a machine and a card on which each entry in a record costs 10 ms."""

    delivery = SlowDelivery


class Hasty(Slow):
    """Sends as soon as it has composed: how long that took is seen."""

    def slot(self, send_ns: int = 0) -> None:
        super().slot(0)


class Draining(_Delivering):
    """Sends another record in the middle of the slot when there is news."""

    delivery = DrainingDelivery


class Sorting(World):
    """What carries an event goes with another QoS."""

    def carry_up(self) -> None:
        before = len(self.up.seen)
        news = any(
            isinstance(up, Up) and self.unit._delivery._slots._slots.get(up.slot) for up in self.door.sent
        )
        super().carry_up()
        self.up.seen[before:] = [one._replace(qos=1 + news) for one in self.up.seen[before:]]


class Answering(World):
    """A gateway that answers entries at once."""

    def hear(self, came: list[Message]) -> None:
        count = self.gateway._store.count()
        super().hear(came)
        if self.gateway._store.count() > count:
            now_ns = self.gateway_clock.mono_ns()
            self.gateway._publish("u-1", self.gateway._down._record("u-1", now_ns), now_ns)


def made_of(unit: type[Unit]) -> Callable[..., World]:
    return lambda folder, monkeypatch: World(folder, monkeypatch, unit)


LEAKY = {
    "early": (made_of(Early), "up"),
    "unpadded": (made_of(Unpadded), "up"),
    "hasty": (made_of(Hasty), "up"),
    "draining": (made_of(Draining), "up"),
    "sorting": (Sorting, "up"),
    "answering": (Answering, "down"),
}


def test_slow_work_does_not_show(tmp_path: Path) -> None:
    """The control of "hasty": the same slow machine, but what is composed waits for its place."""
    auc, _, upper = told(captured(tmp_path, PART_S, made_of(Slow)), "up")
    assert auc >= 1 - KNOWS_NOTHING and upper <= KNOWS_NOTHING, (auc, upper)


@pytest.mark.parametrize("name", LEAKY)
def test_the_same_observer_finds_a_leaky_build(tmp_path: Path, name: str) -> None:
    """At the latest in the third capture: a machine that is busy with other things hides what composing takes."""
    make, way = LEAKY[name]
    tries = (told(captured(tmp_path / str(number), PART_S, make), way) for number in range(3))
    assert any(lower > KNOWS_NOTHING for _, lower, _ in tries)


def test_places_are_on_a_grid_and_given_out_once() -> None:
    metronome = Metronome(1_000, 100)
    assert [metronome.place(now) for now in (0, 975, 975, 1_000, 1_075)] == [1_000, None, None, None, 1_100]
    assert metronome.place(1_201) == 1_300, "too late for 1,200: that one stays empty"
    assert metronome.place(1_275) is None, "and 1,300 is taken"
    assert metronome.place(1_375) == 1_400


def test_what_is_always_late_still_sends_each_time() -> None:
    metronome = Metronome(25, 100)
    assert [metronome.place(k * 100 + 30) for k in range(4)] == [125, 225, 325, 425]


@pytest.mark.parametrize("period_s", [0.5, 2.0, 10.0])
def test_the_lead_leaves_room_in_the_shortest_slot(period_s: float) -> None:
    assert 0 < lead_ns(round(period_s * NS_PER_S)) <= min(period_s / 4, 0.25) * NS_PER_S
