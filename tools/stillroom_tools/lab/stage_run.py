"""One scenario with one seed from beginning to end: what was so, and what the unit told, on one time line.

Nothing but the scenario, its seed and where the picture comes from decides the outcome: a second run gives the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from stillroom.clock import MS_PER_S, NS_PER_S
from stillroom.config_conditions import minutes, zone
from stillroom.events import ConditionChanged, Event, RoomState, StateChanged
from stillroom.eye.analysis import Analysis
from stillroom.eye.figures import is_dark
from stillroom.eye.worker import Models, Nobody
from stillroom.keeper.conditions import Conditions
from stillroom.observation import Observation
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_expect import STATE
from stillroom_tools.lab.scenario_life import Moment
from stillroom_tools.lab.simulated import SimulatedCamera
from stillroom_tools.lab.simulated_cells import FIFTHS_PER_S, FRAMES, CellCamera
from stillroom_tools.lab.stage_unit import StagedUnit
from stillroom_tools.lab.stage_ward import AlertTold, Ward

DAY = datetime(2026, 1, 12)
"""On which a scenario begins; no day of it changes the clocks."""
POINTS = 1500
"""Of movement and of breathing that are kept at most, for the picture of the night."""
SETTLES_S = 60.0
"""After a start, or after the camera saw nothing: so long may a unit be without a state."""
Picture = Literal["cells", "frames"]


@dataclass(frozen=True, slots=True)
class Told:
    """A state entered, or a condition that began or ended. kind: as in `expects`."""

    at_s: float
    kind: str
    level: str | None = None
    ends: bool = False
    why: str = ""
    model: str = ""


@dataclass(slots=True)
class Night:
    """The outcome. Lanes are (from when, what) in order; times are seconds from the first frame."""

    title: str
    seed: int
    seconds: float
    truth: list[tuple[float, str]] = field(default_factory=list)
    """What was so; `unknown` while nobody could see it through this camera."""
    believed: list[tuple[float, str]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    due: list[Told] = field(default_factory=list)
    """Conditions of persons that a unit would tell that knows the truth at once."""
    alerts: list[AlertTold] = field(default_factory=list)
    blind: list[tuple[float, float]] = field(default_factory=list)
    """From when to when there was nothing to be seen, or no unit."""
    motion: list[tuple[float, float]] = field(default_factory=list)
    breathing: list[tuple[float, float]] = field(default_factory=list)
    """Breaths a minute, where they were trusted."""

    @property
    def hours(self) -> float:
        return self.seconds / 3600.0


class Source(Protocol):
    """Where a picture comes from, a fifth of a second at a time."""

    size: tuple[int, int]

    def see(self, index: int, analysis: Analysis | None) -> tuple[Observation | None, Moment, bool]:
        """Show fifth number `index` to an eye: what it says of it, what was so, and whether it was too dark."""
        ...


class FromCells:
    """Cells alone."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._camera = CellCamera(scenario, seed)
        self.size = self._camera.width, self._camera.height

    def see(self, index: int, analysis: Analysis | None) -> tuple[Observation | None, Moment, bool]:
        shown = self._camera.at(index)
        if analysis is None:
            return None, shown.moment, is_dark(shown.histogram)
        cells = shown.fifth, shown.histogram, shown.clipped
        seen = analysis.feed_cells(*cells, shown.frame_ns, shown.frame_ns)
        return seen, shown.moment, seen.dark


class FromFrames:
    """Frames through the kernel, at the same pace."""

    def __init__(self, scenario: Scenario, seed: int, size: tuple[int, int] = (320, 240)) -> None:
        self.size = size
        pace = float(FIFTHS_PER_S * FRAMES)
        self._camera = SimulatedCamera(
            scenario, width_px=size[0], height_px=size[1], frames_per_s=pace, seed=seed
        )

    def see(self, index: int, analysis: Analysis | None) -> tuple[Observation | None, Moment, bool]:
        said = None
        for number in range(index * FRAMES + bool(index), (index + 1) * FRAMES + 1):
            frame = self._camera.frame(number)
            if analysis is not None:
                said = analysis.feed(frame, frame.frame_ns) or said
        moment = self._camera.scene((index + 1) / FIFTHS_PER_S).now
        return said, moment, said is not None and said.dark


