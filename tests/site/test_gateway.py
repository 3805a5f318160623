"""The gateway as a process on a real mosquitto with TLS: killed, its broker killed, records doubled and out of order.

The unit's side is a small sender made from the keeper's own Sealer: it keeps each entry until the gateway's signed
cursor covers it, as the outbox does.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from gateway_process import gateway, place
from unit_sender import SITE, WITHIN_S, Sender, step_until

from stillroom_tools.lab.broker import LocalBroker, find_program

pytestmark = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")


def test_each_entry_once_through_kills_of_gateway_and_broker(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with sender.session, gateway(tls_site, tmp_path) as running:
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
                tls_broker.kill()
                sender.accept(10)
                for _ in range(10):
                    sender.step()
                tls_broker.restart()
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
            "model": "none",
        }
        assert line["room"] == "room-1"
        assert line["at_ms"] <= line["sealed_ms"] <= line["opened_ms"]
    assert "duplicate" in running.said(), "records were doubled, and the gateway saw it"


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_kills_at_random_moments(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker, rounds: int
) -> None:
    """The gateway dies at any moment of its life, its start included; now and then the broker dies with it."""
    moments = random.Random(rounds)
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with sender.session, gateway(tls_site, tmp_path) as running:
        for _ in range(rounds):
            end = time.monotonic() + moments.uniform(0.0, 1.2)
            while time.monotonic() < end:
                sender.accept(moments.randint(0, 2))
                sender.step()
            running.kill()
            if moments.random() < 0.3:
                tls_broker.kill()
                tls_broker.restart()
            running.start()
        sender.accept(1)
        step_until(sender, lambda: sender.settled, "the cursor at the end")
        assert running.stop() == 0
        lines = running.announced()
    assert sender.broken_down == 0
    expected = Counter(("u-1", number) for number in range(1, sender.accepted + 1))
    assert Counter(map(place, lines)) == expected + running.repeats


def test_silence_enrolments_and_junk(tmp_path: Path, tls_site: Path, tls_broker: LocalBroker) -> None:
    """One unit falls silent, a second is enrolled while the gateway runs, a third party sends junk."""
    first = Sender(tmp_path / "unit-1", tls_site, "u-1")
    with first.session, gateway(tls_site, tmp_path) as running:
        first.accept(3)
        step_until(first, lambda: first.settled, "the first unit's entries")
        second = Sender(tmp_path / "unit-2", tls_site, "u-2")
        (tls_site / "units" / "broken.note").write_text("not a note\n")
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
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    newer = Sender(tmp_path / "unit", tls_site, "u-1", boot=7)
    with gateway(tls_site, tmp_path) as running:
        with newer.session:
            newer.accept(2)
            step_until(newer, lambda: newer.settled, "the newer boot")
        older = Sender(tmp_path / "unit", tls_site, "u-1", boot=3)
        with older.session:
            older.accept(1)
            step_until(older, lambda: "rolled-back" in running.said(), "the refusal")
        assert re.search(r"rolled-back \(unit u-1\) \d+", running.said())
        assert len(running.announced()) == 2


def test_prints_only_what_was_not_printed_before(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with sender.session, gateway(tls_site, tmp_path) as running:
        sender.accept(5)
        step_until(sender, lambda: sender.settled, "five entries")
        assert running.stop() == 0
        running.start()
        sender.accept(1)
        step_until(sender, lambda: sender.settled, "one more")
        assert running.stop() == 0
        assert [line["number"] for line in sorted(running.announced(), key=place)] == [1, 2, 3, 4, 5, 6]


def test_a_second_gateway_is_told_so(tmp_path: Path, tls_site: Path, tls_broker: LocalBroker) -> None:
    with gateway(tls_site, tmp_path) as running:
        give_up = time.monotonic() + WITHIN_S
        while "connected to" not in running.said():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        arguments = [sys.executable, "-m", "stillroom", "site", "gateway", "--site", str(tls_site)]
        second = subprocess.run(arguments, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert second.returncode == 8
    assert second.stderr.count("\n") == 1 and "another gateway" in second.stderr


def test_a_reader_that_goes_away_ends_it_in_one_line(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    arguments = [sys.executable, "-m", "stillroom", "site", "gateway", "--json", "--site", str(tls_site)]
    with sender.session:
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None and running.stderr is not None
            running.stdout.close()
            sender.accept(1)
            step_until(sender, lambda: running.poll() is not None, "the end")
            error = running.stderr.read()
        assert running.returncode == 1
        assert "standard output was closed" in error and "Traceback" not in error
        with gateway(tls_site, tmp_path) as again:
            step_until(sender, again.announced, "the entry, printed by the next one")
            assert [line["number"] for line in again.announced()] == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_quietly_when_asked(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker, number: int
) -> None:
    with gateway(tls_site, tmp_path) as running:
        give_up = time.monotonic() + WITHIN_S
        while "connected to" not in running.said():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert running._process is not None
        running._process.send_signal(number)
        assert running._process.wait(WITHIN_S) == 0
        assert "Traceback" not in running.said()


def test_after_a_restart_rooms_are_known_from_before_and_marked(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    """Without a record: what the unit said last, and since when it was not heard."""
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with sender.session, gateway(tls_site, tmp_path) as running:
        sender.accept(2)
        step_until(sender, lambda: sender.settled, "two states")
        running.kill()
        before = len(running.lines.read_bytes().splitlines())
        running.start()
        give_up = time.monotonic() + WITHIN_S
        while len(lines := running.lines.read_bytes().splitlines()) <= before:
            assert time.monotonic() < give_up
            time.sleep(0.02)
    said = json.loads(lines[before])
    assert (said["notice"], said["unit"], said["what"]) == ("presence", "u-1", "waiting")
    words = r"unit u-1 \(room room-1\) is waiting: was in-bed since .* UTC, not heard since .* UTC"
    assert re.fullmatch(words, said["text"])
    assert "rooms known from before: 1, heard last from" in running.said()
