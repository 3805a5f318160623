"""kill -9 of eye, keeper, courier, gateway and broker, in any order: what was accepted is delivered, each once."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live import LiveSite, processes_below, until

ROUNDS, ROUNDS_LONG = 6, 100
VICTIMS = ("eye", "keeper", "courier", "broker", "gateway")
SEED = 6
PATIENCE_S = 1.5
"""A process that was killed often is started again only after a while: then its whole unit is killed instead."""


def kept(live: LiveSite, unit: str) -> list[int]:
    """Numbers in the gateway's database: what was delivered, whatever was printed."""
    database = sqlite3.connect(f"file:{live.site}/gateway/gateway.db?mode=ro", uri=True)
    rows = database.execute("SELECT number FROM entries WHERE unit = ? ORDER BY number", (unit,)).fetchall()
    database.close()
    return [number for (number,) in rows]


def crash(live: LiveSite, chance: random.Random, victim: str) -> str:
    """Kill it, leave it dead for a moment where nobody restarts it by itself; who was killed in the end."""
    unit = live.units[0]
    if victim == "gateway":
        live.restart_gateway()
    elif victim == "broker":
        live.broker.kill()
        time.sleep(chance.uniform(0.0, 0.6))
        live.broker.restart()
    else:
        give_up = time.monotonic() + PATIENCE_S
        while (pid := live.pid_of(unit, victim)) is None:
            if time.monotonic() > give_up:
                return crash_unit(live)
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return victim


def crash_unit(live: LiveSite) -> str:
    """All three at once, as when somebody pulls the plug; then it is started again."""
    unit = live.units[0]
    assert unit.pid is not None
    os.kill(unit.pid, signal.SIGKILL)
    unit.wait()
    until(lambda: not processes_below(unit.folder), "the end of what it had started")
    unit.start()
    return "unit"


def rounds(live: LiveSite, count: int) -> None:
    """So many rounds of one to three kills in a row; then all must have arrived."""
    chance = random.Random(SEED)
    unit = live.add_unit()
    live.start()
    until(lambda: unit.status().accepted > 0, "the first entries")
    killed: list[str] = []
    deck: list[str] = []
    for _ in range(count):
        for _ in range(chance.randint(1, 3)):
            deck = deck or chance.sample(VICTIMS, len(VICTIMS))
            victim = deck.pop()
            killed.append(crash(live, chance, victim))
        time.sleep(chance.uniform(0.1, 1.5))
        live.take()
    assert set(killed) >= set(VICTIMS) or count < ROUNDS_LONG
    until(lambda: live.pid_of(unit, "keeper"), "a keeper at the end")
    unit.press_button()
    until(lambda: live.has("gate", gate="paused"), "a word of the unit after all that", within_s=90.0)
    unit.ask_to_stop()
    unit.wait()
    accepted = accepted_by(unit.folder)
    unit.start()
    until(lambda: set(kept(live, unit.name)) >= set(range(1, accepted + 1)), "all of it", within_s=150.0)
    live.take()
    assert len(set(kept(live, unit.name))) == len(kept(live, unit.name))
    printed = {line.number for line in live.lines}
    assert printed >= set(range(1, accepted + 1)), "and all of it was told"
    assert "Traceback" not in live.logs()
    kills = ", ".join(f"{n} {victim}" for victim, n in sorted(Counter(killed).items()))
    again = live.ledger.account(unit.name).doubled
    print(f"{len(killed)} kills ({kills}), {accepted} entries accepted, {again} printed again")


def accepted_by(folder: Path) -> int:
    """The unit's own ledger."""
    database = sqlite3.connect(folder / "state" / "outbox.db")
    (accepted,) = database.execute("SELECT value FROM meta WHERE key = 'accepted'").fetchone()
    database.close()
    return int(accepted)


def test_a_few_rounds_of_kills_lose_and_double_nothing(live: LiveSite):
    rounds(live, ROUNDS)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_rounds_of_kills_lose_and_double_nothing(live: LiveSite):
    rounds(live, ROUNDS_LONG)
