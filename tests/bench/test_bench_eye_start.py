"""From an eye's first lease to its first observation, by the simulated camera: CPU seconds, not the clock's."""

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rig import run

from stillroom import config
from stillroom.link import EYE_SOCKET, EyeSays, Guarded, Hello, Lease, Link, Listener, Note
from stillroom.observation import Observation

SCENARIO = Path(__file__).parents[2] / "config" / "scenarios" / "sleeper.toml"
MOST_CPU_S = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    site, folder = tmp_path / "site", tmp_path / "u"
    run("site", "new", site, "--site", "test", "--no-tls")
    camera = ("--profile", "lab", "--camera", "simulated", "--source", SCENARIO)
    run("make", "unit", folder, "--site", site, "--unit", "u-1", *camera)
    (folder / "run").mkdir(exist_ok=True)
    run("site", "authorise", "new", folder, "--site", site, "--room", "r-1", "--days", 1)
    path = folder / "unit.toml"
    path.write_text(path.read_text().replace('models = "models"', 'models = ""'))
    return path


def said(link: Link, lease: bool, notes: tuple[Note, ...] = ()) -> Iterator[object]:
    """What the eye says, as it comes; leases flow meanwhile, after what was signed."""
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        while True:
            if lease:
                for note in notes:
                    link.send(note)
                notes = ()
                link.send(Lease(900, True, True, room_empty=False))
            if selector.select(0.2) and (message := link.receive()) is not None:
                yield message


def shown(trust: Path) -> tuple[Note, ...]:
    """As a keeper hands them over."""
    (paper,) = (trust / "authorisations").glob("*.note")
    roster, allowed = (trust / "roster.note").read_bytes(), paper.read_bytes()
    return Note("roster", roster), Note("authorisation", allowed)


def test_from_lease_to_the_first_observation(unit: Path) -> None:
    listener = Listener(config.load(unit).folder / "run" / EYE_SOCKET, EyeSays, os.getuid())
    opener = "stillroom_tools.lab.simulated:open_camera"
    command = [sys.executable, "-m", "stillroom", "eye", "--config", str(unit), "--camera", opener]
    eye = subprocess.Popen(command, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            assert selector.select(60), "it never came"
        link = listener.accept()
        assert link is not None and isinstance(next(said(link, lease=False)), Guarded)
        at_lease_s = cpu_s(eye.pid)
        messages = said(link, True, shown(unit.parent / "trust"))
        assert isinstance(next(messages), Hello)
        assert isinstance(next(messages), Observation)
        whole_s = cpu_s(eye.pid)
        print(
            f"\nfrom lease to first observation {whole_s - at_lease_s:.2f} s of CPU; from its start {whole_s:.2f} s"
        )
        assert whole_s - at_lease_s <= MOST_CPU_S
        link.close()
        eye.wait(30)
    finally:
        eye.kill()
        eye.wait()
        listener.close()
