"""Every room now, opened with the board's key: what the terminal's table and the ward board's page both show.

It keeps nothing. Alerts are the gateway's: read from its file (`gateway.alert_file`), and not known without it.
"""

import secrets
from collections.abc import Callable, Iterable

from stillroom.clock import NS_PER_S, Clock
from stillroom.receiver import MemoryStore
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.gateway.enrolled import Enrolled, unit_of
from stillroom_tools.site.gateway.notices import Refused, Tell
from stillroom_tools.site.gateway.rooms import Room, Rooms
from stillroom_tools.site.layout import Site
from stillroom_tools.site.subscriber import Subscriber

BATCH = 256
REFRESH_S = 1.0


class Watch:
    """What the board's key opens, as rooms. Use with `with`; call `look` again and again."""

    def __init__(
        self, site: Site, clock: Clock, tell: Callable[[str], None], notice: Tell = lambda _notice: None
    ) -> None:
        """`tell` gets one line at each change of the connection and for each enrolment that is left aside.

        `notice`: what was refused, counted.
        """
        self._clock = clock
        self._enrolled = Enrolled(site, "board", MemoryStore(), clock, tell)
        self.rooms = Rooms(clock, site.config.slots.period_s)
        self.rooms.enrol(self._enrolled.units)
        self.subscriber = Subscriber(
            site.broker("board"),
            site.folder,
            f"{site.name}-board-{secrets.token_hex(4)}",
            [f"stillroom/1/{site.name}/+/up"],
            persistent=False,
            tell=tell,
        )
        self._refresh_ns = 0
        self._alerts = alert_file.Follower(site.folder / "gateway")
        self._standing: alert_file.Standing | None = None
        self._told_of: set[str] = set()
        """Units whose alerts are those of `_standing`."""
        self._refused = Refused(clock, notice)

    def __enter__(self) -> "Watch":
        self.subscriber.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.subscriber.stop()

    @property
    def refused(self) -> int:
        """Records that were not true."""
        return sum(n for (_, reason), n in self._enrolled.refusals.items() if reason != "duplicate")

    def look(self, timeout_s: float) -> list[Room]:
        """Take in what came, waiting at most `timeout_s` for something; the rooms that a record or silence touched."""
        touched: dict[str, Room] = {}
        spoke: set[str] = set()
        for message in self.subscriber.take(BATCH, timeout_s):
            spoke.add(unit_of(message.topic))
            opened = self._enrolled.open(message)
            if opened is None:
                continue
            order = (opened.boot, opened.epoch_index, opened.sequence)
            room = self.rooms.saw(opened.unit, order, opened.body.sealed_ms, opened.body.snapshot)
            if room is not None:
                touched[room.unit] = room
        if self._clock.mono_ns() >= self._refresh_ns:
            self._refresh_ns = self._clock.mono_ns() + round(REFRESH_S * NS_PER_S)
            self._refresh()
            spoke.update(self._enrolled.units)
            self._refused.tell(self._enrolled.refusals, self.subscriber.dropped)
        touched.update(self._alarm(spoke))
        touched.update(self._alert())
        touched.update({room.unit: room for room in self.rooms.judge()})
        return list(touched.values())

    def status(self) -> str:
        """One line where there is something to say of the connection or of refused records, else empty."""
        said = [] if self.subscriber.connected else [f"NOT CONNECTED: {self.subscriber.status}"]
        said += [f"{self.refused} records refused"] if self.refused else []
        if self._standing is None:
            return "; ".join([*said, "ALERTS ARE NOT KNOWN: no gateway runs here"])
        said += [f"{a.priority.upper()} alert {a.kind} of {a.unit}, enrolled no longer" for a in self.strays]
        return "; ".join(said)

    @property
    def alerts(self) -> tuple[Alert, ...] | None:
        """What stands, as of the last `look`; None where nobody here knows."""
        return self._standing.alerts if self._standing else None

    @property
    def strays(self) -> list[Alert]:
        """Alerts of units that are enrolled no longer."""
        return [alert for alert in self.alerts or () if alert.unit not in self.rooms.units()]

    def _alarm(self, units: Iterable[str]) -> dict[str, Room]:
        """Those of these rooms whose alarms are others now: of the others none can be, but for time."""
        found = (self.rooms.alarm(unit, self._enrolled.alarms_of(unit)) for unit in units)
        return {room.unit: room for room in found if room is not None}

    def _alert(self) -> dict[str, Room]:
        """The rooms whose alerts are others now."""
        standing, enrolled = self._alerts.look(self._clock.utc_ms()), self.rooms.units()
        if (standing, enrolled) == (self._standing, self._told_of):
            return {}
        self._standing, self._told_of = standing, enrolled
        return {room.unit: room for room in self.rooms.alert(self.alerts)}

    def _refresh(self) -> None:
        if self._enrolled.refresh():
            self.rooms.withdraw(self.rooms.units() - set(self._enrolled.units))
            self.rooms.enrol(self._enrolled.units)
