"""What is shipped: wheels of both machines, Debian packages on a fresh Debian, booted with systemd, and purged."""

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from stillroom_tools.make import card
from stillroom_tools.site import admit
from tests import machines
from tests.emulated import Emulated
from tests.live import CANARY, LiveSite, command, until
from tests.machines import Machine
from tests.making import write_card
from tests.test_end_to_end_release import sign_for_release

REPOSITORY = Path(__file__).parents[1]
MOST_MB = 160
BUILT_WITHIN_S = 900.0
SYSTEM = "--include=systemd,systemd-sysv,dbus,python3,libstdc++6"
LAB_EYE = """[Service]
ExecStart=
ExecStart=/usr/lib/stillroom/bin/stillroom eye --config /var/lib/stillroom/unit.toml --keeper-user stillroom-keeper \
--camera {camera}
"""
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def package(root: Path, *what: str) -> Path:
    """`tools/package`; the path of what it has made."""
    done = subprocess.run(
        [root / "tools" / "package", *what],
        capture_output=True,
        text=True,
        timeout=BUILT_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return root / done.stdout.strip()


def copied(to: Path) -> Path:
    """What the repository holds, at another place, with this environment."""
    names = ["LICENSE", "SECURITY.md", "README.md", "MANIFEST.in", "pyproject.toml"]
    to.mkdir()
    for name in names:
        shutil.copy(REPOSITORY / name, to / name)
    for name in ("native", "runtime", "config", "tools", "systemd"):
        shutil.copytree(REPOSITORY / name, to / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (to / ".venv").symlink_to(REPOSITORY / ".venv")
    return to


def test_two_builds_of_one_commit_are_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    wheels = [package(copied(tmp_path / name), "wheel") for name in ("one", "another-place")]
    assert wheels[0].name == wheels[1].name
    hashes = {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    assert len(hashes) == 1
    for where in (tmp_path, REPOSITORY, sys.base_prefix):
        assert str(where).encode() not in unpacked(wheels[0], tmp_path / "unpacked"), "a path of this machine"


def unpacked(wheel: Path, to: Path) -> bytes:
    """The compiled core in a wheel."""
    shutil.unpack_archive(wheel, to, "zip")
    return (to / "stillroom" / "_native.abi3.so").read_bytes()


SELF_TEST = """
import hashlib, sys
import numpy as np
from stillroom.eye.distil import Grid, distil
from stillroom.eye.frame import Frame
random = np.random.default_rng(7)
planes = [random.integers(0, 256, size, np.uint8) for size in ((480, 640), (240, 320), (240, 320))]
grid, before, found = Grid(640, 480), None, hashlib.sha256()
for number in range(3):
    distil(Frame(*(np.roll(plane, number, 1) for plane in planes), number), before, None, grid)
    before = grid.y.copy()
    for name in ("y", "u", "v", "moved", "clipped", "histogram"):
        found.update(np.ascontiguousarray(getattr(grid, name)).tobytes())
print(found.hexdigest())
"""


def test_the_units_package_for_arm64_is_installed_there_and_does_the_same(tmp_path: Path):
    """In a Debian of arm64 whose every program is emulated: dpkg, the core, libsodium, what runs models."""
    deb = sound_deb("unit", "arm64")
    arm = Emulated(tmp_path / "arm")
    shutil.copy(deb, arm.root / "unit.deb")
    arm.must("dpkg", "--install", "/unit.deb")
    there = ("/usr/lib/stillroom/bin/python3", "-I", "-c")
    assert "aarch64" in arm.must(
        *there, "import platform, ai_edge_litert.interpreter; print(platform.machine())"
    )
    here = subprocess.run([sys.executable, "-c", SELF_TEST], capture_output=True, text=True, check=True)
    assert arm.must(*there, SELF_TEST) == here.stdout and len(here.stdout.strip()) == 64
    write_card(arm.root / "card", unit="u-arm")
    arm.must("stillroom", "make", "unit", "/root/unit", "--card", "/card")
    answer = card.read_answer(arm.root / "card")
    assert answer is not None and admit.read_request(answer.enrolment.encode()).unit == "u-arm", (
        "signed there"
    )
    arm.must("dpkg", "--purge", "stillroom-unit")
    assert not (arm.root / "usr/lib/stillroom").exists() and not (arm.root / "var/lib/stillroom").exists()
    shutil.rmtree(arm.root)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As debootstrap leaves it. Tests must not install anything here."""
    machines.need("debootstrap", "systemd-nspawn", "lintian", "nsenter")
    root = machines.bootstrap(tmp_path_factory.mktemp("debian") / "root", SYSTEM)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def machine(debian: Path, tmp_path: Path) -> Iterator[Machine]:
    """A copy, to install on."""
    root = tmp_path / "root"
    subprocess.run(["cp", "--archive", debian, root], check=True)
    yield Machine(root)
    shutil.rmtree(root)


@cache
def sound_deb(*which: str) -> Path:
    """Built, without an error of lintian's."""
    deb = package(REPOSITORY, "deb", *which)
    said = subprocess.run(["lintian", "--fail-on=error", deb], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    return deb


def put(machine: Machine, which: str) -> str:
    """The package's path there."""
    shutil.copy(sound_deb(which), machine.root / f"{which}.deb")
    return f"/{which}.deb"


def install(machine: Machine, which: str) -> None:
    """Without anything else."""
    machine.must("dpkg", "--install", put(machine, which))


def size_mb(folder: Path) -> float:
    """On a disk, whatever its blocks: links counted once."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def files_of(machine: Machine) -> set[str]:
    """Below the folders that a package could leave something in."""
    places = ("usr", "etc", "var/lib")
    return {
        str(path.relative_to(machine.root))
        for place in places
        for path in (machine.root / place).rglob("*")
        if "/dpkg" not in str(path) and "/apt/" not in str(path)
    }


def place_unit(machine: Machine, live: LiveSite, camera: str) -> None:
    """The unit of a site on this machine, with a camera of the lab, and the canary's packages for it."""
    unit = (live.units or [live.add_unit()])[0].folder
    home = machine.root / "var/lib/stillroom"
    shutil.copytree(
        CANARY / "canary_camera",
        machine.root / "usr/lib/stillroom/lib/python3.11/site-packages/canary_camera",
    )
    text = (unit / "unit.toml").read_text().replace(str(live.folder / "life.toml"), "life.toml")
    (unit / "unit.toml").write_text(text)
    shutil.copytree(unit, machine.root / "root/unit")
    print(machine.must("stillroom-place-unit", "/root/unit"))
    shutil.copy(live.folder / "life.toml", home / "life.toml")
    (home / "life.toml").chmod(0o644)
    drop_in = machine.root / "etc/systemd/system/stillroom-eye.service.d/lab.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(LAB_EYE.format(camera=camera))


def test_a_unit_installed_booted_taken_over_and_purged(machine: Machine, live: LiveSite, tmp_path: Path):
    before = files_of(machine)
    install(machine, "unit")
    installed_mb = size_mb(machine.root / "usr/lib/stillroom")
    print(f"installed: {installed_mb:.0f} MB")
    assert installed_mb <= MOST_MB
    assert machine.must("stillroom", "--version").startswith("stillroom ")
    refused = machine.run("stillroom-place-unit", "/nowhere")
    assert refused.returncode == 3 and "/nowhere: no unit there" in refused.stdout + refused.stderr
    place_unit(machine, live, "stillroom_tools.lab.simulated:open_camera")
    live.broker.start()
    live.gateway.start()
    with machine.booted(tmp_path / "boot.log"):
        until(lambda: live.has("gate", gate="open"), "the gate's word", 90.0)
        until(lambda: machine.active("stillroom-eye.service"), "an eye that has seen something", 60.0)
        users = {name: machine.user_of(f"stillroom-{name}") for name in ("keeper", "eye", "courier")}
        assert users == {name: f"stillroom-{name}" for name in users}
        assert not (machine.root / "var/lib/stillroom/keys").exists(), "a key in the clear"

        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.pid_of("stillroom-eye") == 0, "the end of the eye")
        until(lambda: machine.active("stillroom-dark.target"), "dark")
        rogue = LAB_EYE.format(camera="canary_camera.rogue:open_camera")
        (machine.root / "etc/systemd/system/stillroom-eye.service.d/lab.conf").write_text(rogue)
        machine.inside("systemctl", "daemon-reload")
        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.active("stillroom-eye.service"), "an eye that arms its own lease", 60.0)
        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR1", "stillroom-keeper")
        until(lambda: machine.pid_of("stillroom-eye") == 0, "the end of that one too", 10.0)

        machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=SIGKILL", "stillroom-keeper")
        until(lambda: machine.active("stillroom-keeper.service"), "another keeper", 60.0)
        until(lambda: machine.active("stillroom-courier.service"), "another courier", 60.0)
    shutil.rmtree(machine.root / "usr/lib/stillroom/lib/python3.11/site-packages/canary_camera")
    machine.must("dpkg", "--purge", "stillroom-unit")
    left = {name for name in files_of(machine) - before if "stillroom" in name and "/log/" not in name}
    assert left <= {
        "etc/systemd/system/stillroom-eye.service.d",
        "etc/systemd/system/stillroom-eye.service.d/lab.conf",
    }


def recordings(machine: Machine) -> list[Path]:
    """On the unit's card."""
    return sorted((machine.root / "var/lib/stillroom/state/releases").glob("*/*.stlc"))


def test_recordings_come_with_a_package_and_go_with_it(machine: Machine, live: LiveSite, tmp_path: Path):
    """Put on a unit that runs, taken off one that records, purged: its keeper starts anew each time."""
    refused = machine.run("dpkg", "--install", put(machine, "release"))
    assert refused.returncode != 0
    assert "stillroom-release depends on stillroom-unit" in refused.stdout + refused.stderr
    machine.must("dpkg", "--purge", "stillroom-release")
    unit = live.add_unit()
    sign_for_release(live)
    command("site", "release", "deliver", live.folder / "draft", unit.folder, "--site", live.site)
    install(machine, "unit")
    place_unit(machine, live, "stillroom_tools.lab.simulated:open_camera")
    before = files_of(machine)
    live.broker.start()
    live.gateway.start()
    with machine.booted(tmp_path / "boot.log"):
        until(lambda: live.has("gate", gate="open"), "the gate's word", 90.0)
        assert "stillroom-release is not installed here" in journal(machine)
        first = machine.pid_of("stillroom-keeper")
        must_inside(machine, "dpkg", "--install", "/release.deb")
        assert machine.pid_of("stillroom-keeper") not in (0, first), "a keeper that can record"
        until(lambda: recordings(machine), "a recording", 90.0)
        until(lambda: recordings(machine)[0].stat().st_size > 3 * 138_000, "three seconds of it", 60.0)
        second = machine.pid_of("stillroom-keeper")
        assert machine.inside("dpkg", "--remove", "stillroom-unit").returncode != 0, (
            "recordings need their unit"
        )
        told = must_inside(machine, "dpkg", "--remove", "stillroom-release")
        assert "stillroom-release: a recording runs under a release: it ends now" in told
        assert "recordings (1 file" in told and "nobody deletes them when they expire" in told
        until(lambda: machine.active("stillroom-eye.service"), "an eye that cannot record", 60.0)
        assert machine.pid_of("stillroom-keeper") not in (0, second)
        (left,) = recordings(machine)
        size = left.stat().st_size
        until(lambda: "recordings that nobody deletes here" in journal(machine), "its word of them")
        assert left.stat().st_size == size
        must_inside(machine, "dpkg", "--purge", "stillroom-release")
        assert recordings(machine) == [] and not left.parent.parent.exists()
        assert machine.active("stillroom-keeper.service")
    assert not {name for name in files_of(machine) - before if "release" in name and "/state/" not in name}


def told_of(live: LiveSite) -> set[str]:
    """What links of the unit's chain that have come so far are about."""
    live.take()
    bodies = [line.event["body"] for line in live.lines if line.event["type"] == "audit"]
    return {str(json.loads(base64.b64decode(body))["what"]) for body in bodies}


def test_encrypted_keys_are_rotated_and_erased_where_the_unit_runs(
    machine: Machine, live: LiveSite, tmp_path: Path
):
    """By card, in three steps; no key lies in the clear, the unit goes on under the new ones, and leaves none."""
    install(machine, "unit")
    place_unit(machine, live, "stillroom_tools.lab.simulated:open_camera")
    home, store, card = "/var/lib/stillroom", machine.root / "etc/credstore.encrypted", machine.root / "card"
    old = (store / "stillroom-unit.key").read_bytes()
    live.broker.start()
    live.gateway.start()
    with machine.booted(tmp_path / "boot.log"):
        until(lambda: live.has("gate", gate="open"), "the gate's word", 90.0)
        rotate = ("stillroom", "make", "rotate", home, "--card", "/card")
        elsewhere = machine.inside("stillroom", "make", "rotate", "/root/unit", "--card", "/card")
        assert elsewhere.returncode == 3 and f"runs from {home}" in elsewhere.stderr
        assert machine.inside(*rotate).returncode == 8, "while its keeper runs"
        must_inside(machine, "systemctl", "stop", "stillroom-keeper")
        assert "its request is on the card" in must_inside(machine, *rotate)
        assert (store / "stillroom-next.key").exists()
        command("make", "rotate", card, "--sign", "--site", live.site)
        assert "systemctl start stillroom-keeper" in must_inside(machine, *rotate)
        assert not (store / "stillroom-next.key").exists()
        assert (store / "stillroom-unit.key").read_bytes() != old
        strange = ("find", f"{home}/state", f"{home}/trust", "!", "-user", "stillroom-keeper")
        assert must_inside(machine, *strange) == ""
        again = machine.inside("stillroom-place-unit", "/root/unit")
        assert again.returncode == 6 and "that was rotated since" in again.stderr, (
            "not the old key in its place"
        )
        must_inside(machine, "systemctl", "start", "stillroom-keeper")
        until(lambda: "keys-rotated" in told_of(live), "the old key's last link", 90.0)
        until(lambda: machine.active("stillroom-eye.service"), "an eye under the new keys", 90.0)
        assert machine.inside("find", home, "-name", "*.key*").stdout == "", "no key in the clear"
        erase = ("stillroom", "make", "decommission", "erase")
        asked = ("--unit", "unit-1", "--out", "/receipt.note", "--lose-waiting")
        assert machine.inside(*erase, "/root/unit", *asked).returncode == 3, (
            "not the folder that it came from"
        )
        assert machine.inside(*erase, home, *asked).returncode == 8, "while its keeper runs"
        must_inside(machine, "systemctl", "stop", "stillroom-keeper")
        assert "done: its key is gone" in must_inside(machine, *erase, home, *asked)
        assert "again: it is gone" in must_inside(machine, *erase, home, *asked)
        assert not list(store.glob("*stillroom-*")), "nor one that is encrypted"
        assert machine.inside("find", home, "-type", "f", "!", "-name", "life.toml").stdout == "", (
            "but the script"
        )
    command("make", "decommission", "take", machine.root / "receipt.note", "--site", live.site)
    assert "key-rotated" not in live.logs() and "broken-chain" not in live.logs()


def journal(machine: Machine) -> str:
    return machine.inside("journalctl", "--no-pager", "--unit=stillroom-keeper").stdout


def must_inside(machine: Machine, *words: str) -> str:
    """All that it said, in the booted machine."""
    done = machine.inside(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_site_installed_and_booted(machine: Machine, live: LiveSite, tmp_path: Path):
    install(machine, "site")
    print(f"installed: {size_mb(machine.root / 'usr/lib/stillroom'):.0f} MB")
    shutil.copytree(live.site, machine.root / "root/site")
    print(machine.must("stillroom-place-site", "/root/site"))
    home = machine.root / "var/lib/stillroom-site"
    assert not (home / "authority/authority.key").exists() and not (home / "ca/ca-key.pem").exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    drop_in = machine.root / "etc/systemd/system/stillroom-board.service.d/port.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(f"[Service]\nEnvironment=STILLROOM_LISTEN=127.0.0.1:{port}\n")
    live.broker.start()
    unit = live.add_unit()
    shutil.copy(live.site / "units" / f"{unit.name}.note", home / "units" / f"{unit.name}.note")
    machine.must("chown", "--recursive", "stillroom-site:", "/var/lib/stillroom-site/units")
    with machine.booted(tmp_path / "boot.log"):
        for name in ("gateway", "board"):
            until(lambda name=name: machine.active(f"stillroom-{name}.service"), f"a {name}", 90.0)
        unit.start()
        until(
            lambda: unit.status().accepted > 0 and unit.status().waiting == 0,
            "that the gateway has it all",
            90.0,
        )
        with socket.create_connection(("127.0.0.1", port), 10.0) as browser:
            browser.sendall(
                f"GET /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
            )
            assert b" 200 OK" in browser.recv(64)
        unit.ask_to_stop()
        unit.wait()
    machine.must("dpkg", "--purge", "stillroom-site")
    assert (home / "site.toml").exists(), "what a site has kept goes with no program"
