"""A whole site for tests: real keys, real broker over TLS, gateway and units as processes, and the ledger between."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from stillroom import cli, config
from stillroom.clock import SystemClock
from stillroom_tools.lab.broker import LocalBroker
from stillroom_tools.lab.demo_gateway import DemoGateway, Line
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.make.toml import to_toml
from tests.patience import WITHIN_S

SCENARIOS = Path(__file__).parents[1] / "config" / "scenarios"
CANARY = Path(__file__).parent / "canary"

LIFE = """
repeat_s = 24.0
[[acts]]
at_s = 0.5
do = "enter"
[[acts]]
at_s = 4.0
do = "lie-down"
[[acts]]
at_s = 14.0
do = "get-up"
[[acts]]
at_s = 18.0
do = "leave"
"""


def command(*arguments: object) -> None:
    assert cli.main([str(a) for a in arguments]) == 0


def plug_in(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str, opener: str) -> None:
    """Let `stillroom run` find a camera of the tests' own, as it finds those of any installed package."""
    plugin = folder / f"{kind}_camera-0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {kind}-camera\nVersion: 0\n")
    (plugin / "entry_points.txt").write_text(f"[stillroom.cameras]\n{kind} = {opener}\n")
    more = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{CANARY}:{more}" if more else f"{folder}:{CANARY}")


def until(done: Callable[[], object], what: str | Callable[[], str], within_s: float = WITHIN_S) -> None:
    """Wait for a condition; its name is in the failure, as it is then."""
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() >= end:
            raise AssertionError(
                f"within {within_s} s there was not: {what if isinstance(what, str) else what()}"
            )
        time.sleep(0.05)


def processes_below(folder: Path) -> dict[int, list[str]]:
    """Every process whose command line names something in this folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if any(str(folder) in word for word in words):
                found[int(entry.name)] = words
    return found


class LiveSite:
    """Make it, add units, start; `settle` ends everything and leaves the ledger to look at."""

    def __init__(self, folder: Path, *, tls: bool = True, slot_s: float = 0.5) -> None:
        self.folder = folder
        self.site = folder / "site"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command(
            "site", "new", self.site, "--site", "test", "--broker-port", port, "--slot", slot_s,
            *([] if tls else ["--no-tls"]),
        )  # fmt: skip
        self.broker = LocalBroker("mosquitto", site=self.site if tls else None)
        self.broker.port = port
        self.ledger = Ledger()
        self.lines: list[Line] = []
        self.units: list[DemoUnit] = []
        self.gateway = DemoGateway(self.site, folder / "gateway.log")

    def add_unit(
        self, camera: str = "simulated", source: Path | None = None, **camera_keys: object
    ) -> DemoUnit:
        """A unit with an authorisation for a day; not started."""
        name = f"unit-{len(self.units) + 1}"
        folder = self.folder / name
        if source is None:
            source = self.folder / "life.toml"
            base = (SCENARIOS / "day.toml").read_text().split("[[acts]]")[0]
            source.write_text(
                base.replace("repeat_s = 180.0", "#") + "".join(LIFE.split("repeat_s = 24.0")[1:])
            )
            source.write_text(source.read_text().replace("\n#", "\nrepeat_s = 24.0 #", 1))
        command(
            "make", "unit", folder, "--site", self.site, "--unit", name,
            "--profile", "lab", "--camera", camera, "--source", source,
        )  # fmt: skip
        unit = config.load(folder / "unit.toml")
        small = replace(
            unit.camera,
            **{"width_px": 320, "height_px": 240, "frames_per_s": 10.0, "cues": "cues"} | camera_keys,
        )
        room = replace(unit.room, bed_dwell_s=1.0, leave_dwell_s=1.0)
        changed = replace(unit, camera=small, room=room, outbox=replace(unit.outbox, summary_s=10.0))
        (folder / "unit.toml").write_text(to_toml(changed))
        command(
            "site",
            "authorise",
            "new",
            folder,
            "--site",
            self.site,
            "--room",
            f"room-{len(self.units) + 1}",
            "--days",
            1,
        )
        lives = source.stem if camera == "simulated" else ""
        made = DemoUnit(name, f"room-{len(self.units) + 1}", folder, lives)
        self.units.append(made)
        return made

    def start(self) -> None:
        self.broker.start()
        self.gateway.start()
        for unit in self.units:
            unit.start()

    def take(self) -> None:
        """Enter what the keepers accepted and what the gateway opened."""
        for line, _ in self.gateway.take():
            self.lines.append(line)
            self.ledger.deliver(line.unit, line.number)
        for unit in self.units:
            self.ledger.accept(unit.name, unit.status().accepted)

    def has(self, event: str, **fields: object) -> bool:
        """Whether an event with these fields has been opened at the other end."""
        self.take()
        return any(
            line.event["type"] == event and all(line.event.get(k) == v for k, v in fields.items())
            for line in self.lines
        )

    def pid_of(self, unit: DemoUnit, process: str) -> int | None:
        for pid, words in processes_below(unit.folder).items():
            if process in words:
                return pid
        return None

    def kill(self, unit: DemoUnit, process: str) -> int:
        """`kill -9` of eye, keeper or courier; its pid."""
        until(lambda: self.pid_of(unit, process), f"a running {process}")
        pid = self.pid_of(unit, process)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def settle(self) -> None:
        """Let all that was accepted arrive, then end the units, the gateway and the broker."""
        began_ms = SystemClock().utc_ms()
        for unit in self.units:
            until(lambda unit=unit: unit.status().answered_ms >= began_ms, f"an answer to {unit.name}")
        self._balance("before the units were stopped")
        for unit in self.units:
            unit.ask_to_stop()
        for unit in self.units:
            unit.wait()
        self._balance("after the units were stopped")

    def _balance(self, when: str) -> None:
        def balanced() -> bool:
            self.take()
            return self.ledger.balanced

        until(balanced, lambda: f"a balanced ledger {when}: {self.ledger.line()}")

    def end(self) -> None:
        """Leave nothing running, whatever happened."""
        for unit in self.units:
            unit.ask_to_stop()
        for unit in self.units:
            unit.wait()
        self.gateway.stop()
        self.broker.stop()

    def restart_gateway(self) -> None:
        """`kill -9` of the gateway, and another one in its place; what it had printed is kept."""
        assert self.gateway._process is not None
        self.gateway._process.send_signal(signal.SIGKILL)
        self.gateway._process.wait()
        self.take()
        self.gateway = DemoGateway(self.site, self.folder / "gateway.log")
        self.gateway.start()

    def logs(self) -> str:
        """All that the processes said on standard error."""
        names = [self.folder / "gateway.log", *(u.log for u in self.units)]
        return "\n".join(n.read_text() for n in names if n.exists())


def run_unit(folder: Path) -> subprocess.Popen[str]:
    """`stillroom run` with its standard error to read."""
    from sys import executable

    # A shell that started the tests in the background has SIGINT ignored; whoever presses Ctrl-C has not.
    return subprocess.Popen(
        [executable, "-m", "stillroom", "run", "--config", str(folder / "unit.toml")],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
