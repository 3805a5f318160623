"""The gateway as a process on a real mosquitto with TLS: killed, its broker killed, records doubled and out of order.

The unit's side is a small sender made from the keeper's own Sealer: it keeps each entry until the gateway's signed
cursor covers it, as the outbox does.
"""

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from parties import body

from stillroom import cli, config
from stillroom.clock import SystemClock
from stillroom.errors import WireError
from stillroom.events import Body, Entry, StateChanged
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer, encoded
from stillroom.keys import load_unit_keys
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.gateway.store import FILE
from stillroom_tools.site.subscriber import Subscriber

pytestmark = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")

SITE = "test-site"
SLOT_S = 0.5
WITHIN_S = 60.0
RESEND_SLOTS = 12
"""Of the sender's quick slots: a little more than one of the gateway's answers."""


def command(*arguments: object) -> None:
    assert cli.main([str(a) for a in arguments]) == 0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    command("site", "new", folder, "--site", SITE, "--slot", SLOT_S)
    return folder


@pytest.fixture
def broker(site: Path) -> Iterator[LocalBroker]:
    """mosquitto with the site's certificates and ACL; the site and later its units know its port."""
    with LocalBroker("mosquitto", site=site) as running:
        settings = site / "site.toml"
        settings.write_text(re.sub(r"port = \d+", f"port = {running.port}", settings.read_text()))
        yield running


class Sender:
    """One unit's keys and entries. `step` is one slot: it seals, sometimes doubles and shuffles, and publishes."""

    def __init__(self, folder: Path, site: Path, unit: str, boot: int = 1) -> None:
        if not folder.exists():
            command("make", "unit", folder, "--site", site, "--unit", unit)
        settings = config.load(folder / "unit.toml")
        clock = SystemClock()
        roster = load_roster(settings.path(settings.paths.trust), clock)
        keys = load_unit_keys(settings.path(settings.paths.keys))
        self._clock, self._random = clock, random.Random(unit)
        self._sealer = Sealer(keys, roster, boot, clock)
        self._topics = [f"stillroom/1/{SITE}/{unit}/{way}" for way in ("up", "down")]
        self._waiting: dict[int, Entry] = {}
        self._sent_at: dict[int, int] = {}
        self._held: list[bytes] = []
        self._slot = 0
        self.accepted = 0
        self.broken_down = 0
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
            self.accepted += 1
            now_ms = self._clock.utc_ms()
            event = StateChanged("in-bed", "occupied", f"entry {self.accepted}")
            self._waiting[self.accepted] = Entry(self.accepted, now_ms, now_ms, event)

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
            done = {n for n in self._waiting if n <= down.cursor}
            done |= {n for n in self._waiting for first, last in down.ranges if first <= n <= last}
            for number in done:
                del self._waiting[number]

    def _body(self) -> Body:
        """As many entries as fit, in any order, of those not sent lately."""
        snapshot = msgspec.structs.replace(body().snapshot, room="room-1", accepted=self.accepted)
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


