"""A unit without camera and keeper: real keys, the keeper's Sealer, and entries kept until the cursor covers them."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from parties import body

from stillroom import cli, config
from stillroom.clock import SystemClock
from stillroom.errors import WireError
from stillroom.events import Body, Entry, Event, RoomState, StateChanged
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer, encoded
from stillroom.keys import load_unit_keys
from stillroom_tools.site.subscriber import Subscriber
from tests.patience import WITHIN_S

SITE = "test-site"
SLOT_S = 0.5
RESEND_SLOTS = 12
"""Of the sender's quick slots: a little more than one of the gateway's answers."""


def command(*arguments: object) -> None:
    assert cli.main([str(a) for a in arguments]) == 0


class Sender:
    """One unit's keys and entries. `step` is one slot: it seals, sometimes doubles and shuffles, and publishes."""

    def __init__(self, folder: Path, site: Path, unit: str, boot: int = 1) -> None:
        if not folder.exists():
            command("make", "unit", folder, "--site", site, "--unit", unit)
        settings = config.load(folder / "unit.toml")
        clock = SystemClock()
        roster = load_roster(settings, clock)
        keys = load_unit_keys(settings.path(settings.paths.keys))
        self._clock, self._random = clock, random.Random(unit)
        self._sealer = Sealer(keys, roster, boot, clock)
        self._topics = [f"stillroom/1/{SITE}/{unit}/{way}" for way in ("up", "down")]
        self._waiting: dict[int, Entry] = {}
        self._sent_at: dict[int, int] = {}
        self._held: list[bytes] = []
        self._slot = 0
        self.accepted = 0
        self.state: RoomState = "in-bed"
        self.broken_down = 0
        self.heard = 0
        """Records downwards that were right."""
        self.session = Subscriber(
            settings.broker,
            folder,
            f"unit-{unit}",
            self._topics[1:],
            persistent=False,
            tell=lambda _: None,
        )

    @property
    def settled(self) -> bool:
        return not self._waiting

    def accept(self, count: int = 1) -> None:
        for _ in range(count):
            self.tell(StateChanged("in-bed", "occupied", f"entry {self.accepted + 1}"))

    def tell(self, event: Event) -> int:
        """Accept this one entry; its number."""
        self.accepted += 1
        now_ms = self._clock.utc_ms()
        self._waiting[self.accepted] = Entry(self.accepted, now_ms, now_ms, event)
        return self.accepted

    def step(self) -> None:
        """One slot: what is due, in random order; then what the gateway said."""
        self._slot += 1
        self._held += [self._sealer.seal(self._body())]
        if self._random.random() < 0.2:
            self._held.append(self._random.choice(self._held))
        self._random.shuffle(self._held)
        while len(self._held) > 3:
            self.session.publish(self._topics[0], self._held.pop())
        self.hear(0.01)

    def hear(self, timeout_s: float) -> None:
        for message in self.session.take(64, timeout_s):
            try:
                down = self._sealer.open_down(message.payload)
            except WireError:
                self.broken_down += 1
                continue
            self.heard += 1
            done = {n for n in self._waiting if n <= down.cursor}
            done |= {n for n in self._waiting for first, last in down.ranges if first <= n <= last}
            for number in done:
                del self._waiting[number]

    def _body(self) -> Body:
        """As many entries as fit, in any order, of those not sent lately."""
        snapshot = msgspec.structs.replace(
            body().snapshot, room="room-1", state=self.state, accepted=self.accepted
        )
        due = [n for n in self._waiting if self._sent_at.get(n, -RESEND_SLOTS) + RESEND_SLOTS <= self._slot]
        self._random.shuffle(due)
        chosen: tuple[Entry, ...] = ()
        for number in due[:20]:
            more = (*chosen, self._waiting[number])
            if len(encoded(Body(0, snapshot, more))) + 16 > self._sealer.capacity_bytes:
                break
            chosen = more
            self._sent_at[number] = self._slot
        return Body(self._clock.utc_ms(), snapshot, chosen)


def step_until(sender: Sender, done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up, f"not within {WITHIN_S} s: {what}"
        sender.step()
