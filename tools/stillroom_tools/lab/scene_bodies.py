"""Everybody in a simulated room as bodies on the picture, without a picture: for whoever needs no pixels.

    Bodies(scenario, 640, 480, seed).at(at_s)    the room at a time, its true state, who is there and what shows of them

The same people at the same time as in the frames of `SimulatedCamera`. While nothing moves the same objects come back.
"""

from dataclasses import dataclass

import msgspec

from stillroom.events import RoomState
from stillroom.observation import Box, Posture
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.scenario_actor import Being
from stillroom_tools.lab.scenario_life import Life, Moment
from stillroom_tools.lab.scenario_rover import ThingNow
from stillroom_tools.lab.scenario_stance import Place
from stillroom_tools.lab.scenario_verbs import RESIDENT
from stillroom_tools.lab.scene import pinhole
from stillroom_tools.lab.scene_cast import Cast, behind_bed, through
from stillroom_tools.lab.scene_figure import Layer
from stillroom_tools.lab.scene_paint import Capsule
from stillroom_tools.lab.scene_person import Vital
from stillroom_tools.lab.scene_sight import Sight

UNDER_BLANKET = {"hip": 0.42, "chest": 0.68, "neck": 0.83}
"""Share of a lying body, feet to crown, that is under a blanket pulled up so far."""


@dataclass(frozen=True, slots=True)
class Body:
    """One body at one time. Capsules in px, far ones first, also those that something hides; breathed half in."""

    name: str
    role: str
    """resident, nurse, visitor, pet, robot, wheelchair."""
    is_person: bool
    place: Place
    """Of a thing `floor`, `bed` or `outside`."""
    posture: Posture
    capsules: tuple[Capsule, ...]
    box: Box | None
    """Around what shows of it; None: nothing does."""
    shown: float
    """Share of it that neither bed, wall nor picture's edge hides, 0 to 1."""
    covered: float
    """Share of it under the blanket, 0 to 1; what is under it shows as blanket."""
    moving: bool
    """On its way, or changing its posture."""
    still: bool
    """Nothing but breathing and the heart goes on."""


@dataclass(frozen=True, slots=True)
class Now:
    """The room at one time. bodies: whoever may be in the picture; the resident first where he is."""

    at_s: float
    moment: Moment
    bodies: tuple[Body, ...]

    @property
    def state(self) -> RoomState:
        """What is true of the room."""
        return self.moment.state


class Bodies:
    """What happens in one room, as bodies. Not thread-safe."""

    def __init__(self, scenario: Scenario, width_px: int, height_px: int, seed: int) -> None:
        """seed: as that of the camera whose frames show the same."""
        self._scenario, self._seed = scenario, seed
        self._size = width_px, height_px
        self._life = Life(scenario, seed)
        self._roles = {RESIDENT: "resident"} | {one.name: one.role for one in scenario.people}
        self._roles |= {thing.name: thing.kind for thing in scenario.things}
        self._looks = {RESIDENT: scenario.looks} | {one.name: one.dress for one in scenario.people}
        self._point(0.0)

    def at(self, at_s: float) -> Now:
        """The room at `at_s`, which is not more than ten minutes before the latest time asked for."""
        moment = self._life.moment(at_s)
        if moment.harms.turned_deg != self._turned_deg:
            self._point(moment.harms.turned_deg)
        found = [self._body(name, being) for name, being in moment.beings.items() if being.pose is not None]
        found += [self._wheelchair(name, being) for name, being in moment.beings.items() if being.wheelchair]
        found += [
            self._body(name, thing) for name, thing in moment.things.items() if thing.place != "outside"
        ]
        return Now(at_s, moment, tuple(found))

    def _point(self, turned_deg: float) -> None:
        lens = self._scenario.lens
        camera = pinhole(msgspec.structs.replace(lens, pitch_deg=lens.pitch_deg + turned_deg), *self._size)
        self._cast, self._sight = Cast(self._scenario, camera, self._seed), Sight(camera)
        self._turned_deg = turned_deg
        self._known: dict[str, tuple[Being | ThingNow, Body]] = {}

    def _body(self, name: str, now: Being | ThingNow) -> Body:
        """The one made before where nothing has changed since."""
        known = self._known.get(name)
        if known is None or known[0] is not now:
            made = self._thing(name, now) if isinstance(now, ThingNow) else self._person(name, now)
            known = self._known[name] = now, made
        return known[1]

    def _thing(self, name: str, now: ThingNow) -> Body:
        layer = self._cast.thing(name, now)
        assert layer is not None
        return self._lifeless(name, self._roles[name], layer, now.place, moving=now.moving)

    def _wheelchair(self, name: str, being: Being) -> Body:
        key = f"{name}'s wheelchair"
        known = self._known.get(key)
        if known is None or known[0] is not being:
            far, near = self._cast.wheelchair(being)
            both = msgspec.structs.replace(far, drawn=lambda _: [*far.capsules, *near.capsules])
            made = self._lifeless(key, "wheelchair", both, "floor", moving=far.still is None)
            known = self._known[key] = being, made
        return known[1]

    def _lifeless(self, name: str, role: str, layer: Layer, place: Place, *, moving: bool) -> Body:
        box, shown = self._sight.of(layer.capsules, layer.through, behind_bed=layer.behind_bed)
        capsules = tuple(layer.capsules)
        return Body(name, role, False, place, "unsure", capsules, box, shown, 0.0, moving, not moving)

    def _person(self, name: str, being: Being) -> Body:
        assert being.pose is not None
        capsules = self._cast.people[name].capsules(being.pose, Vital(0.0, 0.0), being.blanket)
        box, shown = self._sight.of(capsules, through(being), behind_bed=behind_bed(being))
        pulled = min(being.blanket, 1.0) * UNDER_BLANKET[self._looks[name].blanket]
        return Body(
            name=name,
            role=self._roles[name],
            is_person=True,
            place=being.place,
            posture=being.posture,
            capsules=tuple(capsules),
            box=box,
            shown=shown,
            covered=pulled + (1.0 - pulled) * max(being.blanket - 1.0, 0.0),
            moving=being.moving,
            still=being.still,
        )
