"""A life in the room: acts in order of time become steps, light and cover. Any moment can be asked for.

The same scenario, seed and cues give the same moments, in whatever order and at whatever speed they are asked for,
as long as that is not more than ten minutes (`KEPT_S`) before the latest.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from stillroom.events import RoomState
from stillroom_tools.lab.scenario import Act, Cue, Scenario
from stillroom_tools.lab.scenario_actor import Actor, Being
from stillroom_tools.lab.scenario_harm import Harms
from stillroom_tools.lab.scenario_physics import Unrest
from stillroom_tools.lab.scenario_rover import Rover, ThingNow
from stillroom_tools.lab.scenario_script import script
from stillroom_tools.lab.scenario_steps import Ways
from stillroom_tools.lab.scenario_verbs import CAMERA, RESIDENT
from stillroom_tools.lab.scene_random import mixed
from stillroom_tools.lab.scene_sensor import SETTLED_S

T = TypeVar("T")
_COVER_S = 0.3
_KEPT = 64
_GRADUAL_S = 1.0
"""Changes of light that last longer are followed by automatic exposure at once (it settles in 0.4 s)."""


@dataclass(frozen=True, slots=True)
class Dimmed:
    """From `since_s` on the light goes from `before` to `after` lux, evenly in its logarithm, in `over_s`."""

    since_s: float
    before: float
    after: float
    over_s: float

    def lux(self, at_s: float) -> float:
        share = min((at_s - self.since_s) / self.over_s, 1.0) if self.over_s else 1.0
        return self.after if share == 1.0 else self.before * (self.after / self.before) ** share


class Moment(Struct, frozen=True):
    """The room at one time."""

    state: RoomState
    beings: dict[str, Being]
    """By name; the resident is the first."""
    things: dict[str, ThingNow]
    lux_before: float
    lux: float
    light_since_s: float
    """How long ago it changed; once the exposure has settled, that long or longer."""
    covered: float
    dropped_s: float
    """When the curtain came off its rail; infinity: not yet."""
    harms: Harms

    @property
    def resident(self) -> Being:
        return self.beings[RESIDENT]


class Life:
    """What happens in one room. Not thread-safe."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._script = script(scenario, seed)
        self._next = next(self._script, None)
        resident = Ways(scenario.movement.walk_m_per_s, wheels=scenario.movement.wheelchair)
        self._actors = {RESIDENT: Actor(scenario.begins, resident, scenario.movement, scenario.unrest, seed)}
        for number, one in enumerate(scenario.people, 1):
            ways = Ways(one.movement.walk_m_per_s, number, one.movement.wheelchair)
            own = mixed(seed, 101, number) >> 1
            self._actors[one.name] = Actor(one.begins, ways, one.movement, Unrest(), own)
        self._rovers = {
            thing.name: Rover(thing, mixed(seed, 104, number) >> 1)
            for number, thing in enumerate(scenario.things)
        }
        lux = scenario.light.lux
        self._lights = [Dimmed(-math.inf, lux, lux, 0.0)]
        self._covers: list[tuple[float, bool]] = [(-1e9, False)]
        self._dropped_s = math.inf
        self._harms: list[tuple[float, Harms]] = [(-1e9, Harms())]
        self._calm: tuple[float, float, Moment] | None = None

    def cue(self, verb: Cue, at_s: float) -> None:
        """Something happens now that the scenario does not say; what it still had to say is dropped."""
        self._advance(at_s)
        if verb not in CAMERA:
            self._next = None
        self._act(Act(at_s=at_s, do=verb))

    def moment(self, at_s: float) -> Moment:
        """The room at `at_s`, which is not more than KEPT_S before the latest moment asked for.

        The same object as long as nothing changes.
        """
        if self._calm is not None and self._calm[0] <= at_s < self._calm[1]:
            return self._calm[2]
        moment = self._moment(at_s)
        self._calm = at_s, self._same_until(at_s), moment
        return moment

    def _moment(self, at_s: float) -> Moment:
        self._advance(at_s)
        beings = {name: actor.at(at_s) for name, actor in self._actors.items()}
        lux_before, lux, since_s = self._light(at_s)
        return Moment(
            state=room_state(beings.values()),
            beings=beings,
            things={name: rover.at(at_s) for name, rover in self._rovers.items()},
            lux_before=lux_before,
            lux=lux,
            light_since_s=since_s,
            covered=self._covered(at_s),
            dropped_s=self._dropped_s,
            harms=_latest(self._harms, at_s)[1],
        )

    def _advance(self, at_s: float) -> None:
        while self._next is not None and self._next.at_s <= at_s:
            act, self._next = self._next, None
            self._act(act)
            self._next = next(self._script, None)
        for actor in self._actors.values():
            actor.advance(at_s)

    def _same_until(self, at_s: float) -> float:
        """Up to when nothing changes: now, while anything does or may do so by itself."""
        light, (covered_s, _), (harmed_s, _) = self._lights[-1], self._covers[-1], self._harms[-1]
        lit_s = light.since_s + max(light.over_s, SETTLED_S)
        if self._rovers or at_s < max(lit_s, covered_s + _COVER_S, harmed_s):
            return at_s
        next_s = math.inf if self._next is None else self._next.at_s
        return min(next_s, *(actor.same_until(at_s) for actor in self._actors.values()))

    def _act(self, act: Act) -> None:
        self._calm = None
        if act.do == "light" and act.lux is not None:
            now = self._lights[-1].lux(act.at_s)
            self._lights = [*self._lights, Dimmed(act.at_s, now, act.lux, act.over_s)][-_KEPT:]
        elif act.do == "drop-curtain":
            self._dropped_s = min(self._dropped_s, act.at_s)
        elif act.do in ("cover", "uncover"):
            if (act.do == "cover") != self._covers[-1][1]:
                self._covers = [*self._covers, (act.at_s, act.do == "cover")][-_KEPT:]
        elif act.do in CAMERA:
            self._harms = [*self._harms, (act.at_s, self._harms[-1][1].after(act.do, act.turn_deg))][-_KEPT:]
        elif (actor := self._actors.get(act.who or RESIDENT)) is not None:
            actor.advance(act.at_s)
            actor.act(act.do, act.at_s, act.where)
        elif (rover := self._rovers.get(act.who or "")) is not None:
            rover.act(act.do, act.at_s)

    def _light(self, at_s: float) -> tuple[float, float, float]:
        last = self._lights[-1]
        if last.since_s > at_s:
            last = next(light for light in reversed(self._lights) if light.since_s <= at_s)
        lux = last.lux(at_s)
        return (lux if last.over_s > _GRADUAL_S else last.before), lux, at_s - last.since_s

    def _covered(self, at_s: float) -> float:
        since_s, covered = _latest(self._covers, at_s)
        share = min((at_s - since_s) / _COVER_S, 1.0)
        return share if covered else 1.0 - share


def _latest(entries: list[tuple[float, T]], at_s: float) -> tuple[float, T]:
    """The last one that began by then; mostly the last of all."""
    last = entries[-1]
    return last if last[0] <= at_s else next(entry for entry in reversed(entries) if entry[0] <= at_s)


def room_state(beings: Iterable[Being]) -> RoomState:
    """What is so of a room with these people: who is behind the bathroom's door is not in it."""
    beings = list(beings)
    present = [one.state for one in beings if one.state not in ("empty", "bathroom")]
    if len(present) > 1:
        return "several-people"
    if present:
        return present[0]
    return "bathroom" if any(one.state == "bathroom" for one in beings) else "empty"
