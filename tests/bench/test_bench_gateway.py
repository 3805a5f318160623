"""The gateway with a thousand rooms: its memory, and how soon a restart has everything back; and what a commit costs.

Real: the process, the broker, keys, records, the database. Simulated: a thousand units are one sender, on one session.
`pytest tests/bench/test_bench_gateway.py -s` prints the figures.
"""

import json
import os
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from gateway_process import GatewayProcess, gateway
from parties import body, command, packed, ring
from stored import holding

from stillroom import wire
from stillroom.clock import SystemClock
from stillroom.config import BrokerConfig
from stillroom.document_forms import now, to_ms
from stillroom.documents import KINDS, Enrolment
from stillroom.events import ConditionChanged, Entry, Event, StateChanged, Summary
from stillroom.notes import sign_note
from stillroom.receiver import Opened
from stillroom.replay import Seen
from stillroom.wire import Boot, Lane
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site import commands
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.gateway.store import Store, _row
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.subscriber import Subscriber

ROOMS, FALLS = 1_000, 50
SLOTS = 5
SITE = "bench"
MOST_BYTES = 250 * 2**20
MOST_RESTART_S = 5.0
MOST_OF_SQLITE = 1.5
RECORDS, ROUNDS = 256, 25
WITHIN_S = 120.0
NOW_MS = to_ms(now(SystemClock()))
VERSION_4 = (Path(__file__).parents[1] / "site" / "gateway-4.sql").read_text()


class Ward:
    """A site of a thousand enrolled units, which one sender speaks for."""

    def __init__(self, folder: Path) -> None:
        command(commands, "new", folder, "--site", SITE, "--no-tls", "--slot", 2)
        self.site = open_site(folder)
        self.units = [ring("unit", f"u-{number:04}", site=SITE) for number in range(ROOMS)]
        authority, to = self.site.authority_keys(), [self.site.keys("gateway").boxes[0].public]
        self.site.units_dir.mkdir(exist_ok=True)
        for unit in self.units:
            paper = Enrolment(
                SITE, unit.name, unit.signing.verify_key.raw, unit.boxes[0].public.raw, now(SystemClock())
            )
            note = sign_note(KINDS[Enrolment], paper, [authority, unit])
            (self.site.units_dir / f"{unit.name}.note").write_bytes(note)
        self._epochs = {unit.name: wire.new_epoch(to, Boot(1, bytes(16)), 0) for unit in self.units}
        self.entries = 0

    def slot(self, number: int) -> Iterator[tuple[str, bytes]]:
        """A record of each unit: a state and a summary, and in the first one a fall in some rooms."""
        for place, unit in enumerate(self.units):
            said: list[Event] = [
                StateChanged("in-bed", "occupied", "91 % on the bed"),
                Summary(NOW_MS, NOW_MS + 1, "in-bed", 0.1, 1.0, 14.5, 0.9, None, 0.0),
            ]
            if number == 0 and place < FALLS:
                said.append(ConditionChanged("on-floor", "high", True, "91 % on the floor for 2.0 s"))
            first = number * 3 + 1
            entries = [Entry(first + i, NOW_MS, NOW_MS, event) for i, event in enumerate(said)]
            self.entries += len(entries)
            told = msgspec.structs.replace(holding(*entries, room=f"room-{place}"), sealed_ms=self.now_ms)
            data = wire.seal(Lane.UP, unit.signing, self._epochs[unit.name], number, packed(told))
            yield f"stillroom/1/{SITE}/{unit.name}/up", data

    @property
    def now_ms(self) -> int:
        return SystemClock().utc_ms()


def until(done: Callable[[], object], what: str, each_s: float = 0.02) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(each_s)


def units_told(running: GatewayProcess, presence: str, after: int = 0) -> int:
    """How many units were told to be that, in what was printed after a place."""
    lines = (json.loads(line) for line in running.lines.read_bytes()[after:].splitlines() if line)
    said = (line for line in lines if line.get("notice") == "presence")
    return len({line["unit"] for line in said if line["what"] == presence})


def kept(site: Site) -> int:
    with open_reader(site) as reader:
        return sum(len(reader.entries(f"room-{place}", 0, 2**53)) for place in range(ROOMS))


def cpu_s(running: GatewayProcess) -> float:
    """Since its start."""
    assert running._process is not None
    fields = Path(f"/proc/{running._process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(running: GatewayProcess) -> int:
    """The most that it ever had."""
    assert running._process is not None
    status = Path(f"/proc/{running._process.pid}/status").read_text()
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kib) * 1024


@pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")
def test_a_thousand_rooms_in_memory_and_after_a_restart(tmp_path: Path) -> None:
    ward = Ward(tmp_path / "site")
    with LocalBroker("mosquitto") as broker:
        settings = ward.site.folder / "site.toml"
        settings.write_text(re.sub(r"port = \d+", f"port = {broker.port}", settings.read_text()))
        sender = Subscriber(
            BrokerConfig("127.0.0.1", broker.port, False),
            tmp_path,
            "ward",
            ["none"],
            persistent=False,
            tell=lambda _: None,
        )
        with gateway(ward.site.folder, tmp_path) as running, sender:
            until(lambda: sender.connected and "connected to" in running.said(), "both at the broker")
            for number in range(SLOTS):
                for topic, record in ward.slot(number):
                    until(lambda t=topic, r=record: sender.publish(t, r), "room for a record")
                until(lambda: len(running.announced()) == ward.entries, "all entries", 0.3)
            used = resident_bytes(running)
            assert units_told(running, "live") == ROOMS
            assert running._process is not None
            running._process.kill()
            running._process.wait()
            before, stopped_ms = running.lines.stat().st_size, SystemClock().utc_ms()
            began = time.monotonic()
            running.start()
            until(lambda: units_told(running, "waiting", before) == ROOMS, "what was known of each room")
            states_s = time.monotonic() - began

            def alerts() -> int:
                found = alert_file.read(ward.site.folder / "gateway", SystemClock().utc_ms())
                falls = [a for a in found.alerts if a.kind == "on-floor"] if found else []
                return len(falls) if found and found.at_ms > stopped_ms else 0

            until(lambda: alerts() == FALLS, "the alerts")
            alerts_s, used_s = time.monotonic() - began, cpu_s(running)
            running.stop()
    lost = ward.entries - kept(ward.site)
    print(f"\n{ROOMS} rooms: {used / 2**20:.0f} MiB at most; lost {lost} of {ward.entries}")
    print(
        f"restart after kill -9: states in {states_s:.1f} s, alerts in {alerts_s:.1f} s, of CPU {used_s:.1f} s"
    )
    assert lost == 0
    assert used <= MOST_BYTES
    assert used_s <= MOST_RESTART_S, "its own time: the clock on the wall is also about what else runs"


class Plain:
    """As the gateway did it before SQLAlchemy: sqlite3, the tables of then, a statement or two for each entry.

    The bookkeeping around is the store's own of today.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(f"{VERSION_4} DELETE FROM entries; DELETE FROM units;")
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {pragma}")

    def commit(self, batch: Sequence[Arrived]) -> None:
        counts: Counter[str] = Counter()
        changed = {}
        self._database.execute("BEGIN IMMEDIATE")
        for arrived in batch:
            unit = arrived.opened.unit
            before = changed.get(unit) or self._store._units.get(unit)
            changed[unit] = self._store._keep(arrived, before, self, counts)  # type: ignore[arg-type]
        for unit, state in changed.items():
            row = _row(unit, state, 0)
            replace = "INSERT OR REPLACE INTO units VALUES(:unit, :room, :contiguous, :ranges, :seen)"
            self._database.execute(replace, row)
        self._database.execute("COMMIT")
        self._store._units.update(changed)
        self._store._staged.clear()
        assert set(counts) == {"new"}

    def keep(self, arrived: Arrived, room: str, entry: Entry, event: bytes, *, settled: bool) -> str:
        unit = arrived.opened.unit
        query = "SELECT at_ms, accepted_ms, event FROM entries WHERE unit = ? AND number = ?"
        found = self._database.execute(query, (unit, entry.number)).fetchall()
        assert not found and not settled
        row = (
            unit, entry.number, room, entry.at_ms, entry.accepted_ms, arrived.opened.body.sealed_ms,
            arrived.opened_ms, entry.late, str(type(entry.event).__struct_config__.tag), entry.event.retention,
            event, 0,
        )  # fmt: skip
        columns = "unit, number, room, at_ms, accepted_ms, sealed_ms, opened_ms, late, kind, retention, event, variant"
        self._database.execute(f"INSERT INTO entries({columns}) VALUES({','.join('?' * 12)})", row)
        return "new"


def batch(store: Store, number: int, entries: int) -> list[Arrived]:
    """Of as many units as there are records."""
    found = []
    for place in range(RECORDS):
        said = StateChanged("in-bed", "occupied", "91 % on the bed")
        told = tuple(Entry(number * entries + i + 1, NOW_MS, NOW_MS, said) for i in range(entries))
        seen = Seen(1, bytes(16), 0, number, bytes(15) + b"\1", sender=b"s" * 8)
        store.save(f"u-{place}", seen)
        whole = msgspec.structs.replace(body(), entries=told)
        opened = Opened(f"u-{place}", 1, 0, number, 0, False, whole, b"s" * 8)
        found.append(Arrived(opened, NOW_MS))
    return found


@pytest.mark.parametrize("entries", [1, 3])
def test_a_commit_costs_little_more_than_sqlite_alone(tmp_path: Path, entries: int) -> None:
    """CPU time of a batch of 256 records, taken in turns; the disk's own time is the same for both and left out."""
    store, around = Store(tmp_path / "core"), Store(tmp_path / "around")
    plain = Plain(around, tmp_path / "plain.db")
    spent: dict[str, list[float]] = {"core": [], "plain": []}
    for number in range(ROUNDS):
        for name, bookkeeper, commit in (("core", store, store.commit), ("plain", around, plain.commit)):
            given = batch(bookkeeper, number, entries)
            began = time.process_time()
            commit(given)
            spent[name].append(time.process_time() - began)
    core, alone = (sorted(times)[ROUNDS // 4] for times in spent.values())
    print(f"\n{RECORDS} records of {entries}: {core * 1e3:.1f} ms, {core / alone:.2f} times sqlite3 alone")
    assert core < alone * MOST_OF_SQLITE
    store.close()
    around.close()