def run(
    scenario: Scenario,
    seed: int,
    source: Source,
    models: Models | None = None,
    each: Callable[[Night, float], None] = lambda night, at_s: None,
) -> Night:
    """Run it whole. models: who looks; None: nobody. each: called after each fifth of a second with its time."""
    begins_ms = _begins_ms(scenario)
    night = Night(scenario.title, seed, scenario.seconds)
    ward = Ward(scenario.title)
    unit = StagedUnit(
        scenario,
        source.size,
        models or Nobody(),
        begins_ms,
        lambda at_ms, event: _keep(night, ward, at_ms - begins_ms, event),
    )
    truth = _Truth(scenario, night, begins_ms)
    count = round(scenario.seconds * FIFTHS_PER_S)
    every = 1 + count // POINTS
    for index in range(count):
        at_s = (index + 1) / FIFTHS_PER_S
        seen, now, dark = source.see(index, unit.analysis)
        truth.feed(at_s, now, dark)
        _attend(unit, now, at_s)
        if seen is not None:
            unit.observe(seen)
            if index % every == 0:
                _note(night, at_s, seen)
        _lane(night.believed, at_s, unit.state)
        if index % FIFTHS_PER_S == 0:
            ward.pass_time(round(at_s * MS_PER_S))
        each(night, at_s)
    truth.end(scenario.seconds)
    night.alerts = ward.told
    return night


def _attend(unit: StagedUnit, now: Moment, at_s: float) -> None:
    """Power goes and comes; somebody has put a knocked camera right, and accepts its view."""
    frame_ns = round(at_s * NS_PER_S)
    if now.harms.off:
        unit.switch_off(frame_ns)
    elif unit.off:
        unit.switch_on(frame_ns)
    elif unit.closed and not now.harms.turned_deg:
        unit.accept_view(frame_ns)


def _note(night: Night, at_s: float, seen: Observation) -> None:
    night.motion.append((at_s, seen.motion))
    if seen.breathing.value is not None:
        night.breathing.append((at_s, seen.breathing.value))


def _keep(night: Night, ward: Ward, at_ms: int, event: Event) -> None:
    told = _told(at_ms, event)
    if told is not None:
        night.told.append(told)
    if isinstance(event, ConditionChanged):
        ward.hear(at_ms, event)


def _told(at_ms: int, event: Event) -> Told | None:
    at_s = at_ms / MS_PER_S
    if isinstance(event, StateChanged):
        return Told(at_s, STATE + event.state, why=event.why, model=event.model)
    if isinstance(event, ConditionChanged):
        return Told(at_s, event.kind, event.level, not event.active, event.why)
    return None


def _begins_ms(scenario: Scenario) -> int:
    local = (DAY + timedelta(minutes=minutes(scenario.clock))).replace(
        tzinfo=zone(scenario.conditions.time_zone)
    )
    return round(local.timestamp() * MS_PER_S)


def _lane(lane: list[tuple[float, str]], at_s: float, what: str) -> None:
    if not lane or lane[-1][1] != what:
        lane.append((at_s, what))


class _Truth:
    """Fed with every fifth; the same conditions as the unit's run on what is true, for what is due."""

    def __init__(self, scenario: Scenario, night: Night, begins_ms: int) -> None:
        self._night, self._begins_ms = night, begins_ms
        self._conditions = Conditions(scenario.conditions, self._due, {})
        self._blind_s: float | None = None

    def feed(self, at_s: float, now: Moment, dark: bool) -> None:
        harms = now.harms
        harmed = harms.frozen or harms.dazzled or harms.off or bool(harms.turned_deg)
        blind = dark or harmed or now.covered > 0.5
        state: RoomState = "unknown" if blind else now.state
        if not self._night.truth or self._night.truth[-1][1] != state:
            self._night.truth.append((at_s, state))
        if blind and self._blind_s is None:
            self._blind_s = at_s
        if not blind:
            self.end(at_s)
        at_ms = self._begins_ms + round(at_s * MS_PER_S)
        still = all(being.still for being in now.beings.values() if being.pose is not None)
        self._conditions.feed(round(at_s * NS_PER_S), at_ms, state, 0.0 if still else 1.0)

    def end(self, at_s: float) -> None:
        """Nothing was to be seen until now, where that was so."""
        if self._blind_s is not None:
            self._night.blind.append((self._blind_s, at_s))
            self._blind_s = None

    def _due(self, at_ms: int, event: ConditionChanged) -> None:
        told = _told(at_ms - self._begins_ms, event)
        if told is not None:
            self._night.due.append(told)


def spans(lane: list[tuple[float, str]], until_s: float) -> Iterator[tuple[float, float, str]]:
    """From when, until when, what."""
    ends = [*(at_s for at_s, _ in lane[1:]), until_s]
    yield from ((at_s, end_s, what) for (at_s, what), end_s in zip(lane, ends, strict=True))
