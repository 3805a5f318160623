"""A ward of voices for the board: real keys, records, broker and gateway; only the rooms are played."""

import base64
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from parties import body
from unit_sender import SITE, command

from stillroom import config
from stillroom.chain import head_of, leaf_of, signed_part
from stillroom.clock import MS_PER_S, SystemClock
from stillroom.config import BrokerConfig
from stillroom.events import Audited, Body, ConditionChanged, Entry, Event, Snapshot
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keys import load_unit_keys
from stillroom.observation import Reading
from stillroom_tools.lab.broker import LocalBroker, free_port
from stillroom_tools.site.board import totp
from stillroom_tools.site.subscriber import Subscriber
from tests.patience import WITHIN_S

SLOT_S = 2.0
FIT = 2
"""Entries of a record: what waits goes with the next."""
PASSWORD = "three quiet lamps by the door"
SCENARIO = Path(__file__).parents[1] / "config" / "scenarios" / "day.toml"


class Voice:
    """One unit that says what it is told to."""

    def __init__(self, folder: Path, site: Path, unit: str, room: str) -> None:
        command(
            "make", "unit", folder, "--site", site, "--unit", unit,
            "--profile", "lab", "--camera", "simulated", "--source", SCENARIO,
        )  # fmt: skip
        settings = config.load(folder / "unit.toml")
        self.unit, self._clock = unit, SystemClock()
        self._roster = load_roster(settings, self._clock)
        self._keys = load_unit_keys(settings.path(settings.paths.keys))
        self._sealer = Sealer(self._keys, self._roster, 1, self._clock)
        self.topic = f"stillroom/1/{SITE}/{unit}/up"
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self._said = 0
        self.quiet = False
        self.now: Snapshot = msgspec.structs.replace(
            body().snapshot,
            room=room,
            state="in-bed",
            state_since_ms=self._clock.utc_ms() - 720_000,
            breathing=Reading(15.2, 0.93, None, "cells", 30.0),
            pulse=Reading(62.0, 0.88, None, "pos", 9.0),
            camera="picamera2",
            model="blazepose",
            clock="gateway",
            waiting=0,
            accepted=0,
            links=0,
            head=bytes(32),
        )

    def after(self, entries: int, links: int, head: bytes) -> None:
        """It has a past, and was started again since."""
        self._sealer = Sealer(self._keys, self._roster, 1_000, self._clock)
        self._said = entries
        self.now = msgspec.structs.replace(self.now, links=links, head=head)

    def is_now(self, **changes: object) -> None:
        """What its next records say."""
        if "state" in changes and "state_since_ms" not in changes:
            changes["state_since_ms"] = self._clock.utc_ms()
        self.now = msgspec.structs.replace(self.now, **changes)

    def tells(self, event: Event) -> None:
        """An entry, in its next record."""
        with self._lock:
            self._said += 1
            now_ms = self._clock.utc_ms()
            self._entries.append(Entry(self._said, now_ms, now_ms, event))

    def links(self, *said: dict[str, object]) -> None:
        """Links of its audit chain, as its keeper signs them."""
        for one in said:
            index, at_ms, salt = self.now.links + 1, self._clock.utc_ms(), bytes(16)
            written = msgspec.json.encode(one)
            head = head_of(self.now.head, index, at_ms, leaf_of(salt, written))
            signature = self._keys.signing.sign(signed_part(index, head))
            self.tells(Audited(index, at_ms, written, salt, head, signature))
            self.now = msgspec.structs.replace(self.now, links=index, head=head)

    def condition(self, kind: str, level: str = "high", active: bool = True, why: str = "zone 0.81") -> None:
        self.tells(ConditionChanged(kind, level, active, why))  # type: ignore[arg-type]

    def record(self) -> bytes:
        with self._lock:
            entries = tuple(self._entries[:FIT])
            self._entries = self._entries[FIT:]
            return self._sealer.seal(Body(self._clock.utc_ms(), self.now, entries))


class Ward:
    """A site with its voices, broker, gateway and board. Use `ward`."""

    def __init__(self, folder: Path, rooms: int) -> None:
        self.folder, self.site, self.port = folder, folder / "site", free_port()
        command("site", "new", self.site, "--site", SITE, "--slot", SLOT_S, "--no-tls")
        self.voices = [
            Voice(folder / f"u-{n:03}", self.site, f"u-{n:03}", f"room-{n}") for n in range(1, rooms + 1)
        ]
        self.broker = LocalBroker("mosquitto")
        self.address = f"http://127.0.0.1:{self.port}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._subscriber: Subscriber | None = None
        self._speaking = threading.Lock()
        self._over = threading.Event()

    def keep_speaking(self) -> None:
        """A slot each two seconds from now on, whatever a test is at; `speak` besides is another one."""

        def speak() -> None:
            while not self._over.wait(SLOT_S):
                self.speak()

        threading.Thread(target=speak, name="voices", daemon=True).start()

    def start(self) -> None:
        self.broker.start()
        settings = self.site / "site.toml"
        settings.write_text(re.sub(r"port = \d+", f"port = {self.broker.port}", settings.read_text()))
        self.run("gateway", "gateway")
        self.run("board", "board", "--listen", f"127.0.0.1:{self.port}")
        broker = BrokerConfig("127.0.0.1", self.broker.port, False)
        self._subscriber = Subscriber(
            broker, self.folder, "voices", ["none"], persistent=False, tell=lambda _text: None
        )
        self._subscriber.start()
        until(lambda: self._subscriber and self._subscriber.connected, "voices at the broker")
        until(lambda: "board: site" in self.log("board"), "a board that listens")

    def run(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "stillroom", "site", *arguments, "--site", self.site],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def end(self, name: str) -> None:
        """One process, by its name."""
        process = self._running.pop(name)
        process.terminate()
        process.wait(WITHIN_S)

    def speak(self) -> None:
        """One slot of everybody who is not quiet."""
        with self._speaking:
            for voice in self.voices:
                if not voice.quiet:
                    self.say(voice)

    def say(self, voice: Voice) -> None:
        """One record of this voice; where there is no broker it is lost."""
        assert self._subscriber is not None
        self._subscriber.publish(voice.topic, voice.record())

    def first_token(self) -> str:
        found = re.search(r"^(?:[a-z2-7]{4}-){7}[a-z2-7]{4}$", self.log("board"), re.MULTILINE)
        assert found, self.log("board")
        return found[0]

    def add(self, name: str, *roles: str) -> str:
        """A person; the token that the command prints."""
        words = [word for role in roles for word in ("--role", role)]
        done = subprocess.run(
            [sys.executable, "-m", "stillroom", "site", "people", "add", name, *words, "--site", self.site],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def stop(self) -> None:
        self._over.set()
        for name in list(self._running):
            self.end(name)
        if self._subscriber is not None:
            self._subscriber.stop()
        self.broker.stop()


@contextmanager
def ward(folder: Path, rooms: int) -> Iterator[Ward]:
    made = Ward(folder, rooms)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        print(made.log("board"), made.log("gateway"))


def until(done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.02)


def code_now(secret: str, after: int = 0) -> str:
    """What the phone shows, `after` steps from now."""
    step = SystemClock().utc_ms() // MS_PER_S // totp.STEP_S
    return totp.code_at(base64.b32decode(secret), step + after)
