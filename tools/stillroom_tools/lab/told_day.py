"""A day told to a site's gateway as a unit would tell it: made up for tests, or what a simulated room told.

States, movement and rates that are made up here were not found in pictures. What comes after that is the real way:
signed links, records sealed by the unit's keys, opened by the receiver, kept by the store, its alerts.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from stillroom import cli
from stillroom.chain import FIRST_HEAD, SALT_BYTES, head_of, leaf_of, signed_part
from stillroom.clock import MS_PER_S, SystemClock
from stillroom.epochs import Stream
from stillroom.events import (
    Audited,
    Body,
    ConditionChanged,
    Entry,
    Event,
    GateChanged,
    GateReason,
    Lost,
    RoomState,
    Snapshot,
    StateChanged,
    Summary,
)
from stillroom.keys import load_unit_keys
from stillroom.observation import Reading
from stillroom.public_keys import RecipientKey
from stillroom.receiver import Receiver
from stillroom.wire import Lane
from stillroom_tools.site.gateway.alert_forms import Act, What
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site, open_site

MINUTE_MS = 60 * MS_PER_S
PER_RECORD = 5
ON_ITS_WAY_MS = 1_500
_TICK_MS = 5 * MS_PER_S
Level = Literal["high", "medium", "low", "technical"]


@dataclass
class Teller:
    """One unit of a site: what it tells is queued with its times, and `deliver` brings all of it to the gateway."""

    site: Site
    unit: str
    room: str
    seed: int = 1
    _queued: list[tuple[int, Event]] = field(default_factory=list)
    _acts: list[tuple[int, Act | str]] = field(default_factory=list)
    _outages: list[tuple[int, int]] = field(default_factory=list)
    _number: int = 0
    _links: int = 0
    _head: bytes = FIRST_HEAD
    _boot: int = 0
    _state: RoomState = "unknown"

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed} {self.unit}")
        self._keys = load_unit_keys(self.site.folder.parent / self.unit / "keys")

    def tell(self, at_ms: int, event: Event) -> None:
        """An event as a keeper told it."""
        self._queued.append((at_ms, event))

    def start(self, at_ms: int) -> None:
        """The unit is switched on."""
        self._boot += 1
        self._state = "unknown"
        self._link(at_ms, {"what": "start", "site": self.site.name, "unit": self.unit, "boot": self._boot})

    def gate(self, at_ms: int, reason: GateReason) -> None:
        """The camera may be open, or must not be; then the room is unknown."""
        if reason != "open":
            self.state(at_ms, "unknown", f"not sensing: {reason}")
        self._queued.append((at_ms, GateChanged(reason, "a-1" if reason == "open" else None)))
        self._link(
            at_ms, {"what": "gate", "gate": reason, "authorisation": "a-1" if reason == "open" else "none"}
        )

    def state(self, at_ms: int, state: RoomState, why: str = "made up") -> None:
        """The room's state changes, where it is another one."""
        if state != self._state:
            self._queued.append((at_ms, StateChanged(state, self._state, why, "made-up")))
            self._state = state

    def condition(self, at_ms: int, kind: str, level: Level, active: bool, why: str = "made up") -> None:
        """A condition begins or ends."""
        self._queued.append((at_ms, ConditionChanged(kind, level, active, why)))

    def lost(self, at_ms: int, count: int) -> None:
        """The unit says that as many entries before this one were lost."""
        self._queued.append((at_ms, Lost(((0, count),), "storage-damaged")))

    def minutes(
        self, from_ms: int, until_ms: int, kind: Literal["still", "moving", "nobody", "dark", "blind"]
    ) -> None:
        """A summary for each minute: what somebody does; nobody there; the gate closed; a camera without a picture."""
        for at_ms in range(from_ms, until_ms, MINUTE_MS):
            self._queued.append((min(at_ms + MINUTE_MS, until_ms), self._summary(at_ms, until_ms, kind)))

    def away(self, from_ms: int, until_ms: int) -> None:
        """Nothing of the unit comes to the gateway meanwhile; all of it comes soon after."""
        self._outages.append((from_ms, until_ms))
        self._acts += [(from_ms + 6 * MS_PER_S, "silent"), (until_ms, "back")]

    def act(self, at_ms: int, what: What, by: str, kind: str | None = None) -> None:
        """Somebody does something about the unit's alerts."""
        self._acts.append((at_ms, Act(what, self.unit, by, at_ms, kind)))

    def deliver(self, until_ms: int) -> None:
        """Everything to the store, in the order in which it arrives; alerts live on until `until_ms`."""
        store = Store(self.site.folder / "gateway", self.site.config.alerts)
        receiver = Receiver(self.site.enrolments(), self.site.keys("gateway").boxes, store)
        boxes = [RecipientKey(self.site.keys("gateway").boxes[0].public.raw)]
        stream = Stream(Lane.UP, self._keys.signing, self._boot, SystemClock(), boxes)
        arriving = sorted(self._arriving(), key=lambda each: each[0])
        acts = sorted(self._acts, key=lambda each: each[0])
        while arriving or acts:
            if not acts or (arriving and arriving[0][0] <= acts[0][0]):
                batch = _batch(arriving, acts[0][0] if acts else until_ms, bool(store.alerts.all()))
                store.commit([self._arrived(each, stream, receiver) for each in batch])
                self._live(store, batch[-1][0], arriving, acts, until_ms)
            else:
                at_ms, act = acts.pop(0)
                if isinstance(act, Act):
                    store.alerts.act(act, at_ms)
                elif act == "silent":
                    store.alerts.silent(self.unit, self.room, at_ms)
                else:
                    store.alerts.back(self.unit, at_ms)
                self._live(store, at_ms, arriving, acts, until_ms)
        store.close()

    def _live(
        self,
        store: Store,
        at_ms: int,
        arriving: Sequence[tuple[int, Sequence[Entry]]],
        acts: Sequence[tuple[int, Act | str]],
        until_ms: int,
    ) -> None:
        """Time passes for alerts up to whatever comes next."""
        next_ms = min([until_ms, *(each[0] for each in arriving[:1]), *(each[0] for each in acts[:1])])
        for now_ms in range(at_ms + _TICK_MS, next_ms, _TICK_MS):
            if not store.alerts.all():
                return
            store.alerts.pass_time(now_ms)

    def _arriving(self) -> Iterable[tuple[int, Sequence[Entry]]]:
        """Records with the time at which the gateway opens them: entries that come together share one."""
        numbered = []
        for at_ms, event in sorted(self._queued, key=lambda each: each[0]):
            skipped = event.ranges[0][1] if isinstance(event, Lost) else 0
            self._number += 1 + skipped
            if isinstance(event, Lost):
                event = Lost(((self._number - skipped, self._number - 1),), event.reason)
            numbered.append(Entry(self._number, at_ms, at_ms + 5, event))
        self._queued.clear()
        together: list[Entry] = []
        for entry in numbered:
            if together and (self._opens(entry) != self._opens(together[0]) or len(together) == PER_RECORD):
                yield self._opens(together[0]), together
                together = []
            together.append(entry)
        if together:
            yield self._opens(together[0]), together

    def _opens(self, entry: Entry) -> int:
        opened_ms = entry.accepted_ms + ON_ITS_WAY_MS
        return next((until for start, until in self._outages if start <= opened_ms < until), opened_ms)

    def _arrived(self, record: tuple[int, Sequence[Entry]], stream: Stream, receiver: Receiver) -> Arrived:
        opened_ms, entries = record
        body = Body(opened_ms, self._snapshot(), tuple(entries))
        return Arrived(receiver.open(stream.seal(msgspec.msgpack.encode(body))), opened_ms)

    def _snapshot(self) -> Snapshot:
        nothing = Reading()
        return Snapshot(
            self.room, self._state, 0, "open", nothing, nothing, 0.0, "simulated", "made-up", 30.0, 0, (), self._number,
            0, 0, "gateway", self._links, self._head,
        )  # fmt: skip

    def _link(self, at_ms: int, said: dict[str, str | int]) -> None:
        body = msgspec.json.encode(said)
        salt = self._random.randbytes(SALT_BYTES)
        self._links += 1
        self._head = head_of(self._head, self._links, at_ms, leaf_of(salt, body))
        signature = self._keys.signing.sign(signed_part(self._links, self._head))
        self._queued.append((at_ms, Audited(self._links, at_ms, body, salt, self._head, signature)))

    def _summary(self, at_ms: int, until_ms: int, kind: str) -> Summary:
        chance = self._random
        end_ms = min(at_ms + MINUTE_MS, until_ms)
        if kind in ("dark", "blind"):
            return Summary(at_ms, end_ms, "unknown", 0.0, 0.0, None, 0.0, None, 0.0)
        if kind == "nobody":
            return Summary(at_ms, end_ms, "empty", chance.uniform(0, 0.0003), 1.0, None, 0.0, None, 0.0)
        if kind == "moving":
            return Summary(at_ms, end_ms, "occupied", chance.uniform(0.01, 0.12), 1.0, None, 0.0, None, 0.0)
        turn = chance.random() < 0.06
        motion = chance.uniform(0.01, 0.05) if turn else chance.uniform(0.0002, 0.001)
        slow = (at_ms // MINUTE_MS % 97) / 97
        breaths = None if turn and chance.random() < 0.7 else 13.5 + 2 * slow + chance.gauss(0, 0.5)
        pulse = None if turn or chance.random() < 0.45 else 58 + 5 * slow + chance.gauss(0, 1.2)
        shares = (chance.uniform(0.4, 1.0) if breaths else 0.0, chance.uniform(0.2, 0.9) if pulse else 0.0)
        return Summary(at_ms, end_ms, "in-bed", motion, 1.0, breaths, shares[0], pulse, shares[1])


def _batch(
    arriving: list[tuple[int, Sequence[Entry]]], before_ms: int, alert: bool
) -> list[tuple[int, Sequence[Entry]]]:
    """What comes before the next act, up to the first that tells of a condition; one at a time while alerts live."""
    batch = [arriving.pop(0)]
    while arriving and arriving[0][0] <= before_ms and not alert and not _tells_of_condition(batch[-1][1]):
        batch.append(arriving.pop(0))
    return batch


def _tells_of_condition(entries: Sequence[Entry]) -> bool:
    return any(isinstance(entry.event, ConditionChanged) for entry in entries)


def made_site(folder: Path, unit: str = "unit-1", zone: str = "UTC") -> Site:
    """A site with one unit, by the commands that a facility uses."""
    site = folder / "site"
    for words in (
        ("site", "new", site, "--site", "ward-7", "--no-tls"),
        ("make", "unit", folder / unit, "--site", site, "--unit", unit, "--profile", "lab"),
    ):
        if cli.main([str(word) for word in words]) != 0:
            raise SystemExit(1)
    settings = site / "site.toml"
    settings.write_text(f'time_zone = "{zone}"\n{settings.read_text()}')
    return open_site(site)
