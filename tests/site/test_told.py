"""Attacks on the real gateway and the real watch: what each of them says, and that an honest unit gets through."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.patience import WITHIN_S
from unit_sender import SITE, Sender, step_until

from stillroom.replay import REORDERED
from stillroom_tools.lab.broker import LocalBroker, find_program

pytestmark = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")

MIB = 2**20


class Program:
    """A command of the site with its two outputs in files."""

    def __init__(self, what: str, site: Path, folder: Path) -> None:
        self.lines, self.log = folder / f"{what}.lines", folder / f"{what}.log"
        command = [sys.executable, "-m", "stillroom", "site", what, "--json", "--site", site]
        with self.lines.open("wb") as lines, self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=lines, stderr=log)

    def said(self) -> str:
        return self.log.read_text()

    def shown(self) -> list[dict[str, Any]]:
        """Entries, or rooms."""
        return [line for line in self._all() if "notice" not in line]

    def notices(self, kind: str) -> list[tuple[str, str, int]]:
        """(unit, what, count) of each."""
        found = [line for line in self._all() if line.get("notice") == kind]
        return [(line["unit"], line["what"], line["count"]) for line in found]

    def _all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.read_bytes().splitlines()]

    def alarms(self) -> dict[str, int]:
        """Of the newest line."""
        found: dict[str, int] = (self.shown() or [{"alarms": {}}])[-1]["alarms"]
        return found

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(what: str, site: Path, folder: Path) -> Iterator[Program]:
    program = Program(what, site, folder)
    try:
        yield program
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(WITHIN_S) == 0
    finally:
        program.process.kill()
        program.process.wait()


class Patient(Sender):
    """Waits while its session has no room or no broker: none of its records is lost on the way."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._hand_over, self.session.publish = self.session.publish, self.publish  # type: ignore[method-assign]

    def publish(self, topic: str, payload: bytes) -> bool:
        give_up = time.monotonic() + WITHIN_S
        while not self._hand_over(topic, payload):
            assert time.monotonic() < give_up
            time.sleep(0.005)
        return True


def test_gateway_and_watch_name_what_is_done_to_a_unit(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    old = Patient(tmp_path / "unit", tls_site, "u-1", boot=3)
    new = Patient(tmp_path / "unit", tls_site, "u-1", boot=7)
    clone = Patient(tmp_path / "unit", tls_site, "u-1", boot=7)
    up = f"stillroom/1/{SITE}/u-1/up"
    with (
        running("gateway", tls_site, tmp_path) as gateway,
        running("watch", tls_site, tmp_path) as watch,
        new.session,
    ):

        def told(text: str, alarm: str, count: int) -> Callable[[], bool]:
            return lambda: text in gateway.said() and watch.alarms().get(alarm, 0) >= count

        new.accept(3)
        step_until(new, lambda: new.settled and watch.shown(), "an honest beginning")
        for _ in range(
            2 * REORDERED
        ):  # until nothing can have overtaken the first record that each of them heard
            new.step()
        assert watch.alarms() == {}
        for _ in range(5):
            new._sealer.seal(new._body())
        for _ in range(2 * REORDERED):
            new.step()
        step_until(new, told("withheld: 5 records never came", "withheld", 5), "five records withheld")
        new.publish(up, clone._sealer.seal(clone._body()))
        step_until(new, told("ALARM: unit u-1: cloned", "cloned", 1), "a copied key")
        new.publish(up, old._sealer.seal(old._body()))
        step_until(new, told("ALARM: unit u-1: rolled-back", "rolled-back", 1), "a card put back")
        new.accept(2)
        step_until(new, lambda: new.settled, "honest entries after all that")
        assert {line["number"] for line in gateway.shown()} == set(range(1, 6))
        assert {("u-1", "withheld", 5), ("u-1", "cloned", 1), ("u-1", "rolled-back", 1)} <= set(
            gateway.notices("alarm")
        )
        assert ("u-1", "live", 0) in gateway.notices("presence")
        for program in (gateway, watch):
            step_until(new, lambda p=program: ("u-1", "cloned", 1) in p.notices("refused"), "and counted")


def test_another_units_record_on_a_topic_is_refused(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    first = Patient(tmp_path / "unit-1", tls_site, "u-1")
    second = Patient(tmp_path / "unit-2", tls_site, "u-2")
    with running("gateway", tls_site, tmp_path) as gateway, first.session, second.session:
        second.accept(1)
        step_until(second, lambda: second.settled, "the control")
        first.accept(1)
        second.publish(f"stillroom/1/{SITE}/u-2/up", first._sealer.seal(first._body()))
        step_until(second, lambda: ("?", "sender", 1) in gateway.notices("refused"), "the refusal")
        assert "sender (unit ?) 1" in gateway.said()
        assert [(line["unit"], line["number"]) for line in gateway.shown()] == [("u-2", 1)]
        step_until(first, lambda: first.settled, "the same entry on its own topic")


def test_a_flood_of_junk_is_bounded_and_keeps_nobody_out(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    """An enrolled unit that was taken over sends junk as fast as it can: it costs no memory, and others are heard."""
    honest = Patient(tmp_path / "unit-1", tls_site, "u-1")
    flooding = Patient(tmp_path / "unit-2", tls_site, "u-2")
    own = flooding._sealer.seal(flooding._body())
    junk = [os.urandom(60_000), own[:-1] + bytes([own[-1] ^ 1]), b"STLR\1\1\1\1" + os.urandom(2040), b""]
    with running("gateway", tls_site, tmp_path) as gateway, honest.session, flooding.session:
        honest.accept(1)
        step_until(honest, lambda: honest.settled, "an honest beginning")
        before_bytes, before_s = gateway.resident_bytes(), gateway.cpu_s()
        count = 1_500
        for number in range(count):
            flooding.publish(f"stillroom/1/{SITE}/u-2/up", junk[number % len(junk)])
            if number % 100 == 0:
                honest.accept(1)
                honest.step()
        step_until(honest, lambda: honest.settled, "honest entries in spite of the flood")
        assert gateway.resident_bytes() - before_bytes < 40 * MIB
        assert len(gateway.said().splitlines()) < 60, "nor does the log grow with it"
        assert {line["unit"] for line in gateway.shown()} == {"u-1"}
        print(f"{(gateway.cpu_s() - before_s) / count * 1e6:.0f} us of CPU a message")
