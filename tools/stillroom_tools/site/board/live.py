"""The rooms as they are now, for all pages that are open: one thread that watches, one copy of the HTML for each face.

Each change has a version. A page asks for what is newer than what it has: a slow one gets the newest state of each tile
and misses only what is over. The thread's own beat goes with it: where it stands still, pages say so.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from markupsafe import Markup

from stillroom.clock import NS_PER_S, Clock
from stillroom.errors import StillroomError
from stillroom_tools.site.board.tiles import Standing, Tile, counts, loudest, standing, tile
from stillroom_tools.site.gateway.alert_forms import Alert, Priority
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.watching import Watch

LOOK_S = 0.1
STUCK_S = 3.0
Draw = Callable[..., Markup]
"""`draw("tile.html", tile=...)`: a template's HTML."""


@dataclass
class Face:
    """What one kind of reader sees. `tiles`: unit to (version, HTML)."""

    persons: bool
    shown: dict[str, Tile] = field(default_factory=dict)
    tiles: dict[str, tuple[int, Markup]] = field(default_factory=dict)
    head: tuple[int, Markup] = (0, Markup(""))
    alerts: tuple[int, Markup] = (0, Markup(""))
    order: tuple[int, list[str]] = (0, [])
    listed: list[Standing] = field(default_factory=list)
    known: bool = False
    counted: list[str] = field(default_factory=list)

    @property
    def sound(self) -> Priority | None:
        return loudest(self.listed)


class Live:
    """Make it, `start` it; read `faces` and wait for `changed` from the event loop."""

    def __init__(self, watch: Watch, clock: Clock, draw: Draw) -> None:
        self._watch, self._clock, self._draw = watch, clock, draw
        self._versions = itertools.count(1)
        self.version = 0
        self.faces = {True: Face(True), False: Face(False)}
        self.recorded: frozenset[str] = frozenset()
        """Units that record under a release; whoever knows puts it here."""
        self._recorded = self.recorded
        self.trouble = "the board has just started"
        self._around: tuple[str, list[Alert]] = (self.trouble, [])
        self._looked_ns = 0
        self._stop = threading.Event()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self.show()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def what_is_wrong(self) -> str:
        """Why what the page shows is not all there is; empty where nothing is known to be wrong."""
        if self.stuck:
            return f"{self.trouble or 'the board hears nothing any more'}: what stands here is old"
        return self.trouble

    @property
    def deaf(self) -> bool:
        """Nothing of what is shown holds now: the board hears no unit."""
        return self.stuck or not self._watch.subscriber.connected

    @property
    def stuck(self) -> bool:
        """The thread that looks has stood still for a while."""
        return self._clock.mono_ns() - self._looked_ns > STUCK_S * NS_PER_S

    async def changed(self, version: int, timeout_s: float) -> None:
        """Returns when there is something newer than this version, or after `timeout_s`."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        self._waiting.add(entry)
        try:
            if self.version <= version:
                await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(entry)

    def look(self, timeout_s: float) -> None:
        """Take in what came, waiting at most so long, and show it. The thread does nothing else."""
        touched = self._watch.look(timeout_s)
        self._looked_ns = self._clock.mono_ns()
        self._publish(touched)

    def show(self) -> None:
        """Draw every room anew, as far as it is another now."""
        self._publish(self._watch.rooms.all())

    def _run(self) -> None:
        """Until `stop`. A failure is shown on every page, and ends nothing but this thread's work."""
        try:
            with self._watch:
                while not self._stop.is_set():
                    self.look(LOOK_S)
        except (StillroomError, OSError) as error:
            self.trouble = f"the board cannot go on: {error}"

    def _publish(self, touched: Iterable[Room]) -> None:
        now_ms, version = self._clock.utc_ms(), next(self._versions)
        around = (self._watch.status(), self._watch.strays)
        changed = around != self._around
        self._around, self.trouble = around, around[0]
        rooms, all_rooms = list(touched), self._watch.rooms.all()
        if self._recorded != (recorded := self.recorded):
            rooms, self._recorded = all_rooms, recorded
        for face in self.faces.values():
            if self._draw_tiles(face, rooms, now_ms, version) or changed:
                self._draw_around(face, all_rooms, version)
                changed = True
        if changed:
            self.version = version
            for loop, event in list(self._waiting):
                loop.call_soon_threadsafe(event.set)

    def _draw_tiles(self, face: Face, touched: list[Room], now_ms: int, version: int) -> bool:
        """Whether any is another now, or is gone."""
        changed = self._forget(face)
        for room in touched:
            made = tile(room, now_ms, persons=face.persons, recorded=room.unit in self._recorded)
            if face.shown.get(room.unit) != made:
                face.shown[room.unit] = made
                face.tiles[room.unit] = (version, self._draw("tile.html", tile=made))
                changed = True
        return changed

    def _draw_around(self, face: Face, rooms: list[Room], version: int) -> None:
        """The list of alerts, the counts and the order, where they are others now."""
        order = [room.unit for room in rooms if room.unit in face.shown]
        if order != face.order[1]:
            face.order = (version, order)
        listed = standing(rooms, self._watch.strays, persons=face.persons)
        known = self._watch.alerts is not None
        if (listed, known) != (face.listed, face.known) or not face.alerts[0]:
            face.listed, face.known = listed, known
            face.alerts = (
                version,
                self._draw("alerts.html", alerts=listed, known=known, persons=face.persons),
            )
        counted = counts([face.shown[unit] for unit in order], listed)
        if counted != face.counted:
            face.counted = counted
            face.head = (version, self._draw("head.html", counts=counted))

    def _forget(self, face: Face) -> bool:
        gone = face.shown.keys() - self._watch.rooms.units()
        for unit in gone:
            del face.shown[unit], face.tiles[unit]
        return bool(gone)