class GatewayProcess:
    """`stillroom site gateway --json`, its lines appended to one file over all its runs."""

    def __init__(self, site: Path, folder: Path) -> None:
        self._site = site
        self.lines, self.log = folder / "lines", folder / "log"
        self.repeats: Counter[tuple[str, int]] = Counter()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [sys.executable, "-m", "stillroom.cli", "site", "gateway", "--json", "--site", self._site]
        with self.lines.open("ab") as lines, self.log.open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=lines, stderr=log)

    def kill(self) -> None:
        """kill -9, then work out which lines were printed and not marked: these and no others may come again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        database = sqlite3.connect(self._copy() / FILE)
        query = "SELECT unit, number FROM entries WHERE id > (SELECT value FROM meta WHERE key = 'announced')"
        unmarked = Counter(dict.fromkeys(database.execute(query), 1))
        database.close()
        self.repeats += Counter(n for n in map(place, self.announced()) if n in unmarked)

    def _copy(self) -> Path:
        """Of the database, so that looking at it changes nothing."""
        folder = self.lines.parent / f"copy-{time.monotonic_ns()}"
        folder.mkdir()
        for path in (self._site / "gateway").glob(f"{FILE}*"):
            shutil.copy(path, folder)
        return folder

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(10)

    def announced(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.read_bytes().splitlines()]

    def said(self) -> str:
        return self.log.read_text()


def place(line: dict[str, Any]) -> tuple[str, int]:
    return line["unit"], line["number"]


@contextmanager
def gateway(site: Path, folder: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(site, folder)
    process.start()
    try:
        yield process
    finally:
        assert process._process is not None
        process._process.kill()
        process._process.wait()


def step_until(sender: Sender, done: Callable[[], object], what: str) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up, f"not within {WITHIN_S} s: {what}"
        sender.step()


def test_each_entry_once_through_kills_of_gateway_and_broker(
    tmp_path: Path, site: Path, broker: LocalBroker
) -> None:
    sender = Sender(tmp_path / "unit", site, "u-1")
    with sender.session, gateway(site, tmp_path) as running:
        for part in range(6):
            before = len(running.announced())
            sender.accept(50)
            step_until(sender, lambda b=before: len(running.announced()) > b + 5, f"news in part {part}")
            if part in (0, 2, 4):
                running.kill()
                sender.accept(10)
                for _ in range(20):
                    sender.step()
                running.start()
            if part in (1, 4):
                broker.kill()
                sender.accept(10)
                for _ in range(10):
                    sender.step()
                broker.restart()
        step_until(sender, lambda: sender.settled, "the cursor at the end")
        assert running.stop() == 0
        lines = running.announced()
    assert sender.accepted == 350
    assert sender.broken_down == 0
    expected = Counter(("u-1", number) for number in range(1, 351))
    assert Counter(map(place, lines)) == expected + running.repeats
    assert sum(running.repeats.values()) <= 3 * 256, "at most one batch for each kill"
    for line in lines:
        assert line["event"] == {
            "type": "state",
            "state": "in-bed",
            "before": "occupied",
            "why": f"entry {line['number']}",
        }
        assert line["room"] == "room-1"
        assert line["at_ms"] <= line["sealed_ms"] <= line["opened_ms"]
    assert "duplicate" in running.said(), "records were doubled, and the gateway saw it"


def test_silence_enrolments_and_junk(tmp_path: Path, site: Path, broker: LocalBroker) -> None:
    """One unit falls silent, a second is enrolled while the gateway runs, a third party sends junk."""
    first = Sender(tmp_path / "unit-1", site, "u-1")
    with first.session, gateway(site, tmp_path) as running:
        first.accept(3)
        step_until(first, lambda: first.settled, "the first unit's entries")
        second = Sender(tmp_path / "unit-2", site, "u-2")
        (site / "units" / "broken.note").write_text("not a note\n")
        with second.session:
            second.accept(2)
            step_until(second, lambda: second.settled, "a unit enrolled while the gateway runs")
            junk = [b"", b"junk", os.urandom(2048), bytes(60_000)]
            for payload in junk:
                assert second.session.publish(f"stillroom/1/{SITE}/u-2/up", payload)
            step_until(second, lambda: "unit u-1 (room room-1) is silent" in running.said(), "silence told")
        running.stop()
        said = running.said()
        assert sorted(map(place, running.announced())) == [
            ("u-1", 1),
            ("u-1", 2),
            ("u-1", 3),
            ("u-2", 1),
            ("u-2", 2),
        ]
    assert "units enrolled now: u-1, u-2" in said
    assert "left aside" in said and "broken.note" in said
    assert re.search(r"not taken so far: .*magic \(unit \?\) 4", said)


def test_a_unit_that_was_rolled_back_is_refused_and_named(
    tmp_path: Path, site: Path, broker: LocalBroker
) -> None:
    newer = Sender(tmp_path / "unit", site, "u-1", boot=7)
    with gateway(site, tmp_path) as running:
        with newer.session:
            newer.accept(2)
            step_until(newer, lambda: newer.settled, "the newer boot")
        older = Sender(tmp_path / "unit", site, "u-1", boot=3)
        with older.session:
            older.accept(1)
            step_until(older, lambda: "rolled-back" in running.said(), "the refusal")
        assert re.search(r"rolled-back \(unit u-1\) \d+", running.said())
        assert len(running.announced()) == 2


def test_prints_only_what_was_not_printed_before(tmp_path: Path, site: Path, broker: LocalBroker) -> None:
    sender = Sender(tmp_path / "unit", site, "u-1")
    with sender.session, gateway(site, tmp_path) as running:
        sender.accept(5)
        step_until(sender, lambda: sender.settled, "five entries")
        assert running.stop() == 0
        running.start()
        sender.accept(1)
        step_until(sender, lambda: sender.settled, "one more")
        assert running.stop() == 0
        assert [line["number"] for line in sorted(running.announced(), key=place)] == [1, 2, 3, 4, 5, 6]


def test_a_second_gateway_is_told_so(tmp_path: Path, site: Path, broker: LocalBroker) -> None:
    with gateway(site, tmp_path) as running:
        give_up = time.monotonic() + WITHIN_S
        while "connected to" not in running.said():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        arguments = [sys.executable, "-m", "stillroom.cli", "site", "gateway", "--site", str(site)]
        second = subprocess.run(arguments, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert second.returncode == 8
    assert second.stderr.count("\n") == 1 and "another gateway" in second.stderr


def test_a_reader_that_goes_away_ends_it_in_one_line(tmp_path: Path, site: Path, broker: LocalBroker) -> None:
    sender = Sender(tmp_path / "unit", site, "u-1")
    arguments = [sys.executable, "-m", "stillroom.cli", "site", "gateway", "--json", "--site", str(site)]
    with (
        sender.session,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running,
    ):
        assert running.stdout is not None and running.stderr is not None
        running.stdout.close()
        sender.accept(1)
        step_until(sender, lambda: running.poll() is not None, "the end")
        error = running.stderr.read()
    assert running.returncode == 1
    assert "standard output was closed" in error and "Traceback" not in error
    with gateway(site, tmp_path) as again:
        give_up = time.monotonic() + WITHIN_S
        while not again.announced():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert [line["number"] for line in again.announced()] == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_quietly_when_asked(tmp_path: Path, site: Path, broker: LocalBroker, number: int) -> None:
    with gateway(site, tmp_path) as running:
        give_up = time.monotonic() + WITHIN_S
        while "connected to" not in running.said():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert running._process is not None
        running._process.send_signal(number)
        assert running._process.wait(10) == 0
        assert "Traceback" not in running.said()
